"""A conversation between two sockets of paper, for the tests of what the model's events do."""

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any, Self

from calls_world.sockets import FakeSocket
from prosaas_calls.call.conversation import Conversation
from prosaas_calls.call.history import History
from prosaas_calls.call.interruption import Floor
from prosaas_calls.call.meter import Meter
from prosaas_calls.call.promises import Promises
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.limits import Limits
from prosaas_calls.model.events import Item, decode
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_core.facts.prices import shipped

MODEL = "gpt-realtime-2.1"
FRAME = base64.b64encode(b"\x00" * 160).decode()
FIFTH = base64.b64encode(b"\x00" * 1600).decode()


class Stage:
    """A conversation between two sockets of paper."""

    def __init__(self) -> None:
        self.twilio = FakeSocket()
        self.to_model: list[Any] = []
        self.line = CallerLine(self.twilio, "MZ1", prompt_grace=2.0)
        self.stats = CallStats()
        self.turns = Turns()
        self.history = History(self.stats.elapsed_ms)
        self.meter = Meter(shipped(), self.stats.elapsed_ms, model=MODEL, transcription_model="gpt-transcribe")
        self.tools: list[Item] = []
        self.pauses: list[float] = []
        self.loud = True
        self.shielded = False
        self.promises = Promises(self.history, self.turns, self.line.playback)
        self.floor = Floor(
            line=self.line,
            turns=self.turns,
            history=self.history,
            stats=self.stats,
            limits=Limits(doubt=0.01, interruption=0.3, words=0.3, patience=0.1),
            send=self._send,
            spawn=self._spawn,
            loud=lambda: self.loud,
            shielded=lambda: self.shielded,
            decided=lambda answer_due: self.conversation.decided(answer_due),
        )
        self.conversation = Conversation(
            line=self.line,
            turns=self.turns,
            history=self.history,
            stats=self.stats,
            meter=self.meter,
            send=self._send,
            floor=self.floor,
            promises=self.promises,
            use_tool=self.tools.append,
            ask_later=self.pauses.append,
            retry_for=20.0,
        )

    @classmethod
    def in_an_answer(cls) -> Self:
        """The model has said two seconds, of which the caller has heard six tenths; what they say now is short."""
        stage = cls()
        stage.responds(fifths=10)
        stage.done()
        stage.heard(3)
        stage.loud = False
        return stage

    def _send(self, event: bytes) -> None:
        self.to_model.append(json.loads(event))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.judging = asyncio.create_task(work)
        return self.judging

    async def interrupts(self, item_id: str = "u1") -> None:
        """Let the caller speak over the agent for longer than anybody says "uh-huh"."""
        self.model("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        await self.judging

    async def says(self, words: str, item_id: str = "u1") -> None:
        """Let the caller say something short over the agent."""
        self.model("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        await asyncio.sleep(0.02)
        self.model("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=0)
        self.model("conversation.item.input_audio_transcription.completed", item_id=item_id, transcript=words)
        await self.judging

    def model(self, kind: str, **fields: Any) -> None:
        """Let the model send an event."""
        self.conversation.handle(decode(json.dumps({"type": kind, **fields})))

    def responds(self, response_id: str = "r1", item_id: str = "i1", fifths: int = 5) -> None:
        """Begin a response and send so much of its audio."""
        self.model("session.updated")
        self.model("response.created", response={"id": response_id})
        for _ in range(fifths):
            self.delta(response_id, item_id)

    def delta(self, response_id: str = "r1", item_id: str = "i1", audio: str = FIFTH) -> None:
        self.model("response.output_audio.delta", response_id=response_id, item_id=item_id, delta=audio)

    def done(self, response_id: str = "r1", status: str = "completed", **fields: Any) -> None:
        self.model("response.done", response={"id": response_id, "status": status, **fields})

    def calls(self, tool: str, arguments: str = "{}", status: str = "completed") -> None:
        """Finish a function call, or what an interruption left of one."""
        where = {"response_id": "r1", "item_id": "f1", "call_id": "c1"}
        self.model("response.function_call_arguments.done", **where, name=tool, arguments=arguments)
        item = {"id": "f1", "type": "function_call", "call_id": "c1", "name": tool, "arguments": arguments}
        self.model("response.output_item.done", response_id="r1", item={**item, "status": status})

    def heard(self, fifths: int) -> None:
        """Let Twilio echo the first marks."""
        for mark in self.twilio.events("mark")[:fifths]:
            self.line.playback.echoed(mark["mark"]["name"])

    def asked(self) -> int:
        return sum(event["type"] == "response.create" for event in self.to_model)
