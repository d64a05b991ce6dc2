"""The calls under way: where the caller and the stand-ins for the services around it meet."""

import asyncio
import itertools
import time
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from simulator.audio import watermark
from simulator.audio.mulaw import BYTES_PER_MS
from simulator.audio.speech import speak
from simulator.scenario import Scenario
from simulator.script import Reply, Script
from simulator.sids import new_call_sid

Note = dict[str, Any]

_SPOKEN_KEPT: Final = 200


@dataclass
class Said:
    """One piece of the model's speech: the words, every byte of their audio (mark included), and how much was sent.

    `believed_bytes` is how much of it the model takes for heard: all that it sent, until it is told otherwise.
    """

    text: str
    audio: bytes
    item_id: str
    sent_bytes: int = 0
    believed_bytes: int = 0


def sound_of(text: str, number: int) -> bytes:
    """Return the model's speech as it sounds: its mark, and then the words, the same ones each time."""
    return watermark.frame("speech", number) + speak(text, "agent")


_KEPT: Final = 1 << 31


def kept_number(text: str) -> int:
    """Return the number of speech that a service may keep: by its words, so that another simulator knows it too."""
    return _KEPT | zlib.crc32(text.encode())


@dataclass(frozen=True)
class Redirection:
    """What a Twilio REST update asks of a live call: an end, or other TwiML."""

    status: str | None = None
    twiml: str | None = None
    url: str | None = None
    method: str = "POST"


class Spoken(OrderedDict[int, Said]):
    """Pieces of speech by their number; one that is heard again, as a kept greeting is, stays longest."""

    def keep(self, number: int, said: Said) -> None:
        """Remember one piece more; the one unheard for longest makes room."""
        self[number] = said
        if len(self) > _SPOKEN_KEPT:
            self.popitem(last=False)

    def __getitem__(self, number: int) -> Said:
        said = super().__getitem__(number)
        self.move_to_end(number)
        return said


@dataclass
class LiveCall:
    """One simulated call, known by its call_sid to Twilio's side and by its number to the audio."""

    number: int
    call_sid: str
    scenario: Scenario
    speed: float
    script: Script
    listener: Callable[[Note], None]
    # The caller's, as Twilio tells it.
    from_number: str = ""
    began: float = field(default_factory=time.monotonic)
    said: dict[int, Said] = field(default_factory=dict)
    # What the model says in any call: a service may keep a greeting and play it to the next caller.
    spoken: Spoken = field(default_factory=Spoken)
    truncated: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    slipped_ms: int = 0
    generating: bool = False
    recognised: bool = False
    # What the model had been told when the caller last spoke.
    instructions: str = ""
    # How often the model has done each thing that it was to do wrong.
    misdeeds: Counter[str] = field(default_factory=Counter)
    # The functions that the model has called, each in a response that is complete.
    called: list[str] = field(default_factory=list)
    redirections: "asyncio.Queue[Redirection]" = field(default_factory=asyncio.Queue)
    # Set when the business was sent a text message about this caller.
    business_told: asyncio.Event = field(default_factory=asyncio.Event)

    def now_ms(self) -> int:
        """Return the audio time since the call began."""
        return int((time.monotonic() - self.began) * 1000 * self.speed)

    def slip(self, seconds: float) -> None:
        """Set the call's clock back by what the machine was too slow for."""
        self.began += seconds
        self.slipped_ms += int(seconds * 1000 * self.speed)

    def say(self, number: int, said: Said) -> None:
        """Take note of a piece of the model's speech."""
        self.said[number] = said
        # What others hear of it was kept when it was whole, however far this call has come with it.
        self.spoken.keep(number, replace(said, sent_bytes=len(said.audio)) if number & _KEPT else said)

    def correct(self, item_id: str, heard_ms: int) -> None:
        """The model is told how much of an item was heard."""
        for said in self.said.values():
            if said.item_id == item_id:
                said.believed_bytes = heard_ms * BYTES_PER_MS

    def note(self, what: str, **fields: Any) -> None:
        """Tell whoever watches this call that something happened."""
        self.listener({"t_ms": self.now_ms(), "what": what, **fields})

    def problem(self, text: str) -> None:
        """Record something that must not happen; the call's result is not ok."""
        self.problems.append(text)
        self.note("problem", text=text)


class Registry:
    """Every live call, found by number or by call_sid."""

    _FIRST_NUMBER: Final = 1000

    def __init__(self) -> None:
        self._numbers = itertools.count(self._FIRST_NUMBER)
        self._speech = itertools.count(1)
        self._by_number: dict[int, LiveCall] = {}
        self._by_sid: dict[str, LiveCall] = {}
        self._spoken = Spoken()

    def open(
        self, scenario: Scenario, *, speed: float, listener: Callable[[Note], None], call_sid: str | None = None
    ) -> LiveCall:
        """Begin a call."""
        number = next(self._numbers)
        sid = call_sid or new_call_sid()
        call = LiveCall(number, sid, scenario, speed, Script(scenario, number), listener, spoken=self._spoken)
        self._by_number[number] = self._by_sid[sid] = call
        return call

    def close(self, call: LiveCall) -> None:
        """Forget a call that is over."""
        self._by_number.pop(call.number, None)
        self._by_sid.pop(call.call_sid, None)

    def by_number(self, number: int) -> LiveCall | None:
        """Return the live call whose audio carries this number."""
        return self._by_number.get(number)

    def by_sid(self, call_sid: str) -> LiveCall | None:
        """Return the live call that Twilio knows under this call_sid."""
        return self._by_sid.get(call_sid)

    def number_of(self, reply: Reply) -> int:
        """Return the number of the model's next piece of speech."""
        return kept_number(reply.text) if reply.dictated else next(self._speech)

    def told(self, text: str) -> None:
        """Take note of what a service tells the model that it has said: a greeting, kept from before our time."""
        number = kept_number(text)
        if number not in self._spoken:
            audio = sound_of(text, number)
            self._spoken.keep(number, Said(text, audio, "", sent_bytes=len(audio)))

    def texted(self, body: str) -> None:
        """Take note of a text message: it may tell a business of a caller."""
        for call in self:
            if call.from_number and call.from_number in body:
                call.note("business_told", body=body)
                call.business_told.set()

    def forget_speech(self) -> None:
        """Know no more of what was said than a simulator that has just begun."""
        self._speech = itertools.count(1)
        self._spoken.clear()

    def __iter__(self) -> "itertools.chain[LiveCall]":
        return itertools.chain(self._by_number.values())
