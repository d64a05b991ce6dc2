"""A circuit breaker: after repeated failures a host is left alone for a while, then tried with one request."""

from collections.abc import Callable


class Breaker:
    """Counts consecutive failures of one host; not for use from several threads.

    Time is cut into periods: each opening and each closing begins one. A verdict on a request of an earlier period
    says nothing about this one, and is passed over.
    """

    def __init__(self, failures_to_open: int, open_for_s: float, clock: Callable[[], float]) -> None:
        self._failures_to_open = failures_to_open
        self._open_for_s = open_for_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False
        self.period = 0

    def refuses_for(self) -> float:
        """Return the seconds to stay away, 0 when a request may go; the first one after the pause is the probe."""
        if self._opened_at is None:
            return 0.0
        left = self._opened_at + self._open_for_s - self._clock()
        if left > 0:
            return left
        if self._probing:
            return self._open_for_s
        self._probing = True
        return 0.0

    def failed(self, period: int, *, at_once: bool = False) -> bool:
        """Note a failure; true when it is the one that opens the circuit, as *at_once* does without counting."""
        if period != self.period:
            return False
        self._failures += 1
        was_open = self._opened_at is not None
        if not (was_open or at_once or self._failures >= self._failures_to_open):
            return False
        self._opened_at = self._clock()
        self._begin()
        return not was_open

    def succeeded(self, period: int) -> bool:
        """Note an answer; true when it closes an open circuit."""
        if period != self.period:
            return False
        self._failures = 0
        if self._opened_at is None:
            return False
        self._opened_at = None
        self._begin()
        return True

    def abandoned(self, period: int) -> None:
        """Note a request that ended without a verdict, so that another may be the probe."""
        if period == self.period:
            self._probing = False

    def _begin(self) -> None:
        self.period += 1
        self._probing = False
