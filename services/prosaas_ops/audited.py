"""Who did what: noted on this machine before a command acts, and carried into the database as soon as that answers.

What came of it is an entry of its own, for nothing here is ever changed: one without it was killed, or acts still.
The file outlives the database's own table: after a restore what was done since the backup is carried in again.
"""

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from prosaas_core.phones import in_our_digits
from prosaas_core.privacy.whole_lines import append
from prosaas_logging.redact import HIDDEN, hide, redact
from prosaas_ops.options import FINE, NOTHING, Nothing, Options, Problem, Refused, Untouched, complain, harmless
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

FOLDER = Path(".state/audit")
# What looks at people, takes them along, or changes what is kept or shown of them, as a restart at another level does.
COMMANDS = frozenset({
    "backup", "blackbox", "calls", "capture", "debug-api", "debug-calls", "debug-worker", "errors", "export", "forget",
    "jobs", "logs", "quiet-api", "quiet-calls", "quiet-worker", "restart-api", "restart-calls", "restart-worker",
    "restore", "retry-job", "rotate-secret", "trace",
})  # fmt: skip
# Of these, what only looks: somebody at work looks again and again.
LOOKS = frozenset({"blackbox", "calls", "errors", "jobs", "logs", "trace"})
_TARGETS = ("CALL", "PHONE", "MESSAGE", "CUSTOMER", "BUSINESS", "NAME", "FILE", "FILES", "ID", "S", "GREP", "LOG_LEVEL")
# What the entry about an act's end is called, after the act; its target is the id of that.
ENDED = " ended"
_LONGEST = 300
# Words whose digits are nobody's number: a moment, as people and names of files have it, an id, a machine of one's own.
_DAY = r"(?:19|20)\d\d-[01]\d-[0-3]\d"
_TIME = r"[0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?"
_NOBODYS = "|".join((
    rf"{_DAY}(?:T{_TIME})?",
    _TIME,
    r"[0-3]?\d\.[01]?\d\.(?:19|20)\d\d",
    r"(?:19|20)\d\d[01]\d[0-3]\d[T_-][0-2]\d[0-5]\d[0-5]\dZ?",
    r"(?:CA|SM|MM|(?=\d{0,31}[a-f]))[0-9a-f]{32}",
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"(?:(?:10|127)\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}(?::\d{1,5})?",
))  # fmt: skip
_NOBODYS_WORD = re.compile(rf"\A(?:\D{{0,99}}[^\w+])?(?:{_NOBODYS})(?:\W\D{{0,99}})?")
# Words with digits, and those without a letter that stand among them.
_NUMBERED = r"(?:(?=\S*\d)|(?!\S*[^\W\d_]))\S+"
_NUMBERS = re.compile(rf"(?<!\S){_NUMBERED}(?:\s+{_NUMBERED})*")
_DIGIT = re.compile(r"\d")
# The shortest number of a person.
_LEAST_DIGITS = 7
_LONGEST_OUTCOME = 160
_MOST = 500

_INSERT = """
    INSERT INTO audit (id, at, operator, act, target, why)
    SELECT * FROM jsonb_to_recordset($1::jsonb)
        AS row (id uuid, at timestamptz, operator text, act text, target text, why text)
    ON CONFLICT DO NOTHING
"""


class Entry(NamedTuple):
    """Who did what to whom, and why, as far as they said."""

    id: str
    at: datetime
    operator: str
    act: str
    target: str
    why: str


class Noted(NamedTuple):
    """Which entry it is, and where in the file it stands."""

    start: int
    end: int
    id: str
    act: str


def note(act: str, target: str, why: str = "") -> Noted | None:
    """Write it down. A disk that takes nothing more is complained about, and stops nobody from mending that."""
    return _noted(act, _plain(target), why)


def _noted(act: str, target: str, why: str) -> Noted | None:
    entry = {
        "id": str(uuid.uuid4()),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "operator": _plain(os.environ.get("OPS_OPERATOR") or "unknown"),
        "act": act,
        "target": target,
        "why": _plain(_typed(why)),
    }
    try:
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        start, end = append(FOLDER / "log.jsonl", json.dumps(entry, ensure_ascii=False))
        return Noted(start, end, entry["id"], act)
    except OSError as error:
        complain(words.NOT_NOTED(folder=FOLDER, why=error.strerror))
    return None


