"""A stranger at the front door of a running stack: what it sends costs callers nothing, and the log little.

Everything here needs no key and no secret but the address. The service's own tests hold the bounds one by one; here
they are held together, behind the gateway, with a caller in the midst of it.
"""

import json
import resource
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from prosaas_core.stream_token import issue
from stack_world.stack import Stack

CALLS = "prosaas-calls"
UPGRADE = (
    "GET /media-stream HTTP/1.1\r\nHost: {door}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, PING = 0x81, 0x89
NOBODY = "CA" + "0" * 32
# Lines that all strangers together may cost in the seconds that one of these tests takes.
FEW_LINES = 40
ESCAPES = f"\x1b]0;pwned\x07\x1b[2J\x1b[31mRED\r\n[ERROR] FORGED \u202e · call_sid={NOBODY}"


def frame(kind: int, payload: bytes = b"") -> bytes:
    """One masked frame, its mask all zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([kind]) + length + bytes(4) + payload


@contextmanager
def stranger(stack: Stack, receive: int = 0) -> Iterator[socket.socket]:
    """A WebSocket to the phone line that has shown nothing yet."""
    host, port = stack.door.split(":")
    with socket.socket() as connection:
        if receive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        connection.settimeout(10)
        connection.connect((host, int(port)))
        connection.sendall(UPGRADE.format(door=stack.door).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        yield connection


def say(connection: socket.socket, *frames: bytes) -> None:
    """Send, and wait until we are shown out."""
    with suppress(OSError):
        connection.sendall(b"".join(frames))
    with suppress(OSError):
        while connection.recv(4096):
            pass


@contextmanager
def flooded(stack: Stack, piece: bytes, receive: int = 0) -> Iterator[None]:
    """The same bytes again and again as long as the block lasts, over a new connection each time that one is closed."""
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            with suppress(OSError, AssertionError), stranger(stack, receive) as connection:
                while not over.is_set():
                    connection.sendall(piece)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        yield
    finally:
        over.set()
        flooding.join()


def memory(stack: Stack) -> int:
    """Bytes that the processes of the calls service hold of their own."""
    held = stack.execute(CALLS, "sh", "-c", "grep -h RssAnon /proc/[0-9]*/status 2>/dev/null || true")
    return sum(int(line.split()[1]) * 1024 for line in held.splitlines())


@contextmanager
def little_is_said(stack: Stack) -> Iterator[None]:
    """Whatever happens in the block, strangers cost a few lines, none of them an error."""
    before = len(stack.lines(CALLS))
    yield
    told = [line for line in stack.lines(CALLS)[before:] if "· call_sid=" not in line and "[CALL_" not in line]
    assert len(told) <= FEW_LINES, told[:5]
    assert not [line for line in told if "[ERROR]" in line or "Traceback" in line]


def ask(
    stack: Stack, path: str, body: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://{stack.door}{path}", body, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize(
    ("piece", "receive"),
    [
        pytest.param(frame(PING) * 10_000, 0, id="empty pings"),
        pytest.param(frame(PING, b"x" * 125) * 1_000, 4096, id="pings whose answers are not read"),
        pytest.param(frame(TEXT, b'{"event":"connected"}') * 2_000, 0, id="small messages"),
        pytest.param(frame(TEXT, b'{"event":"' + b"-eyJ" * 3_900 + b'"}') * 10, 0, id="what patterns were slow at"),
    ],
)
def test_a_flood_stops_no_call_and_fills_no_memory(stack: Stack, piece: bytes, receive: int) -> None:
    before = memory(stack)
    with little_is_said(stack), flooded(stack, piece, receive):
        result = stack.call()
        held = memory(stack)
    assert result["ok"], result
    assert held - before < 32 * 1024**2


def test_three_thousand_requests_that_never_end_hold_up_no_webhook_and_no_call(stack: Stack) -> None:
    """A byte of a header now and then from each; whoever is shown out comes again at once."""
    least = 3_000
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, least + 1_000), most))
    host, port = stack.door.split(":")
    ended, there = threading.Event(), threading.Event()

    def comes() -> socket.socket:
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(b"POST /twilio/voice HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        return connection

    def crowd() -> None:
        with ExitStack() as leaving:
            slow = [leaving.enter_context(comes()) for _ in range(least)]
            there.set()
            while not ended.is_set():
                for at, connection in enumerate(slow):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        slow[at] = leaving.enter_context(comes())
                ended.wait(1)

    slowly = threading.Thread(target=crowd)
    slowly.start()
    try:
        assert there.wait(60)
        asked = time.monotonic()
        status, _ = ask(stack, "/twilio/voice", b"", method="POST")
        took = time.monotonic() - asked
        result = stack.call()
    finally:
        ended.set()
        slowly.join()
    assert status == 403
    # Its own patience with them is ten; other tests have the machine as well.
    assert took < 5
    assert result["ok"], result


def test_strangers_who_say_nothing_take_no_callers_place(stack: Stack) -> None:
    """More than there is room for, kept full for as long as the call is dialled."""
    ended = threading.Event()

    def sit() -> None:
        while not ended.is_set():
            with suppress(OSError, AssertionError), stranger(stack) as connection:
                connection.settimeout(1)
                connection.recv(1)

    crowd = [threading.Thread(target=sit) for _ in range(200)]
    with little_is_said(stack):
        for one in crowd:
            one.start()
        result = stack.call()
        ended.set()
        for one in crowd:
            one.join()
    assert result["ok"], result


def test_each_with_another_malformed_message_costs_a_line_a_second(stack: Stack) -> None:
    def comes(number: int) -> None:
        with stranger(stack) as connection:
            say(connection, frame(TEXT, json.dumps({"event": f"{number:05d}" * 2_000}).encode()))

    with little_is_said(stack), ThreadPoolExecutor(8) as strangers:
        list(strangers.map(comes, range(200)))


@pytest.mark.parametrize("unit", [b"[", b'{"a":'])
def test_what_is_nested_ten_thousand_deep_is_one_malformed_message(stack: Stack, unit: bytes) -> None:
    with little_is_said(stack), stranger(stack) as connection:
        say(connection, frame(TEXT, (b'{"event":"connected","x":' + unit * 10_000)[:16_000]))


def _start(token: str) -> bytes:
    start: dict[str, Any] = {"streamSid": "MZ1", "callSid": NOBODY, "customParameters": {"token": token}}
    return frame(TEXT, json.dumps({"event": "start", "streamSid": "MZ1", "start": start}).encode())


FORGED: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "long": lambda: "ey" * 4_000,
    "of another secret": lambda: issue(
        "guessed", call_sid=NOBODY, business_id=1, from_number="+972501234567", to_number="+972501234568"
    ),
    "with escapes": lambda: ESCAPES,
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_begins_no_call(stack: Stack, kind: str) -> None:
    with little_is_said(stack), stranger(stack) as connection:
        say(connection, _start(FORGED[kind]()))
    assert (
        stack.execute("postgres", "psql", "-U", "prosaas", "-Atc", f"SELECT 1 FROM calls WHERE call_sid='{NOBODY}'")
        == ""
    )
    assert not [line for line in stack.lines_of_call(CALLS, NOBODY) if "[CALL_START]" in line]


def test_what_a_stranger_says_stays_words_and_in_nobodys_story(stack: Stack) -> None:
    """Escapes, line breaks and another call's id: in the log, on the operator's screen and in that call's story."""
    call_sid = stack.call()["call_sid"]
    said = ESCAPES.replace(NOBODY, call_sid)
    before = stack.lines_of_call("prosaas-api", call_sid)
    with stranger(stack) as connection:
        say(connection, frame(TEXT, json.dumps({"event": said}).encode()))
    code, _ = ask(stack, "/twilio/voice", b"From=x", X_Request_ID=call_sid, X_Twilio_Signature=said[-6:].encode().hex())
    assert code == 403
    # A kind of message that nobody has told us of is passed over; whoever tells of it one day tells it as words.
    for line in (*stack.lines(CALLS), *stack.lines("prosaas-api")):
        assert "FORGED" not in line or (line.isprintable() and line.startswith("[WARNING]"))
    assert stack.lines_of_call("prosaas-api", call_sid) == before
    shown = stack.checkout.run("make", "logs", "S=calls,api", "SINCE=5m", "FOLLOW=0").out
    told = stack.checkout.run("make", "trace", f"CALL={call_sid}").out
    assert "FORGED" not in told
    for screen in (shown, told):
        assert not set("\x1b\x07\r\u202e") & set(screen)


@pytest.fixture
def change(stack: Stack) -> Callable[[object], tuple[int, str]]:
    """Changes a business, with the administrator's key: what a tenant's own programs send is checked alike."""
    key: dict[str, Any] = {
        "Authorization": f"Bearer {stack.checkout.setting('ADMIN_API_KEY')}",
        "Content-Type": "application/json",
    }
    first = json.loads(ask(stack, "/v1/businesses", **key)[1])["items"][0]["id"]
    return lambda body: ask(stack, f"/v1/businesses/{first}", json.dumps(body).encode(), "PATCH", **key)


@pytest.mark.parametrize("name", [ESCAPES, "Dana\r\n[ERROR] forged", "Dana \u202e"])
def test_names_take_nothing_that_a_screen_would_act_on(change: Callable[[object], tuple[int, str]], name: str) -> None:
    code, told = change({"name": name})
    assert code == 422
    assert "x1b" not in told


def test_a_body_full_of_wrong_fields_is_answered_in_a_few_words(change: Callable[[object], tuple[int, str]]) -> None:
    code, told = change({f"d{number}": 1 for number in range(15_000)})
    assert code == 422
    assert len(told) < 16 * 1024


def test_webhooks_that_break_off_are_no_errors(stack: Stack) -> None:
    """The request behind a hundred of them is answered at once."""
    host, port = stack.door.split(":")
    before = len(stack.lines("prosaas-api"))
    for path in ("/twilio/voice", "/twilio/status", "/whatsapp/webhook") * 35:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na".encode())
    began = time.monotonic()
    assert ask(stack, "/twilio/voice", b"From=x")[0] == 403
    assert time.monotonic() - began < 5
    told = stack.lines("prosaas-api")[before:]
    assert len(told) <= FEW_LINES
    assert not [line for line in told if "[ERROR]" in line or "Traceback" in line]
