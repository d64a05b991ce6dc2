"""Every target of the Makefile through make itself, on commands that only note how they were called."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT, make_checkout

RECIPES = dict(
    re.findall(
        r"^([a-z][a-z-]*):[^\n]*## [^\n]*\n((?:\t[^\n]*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
)
SCRIPTS = {target: set(re.findall(r"scripts/[\w.-]+", recipe)) for target, recipe in RECIPES.items()}
MODULES = {target: re.findall(r"-m ([\w.]+)", recipe) for target, recipe in RECIPES.items()}


def test_every_documented_target_has_a_recipe() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    assert set(RECIPES) == set(re.findall(r"^([a-z][a-z-]*):.*## ", text, re.MULTILINE))


@pytest.mark.parametrize("target", [target for target, scripts in SCRIPTS.items() if scripts])
def test_a_recipe_s_script_is_there_and_can_be_run(target: str) -> None:
    for script in SCRIPTS[target]:
        assert os.access(ROOT / script, os.X_OK), f"make {target} runs {script}"


@pytest.mark.parametrize("target", [target for target, modules in MODULES.items() if modules])
def test_a_recipe_s_module_is_there(target: str) -> None:
    for module in MODULES[target]:
        path = Path(*module.split("."))
        found = [base / path for base in (ROOT, ROOT / "services", ROOT / "tests")]
        assert any(file.with_suffix(".py").exists() or (file / "__main__.py").exists() for file in found), module


def noted(target: str, clone: Path, *settings: str) -> str:
    """What `make TARGET` hands to its script, which is replaced by one that only writes that down."""
    for script in SCRIPTS[target]:
        path = clone / script
        path.write_text('#!/bin/sh\nprintf "%s" "$(basename "$0")"; for w; do printf " [%s]" "$w"; done\n', "utf-8")
        path.chmod(0o755)
    done = subprocess.run(
        ["make", target, *settings], cwd=clone, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", [target for target, recipe in RECIPES.items() if "scripts/run $@" in recipe])
def test_an_operator_s_command_reaches_the_tools_under_its_own_name(target: str, tmp_path: Path) -> None:
    assert noted(target, make_checkout(tmp_path).path).startswith(f"run [{target}]")


@pytest.mark.parametrize(
    "value",
    ["a b", "it's", 'say "x"', "INFO; id", "$(date)", "$HOME", "`id`", "a#b", "back\\slash", "*", "שלום", "a=b"],
)
def test_a_value_reaches_the_tools_whole_and_no_shell_reads_it(value: str, tmp_path: Path) -> None:
    """By its name in the environment, with the names that were typed beside it."""
    clone = make_checkout(tmp_path).path
    (clone / "scripts/run").write_text('#!/bin/sh\nprintf "%s|%s|%s" "$*" "$PROSAAS_TYPED" "$FILE"\n', "utf-8")
    done = subprocess.run(
        ["make", "restore", f"FILE={value}"],
        cwd=clone,
        env={name: found for name, found in os.environ.items() if name != "FORCE"} | {"FORCE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"restore|FILE|{value}"
