"""Requests and WebSockets as scopes, by WSGI and by ASGI."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from prosaas_logging.adopt.asgi import ScopeMiddleware as AsgiScope
from prosaas_logging.adopt.wsgi import ScopeMiddleware as WsgiScope
from prosaas_logging.scope import PROCESS, current, live_scopes

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CALL = json.dumps({"event": "start", "start": {"callSid": "CA1"}})


def ask(app: Any, given: str = "") -> tuple[list[bytes], dict[str, str]]:
    headers: dict[str, str] = {}
    body = WsgiScope(app)({"HTTP_X_REQUEST_ID": given}, lambda _, found: headers.update(found))
    pieces = list(body)
    if hasattr(body, "close"):
        body.close()
    return pieces, headers


def test_a_wsgi_answer_belongs_to_its_request_to_the_last_piece() -> None:
    def app(_: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        yield current().id.encode()
        yield current().id.encode()

    assert ask(app, UUID) == ([UUID.encode()] * 2, {"X-Request-ID": UUID})
    assert current() is PROCESS
    assert live_scopes() == []


@pytest.mark.parametrize("given", ["", "CA7fa27800000000000000000000000000", "../x", "r1", "a" * 1000, UUID[:-1] + "g"])
def test_an_id_that_is_no_uuid_is_replaced(given: str) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [current().id.encode()]

    (named,), headers = ask(app, given)
    assert named.decode() == headers["X-Request-ID"] != given
    assert current() is PROCESS


@pytest.mark.parametrize("late", [False, True])
def test_a_wsgi_request_that_fails_ends_its_scope(late: bool) -> None:
    def failing() -> Iterator[bytes]:
        raise ZeroDivisionError
        yield b""

    def app(_: Any, __: Any) -> Iterator[bytes]:
        if late:
            return failing()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(app)
    assert live_scopes() == []


@pytest.mark.parametrize("closes", [True, False])
def test_an_answer_is_closed_with_its_body_whether_or_not_that_can_be(closes: bool) -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

    if closes:
        Body.close = lambda self: closed.append(current().kind)  # type: ignore[attr-defined]

    assert ask(lambda _, __: Body())[0] == [b"x"]
    assert len(closed) == closes
    assert live_scopes() == []


def test_a_request_within_a_request_is_the_same_and_an_answer_keeps_the_id_that_it_has() -> None:
    seen: list[str] = []

    def app(_: Any, start: Any) -> list[bytes]:
        seen.append(current().id)
        start("200 OK", [("a", "b"), ("x-request-id", "its own")])
        return []

    headers: list[tuple[str, str]] = []
    WsgiScope(WsgiScope(app))({"HTTP_X_REQUEST_ID": UUID}, lambda _, found: headers.extend(found))
    assert (seen, headers) == ([UUID], [("a", "b"), ("x-request-id", "its own")])


def test_what_is_whole_is_handed_to_the_server_as_it_is_and_ends_its_scope() -> None:
    class File:
        def __iter__(self) -> Iterator[bytes]:
            return iter([])

    bodies: list[Any] = [[b"x"], (b"x",), File()]
    app = WsgiScope(lambda *_: bodies[-1])
    while bodies:
        assert app({"wsgi.file_wrapper": File}, lambda *_: None) is bodies.pop()
        assert live_scopes() == []


async def ask_asgi(conn: dict[str, Any], *headers: tuple[bytes, bytes]) -> tuple[list[str], list[dict[str, Any]]]:
    """The scopes that an application within two middlewares saw, and what it sent."""
    seen: list[str] = []
    sent: list[dict[str, Any]] = []

    async def app(conn: Any, receive: Any, send: Any, *more: Any) -> None:
        seen.extend([f"{current().kind} {current().id}", *more, *[live.kind for live in live_scopes()]])
        await send({"type": "http.response.start", "headers": list(headers)})
        await send({"type": "http.response.body"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await AsgiScope(AsgiScope(app))(conn, None, send, "more")  # type: ignore[arg-type]
    assert live_scopes() == []
    return seen, sent


async def test_an_asgi_request_is_one_scope_and_its_answer_names_it() -> None:
    conn = {"type": "http", "headers": [(b"a", b"b"), (b"X-Request-Id", UUID.encode())]}
    seen, (start, body) = await ask_asgi(conn, (b"c", b"d"))
    assert seen == [f"request {UUID}", "more", "request"]
    assert start["headers"] == [(b"c", b"d"), (b"x-request-id", UUID.encode())]
    assert body == {"type": "http.response.body"}
    own = [(b"c", b"d"), (b"X-Request-ID", b"own")]
    _, (start, _) = await ask_asgi({"type": "http", "headers": []}, *own)
    assert start["headers"] == own


async def test_what_is_neither_request_nor_websocket_is_passed_on_as_it_is() -> None:
    assert (await ask_asgi({"type": "lifespan"}))[0] == [f"process {PROCESS.id}", "more"]


async def talk(*messages: str) -> list[tuple[str, str]]:
    """The kind and id of the scope after each message of a WebSocket."""
    seen: list[tuple[str, str]] = []
    left = [
        {"type": "websocket.receive", **({"text": message} if message else {"bytes": b"x"})} for message in messages
    ]

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def app(conn: Any, receive: Any, send: Any) -> None:
        for message in [*left]:
            assert await receive() is message
            seen.append((current().kind, current().id))

    async def send(_: Any) -> None:
        pass

    await AsgiScope(app)({"type": "websocket", "headers": [(b"X-Request-ID", UUID.encode())]}, receive, send)
    assert live_scopes() == []
    return seen


async def test_a_websocket_takes_the_id_of_its_call_when_it_says_it() -> None:
    assert await talk('{"event": "connected"}', CALL, "x") == [("call", UUID), ("call", "CA1"), ("call", "CA1")]


async def test_the_call_that_a_stream_begins_with_is_its_call_to_the_end() -> None:
    assert await talk(CALL, CALL.replace("CA1", "CA2")) == [("call", "CA1")] * 2


NO_CALLS = [
    '{"event": "start"}',
    '"start"',
    '{"start": {"callSid": 7}}',
    '{"start": {"callSid": "CA/../x"}}',
    "[" * 9000 + '"start"',
    CALL.ljust(16 * 1024 + 1),
    # Not a text at all.
    "",
]


@pytest.mark.parametrize("text", NO_CALLS)
async def test_a_message_that_names_no_call_changes_nothing(text: str) -> None:
    assert await talk(text) == [("call", UUID)]


async def test_a_message_is_looked_at_up_to_its_bound() -> None:
    assert await talk(CALL.ljust(16 * 1024)) == [("call", "CA1")]


async def test_only_the_first_messages_are_looked_at() -> None:
    assert (await talk(*["{}"] * 9, CALL))[-1] == ("call", "CA1")
    assert (await talk(*["{}"] * 10, CALL))[-1] == ("call", UUID)
