"""The operator's switch inside a service's container: ``logctl status | level | reset | blackbox``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from .env import duration
from .levels import NAME_TO_LEVEL, parse_level
from .recorder import file_name
from .settings import ADOPTED_DIR, BLACKBOX_DIR, SWITCH_FILE
from .switch_state import Change, Presence, State, read_presences, read_state, update_state

FINE, PROBLEM, WRONG_USAGE, NOTHING_MATCHED = 0, 1, 2, 3
DEFAULT_MINUTES: Final = 15
LONGEST_SECONDS: Final = 24 * 3600
FOLLOW_SECONDS: Final = 2.0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"logctl: {message}. Try: logctl level DEBUG --call CA… --for 15m, or logctl --help", file=sys.stderr)
        raise SystemExit(WRONG_USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 fine, 1 problem, 2 wrong usage, 3 nothing matched."""
    try:
        options = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace, Path], int] = options.command
        return command(options, _switch_file())
    except SystemExit as end:
        return int(end.code or 0)
    except OSError as broken:
        print(f"logctl: {broken}", file=sys.stderr)
        return PROBLEM


def _switch_file() -> Path:
    """This container's: whoever asks comes from outside, without the environment of the service."""
    named = os.environ.get("LOG_SWITCH_FILE")
    if named or SWITCH_FILE.parent.is_dir():
        return Path(named or SWITCH_FILE)
    return ADOPTED_DIR / SWITCH_FILE.name


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="logctl", description="Change what this container logs, for a while and without a restart.")
    commands = parser.add_subparsers(required=True, metavar="status | level | reset | blackbox", parser_class=_Parser)
    status = commands.add_parser("status", help="the level of each process, and what is switched for now")
    status.add_argument("--json", action="store_true")
    status.set_defaults(command=_status)
    level = commands.add_parser("level", help="another level, for the service or one call, business, number or logger")
    level.add_argument("level", type=_level, help=", ".join(NAME_TO_LEVEL))
    _add_targets(level)
    level.add_argument("--for", dest="seconds", type=_seconds, default=DEFAULT_MINUTES * 60, help="90s, 15m, 2h")
    level.set_defaults(command=_change)
    reset = commands.add_parser("reset", help="take it back now: everything, or one target")
    _add_targets(reset)
    reset.set_defaults(command=_reset)
    blackbox = commands.add_parser("blackbox", help="the black box of a call, request or job; without one: a list")
    blackbox.add_argument("id", nargs="?", default="")
    blackbox.set_defaults(command=_blackbox)
    return parser


