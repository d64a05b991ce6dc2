"""The HTTP face of the service, and what strangers throw at it."""

import asyncio
import gc
import json
import os
import random
import socket
import threading
import time
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import WSMsgType
from yarl import URL

from calls_world.phone import phone
from calls_world.waiting import until
from calls_world.world import CallsWorld, calls_world
from prosaas_calls.desk import Desk
from prosaas_calls.metrics import CallMetrics
from prosaas_logging import capture_events

SID = "CA" + "1" * 32
MALFORMED_MESSAGES = 10_000


async def get(world: CallsWorld, path: str) -> tuple[int, Any]:
    return await _get(world, world.operators.with_path(path))


async def get_in_public(world: CallsWorld, path: str) -> tuple[int, Any]:
    return await _get(world, world.service.with_path(path))


async def _get(world: CallsWorld, url: URL) -> tuple[int, Any]:
    async with world.http.get(url) as response:
        text = await response.text()
        return response.status, json.loads(text) if response.content_type == "application/json" else text


async def test_health_and_readiness_are_two_questions() -> None:
    """Alive always; ready while there is a place for another call."""
    async with calls_world(max_calls=1) as world:
        with capture_events() as events:
            assert await get(world, "/healthz") == (200, {"status": "ok"})
            ready = {"status": "ready", "active": 0, "capacity": 1, "seat": socket.gethostname()}
            assert await get(world, "/readyz") == (200, ready)
            async with phone(world, SID, world.token(SID)):
                await until(lambda: world.desk.active)
                assert await get(world, "/readyz") == (
                    503,
                    {"status": "full", "active": 1, "capacity": 1, "seat": socket.gethostname()},
                )
                assert (await get(world, "/healthz"))[0] == 200

    pings = {(event.fields["path"], event.level) for event in events if event.event == "HEALTH_PING"}
    assert pings == {("/healthz", "DEBUG"), ("/readyz", "DEBUG")}


async def test_live_calls_are_listed_for_operators() -> None:
    """Who is on the line, since when."""
    async with calls_world() as world:
        assert await get(world, "/calls") == (200, [])
        async with phone(world, SID, world.token(SID)):
            await until(lambda: world.desk.active)
            _, (call,) = await get(world, "/calls")

    assert (call["call_sid"], call["business_id"]) == (SID, 456)
    assert call["started_at"].endswith("+00:00")


@pytest.mark.parametrize(("demo", "counted"), [("1", 1.0), ("0", 0.0)])
async def test_metrics_count_calls_by_how_they_ended(
    demo: str, counted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus sees active calls, endings and latencies; of the simulator's calls it does in a demo alone."""
    monkeypatch.setenv("DEMO", demo)
    async with calls_world() as world:
        result = await world.call({"turns": [{"caller": "מה השעה?", "agent": "השעה שלוש."}]})
        assert result["ok"], result["problems"]
        await until(lambda: not world.desk.live)
        _, text = await get(world, "/metrics")

    lines = text.splitlines()
    assert "prosaas_calls_active 0.0" in lines
    assert f'prosaas_calls_ended_total{{reason="customer_hangup"}} {counted}' in lines
    assert 'prosaas_calls_ended_total{reason="drained"} 0.0' in lines
    assert f"prosaas_call_first_audio_seconds_count {counted}" in lines
    assert f"prosaas_call_response_seconds_count {counted}" in lines


@pytest.mark.parametrize("first", ['{"event":"media","media":{"payload":""}}', "{", b"\x00\x01", '{"event":"stop"}'])
async def test_a_stranger_who_does_not_start_is_shown_out(first: str | bytes) -> None:
    """Nobody is a call before `start`."""
    async with calls_world() as world, world.http.ws_connect(world.stream_url()) as socket:
        await (socket.send_bytes(first) if isinstance(first, bytes) else socket.send_str(first))
        assert (await asyncio.wait_for(socket.receive(), 5)).data == 1000


async def test_a_stranger_who_says_nothing_is_shown_out() -> None:
    """A socket without a stream is closed after a while."""
    async with calls_world(start=0.1) as world:
        with capture_events() as events:
            async with world.http.ws_connect(world.stream_url()) as socket:
                assert (await asyncio.wait_for(socket.receive(), 5)).data == 1000

    assert [event.fields["error"] for event in events if event.event == "MEDIA_MALFORMED"] == ["no start"]


@pytest.mark.parametrize(("length", "code"), [(16 * 1024, 1000), (16 * 1024 + 1, 1009)])
async def test_a_message_has_sixteen_kib_at_the_most(length: int, code: int) -> None:
    """One that is too long ends the connection; behind one that was taken, what follows is looked at."""
    async with calls_world() as world, world.http.ws_connect(world.stream_url()) as socket:
        await socket.send_str('{"event":"connected","x":"' + "x" * (length - 28) + '"}')
        await socket.send_str('{"event":"stop"}')
        assert (await asyncio.wait_for(socket.receive(), 5)).data == code


async def test_a_stream_that_we_cannot_serve_is_an_error_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Desk, "answer", broken)
    async with calls_world() as world:
        with capture_events() as events:
            async with phone(world, SID, world.token(SID)) as caller:
                assert (await asyncio.wait_for(caller.socket.receive(), 5)).data == 1000
    assert [(event.level, event.exc.kind) for event in events if event.exc] == [("ERROR", "ZeroDivisionError")]


