"""Which names .env and env/*.env have that nobody reads there, and which of the log's values nobody understands."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prosaas_logging.settings import load_settings
from prosaas_ops.conduct.files import read_env
from prosaas_ops.conduct.finding import Finding
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.spelling import meant
from prosaas_ops.texts import LANGUAGES, refused
from prosaas_ops.texts import machine as words

_EXAMPLE, _SETTINGS, _GUIDE = "env/example.env", "docs/settings.md", "docs/guide.md"
_LOG = "env/prod.env"
_WRITTEN = {"True": "1", "False": "0"}
# Docker's own.
_CLIENTS = ("COMPOSE_", "DOCKER_", "BUILDKIT_", "BUILDX_")


def names(world: World, _environment: str) -> Iterator[Finding]:
    """Each name in a file where it has no effect; no start is refused for it."""
    if not all((world.root / name).is_file() for name in (_EXAMPLE, _SETTINGS, _GUIDE)):
        return
    ours, logs = _tables(world.root)
    for name in world.env.settings:
        if name in logs - ours:
            yield _moved(name, ".env", _LOG)
        elif name not in ours and not name.startswith(_CLIENTS):
            yield _unread(name, ".env", ours | logs)
    for path in _files(world.root):
        file = f"env/{path.name}"
        for name in _read(path):
            if name in ours - logs:
                yield _moved(name, file, ".env")
            elif name not in logs:
                yield _unread(name, file, logs)


def values(world: World, _environment: str) -> Iterator[Finding]:
    """What a service would say of the log's settings, and what the tools understand of theirs."""
    for path in _files(world.root):
        file, inside = f"env/{path.name}", _read(path)
        for bad in load_settings("worker", inside).problems:
            if bad.name != "LOG_LEVEL":
                text = words.NO_VALUE(name=bad.name, value=bad.value, file=file, valid=bad.valid)
                yield Finding(
                    "log", text, words.ELSE_HOLDS(value=_WRITTEN.get(bad.fallback, bad.fallback)), _GUIDE, later=True
                )
        language, zone = inside.get("OPS_LANG", "").strip(), inside.get("OPS_TZ", "").strip()
        if language and language.lower() not in LANGUAGES:
            text = words.NO_VALUE(name="OPS_LANG", value=language, file=file, valid=", ".join(LANGUAGES))
            yield Finding("tools", text, str(words.CORRECT_THERE), _SETTINGS, later=True)
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Finding(
                "tools", f"{refused.NO_ZONE(zone=zone)} ({file})", str(words.CORRECT_THERE), _SETTINGS, later=True
            )


def _tables(root: Path) -> tuple[set[str], set[str]]:
    """The names for .env and those for env/*.env: of the example, of the pages, and of the Compose files."""
    example, settings, guide = ((root / name).read_text(encoding="utf-8") for name in (_EXAMPLE, _SETTINGS, _GUIDE))
    ours, logs = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)), set[str]()
    for row in re.findall(r"^\| `.*$", settings.partition("## Settings that are not in")[2], re.MULTILINE):
        (logs if f"in {_LOG}" in row else ours).update(re.findall(r"`([A-Z][A-Z0-9_]+)`", row.split("|")[1]))
    log = guide.partition("\n## Settings")[2].partition("\n## ")[0]
    logs |= set(re.findall(r"^(?:### |\| )`([A-Z]+_[A-Z_]+|PYTHONUNBUFFERED)`", log, re.MULTILINE))
    # The level of one service alone may stand in either.
    logs |= {name for name in ours if name.endswith("_LOG_LEVEL")}
    for path in (root / ".env", *root.glob("docker-compose*.yml"), *root.glob("deploy/**/*.yml")):
        with suppress(OSError):
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            ours |= {
                *re.findall(r"\$\{?([A-Za-z_]\w*)", text),
                *re.findall(r"^ +([A-Z][A-Z0-9_]+):\s*$", text, re.MULTILINE),
            }
    return ours, logs


def _read(path: Path) -> dict[str, str]:
    """Nothing of a file that cannot be read: of the one that a start needs, another check says so."""
    with suppress(Problem):
        return dict(read_env(path))
    return {}


def _files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "env").glob("*.env") if path.name != "example.env")


def _moved(name: str, file: str, other: str) -> Finding:
    return Finding("names", words.MISPLACED(name=name, file=file), words.MOVE(other=other), _SETTINGS, later=True)


def _unread(name: str, file: str, known: set[str]) -> Finding:
    text = words.NOT_READ(name=name, file=file) + meant(name, sorted(known))
    return Finding("names", text, str(words.CORRECT_OR_REMOVE), _SETTINGS, later=True)
