"""A process that dies by SIGKILL with calls on the line: what was said is found, and each call ends once."""

import asyncio
import re
import signal
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.process import service_process
from calls_world.waiting import until
from postgres_world.shared_log import prepare, takes_part
from prosaas_core.kept.recovery import recover
from prosaas_core.tables import Call, Charge
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

CALLS = 20
TALKS = {
    "turns": [
        {"caller": "שלום, מה שעות הפתיחה שלכם?", "agent": "אנחנו פתוחים מתשע עד חמש."},
        {"caller": "תודה רבה", "agent": "בשמחה."},
    ],
    "ending": {"by": "service"},
    "patience_ms": 120_000,
}


async def test_nothing_said_before_the_last_second_is_lost_when_the_process_is_killed(
    tmp_path: Path, database_url: str, engine: AsyncEngine
) -> None:
    """With twenty calls live: each is found with every line that it had written, and has one ending."""
    async with service_process(tmp_path, DATABASE_URL=database_url) as service:
        calls = [asyncio.create_task(service.call(TALKS)) for _ in range(CALLS)]
        await until(lambda: sum("בשמחה" in line for line in service.lines) == CALLS)
        written = list(service.lines)
        await asyncio.sleep(1.0)
        service.signal(signal.SIGKILL)
        assert await service.exit() == -signal.SIGKILL
        await asyncio.gather(*calls, return_exceptions=True)

    assert not [line for line in service.lines if "CALL_END" in line]
    with capture_events() as events:
        await asyncio.gather(*(recover(engine, tmp_path / "spool") for _ in range(2)))
    ends = Counter(str(event.fields["call_sid"]) for event in events if event.event == "CALL_END")
    async with engine.connect() as connection:
        found = {call.call_sid: call for call in await connection.execute(select(Call))}
        paid = {(row.call_sid, row.kind): row for row in await connection.execute(select(Charge))}
    assert not [event.line for event in events if event.level in ("WARNING", "ERROR")]
    assert ends == dict.fromkeys(found, 1)
    assert len(found) == CALLS
    for call_sid, call in found.items():
        assert call.end_reason == "crashed"
        assert (
            paid[call_sid, "model"].tokens_in + paid[call_sid, "transcription"].tokens_in == call.metrics["tokens_in"]
        )
        assert paid[call_sid, "model"].tokens_out > 0
        assert paid[call_sid, "phone"].cost == 0.0125
        lines = [line for line in written if call_sid in line]
        assert len(lines) >= 5
        heard = [match[1] for line in lines if (match := re.search(r'\[TRANSCRIPT\] לקוח: "(.*)"', line))]
        assert heard
        assert [line["text"] for line in call.transcript if line["who"] == "customer"] == heard
        kept = [entry["text"] for entry in call.events]
        assert not [line for line in lines if not any(text in line for text in kept)]


async def test_a_process_that_dies_just_after_it_said_an_ending_leaves_the_call_with_that_one(
    tmp_path: Path, database_url: str, engine: AsyncEngine
) -> None:
    """Killed at the sight of CALL_END, with a database that keeps the record waiting."""
    async with service_process(tmp_path, DATABASE_URL=database_url) as service:
        call = asyncio.create_task(service.call({**TALKS, "ending": {"by": "caller"}}))
        await until(lambda: any("בשמחה" in line for line in service.lines))
        async with engine.begin() as held:
            await held.execute(text("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE"))
            await until(lambda: any("[CALL_END]" in line for line in service.lines))
            service.signal(signal.SIGKILL)
            await service.exit()
        await asyncio.gather(call, return_exceptions=True)

    assert not [line for line in service.lines if "CALL_RECORD_SAVED" in line]
    with capture_events() as events:
        await recover(engine, tmp_path / "spool")
    assert not [event for event in events if event.event == "CALL_END"]
    async with engine.connect() as connection:
        assert list(await connection.scalars(select(Call.end_reason))) == ["customer_hangup"]


async def test_its_log_is_one_with_that_of_its_replicas(tmp_path: Path, database_url: str) -> None:
    prepare(tmp_path)
    async with service_process(tmp_path, DATABASE_URL=database_url):
        await takes_part(database_url, "prosaas-calls", tmp_path)


async def test_the_next_start_finds_the_calls_of_the_process_before(
    tmp_path: Path, database_url: str, engine: AsyncEngine
) -> None:
    """By itself, without a worker: the line of the end is the next process's."""
    async with service_process(tmp_path, DATABASE_URL=database_url) as service:
        call = asyncio.create_task(service.call(TALKS))
        await until(lambda: any("בשמחה" in line for line in service.lines))
        await asyncio.sleep(1.0)
        service.signal(signal.SIGKILL)
        await service.exit()
        await asyncio.gather(call, return_exceptions=True)

    async with service_process(tmp_path, DATABASE_URL=database_url) as service:
        await until(lambda: any("CALL_RECORD_IMPORTED" in line for line in service.lines))
    (ended,) = [line for line in service.lines if "CALL_END" in line]
    assert "סיבה=crashed" in ended
    assert "memory=" in ended
    assert not list((tmp_path / "spool").iterdir())
