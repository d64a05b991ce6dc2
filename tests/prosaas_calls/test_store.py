"""What a call asks of the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from calls_world.world import ENVIRON
from postgres_world.standing_still import standing_still
from prosaas_calls import store as calls_store
from prosaas_calls.limits import Limits
from prosaas_calls.profile import Profile
from prosaas_calls.store import Store
from prosaas_core.database import make_engine, raw_connection, session, transaction
from prosaas_core.facts.prices import Charge
from prosaas_core.facts.usage import Usage
from prosaas_core.messages import fates
from prosaas_core.queries import note_ending, note_stream
from prosaas_core.records import CallRecord
from prosaas_core.settings import load_settings
from prosaas_core.stream_token import StreamClaims
from prosaas_core.tables import Appointment, Business, Call, CallMessage
from prosaas_logging import capture_events

COLUMNS = Business.__table__.columns.keys()
CALLER, STRANGER = "+972501234567", "+972507654321"
# The transaction that wrote the row last.
WRITER = text("SELECT xmin FROM customers WHERE external_id = :phone")


def store_of(engine: AsyncEngine) -> Store:
    limits = Limits()
    return Store(engine, timeout=limits.database, record_timeout=limits.record)


def claims(number: str) -> StreamClaims:
    return StreamClaims("CA1", 456, number, "+97235550100", 0.0, "nonce")


async def test_a_stranger_becomes_a_customer_and_is_known_the_next_time(engine: AsyncEngine) -> None:
    """The second call finds whom the first one made."""
    store = store_of(engine)
    first, second = await store.profile(claims(STRANGER)), await store.profile(claims(STRANGER))

    assert first.customer_id is not None
    assert first.customer_id == second.customer_id
    assert first.business is not None
    assert first.business.id == 456


async def test_a_business_is_known_whole(engine: AsyncEngine) -> None:
    """As the object mapper would have loaded it, by its id or by its number."""
    store = store_of(engine)
    async with session(engine) as opened:
        stored = await opened.get_one(Business, 456)

    for asked in (claims(CALLER), replace(claims(CALLER), business_id=None)):
        business = (await store.profile(asked)).business
        assert business is not None
        assert {name: getattr(business, name) for name in COLUMNS} == {name: getattr(stored, name) for name in COLUMNS}


async def led_to(engine: AsyncEngine, seat: str) -> StreamClaims:
    """A call that rings and was led there, and what its token says."""
    async with raw_connection(engine, within_s=5.0) as raw:
        await fates.admit_call(raw, "CA1", from_number=CALLER, to_number="+97235550100", seat=seat)
    return replace(claims(CALLER), nonce=f"{seat}:nonce")


async def test_a_call_that_its_seat_cannot_take_is_taken_over_once(engine: AsyncEngine) -> None:
    """Ten would, at one time; one may. Nobody may who names a seat that is not the call's."""
    store, led = store_of(engine), await led_to(engine, "gone")
    assert not await store.take_over(replace(led, nonce="other:nonce"), seat="mine", stream_sid="MZ1")
    asked = (store.take_over(led, seat=f"seat {number}", stream_sid=f"MZ{number}") for number in range(10))
    assert sorted(await asyncio.gather(*asked)) == [False] * 9 + [True]


async def test_a_call_that_had_its_stream_is_not_taken_over_but_by_that_one(engine: AsyncEngine) -> None:
    """Twilio may tell of a stream before the seat that it came to has asked for the call."""
    store, led = store_of(engine), await led_to(engine, "gone")
    async with transaction(engine) as connection:
        await note_stream(connection, "CA1", "MZ1")
    assert not await store.take_over(led, seat="mine", stream_sid="MZ2")
    assert await store.take_over(led, seat="mine", stream_sid="MZ1")


async def test_a_call_that_is_back_from_a_transfer_is_taken_over_where_it_was_led_then(engine: AsyncEngine) -> None:
    """What was recorded of it before is another part of it."""
    store, led = store_of(engine), replace(await led_to(engine, "first"), nonce="second:nonce", returned="busy")
    async with transaction(engine) as connection:
        await note_stream(connection, "CA1", "MZ1")
        await connection.execute(text("UPDATE calls SET recorded_at = now() WHERE call_sid = 'CA1'"))
        await note_ending(connection, "CA1", None, seat="second")
    assert not await store.take_over(replace(led, returned=""), seat="mine", stream_sid="MZ2")
    assert await store.take_over(led, seat="mine", stream_sid="MZ2")


