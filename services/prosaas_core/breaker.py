"""A circuit breaker: after repeated failures a host is left alone for a while, then tried with one request."""

from collections.abc import Callable


class Breaker:
    """Counts consecutive failures of one host; not for use from several threads."""

    def __init__(self, failures_to_open: int, open_for_s: float, clock: Callable[[], float]) -> None:
        self._failures_to_open = failures_to_open
        self._open_for_s = open_for_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

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

    def failed(self) -> bool:
        """Note a failure; true when it is the one that opens the circuit."""
        self._failures += 1
        self._probing = False
        if self._failures < self._failures_to_open:
            return False
        was_open = self._opened_at is not None
        self._opened_at = self._clock()
        return not was_open

    def succeeded(self) -> bool:
        """Note an answer; true when it closes an open circuit."""
        was_open = self._opened_at is not None
        self._failures = 0
        self._opened_at = None
        self._probing = False
        return was_open

    def abandoned(self) -> None:
        """Note a request that ended without a verdict, so that another may be the probe."""
        self._probing = False
