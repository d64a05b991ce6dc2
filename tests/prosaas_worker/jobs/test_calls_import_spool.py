"""calls.import_spool brings in what was written to disk, loses nothing, and stores nothing twice."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from prosaas_core.database import DatabaseUnavailable, make_engine
from prosaas_core.records import CallRecord
from prosaas_core.tables import Call
from prosaas_logging import capture_events
from prosaas_worker.job import Tools
from prosaas_worker.jobs import calls_import_spool

pytestmark = pytest.mark.postgres

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)
RECORD = CallRecord(
    call_sid="CA1",
    started_at=NOW,
    ended_at=NOW,
    duration_s=45,
    end_reason="customer_hangup",
    from_number="+972501234567",
    to_number="+97235550100",
)


@pytest.fixture
def spool(tmp_path):
    return tmp_path


@pytest.fixture
def importing(tools, spool):
    return Tools(tools.settings.model_copy(update={"spool_dir": spool}), tools.engine, tools.outbound, tools.prices)


async def jobs(engine):
    async with engine.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'call.summarise'"))


async def test_a_record_is_stored_with_its_business_and_its_summary_is_queued(importing, spool):
    (spool / "CA1.json").write_text(RECORD.to_json(), encoding="utf-8")
    with capture_events() as events:
        await calls_import_spool.run(importing)
    async with importing.engine.connect() as connection:
        call = (await connection.execute(select(Call.business_id, Call.end_reason, Call.started_at))).one()
    assert tuple(call) == (456, "customer_hangup", NOW)
    assert await jobs(importing.engine) == 1
    assert list(spool.iterdir()) == []
    assert [event.event for event in events if event.level == "INFO"] == ["JOB_ENQUEUED", "CALL_RECORD_IMPORTED"]


async def test_a_record_that_was_stored_before_the_crash_is_not_stored_twice(importing, spool):
    for _ in range(2):
        (spool / "CA1.json").write_text(RECORD.to_json(), encoding="utf-8")
        await calls_import_spool.run(importing)
    async with importing.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(Call)) == 1
    assert await jobs(importing.engine) == 1


async def test_a_file_that_is_no_record_is_set_aside_and_does_not_hold_up_the_others(importing, spool):
    (spool / "CA0.json").write_text("{broken", encoding="utf-8")
    (spool / "CA2.json").write_text(replace(RECORD, call_sid="CA2").to_json(), encoding="utf-8")
    with capture_events() as events:
        await calls_import_spool.run(importing)
    assert [path.name for path in spool.iterdir()] == ["CA0.unreadable"]
    assert "CALL_RECORD_UNREADABLE" in [event.event for event in events]
    async with importing.engine.connect() as connection:
        assert await connection.scalar(select(Call.call_sid)) == "CA2"


def odd(**fields):
    return json.dumps({**json.loads(RECORD.to_json()), "call_sid": "CA0", **fields})


@pytest.mark.parametrize(
    "record",
    [
        odd(duration_s="long"),
        odd(transcript="words"),
        odd(business_id=2**80),
        odd(events={"a": 1}),
        odd(call_sid=None),
        "[]",
        "[" * 100_000,
    ],
)
async def test_a_record_that_the_database_would_refuse_steps_aside_and_lets_the_others_pass(record, importing, spool):
    (spool / "CA0.json").write_text(record, encoding="utf-8")
    os.utime(spool / "CA0.json", (0, 0))
    (spool / "CA2.json").write_text(replace(RECORD, call_sid="CA2").to_json(), encoding="utf-8")
    with capture_events() as events:
        await calls_import_spool.run(importing)
    assert [path.name for path in spool.iterdir()] == ["CA0.unreadable"]
    assert [event.event for event in events].count("CALL_RECORD_UNREADABLE") == 1
    async with importing.engine.connect() as connection:
        assert await connection.scalar(select(Call.call_sid)) == "CA2"


async def test_what_can_be_kept_of_a_record_is_kept(importing, spool):
    said = [{"who": "customer", "text": "a\0b\ud800c"}]
    (spool / "CA0.json").write_text(odd(transcript=said, business_id=404, customer_id=405), encoding="utf-8")
    await calls_import_spool.run(importing)
    assert list(spool.iterdir()) == []
    async with importing.engine.connect() as connection:
        call = (await connection.execute(select(Call.transcript, Call.business_id))).one()
    assert call.transcript == [{"who": "customer", "text": "ab\ufffdc"}]
    assert call.business_id == 456


async def test_while_the_database_is_away_every_record_waits(importing, spool):
    away = importing.settings.model_copy(update={"database_url": "postgresql://x:y@127.0.0.1:1/none"})
    (spool / "CA1.json").write_text(RECORD.to_json(), encoding="utf-8")
    with pytest.raises(DatabaseUnavailable):
        await calls_import_spool.run(replace(importing, engine=make_engine(away)))
    assert [path.name for path in spool.iterdir()] == ["CA1.json"]


async def test_the_oldest_record_comes_first(importing, spool):
    for number, name in enumerate(("CB", "CA", "CC")):
        (spool / f"{name}.json").write_text(replace(RECORD, call_sid=name).to_json(), encoding="utf-8")
        os.utime(spool / f"{name}.json", (number, number))
    with capture_events() as events:
        await calls_import_spool.run(importing)
    imported = [event.fields["path"] for event in events if event.event == "CALL_RECORD_IMPORTED"]
    assert imported == ["CB.json", "CA.json", "CC.json"]


async def test_a_record_being_written_is_left_alone(importing, spool):
    (spool / ".CA1.json.tmp").write_text("{", encoding="utf-8")
    await calls_import_spool.run(importing)
    assert [path.name for path in spool.iterdir()] == [".CA1.json.tmp"]


async def test_an_empty_or_absent_spool_is_no_news(importing, spool):
    with capture_events() as events:
        await calls_import_spool.run(importing)
        spool.rmdir()
        await calls_import_spool.run(importing)
    assert list(events) == []
