"""Errors as RFC 9457 problem documents, whoever raised them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from prosaas_api.request_scope import current_request_id
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BODY_REJECTED

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
MAX_NAME = 100

# By the pattern: what it asks for, in a person's words.
_IN_WORDS: dict[str, str] = {}

log = get_logger(__name__)


class Problem(HTTPException):
    """Refuse the request with this status, and say why in words that are safe to show."""


def in_words(pattern: str, words: str) -> str:
    """The pattern; who breaks it is told what it asks for ("a time like 09:00"), and not the pattern."""
    _IN_WORDS[pattern] = words
    return pattern


def problem_response(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """The document itself, with the request's id, by which the log has the rest."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    if request_id := current_request_id():
        body["request_id"] = request_id
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application in this one form."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route of this path only.
        documented = request.app.openapi()["paths"].get(request.scope["route"].path, {})
        headers |= {"Allow": ", ".join(sorted(method.upper() for method in documented))} if documented else {}
    return problem_response(error.status_code, error.detail, headers=headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the places and the rules that they break; what was sent is repeated neither to the log nor to the sender."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    errors = [{"pointer": _pointer(each["loc"]), "detail": _broken(each)} for each in found[:MAX_ERRORS]]
    # The first says enough, and keeps the kinds of this line few.
    reason = f"{found[0]['loc'][0]}: {found[0]['type']}"
    log.event(BODY_REJECTED, source=request.scope["route"].path, reason=reason)
    return problem_response(422, "the request does not have the form that this operation wants", errors=errors)


def _broken(rule: Mapping[str, Any]) -> str:
    words = _IN_WORDS.get(str(rule.get("ctx", {}).get("pattern")))
    return f"should be {words}" if words else str(rule["msg"])


def _pointer(places: Sequence[int | str]) -> str:
    """The name of a place may be the sender's own."""
    return "/".join(str(place)[:MAX_NAME] for place in places)