@pytest.mark.parametrize("how", ["is over", "is known to nobody"])
async def test_a_call_is_not_taken_over_that(engine: AsyncEngine, how: str) -> None:
    led = replace(claims(CALLER), nonce="gone:nonce")
    if how == "is over":
        led = await led_to(engine, "gone")
        async with raw_connection(engine, within_s=5.0) as raw:
            told = {"status": "completed", "direction": "inbound", "duration_s": 1.0}
            await fates.note_call(raw, "CA1", from_number=CALLER, to_number="+97235550100", **told)  # type: ignore[arg-type]
    assert not await store_of(engine).take_over(led, seat="mine", stream_sid="MZ1")


async def test_nobody_is_made_up(engine: AsyncEngine) -> None:
    """A number of no business gives the generic profile, a hidden caller no customer."""
    store = store_of(engine)
    stray = await store.profile(replace(claims(CALLER), business_id=None, to_number="+97230000000"))
    assert (stray.business, stray.customer_id) == (None, None)

    hidden = await store.profile(claims(""))
    assert hidden.business is not None
    assert (hidden.customer_id, hidden.customer_name) == (None, "")


async def test_ten_first_calls_of_one_number_are_one_customer(engine: AsyncEngine) -> None:
    """Whoever comes second finds the first one's row."""
    store = store_of(engine)
    profiles = await asyncio.gather(*(store.profile(claims(STRANGER)) for _ in range(10)))
    assert len({profile.customer_id for profile in profiles}) == 1
    assert profiles[0].customer_id is not None


async def test_a_known_caller_costs_no_write(engine: AsyncEngine) -> None:
    """Nobody waits for a disk before the greeting."""
    store = store_of(engine)
    async with session(engine) as opened:
        before = await opened.scalar(WRITER, {"phone": CALLER})

    assert (await store.profile(claims(CALLER))).customer_name == "דוד"

    async with session(engine) as opened:
        after = await opened.scalar(WRITER, {"phone": CALLER})
    assert after == before


async def test_the_callers_next_appointments_are_known_and_nobody_elses(engine: AsyncEngine) -> None:
    """Five at most, soonest first; what is past or cancelled is not among them."""
    store = store_of(engine)
    mine, other = await store.profile(claims(CALLER)), await store.profile(claims(STRANGER))
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rows = [(mine, day, "booked") for day in (3, 1, 2, 4, 5, 6)]
    rows += [(mine, 7, "cancelled"), (mine, -3, "booked"), (other, 8, "booked")]
    async with session(engine) as opened:
        for profile, day, status in rows:
            at = start + timedelta(days=day)
            appointment = Appointment(customer_id=profile.customer_id, starts_at=at, ends_at=at + timedelta(minutes=30))
            appointment.business_id, appointment.status = 456, status
            opened.add(appointment)

    assert (await store.profile(claims(CALLER))).booked == tuple(start + timedelta(days=day) for day in range(1, 6))
    assert (await store.profile(claims(STRANGER))).booked == (start + timedelta(days=8),)


async def test_a_database_that_is_away_at_the_start_is_a_warning() -> None:
    """The service answers calls all the same."""
    engine = make_engine(load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}))
    with capture_events() as events:
        await store_of(engine).warm_up()

    assert [(event.event, event.level) for event in events] == [("DB_UNAVAILABLE", "WARNING")]


async def test_without_the_database_no_call_is_taken_over() -> None:
    """It alone knows whether somebody else has it."""
    engine = make_engine(load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}))
    with capture_events() as events:
        assert not await store_of(engine).take_over(claims(CALLER), seat="mine", stream_sid="MZ1")

    assert [(event.event, event.level) for event in events] == [("DB_UNAVAILABLE", "WARNING")]


async def test_a_caller_waits_for_no_farewell_to_a_database_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its statement's cancelling takes two seconds more, in which they would hear nothing."""

    store = Store(make_engine(load_settings(ENVIRON)), timeout=0.01, record_timeout=1.0)
    with standing_still() as raw_connection, capture_events() as events:
        monkeypatch.setattr(calls_store, "raw_connection", raw_connection)
        async with asyncio.timeout(5):
            assert await store.profile(claims(CALLER)) == Profile()
            assert not await store.take_over(claims(CALLER), seat="mine", stream_sid="MZ1")
    assert [event.fields["error"] for event in events] == ["DatabaseUnavailable: no answer in time"] * 2


