"""The .env of a stack: read as Compose reads it, and written whole or not at all."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from prosaas_logging.env import EnvError, read_env_file
from prosaas_ops.files import ASIDE, replace
from prosaas_ops.options import Problem
from prosaas_ops.texts import conduct as words
from prosaas_ops.texts import refused

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:]")
_PLAIN = re.compile(r"[A-Za-z0-9._:/+=@,-]*")
_UNSET = "\ufffd"
# An earlier release left them to chance, which a name that somebody chose may look like.
BY_CHANCE = re.compile(r"(?=.{0,7}[a-z])(?=.{0,7}[0-9])[a-z0-9_]{8}")


def problem(what: str, fix: str, read: str = "") -> Problem:
    """What is wrong, what puts it right, and where to read about it."""
    return Problem(f"{what}\n  {words.FIX}  {fix}" + (f"\n  {words.READ} {read}" if read else ""))


def read_env(path: Path) -> dict[str, str]:
    """The settings in an env file as Compose reads them, for Compose itself is asked; {} without a file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(refused.NOT_TEXT(name=path.name, why=type(error).__name__)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Problem(refused.NUL_BYTE(name=path.name, line=line))
    names = dict.fromkeys(match[1] for line in text.splitlines() if (match := _ASSIGNMENT.match(line)))
    if not names:
        return {}
    model = {"services": {"x": {"image": "x", "environment": {name: f"${{{name}-{_UNSET}}}" for name in names}}}}
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    if "COMPOSE_PROJECT_NAME" not in names:
        environ["COMPOSE_PROJECT_NAME"] = "reader"
    done = subprocess.run(
        ["docker", "compose", "--env-file", str(path), "--file", "-", "config", "--format", "json"],
        input=json.dumps(model),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _unread(path.name, text)
    values = json.loads(done.stdout)["services"]["x"]["environment"]
    return {name: value.replace("$$", "$") for name, value in values.items() if value != _UNSET}


def _unread(name: str, text: str) -> Problem:
    """Which line Compose cannot read, as far as our own reader sees it."""
    try:
        read_env_file(text)
    except EnvError as error:
        return Problem(refused.COMPOSE_CANNOT_AT(name=name, line=error.line))
    return Problem(refused.COMPOSE_CANNOT(name=name))


class EnvFile:
    """The .env of a stack. What it says is what Compose says that it says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._settings: dict[str, str] | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        if self._settings is None:
            self._settings = read_env(self.path)
        return self._settings

    def put(self, **values: str) -> bool:
        """Record the settings, each in place of an earlier one; whether anything changed. The caller holds the lock."""
        before = self.settings
        changed = {name: value for name, value in values.items() if before.get(name) != value}
        if not changed:
            return False
        text = assigned(self.path.read_text(encoding="utf-8-sig"), changed)
        # Tried aside first: what a line of theirs means together with one of ours, only Compose knows.
        trial = self.path.with_name(f"{self.path.name}.{os.getpid()}{ASIDE}")
        try:
            replace(trial, text)
            same = read_env(trial) == {**before, **changed}
        except Problem:
            same = False
        finally:
            trial.unlink(missing_ok=True)
        if not same:
            raise Problem(refused.LINES_MIX(names=", ".join(changed)))
        replace(self.path, text)
        self._settings = None
        return True


def assigned(text: str, values: Mapping[str, str]) -> str:
    """The text of an env file with these settings in it, every other line as it was."""
    rest, lines = dict(values), []
    for line in reversed(text.splitlines()):
        found = _ASSIGNMENT.match(line)
        if found is None or found[1] not in values:
            lines.append(line)
        elif found[1] in rest:
            # The last one counts for Compose; an earlier one would only mislead.
            lines.append(_line(found[1], rest.pop(found[1])))
    return "\n".join([*reversed(lines), *(_line(name, value) for name, value in rest.items())]) + "\n"


def _line(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    if "'" in value or "\n" in value:
        raise Problem(refused.NOT_HELD(name=name))
    return f"{name}='{value}'"
