"""What a sender tells once is tried for as long as it listens: a database away for a moment loses none of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Receive, Scope, Send

from api_world import Client, asgi
from prosaas_api import app as application
from prosaas_api import inbox, intake, voice
from prosaas_api.patience import Impatient
from prosaas_core import demo
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.settings import load_settings
from prosaas_logging import capture_events

SIGNED = {"x-twilio-signature": "any", "x-hub-signature-256": "any"}
ENDED = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": "+97235550100", "CallStatus": "completed"}
WRITES = {"MessageSid": "SM" + "1" * 32, "From": "whatsapp:+972501234567", "To": f"whatsapp:{demo.PHONE}", "Body": "?"}
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
STATUS, META = "/twilio/status", "/whatsapp/meta"
TWILIO_WAITS_S = 15
# SQLAlchemy's patience with a connection that it closes.
CLOSES_S = 2

Handler = Callable[[Send], Awaitable[None]]


class Clock:
    """The loop's own, which goes forward when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._real, self._ahead_s = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: self._real() + self._ahead_s)

    def passes(self, seconds: float) -> None:
        self._ahead_s += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def whole(before: Callable[[], None] = lambda: None, gone: asyncio.Event | None = None) -> Receive:
    """A body that is there once *before* is done; then nothing until its sender is *gone*."""
    bodies = iter([b"a=b"])

    async def receive() -> Any:
        for body in bodies:
            before()
            return {"type": "http.request", "body": body, "more_body": False}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    return receive


