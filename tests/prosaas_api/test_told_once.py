"""What a sender tells once is tried for as long as it listens: a database away for a moment loses none of it."""

import asyncio

import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import Client
from prosaas_api import inbox, intake, voice
from prosaas_core.database import DatabaseUnavailable
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

SIGNED = {"x-twilio-signature": "any", "x-hub-signature-256": "any"}
ENDED = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": "+97235550100", "CallStatus": "completed"}
TWILIO_WAITS_S = 15


@pytest.mark.parametrize(("path", "asked"), [("/twilio/x", 3), ("/whatsapp/twilio/x", 3), ("/whatsapp/meta/x", 1)])
async def test_twilios_webhook_is_tried_again_and_metas_comes_again_by_itself(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch, path: str, asked: int
) -> None:
    monkeypatch.setattr(intake, "PAUSE_S", 0.01)
    attempts: list[bytes] = []

    @app.post(path)
    async def told(request: Request) -> Response:
        attempts.append(await request.body())
        if len(attempts) < 3:
            raise DatabaseUnavailable("away")
        return Response(status_code=204)

    with capture_events("INFO") as events:
        answer = await client.http.post(path, headers=SIGNED, content=b"a=b")
    assert attempts == [b"a=b"] * asked
    assert answer.status_code == (204 if asked == 3 else 503)
    assert [one.event for one in events if one.level != "INFO"] == ([] if asked == 3 else ["DB_UNAVAILABLE"])


async def test_a_status_outlasts_a_database_that_hangs_for_longer_than_one_attempt(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "WITHIN_S", 0.2)
    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE"))
        told = asyncio.create_task(client.twilio("/twilio/status", ENDED))
        await asyncio.wait([told], timeout=0.5)
        assert not told.done()
    assert (await told).status_code == 204


async def test_a_database_that_stays_away_is_told_while_the_sender_still_listens(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert intake.TOLD_ONCE_S + intake.PAUSE_S + inbox.WITHIN_S < TWILIO_WAITS_S
    monkeypatch.setattr(intake, "TOLD_ONCE_S", 0.1)

    @app.post("/twilio/x")
    async def told() -> None:
        raise DatabaseUnavailable("away")

    async with asyncio.timeout(2):
        answer = await client.http.post("/twilio/x", headers=SIGNED, content=b"a=b")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