def take_back(noted: Noted | None) -> None:
    """Nothing was done, for it was typed wrongly: blanks in its place, so that what others noted stays where it is.

    Where somebody carried it into the database meanwhile, it is there for good.
    """
    if noted is not None:
        with suppress(OSError), (FOLDER / "log.jsonl").open("r+b") as file:
            file.seek(noted.start)
            file.write(b" " * (noted.end - noted.start - 1))


def _typed(text: str) -> str:
    """A sentence of an operator's, without the words that together are long enough to be somebody's number."""
    return _NUMBERS.sub(lambda found: _whole(found[0]), text)


def _whole(text: str) -> str:
    """The text, or nothing of it where its digits may be somebody's, of any country: a moment beside others is none."""
    numbers = [word for word in text.split() if _DIGIT.search(word)]
    if all(map(_NOBODYS_WORD.fullmatch, numbers)) or len(_DIGIT.findall(text)) < _LEAST_DIGITS:
        return text
    return HIDDEN


def _as_searched(phone: str) -> str:
    """One form of it, however it was typed; the end of a number as it is."""
    from prosaas_ops.stack.records import searched

    return searched(in_our_digits(phone))


def _given(name: str, value: str) -> object:
    match name:
        # What is looked for is a pattern, and its digits have anything between them.
        case "GREP":
            return _whole(value)
        case "FILE":
            return "/".join(map(_whole, value.split("/")))
        # What is too short for a number is the end of one, of which a line shows nothing.
        case "PHONE":
            number = _as_searched(value)
            return HIDDEN if (shown := hide("phone", number)) == number else shown
        case _:
            return hide(name.lower(), value)


def came_of(noted: Noted | None, how: int | BaseException) -> None:
    """How an act ended, by its exit code or what it raised. Of what only looks nobody asks, and it may look all day."""
    if noted is not None and noted.act not in LOOKS:
        # An id of ours, of which a few look like a card's number.
        _noted(f"{noted.act}{ENDED}", noted.id, _outcome(how))


def _outcome(how: int | BaseException) -> str:
    match how:
        case int():
            return {FINE: "done", NOTHING: "nothing"}.get(how, f"failed: exit {how}")
        case Nothing():
            return "nothing"
        case Untouched():
            return "unchanged"
        case KeyboardInterrupt() | BrokenPipeError():
            return "stopped"
        case Refused():
            return "refused"
        case Problem():
            return f"failed: {str(how).partition(chr(10))[0]}"[:_LONGEST_OUTCOME]
        case _:
            return f"failed: {type(how).__name__}"


def note_command(options: Options) -> Noted | None:
    """What was asked for, with as much of a number as a line shows."""
    given = {name: value for name in _TARGETS if (value := options.text(name))}
    named = [f"{name}={_given(name, value)}" for name, value in given.items()]
    return note(options.command, " ".join(named), options.text("WHY"))


def carry() -> bool:
    """Bring into the database what is not in it yet; whether it took it."""
    from prosaas_ops.stack.records import asked

    try:
        with (FOLDER / "log.jsonl").open("rb") as file:
            file.seek(_reached(file))
            lines, reached = file.readlines(), file.tell()
    except FileNotFoundError:
        return True
    rows = list(_entries(lines))

    async def insert(connection: "asyncpg.Connection[Any]") -> None:
        for at in range(0, len(rows), _MOST):
            await connection.execute(_INSERT, json.dumps(rows[at : at + _MOST]))

    if rows:
        try:
            asked(insert)
        except Problem:
            return False
        with suppress(OSError):
            (FOLDER / "told").write_text(str(reached))
    return True


def forget_what_was_carried(root: Path) -> None:
    """The database is another one from now on."""
    (root / FOLDER / "told").unlink(missing_ok=True)


def on_this_machine() -> list[Entry]:
    """What this machine noted, the newest first."""
    try:
        lines = (FOLDER / "log.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    rows = [{**row, "at": datetime.fromisoformat(row["at"])} for row in _entries(lines)]
    return [Entry(**row) for row in reversed(rows)]


def _entries(lines: list[bytes]) -> Iterator[Mapping[str, Any]]:
    """A line that was cut short, by a machine that died, is lost; those after it are not."""
    for line in lines:
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and row.keys() == set(Entry._fields):
                yield row


def _reached(file: BinaryIO) -> int:
    """Up to where the database has it: the end of a row, or it is taken all again, which adds nothing twice."""
    try:
        told = int((FOLDER / "told").read_text())
        file.seek(told - 1)
        return told if file.read(1) == b"\n" else 0
    except (OSError, ValueError):
        return 0


def _plain(text: str) -> str:
    return redact(harmless(text))[:_LONGEST]
