"""The last day in numbers, in a database at the newest schema."""

import json
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_core.facts.simulated import new_call_sid
from prosaas_ops.stack.day import HOURS, HeldJob, Waits, day

NOW = datetime(2024, 1, 25, 14, 30, tzinfo=UTC)


@pytest.fixture
def stored(fill: Fill) -> None:
    """Two calls in the hour that runs, one 23 hours ago, one 25 hours ago; messages and jobs."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        calls = [
            ("CA1", 0, "customer_hangup", {"first_audio_ms": 400, "response_p95_ms": 700, "folded": 2, "lines": 9}, 10),
            ("CA2", 0, "model_failed", {"first_audio_ms": 800, "parts": ["8:00", "8:05"]}, 30),
            ("CA3", 23, "customer_hangup", {}, 5),
            ("CA4", 25, "customer_hangup", {}, 5),
            ("CA5", 0, None, {}, 0),
        ]
        for call_sid, hours, reason, metrics, lines in calls:
            at = NOW - timedelta(hours=hours)
            await connection.execute(
                "insert into calls (call_sid, started_at, end_reason, metrics, events, recorded_at)"
                " values ($1, $2, $3, $4, $5, $6)",
                call_sid, at, reason, json.dumps(metrics), json.dumps([{}] * lines), at if reason else None,
            )  # fmt: skip
        await connection.execute("insert into businesses (id, name, phone) values (456, 'x', '+972')")
        await connection.execute(
            "insert into customers (id, business_id, channel, external_id) overriding system value"
            " values (1, 456, 'whatsapp', 'x')"
        )
        await connection.execute(
            "insert into conversations (id, business_id, customer_id, channel) overriding system value"
            " values (1, 456, 1, 'meta')"
        )
        for number, (way, hours) in enumerate((("in", 1), ("in", 2), ("out", 1), ("in", 30))):
            await connection.execute(
                "insert into messages (id, conversation_id, direction, created_at) values ($1, 1, $2, $3)",
                str(number), way, NOW - timedelta(hours=hours),
            )  # fmt: skip
        for status in ("queued", "failed"):
            await connection.execute(
                "insert into pgqueuer (priority, entrypoint, payload, status, created, updated, heartbeat)"
                " values (0, $1, '', $2::text::pgqueuer_status, $3, $3, $3)",
                f"job.{status}", status, NOW,
            )  # fmt: skip

    fill(write)


@pytest.mark.usefixtures("stored")
def test_the_day_is_told_by_the_hour() -> None:
    told = day(NOW)
    now, before = NOW.replace(minute=0), NOW.replace(minute=0) - timedelta(hours=23)
    assert (told.hours[0], told.hours[-1], len(told.hours)) == (before, now, HOURS)
    assert dict(told.endings[now]) == {"customer_hangup": 1, "model_failed": 1, "": 1}
    assert dict(told.endings[before]) == {"customer_hangup": 1}
    assert sum(map(sum, (counts.values() for counts in told.endings.values()))) == 4
    assert told.waits[now] == Waits(600.0, 700.0, 21.0, 32)
    assert told.messages == [("in", "received", 2), ("out", "received", 1)]
    assert [(job.name, job.since) for job in told.held] == [("job.failed", NOW)]
    assert isinstance(told.held[0], HeldJob)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("demo", "ended", "waits"), [("0", 1, 600.0), ("1", 2, 800.0)])
def test_simulated_calls_are_in_the_day_of_a_demo_alone(
    demo: str, ended: int, waits: float, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(
            "insert into calls (call_sid, started_at, end_reason, metrics, events, recorded_at)"
            " values ($1, $2, 'model_failed', '{\"first_audio_ms\": 9000}', '[{}]', $2)",
            new_call_sid(), NOW,
        )  # fmt: skip

    monkeypatch.setenv("DEMO", demo)
    fill(write)
    told, now = day(NOW), NOW.replace(minute=0)
    assert (told.endings[now]["model_failed"], told.waits[now].first_audio) == (ended, waits)
