"""The health check of the images: silent when well, one readable line when not."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from bundle_world.checkout import ROOT


class Health(BaseHTTPRequestHandler):
    status = 200
    body = b"ok"

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Health)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def check(port: int) -> tuple[int, str]:
    command = [sys.executable, "-IS", str(ROOT / "services/healthcheck.py")]
    done = subprocess.run(command, env={"PORT": str(port)}, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_says_nothing_when_well(port: int) -> None:
    assert check(port) == (0, "")


def test_says_what_the_service_answered(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Health, "status", 503)
    monkeypatch.setattr(Health, "body", b"database away")
    assert check(port) == (1, "/healthz answered 503: database away\n")


def test_says_that_nobody_listens(port: int) -> None:
    code, text = check(1)
    assert code == 1
    # By which the tools tell one that has closed its port from one that is too busy to answer.
    assert text.startswith("no answer on port 1: ")
    assert "Connection refused" in text
    assert text.count("\n") == 1
