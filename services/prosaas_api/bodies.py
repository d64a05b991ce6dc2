"""Reading what strangers send: bounded in size, strict in form, and never repeated in the log."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from prosaas_api.problems import Problem
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BODY_REJECTED

MAX_FIELDS = 200

log = get_logger(__name__)

Form = ImmutableMultiDict[str, str]


async def read(request: Request, source: str, limit: int) -> bytes:
    """The whole body, or a 413 before more than `limit` bytes are held."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise rejected(source, 413, f"more than {limit} bytes")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise rejected(source, 413, f"more than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


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
    return ImmutableMultiDict(pairs)


def json_object(body: bytes, source: str) -> dict[str, Any]:
    """The JSON object in the body; a 400 where it is not one."""
    try:
        value = _storable(json.loads(body))
    except (ValueError, RecursionError):
        raise rejected(source, 400, "not JSON") from None
    if not isinstance(value, dict):
        raise rejected(source, 400, "not a JSON object")
    return value


def _storable(value: Any) -> Any:
    """The value with what JSON can say and Postgres cannot keep, NUL and half surrogate pairs, as U+FFFD."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_storable(name): _storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    return value


def rejected(source: str, status: int, reason: str) -> Problem:
    """The refusal to raise; the log has said so."""
    log.event(BODY_REJECTED, source=source, reason=reason)
    return Problem(status, reason)
