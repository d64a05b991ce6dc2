"""Calls by what is typed, while it is typed: a number in any form, the beginning of an id, a customer's name."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from prosaas_core.facts.call import CallFacts
from prosaas_core.phones import in_our_digits
from prosaas_ops.options import HOME
from prosaas_ops.stack.found import COLUMNS, CUT, ending, facts_in
from prosaas_ops.stack.records import asked

if TYPE_CHECKING:
    import asyncpg

MOST = 20
_LONGEST = 64
_PHONE = re.compile(rf"{CUT}?\+?[\d\s().\-\u2010-\u2015\u2212/]{{2,}}")
_SID = re.compile(r"[Cc][Aa][0-9A-Fa-f]{1,32}")
# What no number has in it.
_NONE = "none"

_NEWEST = "true"
_BY_ID = "starts_with(lower(call_sid), $1)"
# Who is called so is asked first, and given as values: so Postgres knows how many they are, and looks for the calls of
# few by their customers, and through the newest for those of many.
_CALLED_SO = """
    select array(select id from customers where starts_with(lower(name), $1) or position(' ' || $1 in lower(name)) > 0)
"""
_BY_NAME = "customer_id = any($1::bigint[])"
# The expressions are those of the indexes.
_BY_PHONE = """
    (from_number like $1 || '%' or to_number like $1 || '%'
     or reverse(regexp_replace(from_number, '[^0-9]', '', 'g')) like reverse($2) || '%'
     or reverse(regexp_replace(to_number, '[^0-9]', '', 'g')) like reverse($2) || '%')
"""
_FOUND = f"""
    select {COLUMNS}, coalesce((metrics->>'barge_ins')::int, 0) as barge_ins,
           coalesce((select name from customers where id = calls.customer_id), '') as customer
    from calls where {{filter}} order by started_at desc limit {MOST + 1}
"""


class Hit(NamedTuple):
    """One call that fits what was typed."""

    facts: CallFacts
    started_at: datetime
    duration_s: float | None
    from_number: str
    customer: str
    barge_ins: int


def by(typed: str) -> str:
    """What the calls are found by, in a word: who is sought stands in no audit, which nobody can be taken out of."""
    words = {_NEWEST: "their time", _BY_ID: "an id", _BY_PHONE: "a number", _BY_NAME: "a name"}
    return words[_question(typed)[0]]


def question(typed: str, called_so: Sequence[int] = ()) -> tuple[str, tuple[Any, ...]]:
    """The statement that finds the calls, newest first, and its values; one more than MOST says that there are more.

    For a name, `called_so` are the ids of the customers who have it.
    """
    fits, values = _question(typed)
    return _FOUND.format(filter=fits), (list(called_so),) if fits == _BY_NAME else values


def _question(typed: str) -> tuple[str, tuple[str, ...]]:
    text = in_our_digits(" ".join(typed[:_LONGEST].split()).lower())
    if len(text) < 2:
        return _NEWEST, ()
    if _SID.fullmatch(text):
        return _BY_ID, (text,)
    if _PHONE.fullmatch(text) and (digits := re.sub(r"\D", "", text)):
        return _BY_PHONE, (_NONE, ending(text) or _NONE) if text[0] == CUT else _spellings(text[0] == "+", digits)
    return _BY_NAME, (text,)


def _spellings(international: bool, digits: str) -> tuple[str, str]:
    """How the number begins, as it is stored, and how it ends: nothing that a number has, where it is too short."""
    whole = digits.removeprefix("00")
    if international or whole != digits:
        return f"+{whole}", ending(whole) or _NONE
    local = digits.lstrip("0")
    return f"{HOME}{local}" if digits.startswith("0") else f"+{digits}", ending(local) or _NONE


def search(typed: str) -> list[Hit]:
    """The newest calls that fit; Problem where the database does not answer."""

    async def ask(connection: "asyncpg.Connection[Any]") -> list[Hit]:
        fits, values = _question(typed)
        called_so = await connection.fetchval(_CALLED_SO, *values) if fits == _BY_NAME else ()
        query, values = question(typed, called_so)
        return [
            Hit(
                facts_in(row),
                row["started_at"],
                row["duration_s"],
                row["from_number"],
                row["customer"],
                row["barge_ins"],
            )
            for row in await connection.fetch(query, *values)
        ]

    return asked(ask)
