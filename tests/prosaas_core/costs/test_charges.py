"""The ledger: every charge once with its call, and a business told once when its own day grows dear."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from postgres_world import as_role
from prosaas_core.costs.charges import SPENT_TODAY, charge, prices_of
from prosaas_core.database import make_engine, raw_connection, session, transaction
from prosaas_core.facts.prices import Charge, shipped
from prosaas_core.facts.usage import Usage
from prosaas_core.parties import find_parties
from prosaas_core.postgres.roles import CALLS, WORKER
from prosaas_core.records import CallRecord, save_call_record
from prosaas_core.settings import load_settings
from prosaas_core.tables import Call
from prosaas_core.tables import Charge as Row
from prosaas_logging import EventRecord, capture_events

STARTED = datetime(2026, 1, 4, 9, 0, 0, 0, UTC)
MODEL = Charge("model", "gpt-realtime-2.1", Usage(text_in=900, text_cached=512, audio_out=80), 0.008, "USD")
PHONE = Charge("phone", "twilio", Usage(seconds=45.0), 0.0125, "USD")
RECORD = CallRecord(
    call_sid="CA123",
    business_id=456,
    from_number="+972501234567",
    to_number="+97235550100",
    started_at=STARTED,
    ended_at=STARTED + timedelta(seconds=45),
    duration_s=45.0,
    end_reason="customer_hangup",
    metrics={"tokens_in": 900, "tokens_out": 80, "cost": 0.0205, "currency": "USD"},
    charges=[MODEL, PHONE],
)


def of(cost: float) -> Charge:
    return replace(PHONE, cost=cost)


def told(events: list[EventRecord]) -> list[Any]:
    return [event.fields["spent"] for event in events if event.event == "DAY_COST"]


async def spend(
    engine: AsyncEngine, cost: float, business_id: int, limit: float = 10.0, then: Callable[[], object] = int
) -> None:
    async with transaction(engine) as connection:
        await charge(connection, [of(cost)], business_id=business_id, day_limit=limit)
        then()


def test_charges_survive_the_disk_with_their_record() -> None:
    assert CallRecord.from_json(RECORD.to_json()) == RECORD


@pytest.mark.postgres
async def test_a_record_brings_its_charges_once_and_a_part_after_a_transfer_adds_its_own(
    engine: AsyncEngine, business_id: int
) -> None:
    later = replace(RECORD, started_at=STARTED + timedelta(minutes=5), ended_at=STARTED + timedelta(minutes=6))
    for record in (RECORD, RECORD, later, later):
        async with transaction(engine) as connection:
            await save_call_record(connection, record)
    async with session(engine) as opened:
        rows = (await opened.execute(select(Row.kind, Row.tokens_cached, Row.cost, Row.usage).order_by(Row.id))).all()
        call = await opened.get_one(Call, "CA123")
    model = ("model", 512, 0.008, {"text_in": 900, "text_cached": 512, "audio_out": 80})
    assert rows == [model, ("phone", 0, 0.0125, {"seconds": 45.0})] * 2
    assert (call.tokens_in, call.tokens_out, call.cost, call.currency) == (1800, 160, 0.041, "USD")


@pytest.mark.postgres
async def test_what_was_paid_stays_when_the_call_is_forgotten(engine: AsyncEngine, business_id: int) -> None:
    async with transaction(engine) as connection:
        await save_call_record(connection, RECORD)
        await connection.execute(text("DELETE FROM calls"))
        kept = select(Row.call_sid, Row.business_id, func.count()).group_by(Row.call_sid, Row.business_id)
        rows = (await connection.execute(kept)).all()
    assert rows == [(None, business_id, 2)]


@pytest.mark.postgres
async def test_a_business_is_told_at_four_fifths_and_at_the_whole_of_its_budget_once_a_day(
    engine: AsyncEngine, business_id: int
) -> None:
    with capture_events() as events:
        for cost in (7.9, 0.1, 0.5, 1.4, 0.1, 5.0):
            await spend(engine, cost, business_id)
    assert told(events) == [8.0, 10.0]
    assert {event.fields["business_id"] for event in events} == {str(business_id)}


@pytest.mark.postgres
@pytest.mark.parametrize("role", [CALLS, WORKER])
async def test_the_services_that_spend_may_do_so_in_their_own_roles(
    engine: AsyncEngine, business_id: int, database_url: str, role: str
) -> None:
    ours = make_engine(load_settings({"DATABASE_URL": as_role(database_url, role)}))
    with capture_events() as events:
        await spend(ours, 9.0, business_id)
    await ours.dispose()
    assert told(events) == [9.0]


@pytest.mark.postgres
async def test_without_a_budget_nobody_is_told(engine: AsyncEngine, business_id: int) -> None:
    with capture_events() as events:
        await spend(engine, 1e6, business_id, limit=0)
    assert told(events) == []


@pytest.mark.postgres
async def test_charges_at_one_moment_tell_once_and_a_transaction_rolled_back_tells_nothing(
    engine: AsyncEngine, business_id: int
) -> None:
    """None of sixteen sees the others' before they commit, unless they wait for one another."""
    with capture_events() as events:
        await asyncio.gather(*(spend(engine, 0.5, business_id) for _ in range(16)))
        with pytest.raises(ZeroDivisionError):
            await spend(engine, 99.0, business_id, then=lambda: 1 / 0)
    assert told(events) == [8.0]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("now", "zone", "hours_today"),
    [
        # The day on which summer begins in Israel has 23 hours, that on which it ends 25.
        ("2026-03-27T23:00+03:00", "Asia/Jerusalem", 22),
        ("2026-10-25T23:00+02:00", "Asia/Jerusalem", 24),
        ("2026-01-04T12:00+00:00", "America/New_York", 7),
        ("2026-01-04T12:00+00:00", "UTC", 12),
        # One that Postgres has not, as it stands from before it was refused.
        ("2026-01-04T12:00+00:00", "Mars/Hellas", 12),
    ],
)
async def test_a_day_is_the_businesss_own_with_its_summer_time(
    engine: AsyncEngine, business_id: int, now: str, zone: str, hours_today: int
) -> None:
    """One charge an hour for two days: as many count as the day has had hours, and the one at midnight."""
    moment = datetime.fromisoformat(now)
    asked = SPENT_TODAY.format(business="businesses", currency="'USD'").replace("now()", "$2::timestamptz")
    async with raw_connection(engine, within_s=10) as raw:
        await raw.execute("UPDATE businesses SET timezone = $1 WHERE id = $2", zone, business_id)
        await raw.execute(
            "INSERT INTO charges (business_id, at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,"
            " currency, estimated) SELECT $1, at, 'phone', 'twilio', 0, 0, 0, 60, 1, 'USD', false"
            " FROM generate_series($2::timestamptz - '48h'::interval, $2::timestamptz, '1h') AS at",
            business_id,
            moment,
        )
        spent = await raw.fetchval(f"SELECT ({asked}) FROM businesses WHERE id = $1", business_id, moment)
    assert spent == hours_today + 1


