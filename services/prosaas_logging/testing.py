"""A test double for the log: what code under test said, as data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import orjson

from .errors import ErrorInfo
from .events import Event
from .json_lines import JsonRenderer
from .levels import DEBUG, level_name, parse_level
from .policy import apply, in_force
from .record import Context, Record
from .render import TextRenderer
from .settings import LogSettings


@dataclass(frozen=True)
class EventRecord:
    """One thing that was said: its own fields and its scope's as code gave them, and the lines that came of them."""

    level: str
    event: str | None
    text: str
    fields: dict[str, object] = field(default_factory=dict)
    exc: ErrorInfo | None = None
    line: str = ""
    json: dict[str, object] = field(default_factory=dict)


@contextmanager
def capture_events(level: str = "DEBUG") -> Iterator[list[EventRecord]]:
    """Collect everything that is said at *level* and above, by any thread, instead of writing it.

    Each record passes both renderers on its way, so that whatever a test says has met the code that production runs.
    """
    words = TextRenderer(LogSettings("tests", lang="en"))
    objects = JsonRenderer(LogSettings("tests"), words)
    rendering = threading.Lock()
    events: list[EventRecord] = []
    former = in_force()

    def collect(record: Record, context: Context) -> None:
        _, number, logger, what, fields, error = record
        with rendering:
            line, body = words.line(record, context), objects.line(record, context)
        events.append(
            EventRecord(
                level=level_name(number),
                event=what.name if isinstance(what, Event) else None,
                text=former.render_entry(record, context) or str(what),
                fields={**context.fields, **logger.fields, **fields},
                exc=error,
                line=line.decode().rstrip("\n"),
                json=orjson.loads(body),
            )
        )

    apply(replace(former, threshold=parse_level(level) or DEBUG, submit=collect))
    try:
        yield events
    finally:
        apply(former)
