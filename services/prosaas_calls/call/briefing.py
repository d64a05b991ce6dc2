"""What a new session of the model is told: who it is, what was said so far, and from when on it listens."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from prosaas_calls.call.conversation import Conversation
from prosaas_calls.call.greetings import Greetings, Recording, Spoken
from prosaas_calls.call.hearing import Hearing
from prosaas_calls.call.history import History
from prosaas_calls.caller import line
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.limits import Limits
from prosaas_calls.model import events
from prosaas_calls.model.turns import Turns
from prosaas_calls.profile import Profile
from prosaas_calls.tools import declarations
from prosaas_core.settings import Settings
from prosaas_logging import get_logger
from prosaas_logging.catalogue import GREETING

log = get_logger(__name__)


class Briefing:
    """Briefs the sessions of one call. While the first words of the greeting are not heard, they do not listen."""

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
        self._greeted = asyncio.Event()

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
        shielded = greeting_due or (self._line.playback.hearing in ("", line.GREETING) and not self._greeted.is_set())
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
        if greeting_due:
            log.event(GREETING)
            self._conversation.expect_response()
            if not self._returned:
                self._conversation.recording = Recording(self._greetings, self._greeting)
            briefing.append(events.create_response(profile.greeting(returned=self._returned)))
        return briefing

    def heard(self) -> None:
        """The caller has heard more of us: of the greeting enough, perhaps."""
        playback = self._line.playback
        all_heard = not playback.holding and self._turns.settled.is_set()
        enough = not self._profile().disclosure and playback.heard_ms >= self._limits.greeting * 1000
        if all_heard or enough:
            self._greeted.set()

    async def _open_ears(self, detection: dict[str, Any]) -> None:
        """Listen once the first words of the greeting are heard: a "hello?" before them must not cut them off."""
        with suppress(TimeoutError):
            async with asyncio.timeout(
                self._limits.disclosure_shield if self._profile().disclosure else self._limits.greeting_shield
            ):
                await self._greeted.wait()
        for event in events.listen(detection):
            self._send(event)