async def test_who_is_still_on_the_line_at_the_end_is_hung_up_on_and_the_log_says_so() -> None:
    with capture_events() as events:
        async with AsyncExitStack() as later:
            async with calls_world() as world:
                await later.enter_async_context(phone(world, SID, world.token(SID)))
                await until(lambda: world.desk.active)
            assert world.desk.active == 0
    assert len([event for event in events if event.event == "CALL_END"]) == 1


async def test_who_comes_after_the_end_finds_nobody() -> None:
    """Whatever took its place is to be found instead."""
    async with calls_world() as world:
        doors = world.service.port, world.operators.port
    for port in doors:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_what_is_no_page_of_ours_is_not_found() -> None:
    """A browser at the stream's door is told what is missing; the rest is not there, on either port."""
    async with calls_world() as world:
        for asked in (get, get_in_public):
            assert (await asked(world, "/"))[0] == 404
            assert (await asked(world, "/healthz/")) == (404, "404 Not Found")
        assert (await get(world, "/media-stream"))[0] == 404
        status, text = await get_in_public(world, "/media-stream")
        assert (status, "Upgrade" in text) == (400, True)
        async with world.http.post(world.service.with_path("/healthz")) as response:
            assert response.status == 400


async def test_a_stream_that_breaks_the_rules_ends_with_protocol_error() -> None:
    """A frame without a mask: no WebSocket client sends that."""
    async with calls_world() as world:
        with capture_events() as events:
            async with phone(world, SID, world.token(SID)) as caller:
                await until(lambda: world.desk.active)
                os.write(caller.socket.get_extra_info("socket").fileno(), b"\x81\x02{}")
                await until(lambda: not world.desk.live)

    assert [event.fields["reason"] for event in events if event.event == "CALL_END"] == ["protocol_error"]
    (malformed,) = [event for event in events if event.event == "MEDIA_MALFORMED"]
    assert "un-masked" in str(malformed.fields["error"])


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\x83\x02{}", id="unknown opcode"),
        pytest.param(b"\x81\x02{}", id="no mask"),
        pytest.param(b"\x09\x80\0\0\0\0", id="ping in pieces"),
        pytest.param(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", id="endless"),
        pytest.param(b"\x81\xfe\x7f\xff\0\0\0\0", id="too long"),
    ],
)
async def test_a_stranger_who_breaks_the_rules_is_one_warning_and_no_error(
    broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody out there may write errors into our log, in whatever words a library has for it."""
    async with calls_world() as world:
        with capture_events() as events:
            async with world.http.ws_connect(world.stream_url()) as socket:
                os.write(socket.get_extra_info("socket").fileno(), broken)
                await asyncio.wait_for(socket.receive(), 5)
            await until(lambda: [event for event in events if event.event == "MEDIA_MALFORMED"])

    assert [event.level for event in events if event.level not in ("DEBUG", "INFO")] == ["WARNING"]
    assert [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []


async def test_a_stranger_who_asks_all_the_time_whether_we_are_there_is_shown_out() -> None:
    """picows answers no ping for us, and none is free."""
    async with calls_world(start=60.0) as world:
        connection = await asyncio.to_thread(dial, world, None)
        connection.sendall((b"\x89\x80" + MASK) * 20)
        answer = await asyncio.wait_for(asyncio.to_thread(read_all, connection), 5)
        connection.close()

    assert answer.count(b"\x8a\x00") <= 5


async def test_a_page_that_fails_is_an_error_with_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The asker gets a 500, the log the reason."""
    monkeypatch.setattr(CallMetrics, "exposition", lambda self: 1 / 0)
    async with calls_world() as world:
        with capture_events() as events:
            assert (await get(world, "/metrics"))[0] == 500

    (failure,) = [event for event in events if event.exc is not None]
    assert failure.level == "ERROR"
    assert failure.exc is not None
    assert failure.exc.kind == "ZeroDivisionError"


async def test_the_public_is_told_whether_to_call_and_no_more() -> None:
    """What a platform probes is on the one port it knows; who calls, how many, and the measures are for operators."""
    async with calls_world() as world:
        assert await get_in_public(world, "/healthz") == (200, {"status": "ok"})
        assert await get_in_public(world, "/readyz") == (200, {"status": "ready"})
        for path in ("/metrics", "/calls"):
            assert (await get(world, path))[0] == 200
            assert (await get_in_public(world, path))[0] == 404


async def test_strangers_take_no_callers_place() -> None:
    """However many sit there and say nothing, or have not even asked for a stream: the oldest of them goes."""
    async with calls_world(max_calls=1, guests=10, start=60.0) as world:
        assert world.service.port is not None
        silent = [await asyncio.open_connection("127.0.0.1", world.service.port) for _ in range(10)]
        opened = [await world.http.ws_connect(world.stream_url()) for _ in range(15)]
        async with phone(world, SID, world.token(SID)):
            await until(lambda: world.desk.active)
            gone = await asyncio.wait_for(asyncio.gather(*(socket.receive() for socket in opened[:5])), 5)
            later = [await world.http.ws_connect(world.stream_url()) for _ in range(15)]
            assert world.desk.active == 1
        assert await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in silent)), 5) == [b""] * 10
        for socket in opened + later:
            await socket.close()
        for _, writer in silent:
            writer.close()

    assert {message.type for message in gone} <= {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}


