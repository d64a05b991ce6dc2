"""The stand-in for OpenAI Realtime: one WebSocket session, its client events and its voice detection."""

import asyncio
import binascii
import contextlib
from base64 import b64decode
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from simulator.audio import watermark
from simulator.audio.vad import Turned, VoiceDetector
from simulator.faults import FaultBoard
from simulator.live import Registry
from simulator.model import events, session_config
from simulator.model.conversation import Conversation
from simulator.model.model import ScriptedModel
from simulator.model.session_config import BadEventError
from simulator.scenario import Scenario

# What both sides may do in the same moment: nobody's mistake.
BENIGN: Final = {
    "response_cancel_not_active",
    "conversation_already_has_active_response",
    "input_audio_buffer_commit_empty",
}

_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"


class RealtimeSession:
    """One connection of the service to the model."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        model: str,
        *,
        registry: Registry,
        faults: FaultBoard,
        fallback: Callable[[], Scenario],
    ) -> None:
        self._ws = ws
        self._registry = registry
        self._faults = faults
        self._session = events.default_session(model)
        self._conversation = Conversation()
        self._detector = VoiceDetector()
        self._model = ScriptedModel(
            self._conversation,
            send=self._send,
            close=self._close,
            registry=registry,
            faults=faults,
            fallback=fallback,
        )
        self._turns_spoken = 0
        self._began_ms = self._heard_ms = 0
        self._user_item = events.new_id("item")
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "session.update": self._update_session,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.clear": self._clear_input,
            "input_audio_buffer.commit": self._commit_input,
            "conversation.item.create": self._create_item,
            "conversation.item.truncate": self._truncate,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.delete": self._delete,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
        }

    async def run(self) -> None:
        """Serve the session until either side closes it."""
        await self._send(events.event("session.created", session=self._session))
        self._spawn(self._misbehave())
        try:
            async for message in self._ws:
                if message.type is WSMsgType.TEXT:
                    await self._receive(message.data)
        finally:
            self._model.leave()
            for task in self._tasks:
                task.cancel()

    async def _send(self, event: events.Event) -> None:
        with contextlib.suppress(ConnectionError):
            await self._ws.send_str(orjson.dumps(event).decode())

    async def _close(self, code: int) -> None:
        await self._ws.close(code=code)

    async def _receive(self, text: str) -> None:
        event_id = None
        try:
            message = orjson.loads(text)
            handler = self._handlers.get(str(message.get("type"))) if isinstance(message, dict) else None
            if handler is None:
                raise BadEventError(f"Invalid value: {text[:80]!r}.", "invalid_value", "type")
            event_id = message.get("event_id")
            await handler(message)
        except orjson.JSONDecodeError as error:
            await self._refuse(BadEventError(f"The event is not JSON: {error}", "invalid_json"), None)
        except BadEventError as error:
            await self._refuse(error, event_id)

    async def _refuse(self, error: BadEventError, event_id: str | None) -> None:
        if self._model.live and error.code not in BENIGN:
            self._model.live.problem(f"the model refused an event: {error.code}: {error}")
        await self._send(events.error(str(error), code=error.code, param=error.param, event_id=event_id))

    async def _update_session(self, message: dict[str, Any]) -> None:
        instructions = self._session["instructions"]
        changed = session_config.update(self._session, message.get("session"))
        if self._faults.faults.realtime.no_transcription and changed["audio"]["input"].get("transcription"):
            where = "session.audio.input.transcription.languages"
            raise BadEventError(f"Unknown parameter: '{where}'.", "unknown_parameter", where)
        self._session = changed
        self._conversation.grow((max(0, len(changed["instructions"]) - len(instructions)) // 3, 0))
        self._model.tools = self._session["tools"]
        self._model.longest_answer = self._session["max_output_tokens"]
        if detection := self._session["audio"]["input"]["turn_detection"]:
            self._detector.configure(
                threshold=detection.get("threshold", 0.5),
                silence_ms=detection.get("silence_duration_ms", 500),
                prefix_ms=detection.get("prefix_padding_ms", 300),
            )
        await self._send(events.event("session.updated", session=self._session))

    async def _append(self, message: dict[str, Any]) -> None:
        try:
            audio = b64decode(message.get("audio", ""), validate=True)
        except (binascii.Error, TypeError) as error:
            raise BadEventError("Invalid 'audio'. Expected base64-encoded audio.", "invalid_value", "audio") from error
        if mark := watermark.find("call", audio):
            self._turns_spoken = mark[1].count
            self._model.recognise(mark[1].number)
        if self._session["audio"]["input"]["turn_detection"] is None:
            return
        for turned in self._detector.feed(audio):
            await self._turn(turned)

    async def _turn(self, turned: Turned) -> None:
        detection = self._session["audio"]["input"]["turn_detection"]
        if turned.what == "started":
            self._began_ms = turned.at_ms
            started = {"audio_start_ms": turned.at_ms, "item_id": self._user_item}
            await self._send(events.event("input_audio_buffer.speech_started", **started))
            if detection.get("interrupt_response", True):
                await self._model.interrupt("turn_detected")
            return
        self._heard_ms = max(0, turned.at_ms - self._began_ms)
        self._conversation.grow(events.spoken_tokens(self._heard_ms, 0, ms_a_token=100))
        stopped = {"audio_end_ms": turned.at_ms, "item_id": self._user_item}
        await self._send(events.event("input_audio_buffer.speech_stopped", **stopped))
        await self._commit(respond=detection.get("create_response", True))

    async def _commit(self, *, respond: bool) -> None:
        call = self._model.call_or_default()
        call.instructions, script = self._session["instructions"], call.script
        item_id, self._user_item = self._user_item, events.new_id("item")
        previous = self._conversation.last_id
        await self._send(events.event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous))
        item = events.user_audio(item_id)
        await self._send(self._conversation.add(item))
        await self._send(self._conversation.complete(item))
        transcript = script.hear(self._turns_spoken)
        when = script.turns[script.heard_turns - 1].transcript if transcript else "before"
        if when in ("before", "failed"):
            await self._transcribe(item_id, transcript, failed=when == "failed")
        if respond and not self._model.responding:
            await self._model.respond()
        if when == "after":
            self._spawn(self._transcribe_later(item_id, transcript))

    async def _transcribe(self, item_id: str, transcript: str, *, failed: bool = False) -> None:
        if not self._session["audio"]["input"].get("transcription"):
            return
        where = {"item_id": item_id, "content_index": 0}
        if failed:
            error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Not understood."}
            await self._send(events.event(f"{_TRANSCRIPTION}.failed", error=error, **where))
            return
        model = self._session["audio"]["input"]["transcription"].get("model", "")
        usage = events.transcription_usage(model, self._heard_ms, len(transcript))
        await self._send(events.event(f"{_TRANSCRIPTION}.completed", transcript=transcript, usage=usage, **where))

    async def _transcribe_later(self, item_id: str, transcript: str) -> None:
        await self._model.answered()
        await self._transcribe(item_id, transcript)

    async def _clear_input(self, _message: dict[str, Any]) -> None:
        await self._send(events.event("input_audio_buffer.cleared"))

    async def _commit_input(self, _message: dict[str, Any]) -> None:
        if self._session["audio"]["input"]["turn_detection"] is not None and not self._detector.speaking:
            message = "Error committing input audio buffer: buffer too small."
            raise BadEventError(message, "input_audio_buffer_commit_empty")
        await self._commit(respond=False)

    async def _create_item(self, message: dict[str, Any]) -> None:
        item = self._conversation.take_from_client(message.get("item"))
        await self._send(self._conversation.add(item))
        await self._send(self._conversation.complete(item))
        if item.get("role") == "assistant":
            self._registry.told("".join(str(part.get("text", "")) for part in item.get("content") or []))
        live = self._model.live
        if live is None:
            return
        if item["type"] == "function_call_output":
            if wrong := live.script.tool_output(item["output"]):
                live.problem(wrong)
            live.note("tool_output", output=item["output"])
        elif item.get("role") == "user":
            live.script.read_keys()

    async def _truncate(self, message: dict[str, Any]) -> None:
        answer = self._conversation.truncate(message.get("item_id"), message.get("audio_end_ms"))
        if live := self._model.live:
            live.correct(answer["item_id"], answer["audio_end_ms"])
            live.truncated.append({"item_id": answer["item_id"], "truncated_ms": answer["audio_end_ms"]})
            live.note("truncated", ms=answer["audio_end_ms"])
        await self._send(answer)

    async def _retrieve(self, message: dict[str, Any]) -> None:
        await self._send(self._conversation.retrieve(message.get("item_id")))

    async def _delete(self, message: dict[str, Any]) -> None:
        answer = self._conversation.delete(message.get("item_id"))
        if live := self._model.live:
            live.correct(answer["item_id"], 0)
        await self._send(answer)

    async def _create_response(self, message: dict[str, Any]) -> None:
        await self._model.respond((message.get("response") or {}).get("instructions"))

    async def _cancel_response(self, message: dict[str, Any]) -> None:
        await self._model.cancel(message.get("response_id"))

    async def _misbehave(self) -> None:
        faults = self._faults.faults.realtime
        if faults.error_code is not None:
            await self._audio_time(faults.error_after_ms)
            await self._send(events.error(f"Simulated {faults.error_code}.", code=faults.error_code))
        if faults.close_code is not None and self._faults.closes_realtime():
            await self._audio_time(faults.close_after_ms)
            await self._close(faults.close_code)

    async def _audio_time(self, milliseconds: int) -> None:
        speed = self._model.live.speed if self._model.live else 1.0
        await asyncio.sleep(milliseconds / 1000 / speed)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
