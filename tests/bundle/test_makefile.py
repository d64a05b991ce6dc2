"""Every target of the Makefile through make itself, on commands that only note how they were called."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT, make_checkout
from prosaas_ops import options, texts

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
_RULE = re.compile(r"^([a-z][a-z-]*):[^\n]*## ([^\n]*)\n((?:\t[^\n]*\n)+)", re.MULTILINE)
RECIPES = {target: recipe for target, _, recipe in _RULE.findall(MAKEFILE)}
SCRIPTS = {target: set(re.findall(r"scripts/[\w.-]+", recipe)) for target, recipe in RECIPES.items()}
# What a recipe can name wrongly: a file, a module, a setting, a target.
_WORDS = re.compile(r"(?:scripts|docs|env)/[\w.-]+|-m \w[\w.]*|\$\([A-Z]+\b|\$@")


def faults(makefile: str) -> list[str]:
    """What a recipe names that there is not: found without running it."""
    rules = _RULE.findall(makefile)
    documented = set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))
    found = [f"{target} has no recipe" for target in documented - {target for target, _, _ in rules}]
    assigned = set(re.findall(r"^([A-Z]+) :?=", makefile, re.MULTILINE))
    for target, help_text, recipe in rules:
        told = assigned | set(re.findall(r"\b([A-Z]+)=", help_text))
        found += [
            f"{target}: {name} is no setting of it"
            for name in re.findall(r"\$\(([A-Z]+)\b", recipe)
            if name not in told
        ]
        found += [
            f"{target}: {path}" for path in re.findall(r"\b(?:docs|env)/[\w.-]+", recipe) if not (ROOT / path).is_file()
        ]
        scripts = re.findall(r"scripts/[\w.-]+", recipe)
        found += [f"{target}: {script} cannot be run" for script in scripts if not os.access(ROOT / script, os.X_OK)]
        found += [
            f"{target}: there is no module {name}"
            for name in re.findall(r"-m (\w[\w.]*)", recipe)
            if not is_module(name)
        ]
        if "scripts/run" in recipe and recipe != "\t@scripts/run $@\n":
            found.append(f"{target}: not the command of its own name")
    return found


def is_module(name: str) -> bool:
    paths = [base / Path(*name.split(".")) for base in (ROOT, ROOT / "services", ROOT / "tests")]
    return any(path.with_suffix(".py").is_file() or (path / "__main__.py").is_file() for path in paths)


def broken() -> dict[str, str]:
    """The Makefile with one word of one recipe wrong, by what is wrong."""
    return {
        f"{rule[1]} {word[0]} {rule.start(3) + word.start()}": MAKEFILE[: rule.start(3) + word.end()]
        + "X"
        + MAKEFILE[rule.start(3) + word.end() :]
        for rule in _RULE.finditer(MAKEFILE)
        for word in _WORDS.finditer(rule[3])
    }


def test_each_recipe_names_what_there_is() -> None:
    assert faults(MAKEFILE) == []


@pytest.mark.parametrize("makefile", [pytest.param(text, id=name) for name, text in broken().items()])
def test_a_recipe_with_one_wrong_word_is_found(makefile: str) -> None:
    assert faults(makefile) != []


@pytest.mark.parametrize("target", [target for target, recipe in RECIPES.items() if "scripts/run" not in recipe])
def test_a_word_that_a_target_does_not_know_is_refused_by_name_before_it_acts(target: str) -> None:
    """The tools behind scripts/run do so themselves."""
    done = subprocess.run(["make", "-n", target, "FOO=1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"make {target} does not know FOO" in done.stderr


def test_a_target_without_its_recipe_is_found() -> None:
    assert faults(MAKEFILE.replace("\t@scripts/test.sh $(T)\n", "")) == ["test has no recipe"]


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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trce", "trace"),
        ("tarce", "trace"),
        ("staus", "status"),
        ("up-prdo", "up-prod"),
        ("restart-call", "restart-calls"),
        ("doctro", "doctor"),
        # By what it means: in its letters another is nearer.
        ("simulate", "call"),
    ],
)
def test_a_mistyped_target_is_refused_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    done = subprocess.run(["make", typed, "CALL=CA1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no target {typed}. Did you mean {meant}?" in done.stderr


@pytest.mark.parametrize("value", ["request of 3 May", "5 * 3; touch /nowhere", "it's $HOME", "דנה", "+972501234567"])
def test_the_command_that_was_meant_is_the_same_words_for_the_shell_that_it_is_pasted_into(value: str) -> None:
    typed = ["make", "lgos", "CALL=CA1", f"GREP={value.replace('$', '$$')}"]
    assert sorted(offered(*typed, goal="logs")) == sorted(typed[2:])


def offered(*typed: str, goal: str, language: str = "en") -> list[str]:
    """The words behind the target in the one command that is offered for what was typed."""
    done = refused(*typed, language=language)
    (pasted,) = (line for line in done.splitlines() if line.startswith(f"  fix:  make {goal}"))
    return shlex.split(pasted)[3:]


def refused(*typed: str, language: str = "en") -> str:
    environ = os.environ | {"OPS_LANG": language}
    done = subprocess.run(typed, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_the_command_that_was_meant_keeps_what_it_takes_and_what_is_for_all_and_nothing_else() -> None:
    typed = ("PHONE=0527654321", "GREP=x", "STACK=/srv/theirs", "OPS_TZ=UTC", "ARGS=x", "WHY=asked", "OPS_IMAGE=x")
    kept = ["OPS_IMAGE=x", "OPS_TZ=UTC", "PHONE=0527654321", "STACK=/srv/theirs", "WHY=asked"]
    assert sorted(offered("make", "tarce", *typed, goal="trace")) == kept
    assert offered("make", "tset", "T=tests/docs", "SINCE=1h", goal="test") == ["T=tests/docs"]


@pytest.mark.parametrize("name", sorted(options._GENERAL - {"MAKEFLAGS"}))
def test_what_is_fine_on_every_target_stays_beside_the_one_that_was_meant(name: str) -> None:
    assert offered("make", "tarce", f"{name}=1", goal="trace") == [f"{name}=1"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trace PHONE=050-123 4567", ["PHONE=050-123 4567"]),
        ("trace PHONE=+972 50 123 4567 OUT=html", ["PHONE=+972 50 123 4567", "OUT=html"]),
        ("trace PHONE=0501234567 AT=2026-01-25 22:05", ["PHONE=0501234567", "AT=2026-01-25 22:05"]),
        ("logs GREP=lost SINCE=2026-01-25 22:05", ["GREP=lost", "SINCE=2026-01-25 22:05"]),
        ("logs GREP=connection lost SINCE=1h", ["GREP=connection lost", "SINCE=1h"]),
        ("forget WHY=request of 3 May PHONE=0501234567", ["WHY=request of 3 May", "PHONE=0501234567"]),
        ("retry-job ID=12 13", ["ID=12 13"]),
    ],
)
def test_a_value_that_the_shell_cut_at_its_space_is_offered_whole_and_quoted(typed: str, meant: list[str]) -> None:
    goal, *words = typed.split()
    assert sorted(offered("make", goal, *words, goal=goal)) == sorted(meant)


@pytest.mark.parametrize(
    ("typed", "fix"),
    [
        ("logs S=calls WHY=went down", "make logs S=calls WHY='went down'"),
        ("logs WHY=please forget", "make logs WHY='please forget'"),
        ("calls WHY=went down again", "make calls WHY='went down again'"),
        ("WHY=went down logs", "WHY='…'"),
        ("down up-prod", "make down && make up-prod"),
        (
            "rotate-secret NAME=ADMIN_API_KEY restart-api ps",
            "make rotate-secret NAME=ADMIN_API_KEY && make restart-api && make ps",
        ),
        ("test-fast down", "make test-fast && make down"),
        ("-k tarce down", "make trace"),
    ],
)
def test_a_word_beside_an_operators_target_runs_nothing_though_it_is_a_targets_name(
    typed: str, fix: str, tmp_path: Path
) -> None:
    clone = make_checkout(tmp_path).path
    (clone / "scripts/run").write_text("#!/bin/sh\necho ran >>ran\n", "utf-8")
    environ = os.environ | {"OPS_LANG": "en"}
    done = subprocess.run(
        ["make", *typed.split()], cwd=clone, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert not (clone / "ran").exists()
    (said,) = (line.removeprefix("  fix:  ") for line in done.stderr.splitlines() if line.startswith("  fix:  "))
    assert sorted(said.split()) == sorted(fix.split())


def test_targets_of_development_stand_together() -> None:
    done = subprocess.run(["make", "-n", "lint", "docs"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "docs_world.samples" in done.stdout) == (0, True)


def test_no_value_of_a_name_that_the_target_does_not_take_is_offered_whole() -> None:
    said = refused("make", "errors", "GREP=connection", "lost", "SINCE=1h")
    assert "make errors does not know lost: a value follows its name" in said
    assert "GREP" not in said


def test_what_is_offered_in_place_of_a_cut_value_and_of_a_mistyped_target_is_in_the_operators_language() -> None:
    for typed, he, en in (
        (("trace", "PHONE=050-123", "4567"), "ערך שיש בו רווח נכתב בגרשיים", "a value with a space in it is quoted"),
        (("trace", "4567"), "ערך נכתב אחרי שמו", "a value follows its name"),
        (("levels", "ps"), "כל פקודה נכתבת לבדה", "each command is given by itself"),
        (("tarce",), "אולי התכוונתם ל-trace?", "Did you mean trace?"),
        (("zzzzzz",), "אין פקודה zzzzzz", "there is no target zzzzzz"),
    ):
        assert he in refused("make", *typed, language="he")
        assert en in refused("make", *typed, language="en")


@pytest.mark.parametrize(
    ("filed", "asked", "spoken"),
    [
        ("LOG_LANG=en\n", "", "en"),
        ("OPS_LANG=he\nLOG_LANG=en\n", "", "he"),
        ('OPS_LANG="en"\n', "", "en"),
        ("LOG_LANG=en\n", "he", "he"),
        ("LOG_LANG=fr\n", "xx", "he"),
        ("# OPS_LANG=en\n", "", "he"),
    ],
)
def test_the_scripts_find_the_operators_language_where_the_tools_do(
    filed: str, asked: str, spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_checkout(tmp_path).path
    (clone / "env/prod.env").write_text(filed, "utf-8")
    say = ["sh", "-c", ". scripts/lib.sh; ROOT=$PWD; spoken he en", "scripts/x"]
    environ = os.environ | {"OPS_LANG": asked}
    done = subprocess.run(say, cwd=clone, env=environ, capture_output=True, text=True, check=True)
    monkeypatch.setenv("OPS_LANG", asked)
    monkeypatch.setattr(texts, "_SETTINGS", clone / "env/prod.env")
    assert (done.stdout, texts.language()) == (spoken, spoken)


@pytest.mark.parametrize("word", ["0527654321", "CA0123456789", "$(HOME)"])
def test_a_value_without_its_name_is_refused_before_anything_is_asked(word: str) -> None:
    done = subprocess.run(["make", "trace", word], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"make trace does not know {word}: a value follows its name, as PHONE={word}" in done.stderr


@pytest.mark.parametrize("typed", ["zzzzzz", "simulator", "x; touch /nowhere/at/all", "it's", "$(HOME)"])
def test_a_word_that_is_like_no_target_is_refused_and_no_shell_reads_it(typed: str) -> None:
    done = subprocess.run(["make", typed], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no target" in done.stderr
    assert "Did you mean" not in done.stderr
    assert "cannot touch" not in done.stderr
