"""The Realtime stand-in, spoken to directly."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulator.audio.speech import speak
from simulator_world.bridge import SESSION
from simulator_world.strict import validate
from simulator_world.world import World

HEADERS = {"Authorization": "Bearer key"}
QUIET = b"\xff" * 8000


class Client:
    """A client of the stand-in that validates all it receives."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.seen: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.ws.send_json({"type": kind, **fields})

    async def receive(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((await self.ws.receive(timeout=10)).data)
        validate(event)
        self.seen.append(event)
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        while (event := await self.receive())["type"] != kind:
            pass
        return event

    async def error(self) -> dict[str, Any]:
        error: dict[str, Any] = (await self.until("error"))["error"]
        return error

    async def say(self, audio: bytes) -> None:
        for at in range(0, len(audio), 800):
            await self.send("input_audio_buffer.append", audio=b64encode(audio[at : at + 800]).decode())


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with world.http.ws_connect(world.bridge.realtime_url, headers=HEADERS) as ws:
        client = Client(ws)
        await client.until("session.created")
        yield client


async def test_the_session_shows_what_the_update_set(client: Client) -> None:
    """Settings are merged into the defaults."""
    await client.send("session.update", session=SESSION)
    session = (await client.until("session.updated"))["session"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert session["max_output_tokens"] == "inf"
    assert [tool["name"] for tool in session["tools"]] == ["check_availability", "book_appointment"]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"model": "x"}, "missing_required_parameter", "session.type"),
        ({"type": "realtime", "modalities": ["audio"]}, "unknown_parameter", "session.modalities"),
        ({"type": "realtime", "input_audio_format": "g711_ulaw"}, "unknown_parameter", "session.input_audio_format"),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}},
            "unknown_parameter",
            "session.audio.input.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"output": {"format": "g711_ulaw"}}},
            "invalid_value",
            "session.audio.output.format",
        ),
        ({"type": "realtime", "tools": [{"type": "function"}]}, "invalid_value", "session.tools[0]"),
    ],
)
async def test_settings_of_the_beta_or_of_no_version_are_refused(
    client: Client, session: dict[str, Any], code: str, param: str
) -> None:
    """The error names the parameter; the session stays as it was and open."""
    await client.send("session.update", session=session, event_id="mine")
    error = await client.error()
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    await client.send("session.update", session=SESSION)
    await client.until("session.updated")


async def test_speech_becomes_a_turn_that_is_answered(client: Client) -> None:
    """Started, stopped, committed, added, transcribed, answered: in this order."""
    await client.send("session.update", session=SESSION)
    await client.say(QUIET + speak("שלום, מה שלומך היום", "caller") + QUIET)
    await client.until("response.done")
    kinds = [event["type"] for event in client.seen]
    wanted = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.done",
    ]
    assert [kinds.index(kind) for kind in wanted] == sorted(kinds.index(kind) for kind in wanted)
    started = next(event for event in client.seen if event["type"] == wanted[0])
    committed = next(event for event in client.seen if event["type"] == wanted[2])
    assert started["item_id"] == committed["item_id"]
    assert abs(started["audio_start_ms"] - (1000 - 300)) <= 80


