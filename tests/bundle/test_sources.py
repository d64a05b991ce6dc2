"""Rules that hold over the whole repository: who imports whom, no addresses of registries, every linter content."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT
from bundle_world.imports import arrows, circles

SERVICES = ROOT / "services"
MAY_IMPORT: dict[str, set[str]] = {
    "prosaas_logging": set(),
    "prosaas_core": {"prosaas_logging"},
    "prosaas_api": {"prosaas_core", "prosaas_logging"},
    "prosaas_calls": {"prosaas_core", "prosaas_logging"},
    "prosaas_worker": {"prosaas_core", "prosaas_logging"},
    "prosaas_ops": {"prosaas_core", "prosaas_logging"},
    "simulator": set(),
}
# Which rooms of its package a room may import. A package's own files at the top are free, but no circle may arise.
ROOMS: dict[str, dict[str, set[str]]] = {
    "prosaas_core": {
        "tables": set(),
        "postgres": set(),
        "facts": set(),
        "tracing": set(),
        "privacy": {"facts"},
        "kept": {"facts"},
        "costs": {"facts", "tables"},
        "outward": {"tracing"},
        "messages": {"outward"},
        "migrations": {"tables"},
    },
    "prosaas_api": {"rest": set()},
    "prosaas_worker": {"jobs": set()},
    "prosaas_calls": {
        "prompts": set(),
        "caller": {"prompts"},
        "model": set(),
        "tools": set(),
        "call": {"prompts", "caller", "model", "tools"},
    },
    "prosaas_ops": {
        "texts": set(),
        "stack": {"texts"},
        "stories": {"stack", "texts"},
        "screen": {"texts", "stories", "stack"},
        "ask": {"screen", "texts", "stories", "stack"},
        "conduct": {"stack", "texts"},
        "swarm": {"conduct", "screen", "texts", "stack"},
        "act": {"swarm", "conduct", "screen", "texts", "stories", "stack"},
        "console": {"act", "ask", "screen", "texts", "stories", "stack"},
    },
    "simulator": {
        "audio": set(),
        "phone": {"audio"},
        "model": {"audio"},
        "stand_ins": set(),
        "load": {"audio", "phone", "model"},
    },
}
MOST_FILES, MOST_LINES = 20, 300
# Longer because it is one table.
TABLES = {"prosaas_logging/catalogue.py"}
SHELL = [
    *ROOT.glob("scripts/*.sh"),
    ROOT / "scripts/run",
    *ROOT.glob("deploy/**/*.sh"),
    *SERVICES.glob("**/*.sh"),
    ROOT / ".ci/run",
]


def tracked() -> list[Path]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def room_of(package: str, module: str) -> str:
    """What stands directly under the package: a room, or a file at its top; "" for what is none of it."""
    name, _, inside = module.partition(".")
    return inside.partition(".")[0] if name == package else ""


def tool(name: str) -> str:
    """A linter from the environment that runs the tests."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is in services/requirements/test.in and must be installed"
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    """A package imports itself and what stands below it; the simulator stays an independent second opinion."""
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{module} imports {name}"
        for module, names in arrows(SERVICES, package).items()
        for name in names
        if name.partition(".")[0] not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ROOMS)
def test_imports_between_rooms_go_one_way(package: str) -> None:
    """A room imports itself, the rooms below it and files at the top of its package, and none of these leads back."""
    between: dict[str, set[str]] = {}
    for module, names in arrows(SERVICES, package).items():
        here = room_of(package, module)
        between.setdefault(here, set()).update({room_of(package, name) for name in names} - {"", here})
    rooms = ROOMS[package]
    assert set(rooms) == {folder.parent.name for folder in (SERVICES / package).glob("*/*.py")}, "every room has a row"
    assert {room for room, allowed in rooms.items() if between[room] & set(rooms) - allowed} == set()
    assert circles(between) == {}, "these import one another in a circle"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_modules_import_one_another_in_a_circle(package: str) -> None:
    """Inside a room, too: of two modules that need each other, one is read after the other."""
    assert circles(arrows(SERVICES, package)) == {}


