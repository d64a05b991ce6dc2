"""The canonical record under the names that Elastic or Google expect; one table each, applied last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Record = dict[str, object]

CANONICAL: Final = frozenset({
    "timestamp", "severity", "message", "event", "service", "env", "version", "logger", "error",
})  # fmt: skip
# Under these names Datadog looks for a trace.
_TRACED: Final = frozenset({"trace_id", "span_id"})
# What the other schemas call these, for whoever reads lines of any of them.
RENAMED: Final = frozenset({
    "@timestamp", "time", "log.level", "log.logger", "ecs.version", "serviceContext", "stack_trace", "prosaas",
    "trace", "span", "logging.googleapis.com/trace", "logging.googleapis.com/spanId",
})  # fmt: skip


def as_ecs(fields: Record) -> Record:
    """Elastic Common Schema; what the schema has no name for goes into an object of our own."""
    result: Record = {
        "@timestamp": fields.get("timestamp"),
        "log.level": str(fields.get("severity", "")).lower(),
        "message": fields.get("message", ""),
        "ecs.version": "8.11.0",
        "service": {
            "name": fields.get("service"), "version": fields.get("version"), "environment": fields.get("env"),
        },
        "log.logger": fields.get("logger"),
    }  # fmt: skip
    if "event" in fields:
        result["event"] = {"action": fields["event"]}
    error = fields.get("error")
    if isinstance(error, dict):
        names = {"kind": "type", "message": "message", "stack": "stack_trace"}
        result["error"] = {names[key]: value for key, value in error.items() if key in names}
    for name in ("trace", "span"):
        if f"{name}_id" in fields:
            result[name] = {"id": fields[f"{name}_id"]}
    own = {name: value for name, value in fields.items() if name not in CANONICAL | _TRACED}
    if own:
        result["prosaas"] = own
    return result


def as_gcp(fields: Record) -> Record:
    """Google Cloud Logging's special names; the rest is payload as it is."""
    result = {name: value for name, value in fields.items() if name not in ("timestamp", "service", "version")}
    result["time"] = fields.get("timestamp")
    result["serviceContext"] = {"service": fields.get("service"), "version": fields.get("version")}
    for name, theirs in (("trace_id", "trace"), ("span_id", "spanId")):
        if name in result:
            result[f"logging.googleapis.com/{theirs}"] = result.pop(name)
    error = fields.get("error")
    if isinstance(error, dict) and "stack" in error:
        result["stack_trace"] = error["stack"]
        result["error"] = {key: value for key, value in error.items() if key != "stack"}
    return result


# This project's own names are what Datadog and CloudWatch read as they are.
RENAMES: Final[dict[str, Callable[[Record], Record]]] = {"default": lambda own: own, "ecs": as_ecs, "gcp": as_gcp}
