"""Load, against a relay that delays what passes through it."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ports import free_port
from simulator.load import callers as load
from simulator.load import frames as load_frames

DELAY_MS = 15


@pytest.fixture
def model_port() -> int:
    return free_port()


@pytest.fixture
async def relay(model_port: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()

    async def media_stream(request: web.Request) -> web.WebSocketResponse:
        phone = web.WebSocketResponse()
        await phone.prepare(request)
        model_url = f"ws://127.0.0.1:{model_port}/v1/realtime"
        async with aiohttp.ClientSession() as http, http.ws_connect(model_url) as model:
            stream_sid = ""

            async def speak() -> None:
                async for message in model:
                    event = orjson.loads(message.data)
                    if event["type"] == "response.output_audio.delta":
                        media = {"event": "media", "streamSid": stream_sid, "media": {"payload": event["delta"]}}
                        await phone.send_json(media)
                        await phone.send_json({"event": "mark", "streamSid": stream_sid, "mark": {"name": "m"}})

            sending: set[asyncio.Task[None]] = set()

            def later(text: str) -> None:
                sending.add(asyncio.create_task(model.send_str(text)))

            speaking = asyncio.create_task(speak())
            async for message in phone:
                data = json.loads(message.data)
                if data["event"] == "start":
                    stream_sid = data["streamSid"]
                elif data["event"] == "media":
                    append = {"type": "input_audio_buffer.append", "audio": data["media"]["payload"]}
                    loop.call_later(DELAY_MS / 1000, later, orjson.dumps(append).decode())
                elif data["event"] == "stop":
                    break
            speaking.cancel()
        return phone

    app = web.Application()
    app.router.add_get("/media-stream", media_stream)
    async with TestServer(app) as server:
        yield str(server.make_url("/media-stream")).replace("http", "ws")


async def test_frames_are_counted_and_their_lateness_measured_each_way(relay: str, model_port: int) -> None:
    """A relay that holds the caller's frames for 15 ms shows as that much, and only on the way in."""
    plan = load.LoadPlan(
        calls=4, seconds=1.5, url=relay, model_port=model_port, warm_up_s=0.3, ramp_s=0.1, turn_seconds=0.5
    )
    report = await load.run(plan)
    assert report["errors"] == []
    assert report["connected"] == 4
    assert abs(report["sent"] - 4 * 1.5 * 50) < 60
    assert abs(report["inbound"]["frames"] - report["sent"]) < 60
    assert 0.6 < report["outbound"]["frames"] / report["sent"] < 1.1
    assert report["inbound"]["p50_ms"] >= DELAY_MS
    assert report["outbound"]["p50_ms"] < report["inbound"]["p50_ms"]
    assert report["first_audio"]["frames"] == 4
    assert report["first_audio"]["p50_ms"] >= DELAY_MS


async def test_a_service_that_refuses_is_an_error_per_call(model_port: int) -> None:
    """Nothing is measured, and the reason is told."""
    async with TestServer(web.Application()) as server:
        url = str(server.make_url("/media-stream")).replace("http", "ws")
        plan = load.LoadPlan(calls=2, seconds=0.1, url=url, model_port=model_port, warm_up_s=0, ramp_s=0)
        report = await load.run(plan)
    assert report["error_count"] == 2
    assert "404" in report["errors"][0]
    assert report["outbound"]["p99_ms"] is None


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("client", [True, False])
def test_frames_of_every_length_survive_any_cut(length: int, client: bool) -> None:
    """Packed and unpacked again, byte for byte."""
    payload = bytes(index % 251 for index in range(length))
    wire = load_frames.pack(payload, client=client) * 2
    unpacker = load_frames.Unpacker()
    got = [frame for at in range(0, len(wire), 1000) for frame in unpacker.feed(wire[at : at + 1000])]
    assert got == [(load_frames.TEXT, payload)] * 2


def test_a_masked_frame_is_unmasked() -> None:
    """RFC 6455's own example."""
    frame = bytes([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    assert list(load_frames.Unpacker().feed(frame)) == [(load_frames.TEXT, b"Hello")]


def test_the_handshake_is_the_standards() -> None:
    """RFC 6455's own example."""
    assert load_frames.accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
