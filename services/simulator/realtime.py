"""The stand-in for OpenAI Realtime: one WebSocket session, its client events, voice detection and turns."""

import asyncio
import binascii
import contextlib
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from simulator import realtime_events as events
from simulator import session_config, watermark
from simulator.conversation import Conversation
from simulator.faults import FaultBoard
from simulator.live import LiveCall, Registry
from simulator.realtime_response import Response
from simulator.scenario import Scenario
from simulator.session_config import BadEventError
from simulator.vad import Turned, VoiceDetector

BENIGN: Final = {"response_cancel_not_active", "conversation_already_has_active_response"}

_RECOGNISE_S: Final = 2.0
_BREAK_OFF_MS: Final = 400


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
        self._fallback = fallback
        self._session = events.default_session(model)
        self._conversation = Conversation()
        self._detector = VoiceDetector()
        self._live: LiveCall | None = None
        self._recognised = asyncio.Event()
        self._turns_spoken = 0
        self._user_item = events.new_id("item")
        self._response: Response | None = None
        self._generation: asyncio.Task[None] | None = None
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
            for task in [*self._tasks, self._generation]:
                if task:
                    task.cancel()
            if self._live:
                self._live.generating = self._live.model_attached = False

    async def _send(self, event: events.Event) -> None:
        with contextlib.suppress(ConnectionError):
            await self._ws.send_str(orjson.dumps(event).decode())

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
        if self._live and error.code not in BENIGN:
            self._live.problem(f"the model refused an event: {error.code}: {error}")
        await self._send(events.error(str(error), code=error.code, param=error.param, event_id=event_id))

    async def _update_session(self, message: dict[str, Any]) -> None:
        self._session = session_config.update(self._session, message.get("session"))
        detection = self._session["audio"]["input"]["turn_detection"]
        if detection:
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
            if self._live is None and (live := self._registry.by_number(mark[1].number)):
                self._attach(live)
        if self._session["audio"]["input"]["turn_detection"] is None:
            return
        for turned in self._detector.feed(audio):
            await self._turn(turned)

    def _attach(self, live: LiveCall) -> None:
        self._live = live
        live.model_attached = True
        self._recognised.set()

    async def _turn(self, turned: Turned) -> None:
        detection = self._session["audio"]["input"]["turn_detection"]
        if turned.what == "started":
            self._user_item = events.new_id("item")
            await self._send(
                events.event("input_audio_buffer.speech_started", audio_start_ms=turned.at_ms, item_id=self._user_item)
            )
            if detection.get("interrupt_response", True):
                await self._interrupt("turn_detected")
            return
        await self._send(
            events.event("input_audio_buffer.speech_stopped", audio_end_ms=turned.at_ms, item_id=self._user_item)
        )
        await self._commit(respond=detection.get("create_response", True))

    async def _commit(self, *, respond: bool) -> None:
        live = self._call_or_default()
        item_id, self._user_item = self._user_item, events.new_id("item")
        previous = self._conversation.last_id
        await self._send(events.event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous))
        item = events.user_audio(item_id)
        await self._send(self._conversation.add(item))
        await self._send(self._conversation.complete(item))
        transcript = live.script.hear(self._turns_spoken)
        when = live.script.turns[live.script.heard_turns - 1].transcript if transcript else "before"
        if when != "after":
            await self._transcribe(item_id, transcript, failed=when == "failed")
        if respond and self._response is None:
            await self._respond(None)
        if when == "after":
            self._spawn(self._transcribe_later(item_id, transcript))

    async def _transcribe(self, item_id: str, transcript: str, *, failed: bool = False) -> None:
        if not self._session["audio"]["input"].get("transcription"):
            return
        where = {"item_id": item_id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if failed:
            error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Not understood."}
            await self._send(events.event(f"{kind}.failed", error=error, **where))
            return
        usage = {"type": "duration", "seconds": 2.0}
        await self._send(events.event(f"{kind}.completed", transcript=transcript, usage=usage, **where))

    async def _transcribe_later(self, item_id: str, transcript: str) -> None:
        if self._generation:
            await asyncio.wait([self._generation])
        await self._transcribe(item_id, transcript)

    async def _clear_input(self, _message: dict[str, Any]) -> None:
        await self._send(events.event("input_audio_buffer.cleared"))

    async def _commit_input(self, _message: dict[str, Any]) -> None:
        if self._session["audio"]["input"]["turn_detection"] is not None:
            message = "Error committing input audio buffer: buffer too small."
            raise BadEventError(message, "input_audio_buffer_commit_empty")
        await self._commit(respond=False)

    async def _create_item(self, message: dict[str, Any]) -> None:
        item = self._conversation.take_from_client(message.get("item"))
        await self._send(self._conversation.add(item))
        await self._send(self._conversation.complete(item))
        live = self._live
        if live is None:
            return
        if item["type"] == "function_call_output":
            live.script.tool_output(item["output"])
            live.note("tool_output", output=item["output"])
        elif item.get("role") == "user" and self._turns_spoken > live.script.heard_turns:
            live.script.hear(self._turns_spoken)

    async def _truncate(self, message: dict[str, Any]) -> None:
        answer = self._conversation.truncate(message.get("item_id"), message.get("audio_end_ms"))
        if self._live:
            self._live.truncated.append({"item_id": answer["item_id"], "truncated_ms": answer["audio_end_ms"]})
            self._live.note("truncated", ms=answer["audio_end_ms"])
        await self._send(answer)

    async def _retrieve(self, message: dict[str, Any]) -> None:
        await self._send(self._conversation.retrieve(message.get("item_id")))

    async def _delete(self, message: dict[str, Any]) -> None:
        await self._send(self._conversation.delete(message.get("item_id")))

    async def _create_response(self, message: dict[str, Any]) -> None:
        if self._response is not None:
            raise BadEventError(
                f"Conversation already has an active response in progress: {self._response.id}. "
                "Wait until the response is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        await self._respond((message.get("response") or {}).get("instructions"))

    async def _cancel_response(self, message: dict[str, Any]) -> None:
        wanted = message.get("response_id")
        if self._response is None or wanted not in (None, self._response.id):
            message_text = "Cancellation failed: no active response found"
            raise BadEventError(message_text, "response_cancel_not_active")
        await self._interrupt("client_cancelled")

    async def _respond(self, instructions: str | None) -> None:
        self._response = Response(self._conversation, self._send)
        if self._live:
            self._live.generating = True
        await self._response.begin()
        self._generation = asyncio.create_task(self._generate(self._response, instructions))

    async def _interrupt(self, reason: str) -> None:
        response, generation = self._response, self._generation
        if response is None or generation is None:
            return
        generation.cancel()
        await asyncio.wait([generation])
        self._rest()
        await response.finish("cancelled", reason=reason)

    def _rest(self) -> None:
        self._response = self._generation = None
        if self._live:
            self._live.generating = False

    async def _generate(self, response: Response, instructions: str | None) -> None:
        live = await self._call()
        live.generating = True
        model = live.scenario.model
        await asyncio.sleep((model.think_ms + self._faults.faults.realtime.delay_ms) / 1000 / live.speed)
        reply = live.script.next_reply(instructions)
        if model.silent_from_turn is not None and reply.turn >= model.silent_from_turn:
            live.generating = False
            return
        breaks_off = reply.turn == model.close_at_turn and live.model_closed < model.close_times
        if reply.turn == model.error_at_turn:
            await self._fail(response, model.error_code)
            return
        if reply.text:
            await response.speak(reply, live, self._registry.next_speech(), _BREAK_OFF_MS if breaks_off else None)
        if breaks_off:
            live.model_closed += 1
            await self._ws.close(code=model.close_code)
            return
        if reply.tool:
            self._check_tool(live, reply.tool, orjson.loads(reply.arguments))
            live.note("tool_call", tool=reply.tool, arguments=reply.arguments)
            await response.call_function(reply.tool, reply.arguments)
        self._rest()
        await response.finish("completed")

    async def _fail(self, response: Response, code: str) -> None:
        self._rest()
        error = {"type": "server_error", "code": code, "message": "The model had an error."}
        await response.finish("failed", error=error)

    def _check_tool(self, live: LiveCall, name: str, arguments: dict[str, Any]) -> None:
        offered = {tool["name"]: tool.get("parameters") or {} for tool in self._session["tools"]}
        if name not in offered:
            live.problem(f"the scenario calls {name}, the session offers {sorted(offered)}")
            return
        properties, required = offered[name].get("properties", {}), offered[name].get("required", [])
        if wrong := [*(set(required) - set(arguments)), *(set(arguments) - set(properties))]:
            live.problem(f"the arguments of {name} do not fit what the session offers: {sorted(wrong)}")

    async def _call(self) -> LiveCall:
        """Return the call this session serves, once its audio has said which that is."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recognised.wait(), _RECOGNISE_S)
        return self._call_or_default()

    def _call_or_default(self) -> LiveCall:
        """Return the call this session serves; audio that names none gets the default scenario."""
        if self._live is None:
            self._attach(Registry().open(self._fallback(), speed=1.0, listener=lambda _note: None))
        assert self._live is not None
        return self._live

    async def _misbehave(self) -> None:
        faults = self._faults.faults.realtime
        if faults.error_code is not None:
            await self._sleep(faults.error_after_ms)
            await self._send(events.error(f"Simulated {faults.error_code}.", code=faults.error_code))
        if faults.close_code is not None and self._faults.closes_realtime():
            await self._sleep(faults.close_after_ms)
            await self._ws.close(code=faults.close_code)

    async def _sleep(self, audio_ms: int) -> None:
        speed = self._live.speed if self._live else 1.0
        await asyncio.sleep(audio_ms / 1000 / speed)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
