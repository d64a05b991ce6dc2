"""What a span is: its place in a trace, its attributes in the conventions' words, and who takes it when it is over."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from prosaas_logging.redact import redact

Attributes = Mapping[str, str | int | float | bool]

# The semantic conventions' names, by the keywords that stand for them.
_DOTTED = {
    name.replace(".", "_"): name
    for name in (
        "db.system.name", "db.operation.name", "db.query.text",
        "http.request.method", "http.route", "http.response.status_code", "url.path",
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.id",
        "gen_ai.tool.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.input.messages", "gen_ai.output.messages",
        "messaging.system", "messaging.operation.name", "server.address",
        "prosaas.cost", "prosaas.currency", "prosaas.end_reason", "prosaas.interrupted", "prosaas.wait_ms",
        "prosaas.turns", "prosaas.job", "prosaas.job.attempt", "prosaas.first_audio_ms",
    )
}  # fmt: skip


class Ids(NamedTuple):
    """A span's place: its trace, itself, and what it is a part of."""

    trace_id: str
    span_id: str
    parent_id: str


class Exporter(Protocol):
    """Takes finished spans, and never waits."""

    def emit(
        self, name: str, ids: Ids, kind: str, start: float, end: float, attributes: Attributes, error: str
    ) -> None: ...

    @property
    def lost(self) -> int: ...

    def stop(self) -> None: ...


def known(fields: Mapping[str, object]) -> dict[str, str]:
    """What a scope's span says of its call: ids, and never a number or a name."""
    names = {"call_sid": "prosaas.call_sid", "business_id": "prosaas.business_id", "message_id": "messaging.message.id"}
    return {shown: redact(str(fields[name])) for name, shown in names.items() if fields.get(name)}


def in_dots(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as the conventions spell them: a keyword cannot have a dot. Those without a value are left out."""
    return {_DOTTED.get(name, name): value for name, value in attributes.items() if value is not None}
