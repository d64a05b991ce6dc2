"""The environment of a process, read once into one frozen object, with what is wrong in it kept for the log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from .env import EnvError, read_env_file, size
from .levels import INFO, NAME_TO_LEVEL, parse_level

T = TypeVar("T")

CONTAINER_MARK: Final = Path("/.dockerenv")
SWITCH_FILE: Final = Path("/run/prosaas/log-switch.json")
# Where a service started by `run` has them, in a container that was not made for it.
ADOPTED_DIR: Final = Path("/tmp/prosaas-log")
BLACKBOX_DIR: Final = "/var/log/prosaas/blackbox"
EXPLICIT_LEVEL: Final = {
    "prosaas-api": "API_LOG_LEVEL",
    "prosaas-calls": "CALLS_LOG_LEVEL",
    "worker": "WORKER_LOG_LEVEL",
    "prosaas-worker": "WORKER_LOG_LEVEL",
}
_LONGEST_LEVELS: Final = 8192
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Problem:
    """A value that was not understood, in words that tell a person what to write instead."""

    name: str
    value: str
    valid: str
    fallback: str


@dataclass(frozen=True)
class LogSettings:
    """How one process logs."""

    service: str
    env: str = "prod"
    version: str = ""
    level: int = INFO
    level_source: str = "default"
    json: bool = False
    lang: str = "he"
    schema: str = "default"
    transcripts: bool = True
    call_budget: int = 30
    levels: tuple[tuple[str, int], ...] = ()
    follow_threads: bool = True
    descriptors: str = ""
    folded: str = "ring"
    recorder: int = 500
    blackbox: str = BLACKBOX_DIR
    place: str = ""
    buffer: int = 8 * 1024**2
    switch_file: Path = SWITCH_FILE
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def load_settings(
    service: str,
    environ: Mapping[str, str] | None = None,
    *,
    version: str | None = None,
    container_mark: Path = CONTAINER_MARK,
) -> LogSettings:
    """Read *environ* for *service*; a bad value falls back to its default and is listed in ``problems``."""
    process = os.environ if environ is None else environ
    values, origin = _in_force(process, container_mark)
    problems: list[Problem] = []

    def read(name: str, parse: Callable[[str], T | None], otherwise: T, valid: str) -> T:
        text = values.get(name, "").strip()
        if not text:
            return otherwise
        with suppress(ValueError):
            if (parsed := parse(text)) is not None:
                return parsed
        problems.append(Problem(name, text, valid, str(otherwise)))
        return otherwise

    default = LogSettings(service)
    level, source = _level(service, process, values, origin, problems)
    return LogSettings(
        service=service,
        env=values.get("PROSAAS_ENV") or default.env,
        version=version or values.get("PROSAAS_VERSION") or "",
        level=level,
        level_source=source,
        json=read("LOG_JSON", _boolean, default.json, "1, 0"),
        lang=read("LOG_LANG", _one_of("he", "en"), default.lang, "he, en"),
        schema=read("LOG_SCHEMA", _one_of("default", "ecs", "gcp"), default.schema, "default, ecs, gcp"),
        transcripts=read("LOG_TRANSCRIPTS", _boolean, default.transcripts, "1, 0"),
        call_budget=read("LOG_CALL_BUDGET", _count, default.call_budget, "a number of lines, 0 for no budget"),
        levels=_levels(values.get("LOG_LEVELS", ""), problems),
        follow_threads=read("LOG_FOLLOW_THREADS", _boolean, default.follow_threads, "1, 0"),
        descriptors=read("LOG_DESCRIPTORS", _descriptors, default.descriptors, "1, 0, first"),
        folded=read("LOG_FOLDED", _one_of("ring", "file"), default.folded, "ring, file"),
        recorder=read("LOG_RECORDER", _count, default.recorder, "a number of records, 0 for none"),
        blackbox=read("LOG_BLACKBOX", _blackbox, default.blackbox, "an absolute directory, stdout, 0"),
        place=values.get("LOG_PLACE", ""),
        buffer=max(64 * 1024, read("LOG_BUFFER", size, default.buffer, "bytes, or a size such as 8MiB")),
        switch_file=Path(values.get("LOG_SWITCH_FILE") or default.switch_file),
        problems=tuple(problems),
    )


def _level(
    service: str, process: Mapping[str, str], values: Mapping[str, str], origin: str, problems: list[Problem]
) -> tuple[int, str]:
    """The level by the most particular setting there is, and where that setting stood."""
    valid = ", ".join(NAME_TO_LEVEL)
    for name in (EXPLICIT_LEVEL.get(service, ""), "LOG_LEVEL"):
        text = values.get(name, "").strip()
        if not text:
            continue
        level = parse_level(text)
        if level is not None:
            where = origin if values.get(name) != process.get(name) else "environment"
            return level, f"{name} ({where})"
        problems.append(Problem(name, text, valid, "INFO"))
        return INFO, "default"
    return INFO, "default"


def _levels(text: str, problems: list[Problem]) -> tuple[tuple[str, int], ...]:
    """Levels by name, ``server.jobs=DEBUG,stdout=DEBUG``; what is not understood is left out."""
    levels: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text[:_LONGEST_LEVELS].split(","))):
        name, _, word = (piece.strip() for piece in part.partition("="))
        level = parse_level(word)
        if name and level is not None:
            levels[name] = level
        else:
            problems.append(Problem("LOG_LEVELS", part, f"a logger = one of {', '.join(NAME_TO_LEVEL)}", "LOG_LEVEL"))
    return tuple(levels.items())


def _in_force(process: Mapping[str, str], container_mark: Path) -> tuple[Mapping[str, str], str]:
    """Lay the mounted env file over the environment if it was edited after the container was created.

    Docker freezes the environment when it creates a container, so an edit followed by a restart would otherwise change
    nothing; while the file is older than the container, what was given explicitly at creation stays in force.
    """
    path = process.get("PROSAAS_ENV_FILE", "")
    if not path:
        return process, "environment"
    try:
        edited = os.stat(path).st_ctime > os.stat(container_mark).st_mtime
        text = Path(path).read_text(encoding="utf-8") if edited else ""
        values = read_env_file(text, process)
    except (OSError, UnicodeDecodeError, EnvError):
        return process, "environment"
    changed = {k: v for k, v in values.items() if k.startswith("LOG_") or k in EXPLICIT_LEVEL.values()}
    return {**process, **changed}, path


def _boolean(text: str) -> bool | None:
    lowered = text.lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _descriptors(text: str) -> str | None:
    if text.lower() == "first":
        return "first"
    on = _boolean(text)
    return None if on is None else "beside" if on else ""


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _one_of(*choices: str) -> Callable[[str], str | None]:
    return lambda text: text.lower() if text.lower() in choices else None


def _blackbox(text: str) -> str | None:
    if text.lower() in _FALSE:
        return ""
    return text.lower() if text.lower() == "stdout" else text if text.startswith("/") else None
