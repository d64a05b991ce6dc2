"""When each side last moved: who waits for whom, since when, and how long the caller had to."""

from time import monotonic

from prosaas_calls.caller.line import CallerLine
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats


class Pace:
    """Told of what happens as it happens. Moments are of the monotonic clock; 0 stands for none."""

    __slots__ = (
        "_asked_at",
        "_expecting_since",
        "_last_activity",
        "_line",
        "_response_began",
        "_stats",
        "_turns",
        "_waiting_since",
    )

    def __init__(self, *, line: CallerLine, turns: Turns, stats: CallStats) -> None:
        self._line = line
        self._turns = turns
        self._stats = stats
        self._last_activity = monotonic()
        # When the caller finished speaking and began to wait.
        self._waiting_since = 0.0
        # When the model's next sound, or the end of what it says, became due.
        self._expecting_since = 0.0
        self._asked_at = self._response_began = 0.0

    @property
    def expecting(self) -> bool:
        """Whether the model owes a sound, or the end of one."""
        return self._expecting_since > 0

    def idle_for(self, now: float) -> float:
        """Seconds in which neither side has spoken."""
        if self._line.playback.holding or not self._turns.settled.is_set():
            self._last_activity = now
        return now - self._last_activity

    def silent_for(self, now: float) -> float:
        """Seconds for which the model owes the caller a sound."""
        return now - self._expecting_since if self._expecting_since else 0.0

    def caller_begins(self) -> None:
        self._last_activity = monotonic()
        self._waiting_since = self._expecting_since = 0.0

    def caller_ends(self) -> None:
        self._last_activity = self._waiting_since = monotonic()

    def nobody_waits(self) -> None:
        """What the caller said needs no answer."""
        self._waiting_since = 0.0

    def asked(self) -> None:
        """The model was asked to speak."""
        self._expecting_since = self._asked_at = monotonic()

    def expect(self) -> None:
        """The model is due to go on, from now."""
        self._expecting_since = monotonic()

    def expect_nothing(self) -> None:
        self._expecting_since = 0.0

    def response_begins(self) -> None:
        self._response_began = monotonic()
        if self._asked_at:
            self._stats.asked_ms.append(round((self._response_began - self._asked_at) * 1000))
            self._asked_at = 0.0

    def sounds(self) -> None:
        """A piece of what the model says has come."""
        self._last_activity = monotonic()

    def first_sound(self) -> int | None:
        """For how many milliseconds the caller has waited for it, if they did."""
        if self._stats.first_audio_ms is None:
            self._stats.first_audio_ms = self._stats.elapsed_ms()
        if not self._waiting_since:
            return None
        waited = round((monotonic() - self._waiting_since) * 1000)
        self._stats.response_ms.append(waited)
        self._waiting_since = 0.0
        return waited

    def response_ends(self) -> int:
        """How many milliseconds it took."""
        self._expecting_since = 0.0
        self._last_activity = monotonic()
        return round((self._last_activity - self._response_began) * 1000)

    def model_is_new(self) -> None:
        """What was asked of the former one nobody owes any more."""
        self._expecting_since = self._asked_at = 0.0
