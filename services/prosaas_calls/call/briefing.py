"""What a new session of the model is told: who it is, what was said so far, and from when on it listens."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from prosaas_calls.call.conversation import Conversation
from prosaas_calls.call.greetings import Greetings, Recording, Spoken
from prosaas_calls.call.hearing import Hearing
from prosaas_calls.call.history import History
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.limits import Limits, within
from prosaas_calls.model import events
from prosaas_calls.model.turns import Turns
from prosaas_calls.profile import Profile
from prosaas_calls.tools import declarations
from prosaas_core.settings import Settings
from prosaas_logging import get_logger
from prosaas_logging.catalogue import GREETING

log = get_logger(__name__)

# The model says that it is done; the echo of its last sound may be back before that.
_LOOK_SECONDS = 0.1


class Briefing:
    """Briefs the sessions of one call. While the first words of the greeting are not heard, they do not listen.

    Who has to be told something hears the greeting whole: until then nothing that they say or press stops it, however
    long nothing of it comes.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        limits: Limits,
        greetings: Greetings,
        profile: Callable[[], Profile],
        returned: str,
        line: CallerLine,
        turns: Turns,
        history: History,
        conversation: Conversation,
        send: Callable[[bytes], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._greetings = greetings
        # The business and the customer as they are known by now.
        self._profile = profile
        # What became of a transfer from which the caller comes back; empty otherwise.
        self._returned = returned
        self._line = line
        self._turns = turns
        self._history = history
        self._conversation = conversation
        self._send = send
        self._spawn = spawn
        self._ears: asyncio.Task[None] | None = None
        # The caller has heard what they had to; they have heard more, and when.
        self._greeted = asyncio.Event()
        self._more = asyncio.Event()
        self._heard_at = 0.0

    @property
    def _disclosure(self) -> str:
        """What has to be heard; who comes back from a transfer has heard it."""
        return "" if self._returned else self._profile().disclosure

    @property
    def shielded(self) -> bool:
        """Whether the caller has not heard yet what they have to be told."""
        return bool(self._disclosure) and not self._greeted.is_set()

    async def told(self) -> None:
        """Return once the caller has heard what they have to be told."""
        if self.shielded:
            await self._greeted.wait()

    @property
    def _greeting(self) -> Spoken:
        profile = self._profile()
        voice = (profile.business.voice if profile.business else "") or self._settings.openai_voice
        return Spoken(self._settings.openai_realtime_model, voice, profile.first_words)

    def recorded(self) -> bytes | None:
        """The greeting, where it has been spoken before."""
        return None if self._returned else self._greetings.get(self._greeting)

    def session(self) -> list[bytes]:
        """The events that begin a session; the last of them has it greet, when nobody has said anything yet."""
        settings, profile = self._settings, self._profile()
        if self._ears is not None:
            self._ears.cancel()
        hearing = Hearing.of(settings, profile.business)
        greeting_due = self._history.empty
        if not greeting_due and self._heard_enough():
            self._greeted.set()
        shielded = greeting_due or not self._greeted.is_set()
        keywords = [profile.business.name] if profile.business else []
        briefing = [
            events.session_update(
                model=settings.openai_realtime_model,
                instructions=profile.instructions(datetime.now(UTC)),
                voice=self._greeting.voice,
                transcription=events.transcription(
                    settings.openai_transcription_model, profile.language.partition("-")[0], keywords=keywords
                )
                if self._conversation.transcribes
                else None,
                tools=declarations(),
                noise_reduction=hearing.noise_reduction,
                detection=None if shielded else hearing.detection,
            )
        ]
        briefing += [events.message(role, text) for role, text in self._history.told()]
        if shielded:
            self._ears = self._spawn(self._open_ears(hearing.detection))
        self._conversation.opening = profile.greeting(returned=self._returned) if greeting_due else ""
        if greeting_due:
            log.event(GREETING)
            self._conversation.expect_response()
            if not self._returned:
                self._conversation.recording = Recording(self._greetings, self._greeting)
            briefing.append(events.create_response(self._conversation.opening))
        return briefing

    def heard(self) -> None:
        """The caller has heard more of us: of the greeting enough, perhaps."""
        self._heard_at = monotonic()
        self._more.set()

    def _heard_enough(self) -> bool:
        """Whether the caller has heard all of it, or, where they need not know all, its first words."""
        playback = self._line.playback
        first_words = not self._disclosure and playback.heard_ms >= self._limits.greeting * 1000
        return first_words or (self._turns.settled.is_set() and not playback.holding)

    async def _open_ears(self, detection: dict[str, Any]) -> None:
        """Listen once the first words of the greeting are heard: a "hello?" before them must not cut them off."""
        limits = self._limits
        self._heard_at = monotonic()
        at_last = self._heard_at + limits.disclosure_shield
        while not self._heard_enough():
            until = at_last if self._disclosure else min(at_last, self._heard_at + limits.greeting_shield)
            if (left := until - monotonic()) <= 0:
                break
            self._more.clear()
            await within(min(left, _LOOK_SECONDS), self._more)
        self._greeted.set()
        for event in events.listen(detection):
            self._send(event)
