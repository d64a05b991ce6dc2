"""`make console` on a running stack: who may come in, what is found, what its two containers hold, and how it ends."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from ports import free_port
from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import finish, typed


class Answer(NamedTuple):
    status: int
    text: str


class Viewer:
    """A browser without its screen."""

    def __init__(self, door: str) -> None:
        self._door = door
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open

    def ask(self, path: str, seconds: float = 10, **form: str) -> Answer:
        body = urlencode(form).encode() if form else None
        try:
            with self._open(urllib.request.Request(self._door + path, body), timeout=seconds) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read().decode())

    def stream(self, path: str, *words: str) -> str:
        """The first line of a stream that has all the words."""
        with self._open(self._door + path, timeout=20) as answer:
            for row in answer:
                if all(word in row.decode() for word in words):
                    return str(row.decode())
        raise AssertionError(f"the stream of {path} ended without {words}")


@pytest.fixture(scope="module")
def at_the_console(stack: Stack) -> Iterator[tuple[Stack, Viewer, str]]:
    """The console at a terminal, somebody who came in by its link, and a call that has ended."""
    call = str(stack.call("--scenario", "demo")["call_sid"])
    port = free_port()
    with typed(stack, f"make console CONSOLE_PORT={port}", 120) as child:
        child.expect(r"(http://127\.0\.0\.1:\d+)/enter/([\w-]+)")
        assert child.match
        door, key = child.match[1], child.match[2]
        viewer = Viewer(door)
        eventually(lambda: "up" if _up(viewer) else None, "the console", 30)
        assert viewer.ask(f"/enter/{key}").status == 200
        assert Viewer(door).ask(f"/enter/{key}").status == 403
        second = stack.checkout.run("make", "console")
        another = re.search(rf"{door}/enter/([\w-]+)", second.out)
        assert another, second.text
        assert [Viewer(door).ask(f"/enter/{another[1]}").status for _ in range(2)] == [200, 403]
        yield stack, viewer, call
        child.sendintr()
        assert "Error" not in finish(child)
    left = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}",
                  "--filter", "name=console")  # fmt: skip
    assert left == ""


def _up(viewer: Viewer) -> bool:
    try:
        return viewer.ask("/").status == 401
    except OSError:
        return False


def test_a_word_that_it_does_not_know_is_refused_by_name(at_the_console: tuple[Stack, Viewer, str]) -> None:
    stack, _, _ = at_the_console
    refused = stack.checkout.run("make", "console", "FOO=1", check=False)
    assert refused.code == 2
    assert "does not know FOO=" in refused.text


def test_a_call_is_found_and_told(at_the_console: tuple[Stack, Viewer, str]) -> None:
    _, viewer, call = at_the_console
    assert call in viewer.ask(f"/calls?q={call[:10]}").text
    story = viewer.ask(f"/call/{call}").text
    assert "CALL_END" in story
    assert "VOICE_WEBHOOK" in story
    assert "JOB_DONE" in story


def test_a_live_call_is_followed_and_debugged(at_the_console: tuple[Stack, Viewer, str]) -> None:
    """Its lines come, it goes to DEBUG through the narrow door, and its recorder can be read."""
    stack, viewer, _ = at_the_console
    token = re.search(r'name="token" value="([^"]+)"', viewer.ask("/").text)
    assert token
    stack.execute("simulator", "sh", "-c", "python -m simulator call --scenario demo --speed 1 >/dev/null 2>&1 &")
    row = eventually(lambda: _live(viewer), "a live call", 20)
    # What is written at DEBUG is not recorded as well: it may be the first of them.
    eventually(lambda: "kept" if "rms=" in viewer.ask(f"/call/{row}/recorder").text else None, "its recorder", 20)
    assert viewer.ask(f"/call/{row}/debug", token="wrong").status == 403
    assert 'data-left="' in viewer.ask(f"/call/{row}/debug", token=token[1]).text
    viewer.stream(f"/live/lines?call={row}&level=DEBUG&event=RMS", "[RMS]")
    switched = json.loads(stack.execute("prosaas-calls", "logctl", "status", "--json"))["switches"]
    assert [(one["target"], one["value"]) for one in switched] == [("call", row)]
    viewer.ask(f"/call/{row}/quiet", token=token[1])
    assert json.loads(stack.execute("prosaas-calls", "logctl", "status", "--json"))["switches"] == []


def _live(viewer: Viewer) -> str | None:
    found = re.search(r'href="/call/(CA\w+)"', viewer.ask("/live/calls").text)
    return found[1] if found else None


def test_the_day_is_drawn(at_the_console: tuple[Stack, Viewer, str]) -> None:
    _, viewer, _ = at_the_console
    text = viewer.ask("/today").text
    assert "<svg" in text
    assert "the caller hung up" in text


def test_only_the_reader_has_the_engines_socket(at_the_console: tuple[Stack, Viewer, str]) -> None:
    stack, _, _ = at_the_console
    console, reader = stack.inspect("console"), stack.inspect("console-reader")
    assert "docker.sock" not in json.dumps(console["Mounts"])
    assert "docker.sock" in json.dumps(reader["Mounts"])
    assert list(reader["NetworkSettings"]["Networks"]) == ["none"]
    (published,) = console["NetworkSettings"]["Ports"]["8090/tcp"]
    assert published["HostIp"] == "127.0.0.1"
    # From within, the door to the engine refuses what is not the console's.
    ask = "from prosaas_ops.stack.engine import Engine; Engine(path='/run/engine/docker.sock').get('/info')"
    with pytest.raises(AssertionError, match="not through the console's door"):
        stack.execute("console", "python", "-c", ask)
