"""Every bound on a call, in one place."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from prosaas_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, unless the name says otherwise."""

    max_calls: int = 100
    # 0: as many as there are places.
    calls_of_one_number: int = 0
    drain: float = 600.0
    max_call: float = 1800.0
    # In the currency of the prices; 0 is no limit.
    max_cost: float = 0.0
    # The caller says nothing: they are asked whether they are there, twice, and then hung up on; all that so many times
    # later for one who asked for a moment.
    nudges: tuple[float, ...] = (8.0, 20.0)
    idle: float = 45.0
    moment: float = 3.0
    # Connections that have not shown a valid `start`, and how long each may take to: Twilio sends it at once.
    guests: int = 256
    start: float = 2.5
    guest_goodbye: float = 0.2
    goodbye: float = 2.0
    # A send that waits this long has a peer that no longer reads.
    send: float = 5.0
    # Twilio sends 50 frames a second for as long as the call lives.
    silent_stream: float = 20.0
    model_connect: float = 5.0
    # How often an open connection to the model has to give a sign of life.
    model_ping: float = 15.0
    # So much of the greeting is heard before the caller can interrupt it; they can all the same where they have nothing
    # to be told and have heard nothing of us for so long.
    greeting: float = 2.0
    greeting_shield: float = 8.0
    # A greeting that tells callers what they have to know is heard whole: the longest takes 160 s. So long nobody is
    # listened to, whatever they hear of it.
    disclosure_shield: float = 240.0
    # A sound over the agent's words: so long after it the agent falls silent, unless the sound is gone; who speaks on
    # for so long interrupts; and for so long are their words waited for.
    doubt: float = 0.15
    interruption: float = 1.5
    words: float = 1.5
    # A caller who spells, or gives a number in groups, is let finish.
    patience: float = 1.2
    # Nobody speaks without a pause for longer; after so many of these the line is called noisy, and after so many turns
    # without a word the call is over.
    speech: float = 15.0
    noises: int = 3
    unintelligible: int = 8
    # A caller who waits in silence hears a word of comfort, and then another.
    comfort: float = 2.5
    comfort_again: float = 6.0
    comfort_look: float = 0.25
    # How long a caller hears words of comfort before we give up on the model.
    model_retry: float = 20.0
    # OpenAI closes a session after 60 minutes, without a warning.
    model_renew: float = 55 * 60.0
    # The caller has finished a sentence and the model has not begun to answer.
    model_silence: float = 6.0
    tool: float = 8.0
    # Tools that still run when the call is over.
    settle: float = 2.0
    # The model's last words before a hang-up or a transfer.
    last_words: float = 20.0
    # Twilio may have taken a transfer without our hearing so: then it ends the stream within this.
    handover: float = 3.0
    # A caller waits for what the database knows of them; nobody waits for the record of a call.
    database: float = 2.0
    record: float = 6.0
    # How a call ended is on disk before it is said.
    note: float = 0.2
    # The record goes to disk instead.
    spool: float = 2.0
    # The longest recorded sentence, and for how long after it we wait for the mark that says it was heard.
    prompt: float = 7.0
    prompt_grace: float = 2.0
    # Twilio is asked to hang up, and asked again.
    hang_up: float = 6.5
    # Keys pressed in one go are told to the model together.
    keys: float = 1.5
    watch: float = 1.0
    malformed_messages: int = 50

    @property
    def farewell(self) -> float:
        """For the calls that a drain has to end: the last sentence, the tools, the hang-up, and the record."""
        return self.prompt + self.prompt_grace + self.settle + self.hang_up + self.note + self.record + self.spool

    @property
    def cut_off(self) -> float:
        """For the calls that did not even end in that time: the record goes to disk."""
        return self.note + self.spool + self.goodbye

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            max_calls=settings.max_calls,
            calls_of_one_number=settings.calls_per_number,
            drain=float(settings.drain_seconds),
            max_call=float(settings.max_call_seconds),
            max_cost=settings.max_cost_per_call,
            idle=float(settings.idle_seconds),
        )


async def within(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, but no longer than that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
