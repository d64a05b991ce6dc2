"""One field for a number in any form, an id and a name, in a database at the newest schema."""

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_ops.stack.search import MOST, question, search

CALLS = [
    ("CAaaaa0001", "+972501234567", "+97235550100", 1),
    ("CAaaab0002", "+972501239999", "+97235550100", 2),
    ("CAbbbb0003", "+12125551234", "+97235550100", 3),
    ("CAcccc0004", "anonymous", "+97235550199", None),
]


@pytest.fixture
def stored(fill: Fill) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("insert into businesses (id, name, phone) values (456, 'מספרת דנה', '+97235550100')")
        for number, name in enumerate(("דוד כהן", "Dana O'Neil 100%", "דוד לוי"), 1):
            await connection.execute(
                "insert into customers (id, business_id, channel, external_id, name)"
                " overriding system value values ($1, 456, 'phone', $2, $2)", number, name,
            )  # fmt: skip
        for minute, (call_sid, from_number, to_number, customer) in enumerate(CALLS):
            await connection.execute(
                "insert into calls (call_sid, from_number, to_number, customer_id, started_at, metrics) values"
                " ($1, $2, $3, $4, now() + $5 * interval '1 min', '{\"barge_ins\": 2}')",
                call_sid, from_number, to_number, customer, minute,
            )  # fmt: skip

    fill(write)


def found(typed: str) -> list[str]:
    return [hit.facts.call_sid for hit in search(typed)]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("050", ["CAaaab0002", "CAaaaa0001"]),
        ("050-123", ["CAaaab0002", "CAaaaa0001"]),
        ("+972 50 123 45", ["CAaaaa0001"]),
        ("00972501234567", ["CAaaaa0001"]),
        # As an address book gives it.
        ("\u202a+972 50\u2011123\u20114567\u202c", ["CAaaaa0001"]),
        ("\u2066+1\xa0(212)\xa0555-1234\u2069", ["CAbbbb0003"]),
        ("4567", ["CAaaaa0001"]),
        ("…4567", ["CAaaaa0001"]),
        ("٤٥٦٧", ["CAaaaa0001"]),
        ("(212) 555-1234", ["CAbbbb0003"]),
        ("03-5550199", ["CAcccc0004"]),
        ("caAAA", ["CAaaab0002", "CAaaaa0001"]),
        ("CAbbbb0003", ["CAbbbb0003"]),
        ("דוד", ["CAbbbb0003", "CAaaaa0001"]),
        ("כה", ["CAaaaa0001"]),
        ("o'n", ["CAaaab0002"]),
        ("100%", ["CAaaab0002"]),
        ("%", ["CAcccc0004", "CAbbbb0003", "CAaaab0002", "CAaaaa0001"]),
        ("%%", []),
        ("  ", ["CAcccc0004", "CAbbbb0003", "CAaaab0002", "CAaaaa0001"]),
        ("nobody", []),
        ("0", ["CAcccc0004", "CAbbbb0003", "CAaaab0002", "CAaaaa0001"]),
        ("--", []),
    ],
)
def test_what_is_typed_finds_its_calls_newest_first(typed: str, expected: list[str]) -> None:
    assert found(typed) == expected


@pytest.mark.usefixtures("stored")
def test_a_call_comes_with_what_the_list_shows() -> None:
    (hit,) = search("CAaaaa0001")
    assert (hit.customer, hit.from_number, hit.barge_ins, hit.duration_s) == ("דוד כהן", "+972501234567", 2, None)


def test_the_list_is_bounded_however_long_the_text() -> None:
    query, (text,) = question("5" * 10_000)[0], question("CA" + "5" * 30 + " " * 10_000)[1]
    assert f"limit {MOST + 1}" in query
    assert len(text) == 32
    assert {len(value) for value in question("5" * 10_000)[1]} == {64, 65}
