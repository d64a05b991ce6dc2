"""How we end a call: with a sentence, or, once the caller has heard the last words, by hanging up or handing over."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from prosaas_calls.call.history import History
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.model.turns import Turns
from prosaas_calls.profile import Profile
from prosaas_calls.prompts import PromptName, prompt
from prosaas_core.facts.endings import UNSERVED
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.stream_token import StreamClaims


class Parting:
    """Whoever ends the call first has the word: `begun` from then on, and what is said then stands."""

    def __init__(
        self,
        *,
        claims: StreamClaims,
        limits: Limits,
        twilio: TwilioCalls,
        profile: Callable[[], Profile],
        line: CallerLine,
        turns: Turns,
        history: History,
        mute: Callable[[], None],
        tell: Callable[[str, str], None],
    ) -> None:
        self._claims = claims
        self._limits = limits
        self._twilio = twilio
        self._profile = profile
        self._line = line
        self._turns = turns
        self._history = history
        # The model is cut off from the caller; it is told something that deserves an answer.
        self._mute = mute
        self._tell = tell
        self.begun = False
        self._asking: asyncio.Task[bool | None] | None = None

    @property
    def rescue(self) -> str:
        """Whom to ring for a caller whom we cannot serve; nobody twice in a call."""
        profile = self._profile()
        return "" if self._claims.returned or not profile.reachable else profile.transfer_number or ""

    async def leave(self, name: PromptName, reason: EndReason) -> None:
        """Say a sentence and end the call; the first to do so has the word."""
        if self.begun:
            return
        self.begun = True
        self._mute()
        self._line.parting = reason
        for cut in self._line.cut():
            self._history.interrupted(cut.item_id, heard=cut.share)
        if reason in UNSERVED and self.rescue:
            name = "comfort"
        await self._line.say(prompt(name, self._profile().language))
        raise CallEnded(reason)

    async def last_words(self) -> None:
        """Wait until the model has spoken and the caller has heard it."""
        settled, quiet = self._turns.settled, self._line.playback.quiet
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.last_words):
                while not (settled.is_set() and quiet.is_set()):
                    await settled.wait()
                    await quiet.wait()

    async def part(self, reason: EndReason) -> None:
        """Hang up, or hand over."""
        self._line.parting = reason
        number = self._profile().transfer_number or ""
        if reason is EndReason.TRANSFERRED:
            self._asking = asyncio.create_task(self._twilio.transfer(self._claims.call_sid, number))
            taken = await asyncio.shield(self._asking)
            if taken is None:
                await asyncio.sleep(self._limits.handover)
            if not taken:
                self._line.parting = EndReason.CUSTOMER_HANGUP
                self._tell("system", "The transfer did not work. Apologise, and offer to take a message.")
                return
        raise CallEnded(reason)

    async def outcome(self, reason: EndReason) -> EndReason:
        """The reason as Twilio has it: who hung up before it took the transfer was not transferred.

        The stream ends both when it takes one and when the caller hangs up; only its answer tells which. Where the call
        ended otherwise meanwhile nobody is to be rung any more, or somebody else is.
        """
        if (asking := self._asking) is None:
            return reason
        if reason is EndReason.TRANSFERRED:
            await asyncio.wait({asking}, timeout=self._limits.settle)
            if asking.done() and asking.result() is False:
                reason = EndReason.CUSTOMER_HANGUP
        asking.cancel()
        return reason
