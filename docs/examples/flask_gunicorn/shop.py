"""An existing Flask application: its own logging calls and prints stay as they are."""

import logging
import uuid

from flask import Flask, g, request

from prosaas_logging import scope

app = Flask(__name__)
log = logging.getLogger(__name__)


@app.before_request
def enter_scope() -> None:
    """Optional: every line of a request carries its id, and a failing request leaves a black box."""
    g.scope = scope(request_id=request.headers.get("X-Request-ID") or uuid.uuid4().hex)
    g.scope.__enter__()


@app.teardown_request
def leave_scope(error: BaseException | None) -> None:
    g.scope.__exit__(type(error) if error else None, error, None)


@app.get("/order/<number>")
def order(number: str) -> str:
    log.debug("looking up %s", number)
    log.info("order shown", extra={"order": number})
    print("a print that somebody left behind")
    return "ok\n"


@app.get("/fail")
def fail() -> str:
    return str(1 / 0)
