"""The connection to the model: how it is opened, how it ends, and what is worth another try."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import uvloop
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from calls_world.waiting import until
from prosaas_calls.model import realtime
from prosaas_calls.model.events import ServerEvent, append_audio, create_response
from prosaas_calls.model.events import message as words
from prosaas_calls.model.realtime import RealtimeConnection, RealtimeLost
from prosaas_logging import capture_events
from tls import localhost

Run = Callable[[Coroutine[Any, Any, None]], None]
# Below a WebSocket, which has no way to misbehave.
TRANSPORT = web.ResponseKey("transport", asyncio.Transport)
Behaviour = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def model(
    behave: Behaviour, *, status: int = 101, tls: ssl.SSLContext | None = None, autoping: bool = True
) -> AsyncIterator[tuple[TestServer, list[web.Request]]]:
    """A server that accepts, or answers with `status`, and then behaves as told."""
    requests: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        if status != 101:
            return web.Response(status=status)
        socket = web.WebSocketResponse(autoping=autoping)
        await socket.prepare(request)
        socket[TRANSPORT] = request.transport  # type: ignore[misc]
        await behave(socket)
        return socket

    app = web.Application()
    app.router.add_get("/v1/realtime", handler)
    server = TestServer(app)
    await server.start_server(ssl=tls)
    async with server:
        yield server, requests


@asynccontextmanager
async def connected(server: TestServer, *, ping_s: float = 60.0) -> AsyncIterator[RealtimeConnection]:
    url = str(server.make_url("/v1/realtime").with_query(model="m")).replace("http", "ws", 1)
    async with await RealtimeConnection.open(url, "key", timeout_s=2, ping_s=ping_s) as connection:
        yield connection


async def kinds(connection: RealtimeConnection) -> list[str]:
    """The types of the events up to our own close."""
    read: list[str] = []
    await connection.read(lambda event: read.append(event.type))
    return read


async def first(connection: RealtimeConnection) -> str:
    """The type of the first event that can be read."""

    def stop(event: ServerEvent) -> None:
        raise _Read(event.type)

    with pytest.raises(_Read) as read:
        await asyncio.wait_for(connection.read(stop), 5)
    return str(read.value)


class _Read(Exception):
    """Ends a reading."""


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


@dataclass
class Slow:
    """A server that accepts when it is told to, and says when the session that came of it is over."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        self.asked.set()
        await self.go_on.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            await socket.receive()
        finally:
            self.ended.set()
        return socket


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    found, app = Slow(), web.Application()
    app.router.add_get("/v1/realtime", found.accept)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    async with server:
        found.url = str(server.make_url("/v1/realtime")).replace("http", "ws", 1)
        yield found


async def test_who_leaves_while_it_connects_leaves_no_session_behind(slow: Slow) -> None:
    """A caller hung up: nobody else would ever end it, and our own pings would keep it for as long as one may live."""
    connecting = asyncio.create_task(RealtimeConnection.open(slow.url, "key", timeout_s=20, ping_s=60))
    await slow.asked.wait()
    connecting.cancel()
    await asyncio.wait({connecting})
    assert connecting.cancelled()
    slow.go_on.set()
    await asyncio.wait_for(slow.ended.wait(), 5)


