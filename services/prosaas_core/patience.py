"""How long something that fails is tried, and how far apart: the one rule for outward requests and for jobs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A wait that somebody else asks for is believed up to here.
LONGEST_ASKED_S = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Pauses that double from *first_s* to *longest_s*, until they add up to *total_s*.

    Only time that was waited counts: an outage of our own, or a restart between two attempts, uses nothing up.
    """

    first_s: float = 2.0
    longest_s: float = 300.0
    total_s: float = 86_400.0

    def pause(self, failures: int, waited_s: float, asked_s: float = 0.0) -> float | None:
        """Return the seconds until the next attempt, None when it is time to give up.

        *failures* counts this one too, *waited_s* is the sum of the pauses so far, and *asked_s* is what the other
        side asked for: no attempt comes sooner, but for the last one.
        """
        left = self.total_s - waited_s
        # A sliver that is left over from the randomness of the pauses is no attempt of its own.
        if left < self.first_s / 2 or left <= 0:
            return None
        # The exponent is bounded, since 2.0 ** 1024 is an OverflowError.
        backoff = min(self.first_s * 2.0 ** min(failures - 1, 60), self.longest_s) * random.uniform(0.75, 1.0)
        return min(max(backoff, min(asked_s, LONGEST_ASKED_S)), left)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that Retry-After asks for, at most LONGEST_ASKED_S; None where it is absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_ASKED_S)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), LONGEST_ASKED_S)
