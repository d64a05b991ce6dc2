"""The operator's commands on another project of Compose, started with `prosaas_logging run` and otherwise as it was."""

import asyncio
import json
import shutil
import subprocess
import tarfile
import threading
import urllib.request
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import aiohttp
import pytest

from bundle_world.checkout import ROOT, Checkout, Done, clean_environment
from ports import free_port
from stack_world.images import python_base
from stack_world.stack import docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "docs/examples/own_stack"
QUIET = '{"event": "media", "media": {"payload": "////"}}'


class OwnStack:
    """The example under a name of its own, and what happens in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api, self.calls = free_port(), free_port()
        self.last = ""

    def compose(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make(self, *words: str, check: bool = True) -> Done:
        return Checkout(ROOT).run("make", "--silent", words[0], f"STACK={self.folder}", *words[1:], check=check)

    def order(self, name: str) -> None:
        body = json.dumps({"order": name}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api}/orders", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def call(self, frames: int = 100, *, last: str = "stop", pause_s: float = 0.0) -> str:
        """Place a call of so many frames; its id."""
        call_sid = f"CA{uuid.uuid4().hex}"

        async def talk() -> None:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"http://127.0.0.1:{self.calls}/media") as socket,
            ):
                await socket.send_json({"event": "connected"})
                await socket.send_json({"event": "start", "start": {"callSid": call_sid}})
                await asyncio.sleep(pause_s)
                for _ in range(frames):
                    await socket.send_str(QUIET)
                    await asyncio.sleep(pause_s / frames)
                await socket.send_json({"event": last})
                await socket.receive()

        self.last = call_sid
        asyncio.run(talk())
        return call_sid

    def lines(self, service: str) -> list[str]:
        return self.compose("logs", "--no-log-prefix", "--no-color", service).splitlines()

    def wait(self, service: str, *words: str) -> None:
        """Until a line has all the words."""

        def look() -> str | None:
            return next((line for line in self.lines(service) if all(word in line for word in words)), None)

        eventually(look, f"a line of {service} with {words}", 20)


def answers(port: int) -> str | None:
    """Whether something there speaks HTTP; the engine itself takes connections before anybody listens."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2)
    except HTTPError:
        return "yes"
    except OSError:
        pass
    return None


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStack]:
    name = f"own-{uuid.uuid4().hex[:8]}"
    folder = ROOT / "logs" / name
    shutil.copytree(EXAMPLE, folder)
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    text = text.replace("name: own-stack", f"name: {name}").replace("image: own-stack", f"image: {name}")
    text = text.replace("../../../services/prosaas_logging", str(ROOT / "services/prosaas_logging"))
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    stack = OwnStack(folder)
    base = python_base(f"{name}-base", tmp_path_factory.mktemp("base"))
    redis = tmp_path_factory.mktemp("redis")
    install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null"
    (redis / "Dockerfile").write_text(f"FROM {base}\nRUN {install}\n", encoding="utf-8")
    docker("build", "--quiet", f"--tag={name}-redis", str(redis))
    (folder / ".env").write_text(
        f"PYTHON_IMAGE={base}\nREDIS_IMAGE={name}-redis\nAPI_PORT={stack.api}\nVOICE_PORT={stack.calls}\n",
        encoding="utf-8",
    )
    try:
        stack.compose("up", "--detach", "--build", "--quiet-pull")
        for port in (stack.api, stack.calls):
            eventually(partial(answers, port), f"port {port}", 60)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "2", "--remove-orphans")
        docker("image", "rm", "--force", name, f"{name}-redis", f"{name}-base")
        shutil.rmtree(folder)


def test_its_logs_are_read_as_ours_are(own: OwnStack) -> None:
    """Prints, standard logging and what threads say, of all its services on one clock."""
    own.order("one")
    own.wait("worker", "billed one")
    said = own.make("logs", "SINCE=5m").out
    for words in ("order placed: one", "order one remembered", "billing one", "billed one"):
        assert words in said
    only = own.make("logs", "SINCE=5m", "S=api").out
    assert "order placed: one" in only
    assert "billing one" not in only


def test_a_call_is_at_most_thirty_lines_and_one_story(own: OwnStack) -> None:
    """No line of it was changed: the middleware found the id in the third message."""
    call_sid = own.call(100)
    own.wait("calls", call_sid, "LINES_FOLDED")
    lines = [line for line in own.lines("calls") if call_sid in line]
    assert 10 <= len(lines) <= 30
    story = own.make("trace", f"CALL={call_sid}").out
    assert "frame 1 heard" in story
    assert "no records of ours" in story


def test_debug_for_one_call_is_switched_and_taken_back(own: OwnStack) -> None:
    told: list[str] = []
    own.last = ""
    calling = threading.Thread(target=own.call, kwargs={"frames": 60, "pause_s": 5.0})
    calling.start()
    eventually(lambda: own.last or None, "a call", 10)
    told.append(own.make("debug-calls", f"CALL={own.last}", "FOR=6s").text)
    calling.join(60)
    assert "rms of frame" in told[0]
    assert "is at its configured level again" in told[0]
    quiet = own.call(20)
    assert not [line for line in own.lines("calls") if quiet in line and "rms of frame" in line]


def test_a_call_that_failed_left_its_recording(own: OwnStack) -> None:
    call_sid = own.call(100, last="dtmf")
    own.wait("calls", "nobody ever pressed a key before")
    # What the budget folded away of the call is there.
    assert "frame 90 heard" in own.make("blackbox", f"CALL={call_sid}").out
    assert "nobody ever pressed a key before" in own.make("errors").out


def test_what_its_lines_are_made_of_is_told(own: OwnStack) -> None:
    own.call(100)
    told = own.make("log-budget", "SINCE=5m").out
    assert "stdout" in told
    assert "the budget is 30" in told


def test_the_lines_of_any_file_are_told_apart(tmp_path: Path) -> None:
    """Without a stack: what a service wrote before logging was brought into it."""
    rows = [f"INFO:shop.media:frame {frame} call_sid=CA1" for frame in range(200)]
    (tmp_path / "old.log").write_text("\n".join([*rows, "ERROR:shop:it broke call_sid=CA1", ""]), encoding="utf-8")
    told = Checkout(ROOT).run("make", "--silent", "log-budget", f"FILE={tmp_path / 'old.log'}").out
    assert "LOG_LEVELS=shop.media=WARNING" in told


def test_a_capture_holds_its_lines_and_containers(own: OwnStack) -> None:
    said = own.make("capture", "SINCE=10m").text
    path = next(word for word in said.split() if word.endswith(".tar.gz"))
    archive = ROOT / path.removeprefix("/ops/")
    with tarfile.open(archive) as tar:
        assert {Path(name).name for name in tar.getnames()} >= {"events.jsonl", "inspect.json", "config.json"}
    archive.unlink()


def test_what_needs_our_tables_says_so(own: OwnStack) -> None:
    done = own.make("calls", check=False)
    assert done.code != 0
    assert "about ProSaaS itself" in done.text


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    done = Checkout(ROOT).run("make", "--silent", "logs", f"STACK={tmp_path}", check=False)
    assert done.code != 0
    assert "is no folder of a Compose project" in done.text