async def test_strangers_get_a_line_a_second_in_all_and_the_rest_is_counted() -> None:
    """Whatever they send, and however each differs from the other; what they send is cut short."""
    async with calls_world() as world:
        with capture_events() as events:
            for number in range(50):
                async with world.http.ws_connect(world.stream_url()) as socket:
                    await socket.send_str(json.dumps({"event": f"{number}" + "x" * 10_000}))
                    await asyncio.wait_for(socket.receive(), 5)
            told = ("MEDIA_MALFORMED", "STRANGERS_SHOWN_OUT")

            def counted() -> int:
                said = [event for event in events if event.event in told]
                return sum(int(str(event.fields.get("count", 1))) for event in said)

            await until(lambda: counted() == 50)

    said = [event for event in events if event.event in told]
    assert len(said) <= 5
    assert said[0].event == "MEDIA_MALFORMED"
    assert all(len(str(event.fields["error"])) <= 100 for event in said)
    assert {event.level for event in events if event.level not in ("DEBUG", "INFO")} == {"WARNING"}


async def test_a_message_nested_without_end_is_one_malformed_message() -> None:
    """From a stranger and within a call."""
    nested = '{"event":"connected","x":' + "[" * 12_000
    async with calls_world() as world:
        with capture_events() as events:
            async with world.http.ws_connect(world.stream_url()) as socket:
                await socket.send_str(nested)
                assert (await asyncio.wait_for(socket.receive(), 5)).data == 1000
            async with phone(world, SID, world.token(SID)) as caller:
                await caller.socket.send_str(nested)
                await until(lambda: sum(event.event == "MEDIA_MALFORMED" for event in events) == 2)
                await caller.hang_up()
            await until(lambda: not world.desk.live)

    assert [event.fields["reason"] for event in events if event.event == "CALL_END"] == ["customer_hangup"]
    assert not [event for event in events if event.exc is not None]


MASK = bytes(4)
FLOODS = {
    "pings": b"\x89\x80" + MASK,
    "unread pings": b"\x89\xfd" + MASK + bytes(125),
    "pongs": b"\x8a\x80" + MASK,
    "connected": b"\x81\x95" + MASK + b'{"event":"connected"}',
    "nothing": b"\x81\x80" + MASK,
    "pieces": b"\x01\x80" + MASK + (b"\x00\x80" + MASK) * 20,
    "marks": b"\x81\xaa" + MASK + b'{"event":"mark","mark":{"name":"0.8000"} }',
    "media": b"\x81\xaa" + MASK + b'{"event":"media","media":{"payload":""}  }',
}


def text_frame(text: str) -> bytes:
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + length + MASK + data


