"""Call records: whole on disk and back, in the database once, with one summary job."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import queries
from prosaas_core.database import raw_connection, session, transaction
from prosaas_core.messages import fates
from prosaas_core.records import CallRecord, _together, save_call_record
from prosaas_core.tables import Call, Customer

STARTED = datetime(2026, 1, 4, 9, 0, 0, 123456, UTC)
RECORD = CallRecord(
    call_sid="CA123",
    business_id=456,
    from_number="+972501234567",
    to_number="+97235550100",
    started_at=STARTED,
    ended_at=STARTED + timedelta(seconds=45),
    duration_s=45.0,
    end_reason="customer_hangup",
    version="1a2b3c4-dirty",
    metrics={"turns": 3},
    transcript=[{"who": "customer", "text": "שלום", "at_ms": 900}],
    events=[{"t_ms": 0, "level": "INFO", "event": "CALL_START", "text": "…"}],
)


RECENT = replace(RECORD, started_at=datetime.now(UTC) - timedelta(minutes=1), ended_at=datetime.now(UTC))


async def jobs(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(text("SELECT dedupe_key FROM pgqueuer"))).scalars())


def test_a_call_that_goes_on_keeps_what_was_done_in_both_of_its_parts() -> None:
    """Its first sound is the first part's; what one part cost is known of the whole only where the other's is."""
    before = {"turns": 2, "cost": 0.1, "first_audio_ms": 300, "deeds": [{"tool": "book_appointment", "id": 1}]}
    later = {"turns": 3, "cost": None, "first_audio_ms": 900, "deeds": [{"tool": "take_message", "id": 2}]}

    assert _together(before, later) == {
        "turns": 5,
        "cost": None,
        "first_audio_ms": 300,
        "deeds": [{"tool": "book_appointment", "id": 1}, {"tool": "take_message", "id": 2}],
    }
    assert _together({"turns": 1}, {"turns": 1, "cost": 0.2}) == {"turns": 2, "cost": 0.2}


def test_what_went_wrong_in_one_part_went_wrong_in_the_call() -> None:
    troubles = {"errors": 1, "refused": 2, "unmended": 1, "reconnects": 1, "slowest_ms": 9000}
    fine = {"errors": 0, "refused": 0, "unmended": 0, "reconnects": 0, "slowest_ms": 400}
    assert _together(troubles, fine) == troubles
    assert _together(fine, troubles) == troubles
    assert "slowest_ms" not in _together({}, {"errors": 0})


def test_a_record_survives_the_disk() -> None:
    written = RECORD.to_json()
    assert "\n" not in written
    assert CallRecord.from_json(written) == RECORD


@pytest.mark.parametrize(
    "broken", ["", "null", "[]", '{"call_sid": "CA1"}', RECORD.to_json()[:-1], '{"started_at": 1}']
)
def test_what_is_no_record_is_refused(broken: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        CallRecord.from_json(broken)


@pytest.mark.postgres
async def test_a_record_is_stored_whole_and_once_with_its_summary_job(engine: AsyncEngine, business_id: int) -> None:
    async with transaction(engine) as connection:
        assert await save_call_record(connection, RECORD)
    async with transaction(engine) as connection:
        assert not await save_call_record(connection, replace(RECORD, end_reason="something else"))
    async with session(engine) as opened:
        call = await opened.get_one(Call, "CA123")
        assert (call.business_id, call.end_reason, call.duration_s) == (business_id, "customer_hangup", 45.0)
        assert call.version == "1a2b3c4-dirty"
        assert (call.started_at, call.transcript, call.events) == (STARTED, RECORD.transcript, RECORD.events)
        numbers = {
            "refused": 0,
            "errors": 0,
            "reconnects": 0,
            "noisy": 0,
            "database_away": 0,
            "unmended": 0,
            "unwritten": 0,
            "unanswered_ms": 43814,
        }
        assert call.metrics == {"turns": 3, "parts": [STARTED.isoformat()]} | numbers
        assert (await opened.get_one(Customer, call.customer_id)).name == "דוד"
    assert await jobs(engine) == ["call.summarise:CA123"]


@pytest.mark.postgres
async def test_the_same_record_saved_by_many_at_once_is_stored_once(engine: AsyncEngine, business_id: int) -> None:
    async def save() -> bool:
        async with transaction(engine) as connection:
            return await save_call_record(connection, RECORD)

    assert sum(await asyncio.gather(*(save() for _ in range(20)))) == 1
    assert await jobs(engine) == ["call.summarise:CA123"]


@pytest.mark.postgres
async def test_a_record_made_without_the_database_finds_its_business_and_customer_later(
    engine: AsyncEngine, business_id: int
) -> None:
    async with transaction(engine) as connection:
        assert await save_call_record(connection, replace(RECORD, business_id=None))
    async with session(engine) as opened:
        call = await opened.get_one(Call, "CA123")
        assert call.business_id == business_id
        assert call.customer_id is not None


@pytest.mark.postgres
@pytest.mark.parametrize("there", [True, False])
async def test_a_record_keeps_the_customer_that_the_call_knew_unless_they_are_gone(
    engine: AsyncEngine, business_id: int, there: bool
) -> None:
    """Whatever number they called from."""
    async with transaction(engine) as connection:
        known = await queries.customer_id_for_phone(connection, business_id, "+972509999999")
        asked = known if there else known + 100
        assert await save_call_record(connection, replace(RECORD, customer_id=asked))
    async with session(engine) as opened:
        stored = (await opened.get_one(Call, "CA123")).customer_id
    assert stored is not None
    assert (stored == known) is there


@pytest.mark.postgres
async def test_the_record_of_a_call_for_nobody_is_stored_too(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        assert await save_call_record(connection, replace(RECORD, business_id=None, to_number="+97239999999"))


@pytest.mark.postgres
async def test_the_status_callback_and_the_record_may_come_in_either_order(
    engine: AsyncEngine, business_id: int
) -> None:
    async def status(call_sid: str, status: str, duration_s: float | None = None) -> bool:
        async with raw_connection(engine) as raw:
            parties = {"from_number": RECORD.from_number, "to_number": RECORD.to_number}
            return await fates.note_call(
                raw, call_sid, status=status, direction="inbound", duration_s=duration_s, **parties
            )

    assert await status("CA123", "ringing")
    assert await status("CA123", "completed", 44)
    async with transaction(engine) as connection:
        assert await save_call_record(connection, RECORD)
        assert await save_call_record(connection, replace(RECORD, call_sid="CA456"))
    # Twilio's own word is news once, also of a call that our record has ended.
    assert await status("CA456", "completed", 44)
    assert not await status("CA456", "completed", 44)
    async with session(engine) as opened:
        for call_sid in ("CA123", "CA456"):
            call = await opened.get_one(Call, call_sid)
            assert (call.status, call.duration_s, call.end_reason) == ("completed", 45.0, "customer_hangup")


@pytest.mark.postgres
async def test_a_caller_who_hides_their_number_is_nobody_in_the_record(engine: AsyncEngine, business_id: int) -> None:
    async with transaction(engine) as connection:
        await save_call_record(connection, replace(RECORD, from_number="anonymous", customer_id=None))
    async with session(engine) as opened:
        assert (await opened.get_one(Call, RECORD.call_sid)).customer_id is None


@pytest.mark.postgres
async def test_what_follows_a_transfer_that_came_back_is_added_to_the_call_once(
    engine: AsyncEngine, business_id: int
) -> None:
    """One call, one row: its words in their order, its numbers added up, its last end."""
    before = replace(RECORD, end_reason="transferred", metrics={"turns": 3, "first_audio_ms": 300})
    after = replace(
        RECORD,
        started_at=RECORD.ended_at + timedelta(seconds=15),
        ended_at=RECORD.ended_at + timedelta(seconds=45),
        duration_s=30.0,
        metrics={"turns": 2, "first_audio_ms": 500},
    )
    for record, new in ((before, True), (after, True), (after, False), (before, False)):
        async with transaction(engine) as connection:
            assert await save_call_record(connection, record) is new
    async with session(engine) as opened:
        call = await opened.get_one(Call, "CA123")
    assert (call.started_at, call.ended_at, call.duration_s) == (STARTED, after.ended_at, 90.0)
    assert (call.end_reason, call.metrics["turns"], call.metrics["first_audio_ms"]) == ("customer_hangup", 5, 300)
    assert [line["at_ms"] for line in call.transcript] == [900, 60_900]
    assert [entry["t_ms"] for entry in call.events] == [0, 60_000]
    assert len(await jobs(engine)) == 2


@pytest.mark.postgres
@pytest.mark.parametrize(("reason", "told"), [("model_failed", 1), ("over_capacity", 1), ("customer_hangup", 0)])
async def test_the_business_is_told_of_a_caller_who_was_sent_away(
    engine: AsyncEngine, business_id: int, reason: str, told: int
) -> None:
    async with transaction(engine) as connection:
        assert await save_call_record(connection, replace(RECENT, end_reason=reason))
    assert sum(key == "business.tell:CA123" for key in await jobs(engine)) == told


@pytest.mark.postgres
@pytest.mark.parametrize(("hours", "told"), [(11, 1), (13, 0)])
async def test_the_business_hears_of_no_call_that_is_many_hours_old(
    engine: AsyncEngine, business_id: int, hours: int, told: int
) -> None:
    """A spool that was found late, or came back with a backup, is no news."""
    ended = datetime.now(UTC) - timedelta(hours=hours)
    old = replace(RECORD, started_at=ended - timedelta(seconds=45), ended_at=ended, end_reason="crashed")
    async with transaction(engine) as connection:
        assert await save_call_record(connection, old)
    assert sum(key == "business.tell:CA123" for key in await jobs(engine)) == told


@pytest.mark.postgres
async def test_the_business_is_not_told_of_a_caller_whom_its_own_person_was_rung_for_until_they_come_back(
    engine: AsyncEngine, business_id: int
) -> None:
    rung = replace(RECENT, end_reason="model_failed", metrics={"rescued": True})
    back = replace(RECENT, end_reason="model_failed", started_at=RECENT.ended_at + timedelta(seconds=15))
    for record, told in ((rung, 0), (back, 1)):
        async with transaction(engine) as connection:
            assert await save_call_record(connection, record)
        assert sum(key.startswith("business.tell:CA123") for key in await jobs(engine)) == told


def part(number: int) -> CallRecord:
    """A part of one call: it begins `number` minutes after the first and goes on for 45 s."""
    began = STARTED + timedelta(minutes=number)
    return replace(
        RECORD,
        started_at=began,
        ended_at=began + timedelta(seconds=45),
        end_reason=f"part {number}",
        metrics={"turns": 1, "first_audio_ms": 100 + number},
        transcript=[{"who": "customer", "text": str(number), "at_ms": 900}],
    )


@pytest.mark.postgres
async def test_a_part_that_another_machine_says_began_within_the_first_one_is_a_part_all_the_same(
    engine: AsyncEngine, business_id: int
) -> None:
    """Their clocks may differ by a second, and a dial can fail at once."""
    after = replace(part(1), started_at=part(0).ended_at - timedelta(seconds=1))
    for record, new in ((part(0), True), (after, True), (after, False)):
        async with transaction(engine) as connection:
            assert await save_call_record(connection, record) is new


@pytest.mark.postgres
@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))))
async def test_the_parts_of_a_call_are_stored_once_each_whichever_comes_first(
    engine: AsyncEngine, business_id: int, order: tuple[int, ...]
) -> None:
    """One may wait on disk for the database while the next is stored; another may be found twice."""
    for number in (*order, *order):
        async with transaction(engine) as connection:
            await save_call_record(connection, part(number))
    async with session(engine) as opened:
        call = await opened.get_one(Call, "CA123")
    assert [(line["text"], line["at_ms"]) for line in call.transcript] == [("0", 900), ("1", 60_900), ("2", 120_900)]
    assert (call.started_at, call.duration_s, call.end_reason) == (STARTED, 165.0, "part 2")
    assert call.metrics["turns"] == 3
    assert len(await jobs(engine)) == 3


@pytest.mark.postgres
async def test_a_part_that_comes_after_its_caller_was_forgotten_brings_no_word_and_no_number_back(
    engine: AsyncEngine, business_id: int
) -> None:
    async with transaction(engine) as connection:
        await save_call_record(connection, part(0))
        await connection.execute(text("UPDATE calls SET from_number = '', customer_id = NULL, transcript = '[]'"))
        await connection.execute(text("DELETE FROM customers"))
        later = replace(part(1), metrics={**part(1).metrics, "unkept": "I have booked you, Dana"})
        await save_call_record(connection, later)
    async with session(engine) as opened:
        call = await opened.get_one(Call, "CA123")
        assert (await opened.execute(select(func.count()).select_from(Customer))).scalar() == 0
    assert (call.from_number, call.customer_id, call.transcript, call.metrics["turns"]) == ("", None, [], 2)
    assert "unkept" not in call.metrics
