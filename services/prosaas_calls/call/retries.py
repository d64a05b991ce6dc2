"""How often, and how soon, a model that fails is asked again."""

from time import monotonic

from prosaas_calls.model.events import RATE_LIMITED
from prosaas_calls.model.leg import ModelFailed

_MOST_FAILED = 3
_FIRST_PAUSE_S = 0.5
_LEAST_PAUSE_S = 0.25


class Retries:
    """Three times in a row, or, where we are told to wait, for so many seconds in all."""

    def __init__(self, retry_for: float) -> None:
        self._retry_for = retry_for
        self._failed = 0
        self._failing_since = 0.0

    def answered(self) -> None:
        """It works again."""
        self._failed, self._failing_since = 0, 0.0

    def pause(self, code: str, retry_after: float | None) -> float:
        """For how many seconds to wait before the next try; ModelFailed where there is to be none."""
        now = monotonic()
        if retry_after is None:
            retry_after = _FIRST_PAUSE_S * 2**self._failed if code == RATE_LIMITED else 0.0
        elif retry_after > 0:
            # Who names a millisecond is not to be asked a thousand times.
            retry_after = max(retry_after, _LEAST_PAUSE_S)
        self._failing_since = self._failing_since or now
        self._failed += 1
        tries_left = self._failed < _MOST_FAILED or retry_after > 0
        if not tries_left or now + retry_after - self._failing_since > self._retry_for:
            raise ModelFailed(code)
        return retry_after
