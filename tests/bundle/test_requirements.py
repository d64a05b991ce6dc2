"""The locked requirements: hashed, complete, and of one mind about versions."""

import re

import pytest

from bundle_world.checkout import ROOT

FOLDER = ROOT / "services" / "requirements"
LISTS = sorted(path.stem for path in FOLDER.glob("*.in"))
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in PINNED.findall((FOLDER / f"{name}.txt").read_text()):
        found.setdefault(package, set()).add(version)
    return found


def wanted(name: str) -> set[str]:
    """What a list asks for by hand, with the lists it includes."""
    names: set[str] = set()
    for line in (FOLDER / f"{name}.in").read_text().splitlines():
        if line.startswith("-r "):
            names |= wanted(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            names.add(re.split(r"[\[=<>~ ;]", line)[0].lower().replace("_", "-"))
    return names


@pytest.mark.parametrize("name", LISTS)
def test_every_pin_has_a_hash(name: str) -> None:
    """An install with --require-hashes takes exactly what was locked, from wherever it comes."""
    entries = (FOLDER / f"{name}.txt").read_text().replace("\\\n", " ").splitlines()
    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LISTS)
def test_lock_holds_what_is_asked_for(name: str) -> None:
    """A package added to a list by hand and not compiled is found here, before an image misses it."""
    assert wanted(name) <= set(pins(name))


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"test", "tools", "build"}])
def test_tests_run_with_the_versions_that_ship(name: str) -> None:
    """Each image's versions are the union's, so that what is tested is what runs."""
    union = pins("test")
    assert {
        package: versions for package, versions in pins(name).items() if not versions <= union.get(package, set())
    } == {}