async def test_a_database_that_fails_in_a_way_of_its_own_is_an_error_and_costs_nobody_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @asynccontextmanager
    async def broken(*_: object, **__: object) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    monkeypatch.setattr("prosaas_calls.store.raw_connection", broken)
    nobody: Any = None
    with capture_events() as events:
        assert await store_of(nobody).profile(claims(CALLER)) == Profile()

    assert [(event.level, event.exc and event.exc.kind) for event in events] == [("ERROR", "ZeroDivisionError")]


@pytest.mark.parametrize(("limit", "known"), [({}, 0.0), ({"day_limit": 0.5}, 1.25)])
async def test_what_a_business_has_spent_today_is_added_up_where_there_is_a_limit(
    engine: AsyncEngine, owner: AsyncEngine, limit: dict[str, Any], known: float
) -> None:
    """No caller waits for a sum that decides nothing."""
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO charges (business_id, at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,"
                " currency, estimated) VALUES (456, now(), 'phone', 'twilio', 0, 0, 0, 60, 1.25, 'USD', false)"
            )
        )
    store = Store(engine, timeout=10, record_timeout=10, **limit)
    assert (await store.profile(claims(CALLER))).spent_today == known


async def test_a_record_is_stored_with_what_it_cost_and_the_log_says_which_limit_was_passed(
    engine: AsyncEngine,
) -> None:
    now, charge = datetime.now(UTC), Charge(kind="model", name="m", usage=Usage(text_in=1), cost=5.0, currency="USD")
    record = CallRecord(
        call_sid="CA1",
        business_id=456,
        started_at=now,
        ended_at=now,
        duration_s=1,
        end_reason="customer_hangup",
        charges=[charge],
    )
    store = Store(engine, timeout=10, record_timeout=10, day_limit=4.0)
    with capture_events() as events:
        await store.save(record)

    assert [event.fields["limit"] for event in events if event.event == "DAY_COST"] == [4.0]
    async with session(engine) as opened:
        assert (await opened.scalars(select(Call.end_reason))).all() == ["customer_hangup"]


async def test_the_log_says_which_customer_calls(engine: AsyncEngine) -> None:
    with capture_events() as events:
        await store_of(engine).profile(claims(CALLER))
        await store_of(engine).profile(claims(""))

    assert [event.fields["name"] for event in events if event.event == "DB_CONTEXT"] == ["דוד"]


async def written(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, *, answers: bool, cuts: int
) -> tuple[bool, int]:
    """Cut a transaction off, once or more, while it commits: whether it ended well, and how many rows there are."""
    reached, real = asyncio.Event(), AsyncSession.commit

    async def commit(self: AsyncSession) -> None:
        await real(self) if answers else None
        reached.set()
        await asyncio.sleep(0.1 if answers else 3600)

    monkeypatch.setattr(AsyncSession, "commit", commit)
    store = Store(engine, timeout=0.5 if answers else 0.1, record_timeout=1)

    async def write() -> None:
        async with store.transaction() as opened:
            opened.add(CallMessage(business_id=456, call_sid="CA1", name="", number="", body="x", urgent=False))
            await opened.flush()

    writing = asyncio.create_task(write())
    async with asyncio.timeout(20):
        await reached.wait()
        for _ in range(cuts):
            writing.cancel()
            await asyncio.sleep(0.01)
        await asyncio.wait({writing})
    monkeypatch.undo()
    async with session(engine) as opened:
        return not writing.cancelled(), await opened.scalar(select(func.count(CallMessage.id))) or 0


@pytest.mark.parametrize("cuts", [1, 4])
async def test_what_was_committed_is_not_said_to_have_failed(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, cuts: int
) -> None:
    """A tool's time may be over while the answer to its commit is on its way."""
    assert await written(engine, monkeypatch, answers=True, cuts=cuts) == (True, 1)


@pytest.mark.parametrize("cuts", [1, 4])
async def test_a_commit_without_an_answer_is_waited_for_in_vain_for_a_moment_only(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, cuts: int
) -> None:
    assert await written(engine, monkeypatch, answers=False, cuts=cuts) == (False, 0)
