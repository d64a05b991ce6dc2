"""One person in the whole stack: the database, the files of its volumes, and what the tools left on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Any

from prosaas_core.phones import international
from prosaas_core.privacy import person as people
from prosaas_core.privacy.files import mentions
from prosaas_core.privacy.person import NotAPersonError, Person, Rows
from prosaas_ops.options import HOME, Nothing, Options, Problem, Usage
from prosaas_ops.stack import left
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.records import asked
from prosaas_ops.texts import people as words
from prosaas_ops.texts import refused

if TYPE_CHECKING:
    import asyncpg

# So many ids at a time, of 200 characters at the most, fit into one variable: Linux bounds it at 128 KiB.
_MOST_IDS = 500


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is found of one person; `recordings` are files in the volumes, `files` are on this machine."""

    person: Person
    rows: Rows
    live: list[str]
    recordings: dict[str, str]
    files: list[Path]
    lines: dict[Path, int]

    @property
    def empty(self) -> bool:
        return not (self.rows or self.recordings or self.files or self.lines)


def whole(engine: Engine, options: Options, *, show: bool = False) -> Whole:
    """Look everywhere; with `show` the recordings come with their text."""
    number, customer = _named(options)

    async def look(connection: "asyncpg.Connection[Any]") -> tuple[Person, Rows, list[str]]:
        person = await people.known_as(connection, number=number, customer=customer)
        rows = await people.rows_of(connection, person)
        return person, rows, await people.live_calls(connection, rows)

    try:
        person, rows, live = asked(look)
    except NotAPersonError as error:
        told = words.NOT_A_PERSON[error.kind](given=error.given)
        raise (Nothing if error.kind == "unknown" else Problem)(told) from None
    pattern = pattern_of(person, rows)
    recordings = in_volumes(engine, person, rows, "show" if show else "find")
    files = left.found(pattern) if pattern else []
    return Whole(person, rows, live, recordings, files, left.kept_lines(pattern) if pattern else {})


def pattern_of(person: Person, rows: Rows) -> "Pattern[bytes] | None":
    return mentions(person.number, people.ids_of(rows))


def in_volumes(engine: Engine, person: Person, rows: Rows, act: str) -> dict[str, str]:
    """Ask where spools and flight recorders are; whom it is about travels where no event and no command line shows it.

    A file of a Swarm is known by its node as well: several have one of the same call.
    """
    ids = people.ids_of(rows)
    found: dict[str, str] = {}
    for at in range(0, max(1, len(ids)), _MOST_IDS):
        asked_for = json.dumps({"number": person.number, "ids": ids[at : at + _MOST_IDS]})
        command = ("python", "-m", "prosaas_core.privacy.files", act)
        for node, (code, out, err) in engine.everywhere("worker", *command, PERSON=asked_for).items():
            if code:
                said = err.strip().splitlines()[-1:] or [f"exit {code}"]
                raise Problem(words.FILES_UNREAD(why=": ".join([*([node] if node else []), *said])))
            found |= {f"{node}/{name}" if node else name: text for name, text in json.loads(out).items()}
    return found


def _named(options: Options) -> tuple[str | None, int | None]:
    phone, customer = options.phone_typed(), options.text("CUSTOMER")
    if bool(phone) == bool(customer):
        raise Usage(words.WHOM(command=options.command))
    if customer:
        if not (customer.isascii() and customer.isdigit() and len(customer) < 19):
            raise Usage(words.NO_CUSTOMER(customer=customer))
        return None, int(customer)
    try:
        typed = people.whole_number(phone)
        # With its country there is nothing to guess: +972 (0)54… is +97254…, and nothing else is dropped.
        meant = people.whole_number(international(phone, HOME) or phone)
        left_out = [typed[:at] + typed[at + 1 :] for at, digit in enumerate(typed[:4]) if digit == "0"]
        return meant if meant in left_out else typed, None
    except NotAPersonError as error:
        told = words.NOT_A_PERSON[error.kind](given=error.given)
        # Only offered: who is taken out for good, or handed over, is for the operator to say.
        whole = international(phone, HOME)
        raise Usage(f"{told}. {refused.DID_YOU_MEAN(word=f'PHONE={whole}')}" if whole else told) from None
