"""The connection to the model: how it is opened, how it ends, and what is worth another try."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from calls_world.waiting import until
from prosaas_calls.realtime import RealtimeConnection, RealtimeLost
from prosaas_calls.realtime_events import create_response

Behaviour = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def model(behave: Behaviour, *, status: int = 101) -> AsyncIterator[tuple[TestServer, list[web.Request]]]:
    """A server that accepts, or answers with `status`, and then behaves as told."""
    requests: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        if status != 101:
            return web.Response(status=status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await behave(socket)
        return socket

    app = web.Application()
    app.router.add_get("/v1/realtime", handler)
    async with TestServer(app) as server:
        yield server, requests


@asynccontextmanager
async def connected(server: TestServer) -> AsyncIterator[RealtimeConnection]:
    url = server.make_url("/v1/realtime").with_query(model="m")
    async with (
        aiohttp.ClientSession() as http,
        await RealtimeConnection.open(http, url, "key", timeout_s=2) as connection,
    ):
        yield connection


async def idle(socket: web.WebSocketResponse) -> None:
    await socket.receive()


async def test_the_handshake_is_that_of_the_ga_interface() -> None:
    """A bearer key, the model in the query, and no OpenAI-Beta header."""
    async with model(idle) as (server, requests), connected(server):
        pass

    assert requests[0].headers["Authorization"] == "Bearer key"
    assert requests[0].query == {"model": "m"}
    assert "OpenAI-Beta" not in requests[0].headers
    assert "Sec-WebSocket-Extensions" not in requests[0].headers


@pytest.mark.parametrize(
    ("code", "retriable"),
    [
        (1000, False),
        (1001, True),
        (1002, False),
        (1003, False),
        (1007, False),
        (1008, False),
        (1009, False),
        (1010, False),
        (1011, True),
        (1012, True),
        (1013, True),
        (3000, False),
        (4000, False),
    ],
)
async def test_each_close_code_is_worth_another_try_or_not(code: int, retriable: bool) -> None:
    """Restarts, overload and time limits are; refusals are not."""

    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=code)

    async with model(close) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match=str(code)) as lost:
            async for _event in connection:
                pass
    assert lost.value.retriable is retriable


async def test_a_close_without_a_code_is_1005_and_worth_another_try() -> None:
    """An empty close frame carries no status."""

    async def close(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport  # type: ignore[union-attr]
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"\x88\x00")
        await socket.receive()

    async with model(close) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match="1005") as lost:
            async for _event in connection:
                pass
    assert lost.value.retriable


async def test_a_connection_that_breaks_is_1006_and_worth_another_try() -> None:
    """aiohttp calls a socket that ended without a close frame closed with 1000; it is not."""

    async def vanish(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    async with model(vanish) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match="1006") as lost:
            async for _event in connection:
                pass
    assert lost.value.retriable


@pytest.mark.parametrize(
    ("status", "retriable"), [(401, False), (403, False), (404, False), (429, True), (500, True), (503, True)]
)
async def test_a_refused_handshake_says_whether_to_try_again(status: int, retriable: bool) -> None:
    """A wrong key stays wrong; an overloaded server recovers."""
    async with model(idle, status=status) as (server, _):
        with pytest.raises(RealtimeLost, match=str(status)) as lost:
            async with connected(server):
                pass
    assert lost.value.retriable is retriable


async def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    """Connection refused, now."""
    async with model(idle) as (server, _):
        url = server.make_url("/v1/realtime")
    async with aiohttp.ClientSession() as http:
        with pytest.raises(RealtimeLost) as lost:
            await RealtimeConnection.open(http, url, "key", timeout_s=2)
    assert lost.value.retriable


async def test_an_unreadable_event_is_skipped() -> None:
    """One broken message does not end a call."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("{")
        await socket.send_str('{"type":5}')
        await socket.send_str('{"type":"session.created"}')
        await socket.receive()

    async with model(talk) as (server, _), connected(server) as connection:
        assert (await anext(aiter(connection))).type == "session.created"


async def test_closing_ends_the_reading_without_an_error() -> None:
    """Our own close is no loss."""
    async with model(idle) as (server, _), connected(server) as connection:

        async def read() -> list[str]:
            return [event.type async for event in connection]

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        await connection.close()
        assert await asyncio.wait_for(reading, 5) == []


async def test_pings_go_both_ways() -> None:
    """The model's are answered, ours are answered by the model, and neither is an event."""
    answered = asyncio.Event()

    async def talk(socket: web.WebSocketResponse) -> None:
        listening = asyncio.create_task(socket.receive())
        await socket.ping(b"are you there")
        await answered.wait()
        await socket.send_str('{"type":"session.created"}')
        await listening

    async with model(talk) as (server, _), connected(server) as connection:
        reading = asyncio.ensure_future(anext(aiter(connection)))
        for _ in range(3):
            await connection.ping()
            await until(lambda: not connection._silent)
        answered.set()
        assert (await asyncio.wait_for(reading, 5)).type == "session.created"


async def test_a_model_that_gives_no_sign_of_life_is_given_up() -> None:
    """The connection stands, the pings go unanswered: that is as good as closed."""
    over = asyncio.Event()

    async def dead(socket: web.WebSocketResponse) -> None:
        await over.wait()

    async with model(dead) as (server, _), connected(server) as connection:
        reading = asyncio.ensure_future(anext(aiter(connection)))
        await connection.ping()
        await connection.ping()
        with pytest.raises(RealtimeLost, match="ping"):
            await asyncio.wait_for(reading, 5)
        over.set()


async def test_giving_up_frees_a_sender_and_the_reader_of_a_model_that_does_not_read() -> None:
    """A half-dead peer: the send waits on a full buffer, the reader on nothing, until the connection is cut."""
    cut = asyncio.Event()

    async def deaf(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport  # type: ignore[union-attr]
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        await cut.wait()
        transport.abort()

    async with model(deaf) as (server, _), connected(server) as connection:

        async def shout() -> None:
            while True:
                await connection.send(create_response("x" * 100_000))

        async def read() -> None:
            async for _event in connection:
                pass

        shouting, reading = asyncio.create_task(shout()), asyncio.create_task(read())
        await until(lambda: connection.outbox.stuck_for(monotonic()) > 0.2)
        connection.give_up("it does not read")
        with pytest.raises(RealtimeLost, match="does not read"):
            await asyncio.wait_for(reading, 5)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(shouting, 5)
        cut.set()
