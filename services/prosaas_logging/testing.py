"""A test double for the log: what code under test said, as data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .errors import ErrorInfo
from .events import Event
from .levels import level_name, parse_level
from .policy import apply, in_force
from .record import Context, Record


@dataclass(frozen=True)
class EventRecord:
    """One thing that was said: its own fields and its scope's, nothing rendered and nothing redacted."""

    level: str
    event: str | None
    text: str
    fields: dict[str, object] = field(default_factory=dict)
    exc: ErrorInfo | None = None


@contextmanager
def capture_events(level: str = "DEBUG") -> Iterator[list[EventRecord]]:
    """Collect everything that is said at *level* and above, by any thread, instead of writing it."""
    events: list[EventRecord] = []
    former = in_force()

    def collect(record: Record, context: Context) -> None:
        _, number, logger, what, fields, error = record
        events.append(
            EventRecord(
                level=level_name(number),
                event=what.name if isinstance(what, Event) else None,
                text=former.render_entry(record, context) or str(what),
                fields={**context.fields, **logger.fields, **fields},
                exc=error,
            )
        )

    apply(replace(former, threshold=parse_level(level) or 10, submit=collect))
    try:
        yield events
    finally:
        apply(former)