def dial(world: CallsWorld, token: str | None) -> socket.socket:
    """A stream over a bare socket, opened; with a token, it is a call."""
    assert world.service.port is not None
    connection = socket.create_connection(("127.0.0.1", world.service.port), timeout=10.0)
    connection.sendall(
        b"GET /media-stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in connection.recv(4096)
    if token is not None:
        start = {"streamSid": "MZ1", "callSid": SID, "customParameters": {"token": token}}
        connection.sendall(text_frame(json.dumps({"event": "start", "start": start, "streamSid": "MZ1"})))
    return connection


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    data = b""
    with suppress(ConnectionError):
        while part := connection.recv(4096):
            data += part
    return data


def pour(connection: socket.socket, frame: bytes) -> None:
    """5.6 MB of the same frame, as fast as they are taken."""
    with suppress(OSError):
        connection.sendall(frame * (5_600_000 // len(frame)))


@pytest.fixture(scope="module")
def frozen() -> None:
    """What thousands of tests left is looked through by no collection, as at the service's start."""
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("in_a_call", [False, True], ids=["stranger", "call"])
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_takes_the_loop_from_nobody(flood: str, in_a_call: bool) -> None:
    """5.6 MB at once, as a stranger and within a call: what else is to be done is done a few milliseconds later."""
    async with calls_world() as world:
        connection = await asyncio.to_thread(dial, world, world.token(SID) if in_a_call else None)
        if in_a_call:
            await until(lambda: world.desk.active)
        pouring = threading.Thread(target=pour, args=(connection, FLOODS[flood]))
        pouring.start()
        delays = list[float]()
        ends_at = time.monotonic() + 1.5
        while time.monotonic() < ends_at and (pouring.is_alive() or len(delays) < 50):
            # Of our own doing: the machine that tests run on is busy with others, too.
            begun = time.thread_time()
            await asyncio.sleep(0.001)
            delays.append(time.thread_time() - begun)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        pouring.join()
        connection.close()

    assert max(delays) < 0.02


def malformed(chance: random.Random) -> str | bytes:
    """Something that is almost, or not at all, a message of Twilio's."""
    good = {
        "event": chance.choice(["media", "mark", "dtmf", "start", "connected", "launch"]),
        "streamSid": "MZ1",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": "f/9/"},
        "mark": {"name": "0.800"},
        "dtmf": {"digit": "1"},
    }
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return json.dumps(good)[: chance.randrange(150)]
    if kind == 2:
        good[good["event"]] = chance.choice([None, 5, [], "x", {"payload": "=" * 9}, {"name": 5}, {"digit": {}}])  # type: ignore[index, list-item]
        return json.dumps(good)
    if kind == 3:
        good["media"] = {"payload": "f/9/", "timestamp": chance.choice(["-1", "1e9", "٣", "9" * 400, "", " 7 "])}
        return json.dumps({**good, "event": "media"})
    if kind == 4:
        return "[" * chance.randrange(3000)
    return json.dumps(good).replace('"', chance.choice(["'", "\x00", "\u2028"]), 3)


async def test_ten_thousand_malformed_messages_harm_no_other_call() -> None:
    """Streams full of nonsense end with protocol_error; the calls beside them are heard whole."""
    chance = random.Random(4)

    async def attack(world: CallsWorld, number: int, share: int) -> None:
        sid = f"CA{number:032d}"
        left = share
        while left > 0:
            async with phone(world, sid, world.token(sid)) as caller:
                for _ in range(min(left, 100)):
                    message = malformed(chance)
                    left -= 1
                    if caller.socket.closed:
                        break
                    try:
                        await (
                            caller.socket.send_bytes(message)
                            if isinstance(message, bytes)
                            else caller.socket.send_str(message)
                        )
                    except ConnectionError:
                        break

    async with calls_world() as world:
        with capture_events("INFO") as events:
            talk = {"turns": [{"caller": "מה השעה?", "agent": "השעה שלוש."}] * 3}
            calls = [asyncio.create_task(world.call(talk, speed=4.0)) for _ in range(3)]
            await until(lambda: world.desk.active == 3)
            await asyncio.gather(*(attack(world, number, MALFORMED_MESSAGES // 10) for number in range(10)))
            results = [await call for call in calls]
            await until(lambda: not world.desk.live)
            assert await get(world, "/healthz") == (200, {"status": "ok"})

    assert [result["problems"] for result in results] == [[], [], []]
    reasons = {str(event.fields["reason"]) for event in events if event.event == "CALL_END"}
    assert "protocol_error" in reasons
    assert reasons <= {"protocol_error", "customer_hangup"}
    assert not [event for event in events if event.exc is not None]