async def no_content(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def taking(handler: Handler) -> intake.Intake:
    """The intake alone, with what stands behind it."""

    async def behind(_: Scope, __: Receive, send: Send) -> None:
        await handler(send)

    return intake.Intake(behind)


async def told(app: intake.Intake, path: str = STATUS, *, receive: Receive | None = None, **headers: str) -> int:
    sent = await asgi(app, path, receive or whole(), **SIGNED, **headers)
    return int(sent[0]["status"])


async def settled() -> None:
    """Whatever can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_answer_comes_while_twilio_still_listens_whatever_an_attempt_waits_for() -> None:
    assert intake.TOLD_ONCE_S + CLOSES_S < TWILIO_WAITS_S


class AwayOnce:
    """The database is away at the first attempt, and there again at the next."""

    attempts = 0

    async def __call__(self, send: Send) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise DatabaseUnavailable("away")
        await no_content(send)


async def test_the_senders_time_counts_from_before_its_body(clock: Clock) -> None:
    away_once = AwayOnce()
    slow = whole(lambda: clock.passes(intake.TOLD_ONCE_S))
    assert (await told(taking(away_once), receive=slow), away_once.attempts) == (503, 1)


@pytest.mark.parametrize(("waited", "answer"), [("12000", 503), ("6121.608878", 204), ("x", 204), ("9" * 9, 204)])
async def test_what_the_front_door_took_to_find_us_is_the_senders_time_too(waited: str, answer: int) -> None:
    """It says so itself; of a word that it would not say, nothing is believed."""
    assert await told(taking(AwayOnce()), x_waited_ms=waited) == answer


async def test_an_attempt_that_does_not_end_is_cut_short_when_its_senders_time_is_over(clock: Clock) -> None:
    """Meta's is not: it comes again by itself."""
    begun: list[str] = []
    cut: list[str] = []

    def stuck(path: str) -> asyncio.Task[int]:
        async def hang(_: Send) -> None:
            begun.append(path)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cut.append(path)
                raise

        return asyncio.create_task(told(taking(hang), path))

    twilios, metas = stuck(STATUS), stuck(META)
    await settled()
    assert (begun, cut) == ([STATUS, META], [])
    clock.passes(intake.TOLD_ONCE_S)
    with capture_events("INFO") as events:
        assert await asyncio.wait_for(twilios, 5) == 503
    assert [(one.event, one.fields["error"]) for one in events] == [("DB_UNAVAILABLE", "no answer in time")]
    await settled()
    assert cut == [STATUS]
    assert not metas.done()
    metas.cancel()


async def test_what_has_begun_to_answer_is_not_cut_short(clock: Clock) -> None:
    async def answering(send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        clock.passes(intake.TOLD_ONCE_S)
        await settled()
        await send({"type": "http.response.body", "body": b""})

    sent = await asgi(taking(answering), STATUS, whole(), **SIGNED)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_what_has_begun_to_answer_is_not_answered_again_though_the_database_goes_away(clock: Clock) -> None:
    sent: list[str] = []

    async def answering(send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        sent.append("start")
        raise DatabaseUnavailable("away")

    with pytest.raises(RuntimeError, match="after the answer had begun"):
        await asgi(taking(answering), STATUS, whole(), **SIGNED)
    assert sent == ["start"]


async def test_an_answer_that_crosses_the_cut_is_the_answer(clock: Clock) -> None:
    """A library may lose a cancellation that meets what it waited for."""

    async def crossing(send: Send) -> None:
        clock.passes(intake.TOLD_ONCE_S)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        await no_content(send)

    assert await asyncio.wait_for(told(taking(crossing)), 5) == 204


async def test_so_many_are_tried_again_at_once_and_who_fails_after_them_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A place is kept until its request is over, however often it is tried, and then it is another's."""
    monkeypatch.setattr(intake, "PAUSE_S", 0.0)
    monkeypatch.setattr(intake, "MAX_AGAIN", 3)
    away, attempts = True, 0

    async def handler(send: Send) -> None:
        nonlocal attempts
        attempts += 1
        if away:
            raise DatabaseUnavailable("away")
        await no_content(send)

    app = taking(handler)
    for last in (204, "cancelled", 204):
        away, attempts = True, 0
        flood = [asyncio.create_task(told(app)) for _ in range(50)]
        await settled()
        refused = [one for one in flood if one.done()]
        assert [one.result() for one in refused] == [503] * 47
        assert attempts > 50 + 3
        if last == "cancelled":
            for one in flood:
                one.cancel()
        away = False
        outcomes = await asyncio.gather(*flood, return_exceptions=True)
        assert sum(outcome == 204 for outcome in outcomes) == (0 if last == "cancelled" else 3)


async def test_who_hangs_up_is_tried_for_no_further_and_leaves_their_place_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The front door asks once more of the same api, where there is one: what it left would go on beside that."""
    monkeypatch.setattr(intake, "PAUSE_S", 5.0)
    monkeypatch.setattr(intake, "MAX_AGAIN", 1)
    gone, attempts = asyncio.Event(), 0

    async def away(_: Send) -> None:
        nonlocal attempts
        attempts += 1
        raise DatabaseUnavailable("away")

    app = taking(away)
    left = asyncio.create_task(asgi(app, STATUS, whole(gone=gone), **SIGNED))
    await settled()
    assert (await told(app), attempts, left.done()) == (503, 2, False)
    gone.set()
    await settled()
    assert left.done()
    assert (left.result(), attempts) == ([], 2)
    asked_again = asyncio.create_task(told(app))
    await settled()
    assert (attempts, asked_again.done()) == (3, False)
    asked_again.cancel()


async def test_the_server_says_that_a_sender_has_hung_up(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PAUSE_S", 3600.0)
    monkeypatch.setattr(intake, "TOLD_ONCE_S", 10 * 3600.0)
    failed, over = asyncio.Event(), asyncio.Event()

    async def away(_: Send) -> None:
        failed.set()
        raise DatabaseUnavailable("away")

    taken = taking(away)

    async def app(conn: Scope, receive: Receive, send: Send) -> None:
        await taken(conn, receive, send)
        over.set()

    config = uvicorn.Config(app, port=unused_tcp_port, http=Impatient, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    writer.write(b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Length: 3\r\n\r\na=b")
    await asyncio.wait_for(failed.wait(), 5)
    await settled()
    assert not over.is_set()
    writer.close()
    try:
        await asyncio.wait_for(over.wait(), 5)
    finally:
        server.force_exit = server.should_exit = True
        await running


async def test_what_failed_together_does_not_come_back_together(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PAUSE_S", 4.0)
    drawn = iter([0.6, 1.4])
    monkeypatch.setattr(random, "uniform", lambda least, most: min(max(least, next(drawn)), most))
    attempts = 0

    async def away_at_first(send: Send) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 2:
            raise DatabaseUnavailable("away")
        await no_content(send)

    app = taking(away_at_first)
    sooner, later = [asyncio.create_task(told(app)) for _ in range(2)]
    await settled()
    clock.passes(4.0)
    assert await asyncio.wait_for(sooner, 5) == 204
    await settled()
    assert (attempts, later.done()) == (3, False)
    clock.passes(4.0)
    assert await asyncio.wait_for(later, 5) == 204


@pytest.mark.postgres
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


@pytest.mark.postgres
async def test_what_is_told_first_after_a_start_waits_for_no_new_connection(
    client: Client, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just then none may be had: its way, or the server, is as new as the api."""

    async def never(**_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncpg, "connect", never)
    monkeypatch.setattr(intake, "TOLD_ONCE_S", 2.0)
    assert (await client.twilio(STATUS, ENDED)).status_code == 204
    assert await rows("SELECT call_sid FROM calls") == [(ENDED["CallSid"],)]


async def test_an_api_starts_though_its_database_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers are answered without it."""
    monkeypatch.setattr(application, "CONNECT_TIMEOUT_S", 0.1)
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        made = application.create_app(load_settings({"DATABASE_URL": f"postgresql://x:y@127.0.0.1:{port}/none"}))
        async with asyncio.timeout(20), made.router.lifespan_context(made):
            assert made.state.prosaas.engine.pool.checkedout() == 0


@pytest.mark.postgres
async def test_a_status_outlasts_a_database_that_hangs_for_longer_than_one_attempt(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "WITHIN_S", 0.2)
    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE"))
        told = asyncio.create_task(client.twilio(STATUS, ENDED))
        await asyncio.wait([told], timeout=0.5)
        assert not told.done()
    assert (await told).status_code == 204


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("path", "form", "table"), [(STATUS, ENDED, "calls"), ("/whatsapp/twilio", WRITES, "messages")]
)
async def test_what_is_cut_short_leaves_no_row_and_no_connection_behind(
    app: FastAPI,
    client: Client,
    engine: AsyncEngine,
    rows: Any,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    form: dict[str, str],
    table: str,
) -> None:
    for module in (voice, inbox):
        monkeypatch.setattr(module, "WITHIN_S", 3600.0)
    async with engine.begin() as connection:
        await connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        told = asyncio.create_task(client.twilio(path, form))
        while not await rows(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0)
        clock.passes(intake.TOLD_ONCE_S)
        assert (await asyncio.wait_for(told, 20)).status_code == 503
        assert app.state.prosaas.engine.pool.checkedout() == 0
        while await rows(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0)
    for noted in ("calls", "messages", "conversations"):
        assert await rows(f"SELECT * FROM {noted}") == []
    assert (await client.twilio(path, form)).status_code in (200, 204)


@pytest.mark.postgres
async def test_a_database_that_stays_away_is_told_while_the_sender_still_listens(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "TOLD_ONCE_S", 0.1)

    @app.post("/twilio/x")
    async def told() -> None:
        raise DatabaseUnavailable("away")

    async with asyncio.timeout(2):
        answer = await client.http.post("/twilio/x", headers=SIGNED, content=b"a=b")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
