"""One response of the scripted model, from `response.created` to `response.done`, faster than real time."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from simulator.audio.mulaw import BYTES_PER_MS, milliseconds
from simulator.live import LiveCall, Said, sound_of
from simulator.model import events
from simulator.model.conversation import Conversation
from simulator.script import Reply

Send = Callable[[events.Event], Awaitable[None]]

_DELTA_MS: Final = 200


@dataclass
class _Speech:
    """The spoken part of a response while it is being sent."""

    item_id: str
    output_index: int
    transcript: str = ""
    audio_ms: int = 0


class Response:
    """Sends one response; whoever interrupts it cancels the task and then calls `finish`."""

    def __init__(self, conversation: Conversation, send: Send) -> None:
        self.id = events.new_id("resp")
        self.begun = False
        self._conversation = conversation
        self._send = send
        self._output: list[events.Item] = []
        self._speech: _Speech | None = None
        self._call: dict[str, str] | None = None
        self._audio_ms = 0
        self._text_length = 0

    @property
    def speaking(self) -> bool:
        """Whether something is being said, and not to its end yet."""
        return self._speech is not None

    async def begin(self) -> None:
        """Announce the response."""
        self.begun = True
        await self._send(events.event("response.created", response=self._resource("in_progress")))

    async def speak(self, reply: Reply, live: LiveCall, speech_number: int, stop_after_ms: int | None = None) -> None:
        """Send the reply's words and audio; stop in the middle after `stop_after_ms` of it."""
        speech = self._speech = _Speech(events.new_id("item"), len(self._output))
        audio = sound_of(reply.text, speech_number)
        said = Said(reply.text, audio, speech.item_id)
        live.say(speech_number, said)
        item = events.assistant(speech.item_id, "in_progress")
        await self._add_item(item, speech.output_index)
        await self._send(self._event("response.content_part.added", speech, part={"type": "audio", "transcript": ""}))
        words, step = reply.text.split(" "), _DELTA_MS * BYTES_PER_MS
        for at in range(0, len(audio), step):
            if stop_after_ms is not None and milliseconds(at) >= stop_after_ms:
                return
            await self._send_words(speech, words, (at + step) / len(audio))
            chunk = audio[at : at + step]
            self._conversation.hold_audio(speech.item_id, len(chunk))
            speech.audio_ms += milliseconds(len(chunk))
            said.sent_bytes += len(chunk)
            said.believed_bytes = said.sent_bytes
            await self._send(self._event("response.output_audio.delta", speech, delta=b64encode(chunk).decode()))
            await asyncio.sleep(milliseconds(len(chunk)) / live.scenario.model.generation_speed / 1000 / live.speed)
        await self._end_speech("completed")

    async def call_function(self, name: str, arguments: str, *, cut: bool = False) -> None:
        """Send a function call, or the half of one, which `finish` then closes."""
        call = self._call = {
            "item_id": events.new_id("item"), "call_id": events.new_id("call"), "name": name, "arguments": ""
        }  # fmt: skip
        index = len(self._output)
        await self._add_item(self._call_item("in_progress"), index)
        where = {"response_id": self.id, "item_id": call["item_id"], "output_index": index, "call_id": call["call_id"]}
        half = len(arguments) // 2
        for delta in (arguments[:half],) if cut else (arguments[:half], arguments[half:]):
            await self._send(events.event("response.function_call_arguments.delta", delta=delta, **where))
            call["arguments"] += delta
        # It comes for one that was cut off as well: what counts is the item's status.
        done = events.event("response.function_call_arguments.done", arguments=call["arguments"], name=name, **where)
        await self._send(done)
        if cut:
            return
        self._call = None
        await self._end_item(
            events.function_call(call["item_id"], "completed", call_id=call["call_id"], name=name, arguments=arguments),
            index,
        )

    async def finish(self, status: str, *, reason: str | None = None, error: dict[str, Any] | None = None) -> None:
        """End the response, closing whatever is still open in it."""
        if self._speech:
            await self._end_speech("incomplete")
        if self._call:
            await self._end_item(self._call_item("incomplete"), len(self._output))
            self._call = None
        details = None if status == "completed" else {"type": status, "reason": reason, "error": error}
        usage = self._conversation.bill(events.spoken_tokens(self._audio_ms, self._text_length, ms_a_token=50))
        resource = self._resource(status, status_details=details, usage=usage)
        await self._send(events.event("response.done", response=resource))
        await self._send(events.rate_limits())

    async def _send_words(self, speech: _Speech, words: list[str], share: float) -> None:
        text = " ".join(words[: min(len(words), int(share * len(words)) + 1)])
        if delta := text[len(speech.transcript) :]:
            speech.transcript = text
            await self._send(self._event("response.output_audio_transcript.delta", speech, delta=delta))

    async def _end_speech(self, status: str) -> None:
        assert self._speech is not None
        speech, self._speech = self._speech, None
        self._audio_ms += speech.audio_ms
        self._text_length += len(speech.transcript)
        await self._send(self._event("response.output_audio.done", speech))
        await self._send(self._event("response.output_audio_transcript.done", speech, transcript=speech.transcript))
        part = {"type": "audio", "transcript": speech.transcript}
        await self._send(self._event("response.content_part.done", speech, part=part))
        await self._end_item(events.assistant(speech.item_id, status, speech.transcript), speech.output_index)

    async def _add_item(self, item: events.Item, index: int) -> None:
        fields = {"response_id": self.id, "output_index": index, "item": item}
        await self._send(events.event("response.output_item.added", **fields))
        await self._send(self._conversation.add(item))

    async def _end_item(self, item: events.Item, index: int) -> None:
        self._output.append(item)
        await self._send(self._conversation.complete(item))
        fields = {"response_id": self.id, "output_index": index, "item": item}
        await self._send(events.event("response.output_item.done", **fields))

    def _event(self, kind: str, speech: _Speech, **fields: Any) -> events.Event:
        where = {"item_id": speech.item_id, "output_index": speech.output_index, "content_index": 0}
        return events.event(kind, response_id=self.id, **where, **fields)

    def _call_item(self, status: str) -> events.Item:
        assert self._call is not None
        fields = {name: self._call[name] for name in ("call_id", "name", "arguments")}
        return events.function_call(self._call["item_id"], status, **fields)

    def _resource(self, status: str, **fields: Any) -> dict[str, Any]:
        return events.response(self.id, self._conversation.id, status, list(self._output), **fields)
