"""One trace a call, in the terms of OpenTelemetry: nothing of it is imported, or done, until its endpoint is set.

Ids follow from what a trace is about: three services that know of the same call agree on its trace without telling
one another. The scope of the log is the context; a contextvar holds the span inside it.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from secrets import token_hex
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.tracing.spans import Exporter, Ids, in_dots, known
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SPANS_LOST
from prosaas_logging.scope import Scope, current

log = get_logger(__name__)

# What a trace is about, the most telling first.
_ABOUT = ("call_sid", "message_id", "request_id", "job_id")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NOTHING = ("0" * 32, "0" * 16)
_LONGEST_QUERY = 2000

_exporter: Exporter | None = None
_inside: ContextVar[str] = ContextVar("span", default="")


def wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether spans are to be sent anywhere, in the words of OpenTelemetry's own settings."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    return not disabled and exporter == "otlp" and any(environ.get(name, "").strip() for name in names)


def with_words(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what was said is to be in spans, too."""
    return environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower() == "true"


def start(service: str, version: str) -> None:
    """Send spans from now on, where that is wanted; settings of no use are said and cost only the traces."""
    global _exporter
    if _exporter is None and wanted():
        from prosaas_core.tracing.otlp import OtlpExporter

        try:
            _exporter = OtlpExporter(service, version)
        except Exception as error:
            log.event(SPANS_LOST, count=0, error=f"{type(error).__name__}: {error}")


def stop() -> None:
    """Send what waits, for a moment, and send no more."""
    global _exporter
    if _exporter is not None:
        _exporter.stop()
        _exporter = None


def active() -> bool:
    return _exporter is not None


def lost() -> int:
    """Spans that no receiver took, or that had no room while they waited for one."""
    return _exporter.lost if _exporter is not None else 0


def root_of(about: str, value: str) -> Ids:
    """The first span of what is said about one call or message: all services agree on it."""
    digest = blake2b(f"{about}:{value}".encode(), digest_size=24).hexdigest()
    return Ids(digest[:32], _span_id(digest[32:]), "")


def _span_id(digits: str) -> str:
    """Beginning with a letter: the log hides a number of sixteen digits, which a card may have."""
    return "abcdef"[int(digits[0], 16) % 6] + digits[1:]


def join(scope: Scope, traceparent: str = "") -> None:
    """Make the scope, whose ids are known now, a part of its trace; each of its JSON lines then says so."""
    if _exporter is None:
        return
    fields = scope.context.fields
    given = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
    if given is not None and given[1] != _NOTHING[0] and given[2] != _NOTHING[1]:
        scope.add(trace_id=given[1], span_id=_span_id(token_hex(8)), parent_id=given[2])
        return
    if fields.get("parent_id"):
        return
    about, value = next(((name, str(fields[name])) for name in _ABOUT if fields.get(name)), ("", ""))
    if value:
        root = root_of(about, value)
        # A call, and the request that brings a message, are what the trace begins with.
        first = scope.kind == "call" or (about, scope.kind) == ("message_id", "request")
        span_id = root.span_id if first else str(fields.get("span_id") or _span_id(token_hex(8)))
        scope.add(trace_id=root.trace_id, span_id=span_id)


def traceparent(scope: Scope) -> str:
    """The scope's place for whoever asked, empty where it has none."""
    fields = scope.context.fields
    return f"00-{fields['trace_id']}-{fields['span_id']}-01" if active() and "trace_id" in fields else ""


def carried() -> dict[str, str]:
    """What a job's row takes along, so that the job goes on in the trace of whoever wanted it."""
    place = traceparent(current())
    return {"traceparent": place} if place else {}


def finish(scope: Scope, name: str, *, kind: str = "internal", error: str = "", **attributes: Any) -> None:
    """The scope's own span, from its beginning until now."""
    fields = scope.context.fields
    if _exporter is None or "trace_id" not in fields:
        return
    span_id = str(fields["span_id"])
    about, value = next(((name, str(fields[name])) for name in _ABOUT if fields.get(name)), ("", ""))
    root = root_of(about, value).span_id if about in ("call_sid", "message_id") else ""
    parent = str(fields.get("parent_id") or (root if root != span_id else ""))
    ids = Ids(str(fields["trace_id"]), span_id, parent)
    _exporter.emit(name, ids, kind, scope.started, time.time(), {**known(fields), **in_dots(attributes)}, error)


@contextmanager
def group(name: str, started: float, ended: float) -> Iterator[None]:
    """A part that is over, around others of which it consists."""
    span_id, outer = _span_id(token_hex(8)), _inside.get()
    token = _inside.set(span_id)
    try:
        yield
    finally:
        _inside.reset(token)
        part(name, started, ended, span_id=span_id, parent_id=outer)


@contextmanager
def span(name: str, *, kind: str = "internal", **attributes: Any) -> Iterator[dict[str, Any]]:
    """A part of what the scope does, to which attributes can be added; one that raises says what."""
    if _exporter is None:
        yield attributes
        return
    span_id, started, error = _span_id(token_hex(8)), time.time(), ""
    outer, token = _inside.get(), _inside.set(span_id)
    try:
        yield attributes
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        _inside.reset(token)
        part(name, started, time.time(), kind=kind, span_id=span_id, parent_id=outer, error=error, **attributes)


def part(
    name: str,
    started: float,
    ended: float,
    *,
    kind: str = "internal",
    span_id: str = "",
    parent_id: str = "",
    error: str = "",
    **attributes: Any,
) -> None:
    """A part of the scope that is over, from one moment (seconds since the epoch) to another."""
    fields = current().context.fields
    if _exporter is None or "trace_id" not in fields:
        return
    parent = parent_id or _inside.get() or str(fields["span_id"])
    ids = Ids(str(fields["trace_id"]), span_id or _span_id(token_hex(8)), parent)
    _exporter.emit(name, ids, kind, started, max(started, ended), in_dots(attributes), error)


def watch_queries(engine: AsyncEngine) -> None:
    """A span for each statement of the engine, with its text and without its values."""
    if not wanted():
        return
    queries = engine.sync_engine

    @event.listens_for(queries, "before_cursor_execute", named=True)
    def _before(**told: Any) -> None:
        told["context"].prosaas_started = time.time()

    @event.listens_for(queries, "after_cursor_execute", named=True)
    def _after(**told: Any) -> None:
        _query(str(told["statement"]), told["context"].prosaas_started)


def watch_connection(connection: "asyncpg.Connection[Any]") -> None:
    """The same for what asyncpg is asked itself."""
    if wanted():
        connection.add_query_logger(_asked)


def _asked(query: Any) -> None:
    _query(str(query.query), time.time() - query.elapsed, type(query.exception).__name__ if query.exception else "")


def _query(statement: str, started: float, error: str = "") -> None:
    words = statement.split(None, 1)
    if not words or words[0].upper() in ("BEGIN;", "BEGIN", "COMMIT", "COMMIT;", "ROLLBACK", "ROLLBACK;"):
        return
    part(
        words[0].upper(),
        started,
        time.time(),
        kind="client",
        error=error,
        db_system_name="postgresql",
        db_operation_name=words[0].upper(),
        db_query_text=" ".join(statement.split())[:_LONGEST_QUERY],
    )
