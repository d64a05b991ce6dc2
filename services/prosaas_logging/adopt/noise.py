"""Who says how much: lines of any service by logger and by wording, and what would bring them into a budget."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ..levels import INFO, NAME_TO_LEVEL, WARNING
from ..trouble import wording

FINE, PROBLEM, NOTHING = 0, 1, 3
UNNAMED: Final = "(no logger in the line)"
_LONGEST: Final = 64 * 1024
_MOST_KINDS: Final = 20_000
_MOST_OWNERS: Final = 100_000
_SHOWN: Final = 12
_WIDTH: Final = 96

# The fields that say whose line it is, the most particular first, and what we call those that others spell otherwise.
_OWNERS: Final = {
    **dict.fromkeys(("call_sid", "callSid", "CallSid"), "call_sid"), "job_id": "job_id",
    **dict.fromkeys(("request_id", "requestId", "correlation_id"), "request_id"),
}  # fmt: skip
_TEXTS: Final = ("message", "msg", "text", "event")
_LEVELS: Final = ("severity", "level", "levelname", "log.level")
_LOGGERS: Final = ("logger", "logger_name", "name", "log.logger")
_PREFIX: Final = re.compile(
    r"^(?:[\w.-]{1,80}\s+\| ?)?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)?\s+)?"
)
_WORD: Final = "DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL"
_OURS: Final = re.compile(rf"\[({_WORD})\] (?:[^\s\[]\S{{0,8}} )?(?:\[(STDOUT|STDERR)\] )?(.*)")
# Possessive and bounded, so that a line takes time by its length alone.
_NAME: Final = r"(?P<logger>[a-zA-Z_][\w.]{0,99}+)"
_FORMS: Final = (
    re.compile(rf"(?P<level>{_WORD}):{_NAME}:(?P<text>.*)"),
    re.compile(rf"\W{{0,9}}+{_NAME}\W{{1,5}}+(?P<level>{_WORD})\W{{1,5}}+(?P<text>.*)"),
    re.compile(
        rf"\W{{0,9}}+(?:[\d:., -]{{1,40}}+\W{{0,5}}+)?(?P<level>{_WORD})\W{{1,5}}+(?:in )?{_NAME}\W{{1,5}}+(?P<text>.*)"
    ),
)
_OWNER: Final = re.compile(rf"\b({'|'.join(_OWNERS)})[=:]\s?[\"']?([\w.:-]{{1,80}})")


class Said(NamedTuple):
    """One line: how loud, by whom, in which words, for which call or request, and how long it was."""

    level: int
    logger: str
    text: str
    owner: tuple[str, str] | None
    size: int


@dataclass
class Kind:
    """Lines of one logger and one wording."""

    level: int
    lines: int = 0
    size: int = 0
    texts: set[str] = field(default_factory=set)


def report(name: str, budget: int) -> int:
    """Print what the lines of the file *name* (``-``: the standard input) are made of."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            print("\n".join(tell(file, budget)))
    except OSError as broken:
        print(f"{name}: {broken.strerror}. Give a file of log lines, or - for the standard input", file=sys.stderr)
        return PROBLEM
    except LookupError:
        print(f"{name}: no lines", file=sys.stderr)
        return NOTHING
    return FINE


def tell(file: BinaryIO, budget: int) -> Iterator[str]:
    """The report's lines; LookupError if there is nothing to report on."""
    kinds, owners, whole = count(parse(_cut(file)))
    calls = max(1, len(owners))
    if not kinds:
        raise LookupError
    lines, size = sum(kind.lines for kind in kinds.values()), sum(kind.size for kind in kinds.values())
    heard = sum(kind.lines for kind in kinds.values() if kind.level >= INFO)
    whose = f"{calls} {'calls, jobs or requests' if calls > 1 else 'call, job or request'}"
    if not owners:
        whose = "no call's or request's id in them, taken as one call"
    yield f"{whole:,} lines, {lines:,} of them said and not a stack's, {size:,} bytes"
    yield f"{whose}: {heard / calls:.0f} lines each, the budget is {budget}"
    loggers: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (logger, _), kind in kinds.items():
        loggers[logger][0] += kind.lines
        loggers[logger][1] += kind.size
    wordings = [(kind.lines, kind.size, f"{logger}: {said}") for (logger, said), kind in kinds.items()]
    yield from _table("By logger", [(lines, size, logger) for logger, (lines, size) in loggers.items()], calls)
    yield from _table("By wording", wordings, calls)
    yield from _list("Said twice, printed and by a logger", _twice(kinds))
    same = [(kind.lines, f"{logger}: {said}") for (logger, said), kind in kinds.items() if _never_changes(kind, calls)]
    yield from _list("Never changes", [f"{number} × {said}" for number, said in sorted(same, reverse=True)])
    yield from advice(kinds, calls, budget)


def _cut(file: BinaryIO) -> Iterator[str]:
    """Its lines, of each so many bytes and no more."""
    while line := file.readline(_LONGEST):
        yield line.decode("utf-8", "replace").rstrip("\r\n")
        while not line.endswith(b"\n") and line:
            line = file.readline(_LONGEST)


def parse(lines: Iterable[str]) -> Iterator[Said | None]:
    """What each line says; None for one that goes on with the line before it, as those of a stack do."""
    for line in lines:
        rest = _PREFIX.sub("", line, count=1)
        if not rest.strip():
            continue
        if rest[:1].isspace() or rest.startswith("Traceback (most recent call last)"):
            yield None
            continue
        yield _json(rest, len(line.encode())) or _words(rest, len(line.encode()))


