"""The operator's questions about calls go by an index each, however many calls there are."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from prosaas_ops.stack import found, records, search

pytestmark = pytest.mark.postgres

ROWS, CUSTOMERS = 20_000, 5_000
FILL = f"""
INSERT INTO businesses (id, name, phone) VALUES (456, 'x', '+97235550100');
INSERT INTO customers (id, business_id, channel, external_id) OVERRIDING SYSTEM VALUE
    SELECT n, 456, 'phone', n::text FROM generate_series(1, {CUSTOMERS}) AS n;
INSERT INTO calls (call_sid, customer_id, from_number, to_number, started_at)
    SELECT 'CA' || md5(n::text), 1 + n % {CUSTOMERS}, '+97250' || (1000000 + n), '+97235' || (1000000 + n % 50),
        '2020-01-01Z'::timestamptz + n * interval '1 min'
    FROM generate_series(1, {ROWS}) AS n;
ANALYZE calls;
"""
SINCE, UNTIL = datetime(2020, 1, 2, tzinfo=UTC), datetime(2020, 1, 2, 1, tzinfo=UTC)
A_TIME = found.question(found.Asked(SINCE, UNTIL))
A_PHONE = found.question(found.Asked(datetime(2019, 1, 1, tzinfo=UTC), UNTIL.replace(year=2030), phone="050-1000777"))
QUESTIONS: dict[str, tuple[str, tuple[Any, ...], set[str]]] = {
    "a time": (*A_TIME, {"ix_calls_started_at"}),
    "a phone number": (*A_PHONE, {"ix_calls_from_digits", "ix_calls_to_digits"}),
    "the beginning of an id": (records._BY_NAME, ("ca4e732c",), {"ix_calls_beginning"}),
    "an id while it is typed": (*search.question("CA4e732c"), {"ix_calls_beginning"}),
    "a number while it is typed": (
        *search.question("050-1000777"),
        {"ix_calls_from_beginning", "ix_calls_to_beginning", "ix_calls_from_digits", "ix_calls_to_digits"},
    ),
    "a name while it is typed": (*search.question("Dana Levi", [7, 8]), {"ix_calls_customer_id"}),
    "a name that one customer in five has": (*search.question("dana", range(1, 1_000)), {"ix_calls_started_at"}),
    "the newest": (*search.question(""), {"ix_calls_started_at"}),
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_no_question_reads_the_whole_table(asked: str, database_url: str) -> None:
    question, values, wanted = QUESTIONS[asked]

    async def plan() -> Any:
        connection = await asyncpg.connect(database_url)
        await connection.execute(FILL)
        try:
            return json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {question}", *values))
        finally:
            await connection.close()

    told = asyncio.run(plan())[0]["Plan"]
    assert ("Seq Scan", "calls") not in {(node["Node Type"], node.get("Relation Name")) for node in nodes(told)}, told
    assert {index for index in wanted if index in json.dumps(told)} == wanted, told


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)