async def test_a_connection_that_came_too_late_leaves_no_session_behind(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network took its time before the handshake began, so that picows still waits when we do not."""
    connect = realtime.ws_connect

    async def patient(*arguments: Any, **named: Any) -> Any:
        return await connect(*arguments, **{**named, "websocket_handshake_timeout": 60})

    monkeypatch.setattr(realtime, "ws_connect", patient)
    with pytest.raises(RealtimeLost, match="TimeoutError"):
        await RealtimeConnection.open(slow.url, "key", timeout_s=0.2, ping_s=60)
    slow.go_on.set()
    await asyncio.wait_for(slow.ended.wait(), 5)


async def test_each_message_but_frames_has_a_preview_in_outline() -> None:
    """What kind of thing it is, never its words; cut, whatever it is."""
    messages = [
        '{"type":"conversation.item.added","item":{"role":"user","content":[{"text":"The caller pressed 4711"}]}}',
        '{"type":"response.output_audio.delta","delta":"AAAA"}',
        '{"type":"rate_limits.updated","rate_limits":[{"name":"requests","limit":5}]}',
        json.dumps({"type": "response.done", "x" * 10_000: 1}),
        '{"type":"deep","nested":' + "[" * 900 + "]" * 900 + "}",
    ]

    async def speak(socket: web.WebSocketResponse) -> None:
        for message in messages:
            await socket.send_str(message)
        await socket.close()

    async with model(speak) as (server, _), connected(server) as connection:
        with capture_events() as events, pytest.raises(RealtimeLost):
            await kinds(connection)
    shown = {event.fields["type"]: str(event.fields["preview"]) for event in events if event.event == "PAYLOAD_PREVIEW"}
    assert list(shown) == ["conversation.item.added", "rate_limits.updated", "response.done", "deep"]
    assert json.loads(shown["conversation.item.added"])["item"] == {"role": "user", "content": [{"text": "<23>"}]}
    assert max(map(len, shown.values())) == 500


async def test_what_we_send_is_kept_in_outline_too_but_for_the_callers_voice() -> None:
    """Its kind and its shape, without anybody's words; frames of audio are told of as MEDIA_IN."""

    async def listen(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass

    async with model(listen) as (server, _), connected(server) as connection:
        with capture_events() as events:
            connection.send(words("user", "המספר שלי 0501234567"))
            connection.send_audio(append_audio(b"AAAA"))
    (sent,) = [str(event.fields["preview"]) for event in events if event.event == "PAYLOAD_PREVIEW"]
    assert json.loads(sent) == {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<20>"}]},
    }


@pytest.mark.parametrize(
    ("code", "retriable"),
    [
        (1000, True),
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
    """Restarts, overload, time limits and a goodbye without a word why are; refusals are not."""

    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=code)

    async with model(close) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match=str(code)) as lost:
            await kinds(connection)
    assert lost.value.retriable is retriable


async def test_a_close_without_a_code_is_1005_and_worth_another_try() -> None:
    """An empty close frame carries no status."""

    async def close(socket: web.WebSocketResponse) -> None:
        transport = socket[TRANSPORT]
        transport.write(b"\x88\x00")
        await socket.receive()

    async with model(close) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match="1005") as lost:
            await kinds(connection)
    assert lost.value.retriable


async def test_a_connection_that_breaks_is_1006_and_worth_another_try() -> None:
    """There was no close frame to say anything else."""

    async def vanish(socket: web.WebSocketResponse) -> None:
        transport = socket[TRANSPORT]
        transport.abort()

    async with model(vanish) as (server, _), connected(server) as connection:
        with pytest.raises(RealtimeLost, match="1006") as lost:
            await kinds(connection)
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that nobody vouches for."""
    return localhost(tmp_path_factory.mktemp("tls"))


async def talk_over_tls(certificate: Path) -> None:
    """Greet, say something long, and hear it come back over a wss address."""
    said = create_response("x" * 200_000)

    async def echo(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"type":"session.created"}')
        for _ in range(3):
            await socket.send_str(json.dumps({"type": str(len((await socket.receive()).data))}))
        await socket.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with model(echo, tls=context) as (server, _):
        url = f"wss://localhost:{server.port}/v1/realtime"
        async with await RealtimeConnection.open(url, "key", timeout_s=2, ping_s=60.0) as connection:
            for _ in range(3):
                connection.send(said)
            heard: list[str] = []
            with pytest.raises(RealtimeLost, match="1000"):
                await asyncio.wait_for(connection.read(lambda event: heard.append(event.type)), 5)
            assert heard == ["session.created", *[str(len(said))] * 3]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_model_over_tls_is_spoken_with(run: Run, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI is never reached in another way, and the service's event loop brings a TLS of its own."""
    monkeypatch.setattr(realtime, "_TRUSTED", ssl.create_default_context(cafile=str(certificate)))
    run(talk_over_tls(certificate))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_model_that_nobody_vouches_for_is_not_spoken_with(run: Run, certificate: Path) -> None:
    """The reason names the certificate: a proxy in between is the usual cause."""
    with pytest.raises(RealtimeLost, match=r"(?i)certificate"):
        run(talk_over_tls(certificate))


async def test_a_model_that_has_moved_is_not_followed() -> None:
    """Nobody else is shown the key."""
    asked: list[str] = []

    async def move(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{path:.*}", move)
    server = TestServer(app)
    async with server:
        with pytest.raises(RealtimeLost, match="307") as lost:
            async with connected(server):
                pass
    assert asked == ["/v1/realtime"]
    assert not lost.value.retriable


async def test_a_connection_stands_until_either_side_ends_it() -> None:
    async with model(idle) as (server, _), connected(server) as given_up, connected(server) as closed:
        assert given_up.stands
        given_up.give_up("no good any more")
        assert not given_up.stands
        assert closed.stands
        closing = asyncio.create_task(closed.close())
        await asyncio.sleep(0)
        assert not closed.stands
        await closing

    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.close()

    async with model(leave) as (server, _), connected(server) as left:
        await until(lambda: not left.stands)


async def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    """Connection refused, now; the reason says so."""
    async with model(idle) as (server, _):
        url = str(server.make_url("/v1/realtime")).replace("http", "ws", 1)
    with pytest.raises(RealtimeLost, match=r"(?i)connect") as lost:
        await RealtimeConnection.open(url, "key", timeout_s=2, ping_s=60.0)
    assert lost.value.retriable


@pytest.mark.parametrize("answer", ["nothing", "hang up"])
async def test_a_server_that_does_not_finish_the_handshake_is_worth_another_try(answer: str) -> None:
    """One that says nothing is waited for; one that hangs up is not."""
    over = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer == "nothing":
            await over.wait()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(RealtimeLost) as lost:
            await RealtimeConnection.open(url, "key", timeout_s=0.2, ping_s=60.0)
        over.set()
    assert lost.value.retriable
    assert str(lost.value) not in ("", "False")


async def test_an_unreadable_event_is_skipped() -> None:
    """One broken message does not end a call."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("{")
        await socket.send_str('{"type":5}')
        await socket.send_str('{"type":"session.created"}')
        await socket.receive()

    async with model(talk) as (server, _), connected(server) as connection:
        with capture_events() as events:
            assert await first(connection) == "session.created"
    assert [event.level for event in events if "unreadable event" in event.line] == ["WARNING"] * 2


@pytest.mark.parametrize(("length", "read"), [(16 * 2**20, True), (16 * 2**20 + 1, False)])
async def test_an_event_has_sixteen_mib_at_the_most(length: int, read: bool) -> None:
    """A model that goes mad takes the memory of no other call."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b'{"type":"long","x":"' + b"x" * (length - 22) + b'"}')
        await socket.receive()

    async with model(talk) as (server, _), connected(server) as connection:
        if read:
            assert await first(connection) == "long"
            return
        with pytest.raises(RealtimeLost):
            await asyncio.wait_for(kinds(connection), 5)


async def test_an_event_in_pieces_is_put_together() -> None:
    """A proxy may cut a message into frames, and ping between them."""

    async def talk(socket: web.WebSocketResponse) -> None:
        transport = socket[TRANSPORT]
        text = b'{"type":"session.created"}'
        transport.write(b"\x01\x05" + text[:5] + b"\x89\x00" + b"\x00\x05" + text[5:10])
        transport.write(b"\x80" + bytes([len(text) - 10]) + text[10:])
        await socket.receive()

    async with model(talk) as (server, _), connected(server) as connection:
        assert await first(connection) == "session.created"


async def test_closing_ends_the_reading_without_an_error() -> None:
    """Our own close is no loss."""
    async with model(idle) as (server, _), connected(server) as connection:
        reading = asyncio.create_task(kinds(connection))
        await asyncio.sleep(0)
        await connection.close()
        assert await asyncio.wait_for(reading, 5) == []


async def test_a_send_after_the_end_says_so() -> None:
    """Whoever sends can keep what was not sent."""
    async with model(idle) as (server, _), connected(server) as connection:
        await connection.close()
        with pytest.raises(ConnectionError):
            connection.send(create_response())


async def test_pings_go_both_ways() -> None:
    """The model's are answered, ours are answered by the model, and neither is an event."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.ping(b"are you there")
        asked = answered = 0
        while asked < 3 or not answered:
            message = await socket.receive()
            if message.type is WSMsgType.PING:
                asked += 1
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                answered += message.data == b"are you there"
        await socket.send_str('{"type":"session.created"}')
        await socket.receive()

    async with model(talk, autoping=False) as (server, _), connected(server, ping_s=0.05) as connection:
        assert await asyncio.wait_for(first(connection), 5) == "session.created"


async def test_a_model_that_gives_no_sign_of_life_is_given_up() -> None:
    """The connection stands, the pings go unanswered: that is as good as closed."""
    over = asyncio.Event()

    async def dead(socket: web.WebSocketResponse) -> None:
        await over.wait()

    async with model(dead) as (server, _), connected(server, ping_s=0.1) as connection:
        with pytest.raises(RealtimeLost, match="ping") as lost:
            await asyncio.wait_for(kinds(connection), 5)
        over.set()
    assert lost.value.retriable


async def test_a_model_that_does_not_read_shows_and_giving_it_up_frees_the_reader() -> None:
    """A half-dead peer: what we send piles up, the reader waits for nothing, until the connection is cut."""
    cut = asyncio.Event()

    async def deaf(socket: web.WebSocketResponse) -> None:
        transport = socket[TRANSPORT]
        transport.pause_reading()
        await cut.wait()
        transport.abort()

    async with model(deaf) as (server, _), connected(server) as connection:
        reading = asyncio.create_task(kinds(connection))
        while not connection.stuck_for(monotonic()):
            connection.send(create_response("x" * 100_000))
            await asyncio.sleep(0)
        await until(lambda: connection.stuck_for(monotonic()) > 0.2)
        connection.give_up("it does not read")
        with pytest.raises(RealtimeLost, match="does not read") as lost:
            await asyncio.wait_for(reading, 5)
        assert lost.value.retriable
        with pytest.raises(ConnectionError):
            connection.send(create_response())
        cut.set()