async def test_audio_comes_faster_than_it_plays(client: Client) -> None:
    """A response of some seconds is sent in a fraction of them."""
    clock = asyncio.get_running_loop().time
    await client.send("session.update", session=SESSION)
    await client.say(QUIET)
    await client.send("response.create")
    await client.until("response.output_audio.delta")
    began = clock()
    await client.until("response.output_audio.done")
    deltas = [event for event in client.seen if event["type"] == "response.output_audio.delta"]
    played_s = sum(len(event["delta"]) * 3 // 4 for event in deltas) / 8000
    assert played_s > 2
    assert clock() - began < played_s / 2


async def test_a_second_response_at_once_is_refused(client: Client) -> None:
    """The error is OpenAI's, and the first response goes on to its end."""
    await client.send("response.create")
    await client.send("response.create")
    assert (await client.error())["code"] == "conversation_already_has_active_response"
    assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_response_can_be_cancelled_once(client: Client) -> None:
    """It ends as cancelled with everything in it closed; cancelling again is refused."""
    await client.send("response.create")
    await client.until("response.output_audio.delta")
    await client.send("response.cancel")
    done = await client.until("response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    assert done["response"]["output"][0]["status"] == "incomplete"
    await client.send("response.cancel")
    assert (await client.error())["code"] == "response_cancel_not_active"


@pytest.mark.parametrize(("model", "kind"), [("gpt-transcribe", "duration"), ("gpt-4o-transcribe", "tokens")])
async def test_each_response_is_billed_for_all_before_it_and_the_transcript_as_its_model_is(
    client: Client, model: str, kind: str
) -> None:
    """What the last one read is cached, and a part of what this one reads; a cancelled one has its bill, too."""
    session: dict[str, Any] = dict(SESSION)
    audio = {**session["audio"], "input": {**session["audio"]["input"], "transcription": {"model": model}}}
    await client.send("session.update", session={**SESSION, "audio": audio})
    await client.until("session.updated")
    await client.say(speak("שלום, אני רוצה לקבוע תור", "caller") + QUIET)
    heard = await client.until("conversation.item.input_audio_transcription.completed")
    assert heard["usage"]["type"] == kind
    assert heard["usage"].get("seconds", heard["usage"].get("input_tokens")) > 0
    first = (await client.until("response.done"))["response"]["usage"]
    await client.send("response.create")
    await client.until("response.output_audio.delta")
    await client.send("response.cancel")
    second = (await client.until("response.done"))["response"]["usage"]
    for usage in (first, second):
        details, said = usage["input_token_details"], usage["output_token_details"]
        assert usage["input_tokens"] == details["text_tokens"] + details["audio_tokens"]
        assert usage["output_tokens"] == said["text_tokens"] + said["audio_tokens"] > 0
        assert details["cached_tokens"] == sum(details["cached_tokens_details"].values())
    assert second["input_token_details"]["cached_tokens"] == first["input_tokens"]
    assert second["input_tokens"] == first["input_tokens"] + first["output_tokens"]


async def test_speech_interrupts_a_response_under_way(client: Client) -> None:
    """The caller's voice cancels it, with the reason turn_detected."""
    await client.send("session.update", session=SESSION)
    await client.say(QUIET)
    await client.send("response.create")
    await client.until("response.output_audio.delta")
    await client.say(speak("רגע", "caller"))
    done = await client.until("response.done")
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected", "error": None}


async def test_truncation_is_checked_against_the_audio_that_was_sent(client: Client) -> None:
    """At most its length, only what the model said, and each time against what is left."""
    await client.send("response.create")
    item = (await client.until("response.output_item.added"))["item"]["id"]
    await client.until("response.done")
    truncate = {"item_id": item, "content_index": 0}
    await client.send("conversation.item.truncate", **truncate, audio_end_ms=1000)
    assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == 1000
    await client.send("conversation.item.truncate", **truncate, audio_end_ms=1001)
    assert "already shorter than 1001ms" in (await client.error())["message"]
    await client.send("conversation.item.truncate", item_id="item_x", content_index=0, audio_end_ms=1)
    assert (await client.error())["param"] == "item_id"


async def test_items_are_added_retrieved_and_deleted(client: Client) -> None:
    """And what is not there cannot be had."""
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "pressed 1"}]}
    await client.send("conversation.item.create", item=message)
    item = (await client.until("conversation.item.done"))["item"]
    await client.send("conversation.item.retrieve", item_id=item["id"])
    assert (await client.until("conversation.item.retrieved"))["item"] == item
    await client.send("conversation.item.delete", item_id=item["id"])
    await client.until("conversation.item.deleted")
    await client.send("conversation.item.retrieve", item_id=item["id"])
    assert (await client.error())["code"] == "item_retrieve_invalid_item_id"


async def test_a_tool_output_without_a_call_is_refused(client: Client) -> None:
    """The call_id must be one the model gave."""
    output = {"type": "function_call_output", "call_id": "call_x", "output": "1"}
    await client.send("conversation.item.create", item=output)
    assert (await client.error())["code"] == "invalid_tool_call_id"


@pytest.mark.parametrize(
    "message", ["{", "[]", "{}", '{"type":"session.please"}', '{"type":"input_audio_buffer.append"}']
)
async def test_a_message_without_sense_is_an_error_and_no_more(client: Client, message: str) -> None:
    """The session goes on; an append without audio is no audio."""
    await client.ws.send_str(message)
    if "append" not in message:
        await client.error()
    await client.send("session.update", session=SESSION)
    await client.until("session.updated")


async def test_without_a_key_or_with_the_beta_header_there_is_no_session(world: World) -> None:
    """401 without authorization; the beta's header ends the session at once."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await world.http.ws_connect(world.bridge.realtime_url)
    assert caught.value.status == 401
    headers = {**HEADERS, "OpenAI-Beta": "realtime=v1"}
    async with world.http.ws_connect(world.bridge.realtime_url, headers=headers) as ws:
        event = await ws.receive_json()
        validate(event)
        assert event["error"]["code"] == "beta_api_shape_disabled"
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 4000


async def test_a_slow_connection_is_slow(world: World) -> None:
    """The handshake waits as long as asked."""
    await world.http.post(world.url("/_/faults"), json={"realtime": {"connect_delay_ms": 300}})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.http.ws_connect(world.bridge.realtime_url, headers=HEADERS), 0.1)


async def test_faults_refuse_connections_send_errors_and_close_sessions(world: World) -> None:
    """Each as often as asked."""
    fault = {"refuse": 1, "refuse_status": 429, "error_code": "insufficient_quota", "close_code": 1012}
    await world.http.post(world.url("/_/faults"), json={"realtime": fault})
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await world.http.ws_connect(world.bridge.realtime_url, headers=HEADERS)
    assert caught.value.status == 429
    async with world.http.ws_connect(world.bridge.realtime_url, headers=HEADERS) as ws:
        client = Client(ws)
        assert (await client.error())["code"] == "insufficient_quota"
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1012
    await world.http.delete(world.url("/_/faults"))
    async with world.http.ws_connect(world.bridge.realtime_url, headers=HEADERS) as ws:
        await Client(ws).send("response.create")
        await Client(ws).until("response.done")