def _add_targets(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    for name, example in (("call", "CA…"), ("business", "456"), ("phone", "+972501234567"), ("logger", "server.jobs")):
        group.add_argument(f"--{name}", metavar=example, type=partial(_target, name), dest="target")
    parser.set_defaults(target=("service", ""))


def _status(options: argparse.Namespace, path: Path) -> int:
    presences = read_presences(path)
    now = time.time()
    state = read_state(path).at(now)
    if options.json:
        first = presences[0] if presences else None
        answer = {
            **{name: getattr(first, name, None) for name in ("service", "level", "source", "base")},
            "processes": [{"pid": item.pid, "level": item.level, "source": item.source} for item in presences],
            "switches": [
                {"target": item.target, "value": item.value, "level": item.level, "left_s": round(item.until - now)}
                for item in state.changes
            ],
        }
        print(json.dumps(answer, ensure_ascii=False))
        return FINE if presences else NOTHING_MATCHED
    if not presences:
        print("logctl: no process of this container logs through prosaas_logging", file=sys.stderr)
        return NOTHING_MATCHED
    for item in presences:
        print(f"{item.service} (process {item.pid}): {item.level}, from {item.source}")
    for change in state.changes:
        print(f"switched: {change} at {change.level}, {_duration(change.until - now)} left")
    return FINE


def _change(options: argparse.Namespace, path: Path) -> int:
    target, value = options.target
    change = Change(target, value, options.level, time.time() + options.seconds, options.seconds)

    def alter(state: State) -> State:
        others = tuple(item for item in state.changes if (item.target, item.value) != (target, value))
        return replace(state, changes=(*others, change))

    state = update_state(path, alter)
    return _say_who_follows(path, state, f"{change}: {change.level} for {_duration(options.seconds)}")


def _reset(options: argparse.Namespace, path: Path) -> int:
    target, value = options.target
    everything = target == "service"

    def alter(former: State) -> State:
        kept = [item for item in former.changes if not everything and (item.target, item.value) != (target, value)]
        return replace(former, changes=tuple(kept))

    state = update_state(path, alter)
    return _say_who_follows(path, state, "everything is reset" if everything else f"{target} {value} is reset")


def _say_who_follows(path: Path, state: State, done: str) -> int:
    """Wait until every process has seen the state, and say so."""
    waiting = _wait_for(path, state.revision)
    followed = len(read_presences(path)) - len(waiting)
    if waiting:
        pids = ", ".join(str(item.pid) for item in waiting)
        print(f"logctl: {done}, but process {pids} does not follow", file=sys.stderr)
        return PROBLEM
    if not followed:
        print("logctl: no process of this container logs through prosaas_logging", file=sys.stderr)
        return NOTHING_MATCHED
    print(f"{done} ({followed} process{'es' if followed > 1 else ''})")
    return FINE


def _blackbox(options: argparse.Namespace, path: Path) -> int:
    presences = read_presences(path)
    target = presences[0].blackbox if presences else os.environ.get("LOG_BLACKBOX") or BLACKBOX_DIR
    if not options.id:
        return _list(Path(target)) if target.startswith("/") else _not_a_directory(target)
    state = update_state(path, lambda former: replace(former, dumps={**former.dumps, options.id: time.time_ns()}))
    if presences and _wait_for(path, state.revision):
        print("logctl: not every process answered, the live recorder may be missing", file=sys.stderr)
    if not target.startswith("/"):
        return _not_a_directory(target)
    file = Path(target) / f"{file_name(options.id)}.jsonl"
    size = _wait_until_still(file)
    if size is None:
        print(f"logctl: nothing recorded for {options.id}, neither live nor in {target}", file=sys.stderr)
        return NOTHING_MATCHED
    sys.stdout.write(file.read_text(encoding="utf-8", errors="replace"))
    return FINE


def _list(directory: Path) -> int:
    files = sorted(directory.glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    for file in files:
        status = file.stat()
        written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status.st_mtime))
        print(f"{written}  {status.st_size:>9}  {file.stem}")
    return FINE if files else NOTHING_MATCHED


def _not_a_directory(target: str) -> int:
    where = "goes to the log itself (LOG_BLACKBOX=stdout)" if target else "is off (LOG_BLACKBOX=0)"
    print(f"logctl: the black box {where}", file=sys.stderr)
    return FINE if target else NOTHING_MATCHED


def _wait_for(path: Path, revision: int) -> list[Presence]:
    """The processes that have not seen *revision* after the time they are given."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while True:
        waiting = [item for item in read_presences(path) if item.revision < revision]
        if not waiting or time.monotonic() >= deadline:
            return waiting
        time.sleep(0.02)


def _wait_until_still(file: Path) -> int | None:
    """The size of *file* once it stops growing; a live ring is on its way while processes answer."""
    former = None
    for _ in range(6):
        time.sleep(0.05)
        size = file.stat().st_size if file.exists() else None
        if size is not None and size == former:
            return size
        former = size
    return former


def _level(text: str) -> str:
    level = parse_level(text)
    if level is None:
        raise argparse.ArgumentTypeError(f"no level {text!r}, choose from {', '.join(NAME_TO_LEVEL)}")
    return text.strip().upper()


def _target(name: str, text: str) -> tuple[str, str]:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty value names nothing")
    return name, text.strip()


def _seconds(text: str) -> float:
    # A number alone is minutes.
    try:
        seconds = duration(f"{text}m" if text.strip().isdecimal() else text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    if not 0 < seconds <= LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text.strip()[:100]} is out of range: more than nothing and at most 24h")
    return seconds


def _duration(seconds: float) -> str:
    left = max(0, round(seconds))
    return f"{left}s" if left < 120 else f"{round(left / 60)}m"


if __name__ == "__main__":
    sys.exit(main())
