"""WhatsApp's window: what a customer wrote may be answered freely for a day, and then no more."""

from datetime import UTC, datetime, timedelta

WINDOW = timedelta(hours=24)
# What is sent at the very end arrives too late.
_MARGIN = timedelta(minutes=5)
# Clocks differ by this much; a stamp of a later time is no stamp.
_AHEAD = timedelta(minutes=5)


def open_until(last_written: datetime) -> datetime:
    """The moment up to which free words may be sent to somebody who wrote last at *last_written*."""
    return last_written + WINDOW - _MARGIN


def is_open(last_written: datetime | None, now: datetime | None = None) -> bool:
    """Whether free words may be sent now."""
    return last_written is not None and (now or datetime.now(UTC)) < open_until(last_written)


def written_at(stamp: datetime | None, now: datetime | None = None) -> datetime:
    """When a message was written: what its provider says, unless that lies in the future or is missing."""
    now = now or datetime.now(UTC)
    return now if stamp is None or stamp > now + _AHEAD else min(stamp, now)
