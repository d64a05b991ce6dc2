"""The OpenAPI document: FastAPI's own, with our errors described as the problem documents that they are."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from prosaas_api.problems import MEDIA_TYPE

# What any operation under /v1 may answer besides its success.
COMMON = {
    400: "The request could not be read",
    401: "No API key, or one that is unknown or revoked",
    413: "The body is too large",
    408: "The body did not come to its end",
    422: "The request does not have the form that this operation wants",
    429: "Too many requests with this key; Retry-After says when to come back",
    500: "The error is ours",
    503: "The database is away, or too busy",
}
SPECIAL = {403: "The key may not do this", 404: "There is no such thing", 409: "It is in conflict with what is there"}

PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
# FastAPI describes its own form of a 422, which we do not send.
UNUSED = ("HTTPValidationError", "ValidationError")


_made: dict[str, Any] = {}


def install(app: FastAPI) -> None:
    """Make the document once, when somebody asks for it: all applications of a process have the same routes."""

    def openapi() -> dict[str, Any]:
        if not _made:
            _made.update(_document(app))
        return _made

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    for name in UNUSED:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            errors = dict(COMMON)
            if "{" in path or method == "post":
                errors |= SPECIAL
            for status, description in errors.items():
                operation["responses"][str(status)] = {"description": description, "content": content}
    return document
