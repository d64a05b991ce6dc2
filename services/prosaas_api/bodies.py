"""Parses the bodies of requests: strictly, and without repeating their content in the log."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

from prosaas_api.problems import Problem
from prosaas_core.outward.preview import preview
from prosaas_core.storable import storable
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BODY_REJECTED, PAYLOAD_PREVIEW

MAX_FIELDS = 200
_PREVIEW = 500

log = get_logger(__name__)

Form = ImmutableMultiDict[str, str]


def form(body: bytes, source: str) -> Form:
    """The fields of a form; a 400 where it is not one."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise rejected(source, 400, "not a form") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise rejected(source, 400, "a NUL character")
    _show(source, dict(pairs))
    return ImmutableMultiDict(pairs)


def json_object(body: bytes, source: str) -> dict[str, Any]:
    """The JSON object in the body; a 400 where it is not one."""
    try:
        value = storable(json.loads(body))
    except (ValueError, RecursionError):
        raise rejected(source, 400, "not JSON") from None
    if not isinstance(value, dict):
        raise rejected(source, 400, "not a JSON object")
    _show(source, value)
    return value


def _show(source: str, fields: dict[str, Any]) -> None:
    if log.tracing:
        log.event(PAYLOAD_PREVIEW, type=source, preview=preview(fields)[:_PREVIEW])


def rejected(source: str, status: int, reason: str) -> Problem:
    """The refusal to raise; the log has said so."""
    log.event(BODY_REJECTED, source=source, reason=reason)
    return Problem(status, reason)