@pytest.mark.parametrize(
    ("first", "second", "circle"),
    [
        ("from house.second import x", "from house import first", True),
        ("from . import second", "def late():\n    from .first import x", True),
        ("import house.second", "import house.third", False),
        ("from house.second import x", "if TYPE_CHECKING:\n    from house.first import x", False),
        ("from house.second import x", "from house import first_things", False),
    ],
)
def test_what_counts_as_a_circle(first: str, second: str, circle: bool, tmp_path: Path) -> None:
    """An import counts wherever it stands, and however it is written, unless it is for the type checker alone."""
    house = tmp_path / "house"
    house.mkdir()
    for name, text in {"__init__": "", "first": first, "second": second, "third": ""}.items():
        (house / f"{name}.py").write_text(text, "utf-8")
    assert set(circles(arrows(tmp_path, "house"))) == ({"house.first", "house.second"} if circle else set())


def test_no_folder_holds_more_than_a_person_can_see() -> None:
    """Twenty files of its own at the most; prosaas_logging is flat on purpose."""
    folders = {module.parent for package in MAY_IMPORT for module in (SERVICES / package).rglob("*.py")}
    many = {folder.name: len(list(folder.glob("*.py"))) for folder in folders if folder.name != "prosaas_logging"}
    assert {name: count for name, count in many.items() if count > MOST_FILES} == {}


def test_no_file_holds_more_than_one_idea_needs() -> None:
    """Where a file outgrows this an idea of its own begins in it: that moves, not some of the lines."""
    files = {file for package in MAY_IMPORT for file in (SERVICES / package).rglob("*.py")}
    lines = {str(file.relative_to(SERVICES)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > MOST_LINES and name not in TABLES} == {}


def test_no_address_of_a_package_index_or_mirror_is_written_down() -> None:
    """Where packages come from is the machine's own setting; the repository names none."""
    index = re.compile(
        r"https?://[^\s\"']*(?:/simple\b|/debian\b|/dists/|pypi\.|registry\.)|--(?:extra-)?index-url", re.I
    )
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if path.suffix not in {".png", ".gz"} and path != Path(__file__)
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if index.search(line)
    ]
    assert found == []


def test_no_secret_is_tracked() -> None:
    """.env and secrets/ stay on the machine that made them."""
    names = {str(path.relative_to(ROOT)) for path in tracked()}
    assert not [name for name in names if name == ".env" or name.startswith("secrets/")]


@pytest.mark.parametrize("script", SHELL, ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_is_clean(script: Path) -> None:
    """shellcheck finds nothing, following what a script sources."""
    command = [tool("shellcheck"), "--external-sources", "--source-path=SCRIPTDIR", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SHELL, ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_is_posix(script: Path) -> None:
    """A host needs a POSIX shell and no more."""
    first = script.read_text().splitlines()[0]
    assert first == "#!/bin/sh" or first.startswith("# "), first
    subprocess.run(["/bin/sh", "-n", str(script)], check=True)


@pytest.mark.parametrize("linter", ["shellcheck", "hadolint"])
def test_make_lint_asks_about_the_same_files_as_these_tests(linter: str) -> None:
    line = re.search(rf"^{linter} (.*)$", (ROOT / "scripts/lint.sh").read_text("utf-8"), re.MULTILINE)
    assert line
    files = {path for word in line[1].split() if not word.startswith("-") for path in ROOT.glob(word)}
    assert files == (
        set(SHELL) if linter == "shellcheck" else {path for path in tracked() if path.name == "Dockerfile"}
    )


def test_yaml_is_clean() -> None:
    """yamllint finds nothing in what we track."""
    files = [str(path) for path in tracked() if path.suffix in {".yml", ".yaml"}]
    done = subprocess.run([tool("yamllint"), "--strict", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_dockerfile_is_clean() -> None:
    """hadolint finds nothing in any."""
    files = [str(path) for path in tracked() if path.name == "Dockerfile"]
    command = [tool("hadolint"), "--no-color", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_python_is_clean() -> None:
    """ruff finds nothing, in style or in form."""
    for arguments in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run(
            [tool("ruff"), *arguments, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("config", ["pyproject.toml", "tests/mypy.ini"])
def test_types_are_clean(config: str) -> None:
    """mypy --strict finds nothing in the services, and nothing wrong in what tests and benches call."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