def _json(line: str, size: int) -> Said | None:
    if not line.startswith("{"):
        return None
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if isinstance(nested := content.get("log"), dict):
        content |= {f"log.{name}": value for name, value in nested.items()}
    printed = content.get("event") in ("STDOUT", "STDERR")
    logger = str(content["event"]).lower() if printed else _first(content, _LOGGERS) or UNNAMED
    level = NAME_TO_LEVEL.get(_first(content, _LEVELS).upper(), INFO)
    return Said(level, logger, _first(content, _TEXTS), _owner(content), size)


def _first(content: dict[str, object], names: tuple[str, ...]) -> str:
    return next((str(content[name])[:_LONGEST] for name in names if isinstance(content.get(name), str | int)), "")


def _owner(content: dict[str, object]) -> tuple[str, str] | None:
    name = next((name for name in _OWNERS if content.get(name)), None)
    return (_OWNERS[name], str(content[name])[:80]) if name else None


def _words(line: str, size: int) -> Said:
    line = line[:4096]
    ours = _OURS.fullmatch(line)
    # In a line of ours the ids stand at its end; in its words they may be anybody's.
    found = _OWNER.search(line.rpartition(" · ")[2] if ours else line)
    owner = _owner({found[1]: found[2]}) if found else None
    if ours:
        logger = ours[2].lower() if ours[2] else UNNAMED
        return Said(_level(ours[1]), logger, ours[3].split(" · ")[0], owner, size)
    for form in _FORMS:
        match = form.match(line)
        if match:
            return Said(_level(match["level"]), match["logger"], match["text"], owner, size)
    return Said(INFO, "stdout", line, owner, size)


def _level(word: str) -> int:
    return NAME_TO_LEVEL.get(word, WARNING)


Kinds = dict[tuple[str, str], Kind]


def count(lines: Iterable[Said | None]) -> tuple[Kinds, set[str], int]:
    """What was said by logger and wording, the calls (or jobs, or requests) it was for, and how many lines it was."""
    kinds: Kinds = {}
    owners: dict[str, set[str]] = defaultdict(set)
    whole = 0
    for said in lines:
        whole += 1
        if said is None:
            continue
        key = said.logger, wording(said.text)
        if key not in kinds and len(kinds) >= _MOST_KINDS:
            key = said.logger, "…"
        kind = kinds.setdefault(key, Kind(said.level))
        kind.lines += 1
        kind.size += said.size
        kind.level = max(kind.level, said.level)
        if len(kind.texts) < 2:
            kind.texts.add(said.text[:_LONGEST])
        if said.owner and len(owners[said.owner[0]]) < _MOST_OWNERS:
            owners[said.owner[0]].add(said.owner[1])
    return kinds, next((owners[name] for name in _OWNERS if owners[name]), set()), whole


def _never_changes(kind: Kind, calls: int) -> bool:
    return kind.lines >= max(2, calls) and len(kind.texts) == 1 and kind.level < WARNING


def _twice(kinds: Kinds) -> list[str]:
    printed = {said for logger, said in kinds if logger in ("stdout", "stderr")}
    return [f"{logger}: {said}" for logger, said in kinds if said in printed and logger not in ("stdout", "stderr")]


def advice(kinds: Kinds, calls: int, budget: int) -> Iterator[str]:
    """The shortest ``LOG_LEVELS`` that brings a call into *budget*, the noisiest first, and what it would hide."""
    routine: Counter[str] = Counter()
    left = 0
    for (logger, _), kind in kinds.items():
        left += kind.lines if kind.level >= INFO else 0
        if INFO <= kind.level < WARNING:
            routine[logger] += kind.lines
    unnamed = routine.pop(UNNAMED, 0)
    quiet = []
    for logger, lines in routine.most_common():
        if left <= budget * calls:
            break
        quiet.append(logger)
        left -= lines
    yield ""
    if quiet:
        chosen = ",".join(f"{name}=DEBUG" if name in ("stdout", "stderr") else f"{name}=WARNING" for name in quiet)
        yield f"LOG_LEVELS={chosen}"
        yield f"brings it to {left / calls:.0f} lines each. Warnings and errors stay; it would hide"
        routine_of = ((key, kind.lines) for key, kind in kinds.items() if key[0] in quiet and kind.level < WARNING)
        hidden = sorted(((lines, f"{logger}: {said}") for (logger, said), lines in routine_of), reverse=True)
        yield from (f"  {number:>6} × {said[:_WIDTH]}" for number, said in hidden[:_SHOWN])
        if len(hidden) > _SHOWN:
            yield f"  and {len(hidden) - _SHOWN} wordings more"
    elif left <= budget * calls:
        yield "It is within the budget."
    if left > budget * calls:
        yield f"What is left, {left / calls:.0f} lines each, is warnings, errors, or lines that name no logger."
    if unnamed:
        yield f"{unnamed} lines name no logger, as human lines do not: with LOG_JSON=1 each does."


def _table(title: str, rows: list[tuple[int, int, str]], calls: int) -> Iterator[str]:
    yield ""
    yield f"{title} (lines and bytes each)"
    for lines, size, name in sorted(rows, reverse=True)[:_SHOWN]:
        yield f"  {lines / calls:>8.1f} {size / calls:>9.0f}  {name[:_WIDTH]}"
    if len(rows) > _SHOWN:
        yield f"  and {len(rows) - _SHOWN} more"


def _list(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{title}: {len(rows)} wordings"
        yield from (f"  {row[:_WIDTH]}" for row in rows[:_SHOWN])
