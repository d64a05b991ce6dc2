"""Spans over OTLP and HTTP by the official SDK, which only this module imports, and only where it is asked for."""

import logging
import os
import threading
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, set_span_in_context

from prosaas_core.tracing.spans import Attributes, Ids
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SPANS_LOST

log = get_logger(__name__)

_MOST_WAITING = 2048
_STOP_S = 3.0


class OtlpExporter:
    """At most so many spans wait for the receiver; what it does not take, and what finds no room, is counted."""

    def __init__(self, service: str, version: str) -> None:
        # Its own complaints come a batch at a time; SPANS_LOST says the same, counted.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._ids = _GivenIds()
        self._sending = _Counted(OTLPSpanExporter())
        self._batches = BatchSpanProcessor(self._sending, max_queue_size=_MOST_WAITING)
        resource = Resource.create(_resource(service, version))
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(self._batches)
        self._tracer = self._provider.get_tracer("prosaas", version)

    def emit(
        self, name: str, ids: Ids, kind: str, start: float, end: float, attributes: Attributes, error: str
    ) -> None:
        """Hand one finished span over, under the ids that it is to have."""
        trace_id = int(ids.trace_id, 16)
        # By the trace alone, so that all services agree on which they send.
        if not self._provider.sampler.should_sample(None, trace_id, name).decision.is_sampled():
            return
        self._sending.offered()
        self._ids.next = ids
        parent = SpanContext(trace_id, int(ids.parent_id or "0", 16), True, TraceFlags(TraceFlags.SAMPLED))
        context = set_span_in_context(NonRecordingSpan(parent)) if ids.parent_id else set_span_in_context(_NOBODY)
        span = self._tracer.start_span(
            name, context, SpanKind[kind.upper()], dict(attributes), start_time=int(start * 1e9)
        )
        if error:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR, error)
        span.end(int(end * 1e9))

    @property
    def lost(self) -> int:
        return self._sending.lost

    def stop(self) -> None:
        """A receiver that hangs does not keep us: what is not taken in time is not taken."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_STOP_S)


_NOBODY = NonRecordingSpan(SpanContext(0, 0, False))


def _resource(service: str, version: str) -> dict[str, str]:
    """What the standard's own variables do not say."""
    told = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = {"service.version": version, "deployment.environment.name": os.environ.get("PROSAAS_ENV", "prod")}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        ours[SERVICE_NAME] = service
    return {name: value for name, value in ours.items() if f"{name}=" not in told}


class _GivenIds(IdGenerator):
    """The ids that were decided before; the sampler needs them when the span begins."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._random = RandomIdGenerator()

    @property
    def next(self) -> Ids | None:
        return getattr(self._local, "ids", None)

    @next.setter
    def next(self, ids: Ids) -> None:
        self._local.ids = ids

    def generate_span_id(self) -> int:
        return int(self.next.span_id, 16) if self.next else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16) if self.next else self._random.generate_trace_id()


class _Counted(SpanExporter):
    """Counts what the receiver did not take, and what was pushed out of a full queue before it was offered."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lock = threading.Lock()
        self._waiting = 0
        self.lost = 0

    def offered(self) -> None:
        with self._lock:
            if self._waiting >= _MOST_WAITING:
                self.lost += 1
            else:
                self._waiting += 1

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            self._waiting -= len(spans)
        try:
            result = self._exporter.export(spans)
            error = "the receiver did not take them"
        except Exception as raised:
            result, error = SpanExportResult.FAILURE, type(raised).__name__
        if result is not SpanExportResult.SUCCESS:
            with self._lock:
                self.lost += len(spans)
            log.event(SPANS_LOST, count=len(spans), error=error)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
