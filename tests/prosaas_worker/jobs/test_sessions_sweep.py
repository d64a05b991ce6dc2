"""sessions.sweep closes what is idle, and says so at INFO only when there was something."""

from itertools import count

import pytest
from sqlalchemy import select, text

from prosaas_core.tables import Conversation
from prosaas_logging import capture_events
from prosaas_worker.jobs import sessions_sweep

pytestmark = pytest.mark.postgres


async def age(engine, conversation_id, interval):
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE conversations SET last_activity_at = now() - CAST(:age AS text)::interval WHERE id = :id"),
            {"age": interval, "id": conversation_id},
        )


async def status(engine):
    async with engine.connect() as connection:
        return await connection.scalar(select(Conversation.status))


@pytest.fixture(autouse=True)
def _forty_fifth(monkeypatch):
    monkeypatch.setattr(sessions_sweep, "_checks", count(45))


async def test_nothing_stale_is_a_debug_line_in_the_guides_words(tools, message):
    await message("SM1")
    with capture_events() as events:
        await sessions_sweep.run(tools)
    assert [(event.level, event.event, event.fields["check"]) for event in events] == [
        ("DEBUG", "WHATSAPP_SESSION", 45)
    ]
    assert await status(tools.engine) == "open"


async def test_an_idle_session_is_closed_and_counted_at_info(tools, message):
    await age(tools.engine, await message("SM1"), "25 hours")
    with capture_events() as events:
        await sessions_sweep.run(tools)
    (event,) = events
    assert (event.level, event.event, event.fields["count"]) == ("INFO", "WHATSAPP_SESSION_STALE", 1)
    assert await status(tools.engine) == "closed"


async def test_a_closed_session_is_not_found_again(tools, message):
    await age(tools.engine, await message("SM1"), "25 hours")
    assert await sessions_sweep.close_stale(tools) == 1
    assert await sessions_sweep.close_stale(tools) == 0


async def test_old_marks_go_and_recent_ones_stay(tools):
    async with tools.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO job_effects (key, job, done_at) "
                "VALUES ('old', 'x', now() - interval '91 days'), ('new', 'x', now() - interval '89 days')"
            )
        )
    await sessions_sweep.clear_out(tools)
    async with tools.engine.connect() as connection:
        assert list((await connection.execute(text("SELECT key FROM job_effects"))).scalars()) == ["new"]
