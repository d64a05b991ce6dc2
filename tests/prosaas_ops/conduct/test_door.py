"""Whether the front door leads to the api is asked of the door itself: no proxy, and no redirect followed."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from prosaas_ops.conduct import door


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(405 if self.headers["Host"] == "voice.example.com" else 308)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_what_the_door_says_is_told_as_it_is(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert door.status(address) == 308
    assert door.status(address, {"Host": "voice.example.com"}) == 405


def test_where_nobody_listens_the_reason_is_told() -> None:
    assert "refused" in str(door.status("http://127.0.0.1:1/"))
