"""Calls that nobody stored are found, and stored once whoever finds them."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import records
from prosaas_core.database import DatabaseUnavailable, make_engine
from prosaas_core.kept import recovery
from prosaas_core.kept.journal import Journals, claimed, encoded
from prosaas_core.kept.recovery import recover
from prosaas_core.records import CallRecord
from prosaas_core.settings import load_settings
from prosaas_core.storable import storable
from prosaas_core.tables import Call
from prosaas_logging import EventRecord, capture_events

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
LINE = {"t_ms": 5, "level": "INFO", "event": "TRANSCRIPT_AI", "text": 'AI: "שלום"', "folded": False}
ABOUT = {"version": "1.2", "memory": "1019 of 1024 MiB"}


def dead(folder: Path, call_sid: str = "CA1", **changes: Any) -> Path:
    """The journal of a call whose process died after a second and a half."""
    call = {
        "call_sid": call_sid,
        "from_number": "+972501234567",
        "to_number": "+97235550100",
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=1.5),
        "duration_s": 1.5,
        "end_reason": "crashed",
        "metrics": {"turns": 2, "frames_in": 75},
        **changes,
    }
    said = {"who": "ai", "text": "שלום", "at_ms": 3}
    entries: tuple[dict[str, Any], ...] = ({"call": call}, {"said": (0, said)}, {"line": LINE}, {"process": ABOUT})
    path = folder / f"{call_sid}.0a0b0c0d.journal"
    path.write_bytes(b"".join(map(encoded, entries)) + b"\0" * 100)
    return path


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def named(events: list[EventRecord], name: str) -> list[EventRecord]:
    return [event for event in events if event.event == name]


async def jobs(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        found = await connection.scalars(text("SELECT dedupe_key FROM pgqueuer ORDER BY dedupe_key"))
        return list(found)


async def test_a_call_whose_process_died_is_stored_with_all_that_was_said_and_its_end_is_told(
    engine: AsyncEngine, business_id: int, tmp_path: Path
) -> None:
    dead(tmp_path)
    counted = list[CallRecord]()
    with capture_events() as events:
        await recover(engine, tmp_path, counted.append)
    async with engine.connect() as connection:
        call = (await connection.execute(select(Call))).one()
    assert (call.business_id, call.end_reason, call.duration_s) == (business_id, "crashed", 1.5)
    assert call.transcript == [{"who": "ai", "text": "שלום", "at_ms": 3}]
    assert call.events == [LINE]
    assert await jobs(engine) == ["business.tell:CA1", "call.summarise:CA1"]
    (ended,) = named(events, "CALL_END")
    assert ended.fields["reason"] == "crashed"
    assert ended.fields["turns"] == 2
    assert (
        ended.fields["explains"]
        == f"last_sign={NOW + timedelta(seconds=1):%H:%M:%SZ}, version=1.2, memory=1019 of 1024 MiB"
    )
    assert ended.fields["call_sid"] == "CA1"
    assert [record.call_sid for record in counted] == ["CA1"]
    assert not left(tmp_path)


async def test_the_call_that_waits_longest_is_stored_first(
    engine: AsyncEngine, business_id: int, tmp_path: Path
) -> None:
    ages = {"CA2": 300, "CA4": 100, "CA1": 200, "CA3": 400}
    for call_sid, age_s in ages.items():
        os.utime(dead(tmp_path, call_sid), (NOW.timestamp() - age_s,) * 2)
    counted = list[CallRecord]()
    await recover(engine, tmp_path, counted.append)
    assert [record.call_sid for record in counted] == ["CA3", "CA2", "CA1", "CA4"]


async def test_a_call_that_had_said_its_end_is_stored_without_a_second_one(
    engine: AsyncEngine, business_id: int, tmp_path: Path
) -> None:
    dead(tmp_path, end_reason="customer_hangup")
    counted = list[CallRecord]()
    with capture_events() as events:
        await recover(engine, tmp_path, counted.append)
    assert not named(events, "CALL_END")
    assert [event.fields["new"] for event in named(events, "CALL_RECORD_IMPORTED")] == [True]
    assert await jobs(engine) == ["call.summarise:CA1"]
    assert not counted


async def test_of_many_who_look_at_once_one_finds_each_call(
    engine: AsyncEngine, business_id: int, tmp_path: Path
) -> None:
    for number in range(5):
        dead(tmp_path, f"CA{number}")
    with capture_events() as events:
        await asyncio.gather(*(recover(engine, tmp_path) for _ in range(8)))
    assert sorted(str(event.fields["call_sid"]) for event in named(events, "CALL_END")) == [
        f"CA{number}" for number in range(5)
    ]
    assert not named(events, "CALL_RECORD_UNREADABLE")
    assert not left(tmp_path)


async def test_a_disk_that_is_put_back_changes_nothing(engine: AsyncEngine, business_id: int, tmp_path: Path) -> None:
    """Neither where the call was found crashed, nor where it had ended well after the copy was made."""
    saved = dead(tmp_path).read_bytes()
    for copy in (saved, saved, saved.replace(b"crashed", b"drained")):
        (tmp_path / "CA1.0a0b0c0d.journal").write_bytes(copy)
        with capture_events() as events:
            await recover(engine, tmp_path)
    assert not named(events, "CALL_END")
    assert [event.fields["new"] for event in named(events, "CALL_RECORD_IMPORTED")] == [False]
    async with engine.connect() as connection:
        assert list(await connection.scalars(select(Call.end_reason))) == ["crashed"]
    assert len(await jobs(engine)) == 2


@pytest.fixture
def away() -> AsyncEngine:
    return make_engine(load_settings({"DATABASE_URL": "postgresql://x:y@127.0.0.1:1/none"}))


async def test_while_the_database_is_away_a_dead_call_waits_and_then_is_told_once(
    engine: AsyncEngine, business_id: int, away: AsyncEngine, tmp_path: Path
) -> None:
    path = dead(tmp_path)
    with capture_events() as events:
        with pytest.raises(DatabaseUnavailable):
            await recover(away, tmp_path)
        assert path.exists()
        assert not named(events, "CALL_END")
        await recover(engine, tmp_path)
    assert len(named(events, "CALL_END")) == 1


async def test_a_live_call_is_left_alone(engine: AsyncEngine, business_id: int, tmp_path: Path) -> None:
    journals = Journals(tmp_path, every_s=0.01)
    beginning = [json.loads(line) for line in dead(tmp_path).read_bytes().splitlines()[:1]]
    (tmp_path / "CA1.0a0b0c0d.journal").unlink()
    journal = journals.open("CA1", lambda: [beginning.pop()] if beginning else [])
    async with asyncio.timeout(20):
        while not journal.path.exists() or not journal.path.read_bytes():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await recover(engine, tmp_path)
    assert journal.path.exists()
    assert await jobs(engine) == []
    await asyncio.wrap_future(journal.close())
    await recover(engine, tmp_path)
    assert not journal.path.exists()
    await asyncio.to_thread(journals.close, 20)


async def test_what_is_empty_goes_and_what_is_no_journal_steps_aside(
    engine: AsyncEngine, business_id: int, tmp_path: Path
) -> None:
    """A process that died at once left nothing to store; anything else is kept for a person to look at."""
    (tmp_path / "CA0.0.journal").write_bytes(b"\0" * 4096)
    (tmp_path / "CA2.0.journal").write_bytes(b'{"line": {}}\n')
    dead(tmp_path, "CA3", metrics={"reason": "odd", "turns": 1})
    with capture_events() as events:
        await recover(engine, tmp_path)
    assert left(tmp_path) == ["CA2.0.unreadable"]
    assert len(named(events, "CALL_RECORD_UNREADABLE")) == 1
    assert [event.fields["call_sid"] for event in named(events, "CALL_END")] == ["CA3"]


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (asyncpg.DeadlockDetectedError("deadlock detected"), True),
        (asyncpg.UndefinedColumnError('column "rescued" does not exist'), True),
        (asyncpg.QueryCanceledError("canceling statement"), True),
        (asyncpg.InsufficientPrivilegeError("permission denied"), True),
        (asyncpg.UntranslatableCharacterError("unsupported Unicode escape sequence"), False),
        (asyncpg.CheckViolationError("violates check constraint"), False),
        (asyncpg.ProgramLimitExceededError("index row size"), False),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_record_that_the_database_refuses_for_now_waits_and_keeps_no_other_waiting(
    away: AsyncEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refusal: asyncpg.PostgresError,
    waits: bool,
    wrapped: bool,
) -> None:
    """A migration that goes on, or two who waited for each other, costs no call its record."""
    stored: list[str] = []

    async def store(engine: object, path: Path, *_: object) -> None:
        if path == first:
            raise DBAPIError("INSERT", {}, refusal) if wrapped else refusal
        stored.append(path.name)

    monkeypatch.setattr(recovery, "_store", store)
    first, second = dead(tmp_path), dead(tmp_path, "CA2")
    os.utime(first, (0, 0))
    with pytest.raises(type(refusal) if not wrapped else DBAPIError) if waits else nullcontext():
        await recover(away, tmp_path)
    assert stored == [second.name]
    assert first.exists() is waits


async def test_a_disk_that_takes_its_time_keeps_no_live_call_waiting(
    engine: AsyncEngine, business_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is read, and its words are looked through, beside the loop."""
    loop = threading.current_thread()
    beside: list[str] = []

    @contextmanager
    def slow(path: Path) -> Iterator[bytes | None]:
        assert threading.current_thread() is not loop
        with claimed(path) as data:
            beside.append("read")
            yield data

    def long(value: Any) -> Any:
        assert threading.current_thread() is not loop
        beside.append("looked through")
        return storable(value)

    monkeypatch.setattr(recovery, "claimed", slow)
    monkeypatch.setattr(records, "storable", long)
    dead(tmp_path)
    await recover(engine, tmp_path)
    assert beside == ["read", "looked through"]
    assert not left(tmp_path)


async def test_what_the_disk_does_not_give_keeps_no_other_call_waiting(
    away: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in a file's place here; a file of another user elsewhere. It is said all the same."""
    stored: list[str] = []

    async def store(engine: object, path: Path, *_: object) -> None:
        stored.append(path.name)

    monkeypatch.setattr(recovery, "_store", store)
    odd = tmp_path / "CA0.0a0b0c0d.journal"
    odd.mkdir()
    good = dead(tmp_path)
    os.utime(odd, (0, 0))
    with pytest.raises(IsADirectoryError):
        await recover(away, tmp_path)

    assert stored == [good.name]