@pytest.mark.postgres
async def test_a_zone_that_postgres_has_not_keeps_no_charge_from_being_kept(
    engine: AsyncEngine, business_id: int
) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE businesses SET timezone = 'Mars/Hellas'"))
    with capture_events() as events:
        await spend(engine, 9.0, business_id)
    assert told(events) == [9.0]


@pytest.mark.postgres
async def test_a_call_knows_what_its_business_has_spent_since_its_midnight(
    engine: AsyncEngine, business_id: int
) -> None:
    await spend(engine, 3.5, business_id)
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE charges SET at = at - '25 hours'::interval"))
    await spend(engine, 1.25, business_id)
    async with raw_connection(engine, within_s=10) as raw:
        asked: dict[str, Any] = {"business_id": business_id, "called": "", "caller": "+972501234567"}
        known, unasked = await find_parties(raw, **asked, spent_in="USD"), await find_parties(raw, **asked)
    assert known is not None
    assert unasked is not None
    assert (known.spent_today, unasked.spent_today) == (1.25, 0.0)


def test_a_file_of_no_use_and_a_model_without_a_price_are_said_and_stop_nothing(tmp_path: Path) -> None:
    wrong = tmp_path / "prices.toml"
    wrong.write_text("currency = dollars")
    chosen = load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1/none", "PRICES_FILE": str(wrong)})
    with capture_events() as events:
        assert prices_of(chosen, "gpt-realtime-2.1", "gpt-of-tomorrow") == shipped()
    assert [event.event for event in events] == ["CONFIG_INVALID", "PRICE_UNKNOWN"]
    assert events[1].fields["model"] == "gpt-of-tomorrow"
    assert "line 1" in str(events[0].fields["value"])


@pytest.mark.postgres
async def test_what_was_spent_in_another_currency_is_no_part_of_the_day(engine: AsyncEngine, business_id: int) -> None:
    async with transaction(engine) as connection:
        await charge(connection, [replace(PHONE, cost=90.0, currency="ILS")], business_id=business_id, day_limit=1000)
    with capture_events() as events:
        async with transaction(engine) as connection:
            await charge(connection, [of(1.0)], business_id=business_id, day_limit=30)
    assert events == []
    async with raw_connection(engine, within_s=10) as raw:
        found = await find_parties(raw, business_id=business_id, called="", caller="", spent_in="USD")
    assert found is not None
    assert found.spent_today == 1.0
