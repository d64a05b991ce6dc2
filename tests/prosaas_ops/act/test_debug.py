"""A debug session: what it shows, what it keeps, why it ends and what it leaves behind."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TextIO

import pytest

from prosaas_ops.act import debug, quiet
from prosaas_ops.options import FINE, NOTHING, Problem, Usage
from prosaas_ops.screen.terminal import RateCap, Screen
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.found import Calls
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, parse
from prosaas_ops.stack.switch import Target

AT = "2024-01-25T14:00:00.000000000Z"


def line(text: str) -> Line:
    return parse(RawLine(AT, "prosaas-calls", text))


def watch(
    screen: Screen,
    items: Iterable[Line | Happening | None],
    target: Target | None = None,
    length: float = 60.0,
    most: int = 200,
    still_on: bool = True,
    still_runs: bool = False,
) -> tuple[str, str]:
    """The reason that ended the session, and the file it left."""
    file = io.StringIO()
    session = debug.Watch(target or Target(), length, lambda: still_on, lambda: still_runs)
    return session.show(items, screen, RateCap(most, lambda: 100.0), file), file.getvalue()


def test_the_file_gets_every_line_whatever_the_screen_is_spared(screen: Screen, paper: Any) -> None:
    items = [line(f"[DEBUG] [RMS] rms={number}") for number in range(50)]
    why, kept = watch(screen, items, most=3)
    assert why == "the log ended"
    assert len(kept.splitlines()) == 50
    assert kept.splitlines()[49] == f"{AT} [DEBUG] [RMS] rms=49"
    assert paper.text.count("[RMS]") == 3


def test_one_calls_session_shows_and_keeps_that_call_alone(screen: Screen, paper: Any) -> None:
    items = [
        line("[INFO] mine · call_sid=CA00000000000000000000000000000001"),
        line("[INFO] other · call_sid=CA2"),
        line("[INFO] nobody's"),
    ]
    _, kept = watch(screen, items, Target(call_sid="CA00000000000000000000000000000001"))
    assert kept == f"{AT} [INFO] mine · call_sid=CA00000000000000000000000000000001\n"
    assert "other" not in paper.text


def test_the_time_ends_the_session(screen: Screen) -> None:
    assert watch(screen, [None, None], length=0.0)[0] == "the time is over"


def test_a_stop_of_the_service_ends_the_session(screen: Screen) -> None:
    why, _ = watch(screen, [Happening(0.0, "prosaas-calls", "kill", "SIGTERM"), Happening(0.0, "x", "die", "")])
    assert why.startswith("the service stopped")


def test_the_end_of_one_generation_ends_no_session_while_another_runs(screen: Screen) -> None:
    items: list[Any] = [Happening(0.0, "prosaas-calls", "die", ""), line("[DEBUG] of the new one")]
    why, kept = watch(screen, items, still_runs=True)
    assert (why, "of the new one" in kept) == ("the log ended", True)


def test_a_generation_that_comes_is_raised_once_it_listens(engine: Any) -> None:
    raised: list[str] = []
    known = {found.id: found for found in engine.generations("prosaas-calls")}

    def raise_in(container: Any) -> None:
        if len(raised) == 0:
            raised.append("too early")
            raise Problem("process 7 does not follow")
        raised.append(container.id)

    engine.begin("prosaas-calls")
    assert all(debug._joined(engine, "prosaas-calls", known, raise_in) for _ in range(3))
    assert raised == ["too early", "new"]
    engine.beside.clear()
    engine.states["prosaas-calls"] = "exited"
    assert not debug._joined(engine, "prosaas-calls", known, raise_in)


@pytest.mark.parametrize(("command", "module"), [("quiet-calls", quiet), ("debug-calls", debug)])
def test_every_generation_is_asked(
    service: "Service", engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, command: str, module: Any
) -> None:
    """While one drains beside another, the calls to look at may be in either."""
    engine.begin("prosaas-calls")
    monkeypatch.setattr(module, "opened", lambda: engine)
    monkeypatch.setattr(sys, "stdout", Hearing("every line goes to", ctrl_c))
    assert module.run(options(command)) == FINE
    resets = [where for where, words in zip(engine.ran_in, engine.executed, strict=True) if words[2] == "reset"]
    assert set(resets) == {"prosaas-calls", "new"}


def test_the_end_of_the_call_ends_its_session_after_its_last_lines(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debug, "_AFTER_CALL_SECONDS", 0.0)
    items = [
        line("[INFO] 🔚 [CALL_END] x · call_sid=CA00000000000000000000000000000001"),
        line("[INFO] record saved · call_sid=CA00000000000000000000000000000001"),
        None,
    ]
    why, kept = watch(screen, items, Target(call_sid="CA00000000000000000000000000000001"))
    assert why == "the call ended"
    assert "record saved" in kept


def test_somebody_taking_it_back_ends_the_session(screen: Screen) -> None:
    reverted = line(
        "[WARNING] 🎚️ [LOG_LEVEL_REVERTED] רמת הלוג חזרה לקודמת: הזמנית הוסרה לפי בקשה, level=INFO, target=service"
    )
    assert watch(screen, [reverted], still_on=False)[0].startswith("somebody took it back")
    assert watch(screen, [reverted], still_on=True)[0] == "the log ended"


class Service:
    """A process that logs through prosaas_logging, with logctl beside it: what a container of the stack holds."""

    def __init__(self, engine: Any, folder: Path) -> None:
        self.environ = {
            **os.environ,
            "LOG_SWITCH_FILE": str(folder / "switch.json"),
            "LOG_BLACKBOX": "0",
            "PYTHONPATH": str(Path(debug.__file__).parents[2]),
        }
        words = "import sys; from prosaas_logging import bootstrap; bootstrap('x'); print(1); sys.stdin.read()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", words], env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.before_reset: Callable[[], None] = lambda: None
        engine.on_run = self.run

    def run(self, service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        if command[1] == "reset":
            self.before_reset()
        words = [sys.executable, "-m", "prosaas_logging.ctl", *command[1:]]
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def switched(self) -> list[dict[str, Any]]:
        _, out, _ = self.run("", ("logctl", "status", "--json"))
        found: list[dict[str, Any]] = json.loads(out)["switches"]
        return found


class LiveCalls(BaseHTTPRequestHandler):
    """The page on which prosaas-calls tells its live calls: one."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/calls" else 404)
        self.end_headers()
        self.wfile.write(b'{"calls": [{"call_sid": "CA00000000000000000000000000000001", "business_id": 456}]}')

    def log_message(self, *_: object) -> None:
        """What it was asked is nobody's."""


@pytest.fixture
def service(engine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """The fake stack with a real process and its real switch in every container, and streams that a test feeds."""
    ends: list[socket.socket] = []

    def stream(*_: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        ends.append(theirs)
        return ours

    engine.follow = engine.follow_events = stream
    engine.ends = ends
    engine.answers["/containers/json"] = []
    monkeypatch.setattr(debug, "opened", lambda: engine)
    monkeypatch.chdir(tmp_path)
    running = Service(engine, tmp_path)
    with HTTPServer(("127.0.0.1", 0), LiveCalls) as inner:
        monkeypatch.setenv("CALLS_INTERNAL_URL", f"http://127.0.0.1:{inner.server_port}")
        threading.Thread(target=inner.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        inner.shutdown()
    running.process.communicate()


class Hearing(io.StringIO):
    """Standard output; at the words that a test waits for, it does what the operator does then."""

    def __init__(self, words: str, then: Callable[[], None]) -> None:
        super().__init__()
        self.words, self.then = words, then

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.words in text:
            self.then()
        return written


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_takes_the_level_back_and_a_second_one_does_not_prevent_it(
    service: Service, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    before = signal.getsignal(signal.SIGINT)

    def look_and_leave() -> None:
        seen.extend(service.switched())
        ctrl_c()

    screen = Hearing("every line goes to", look_and_leave)
    monkeypatch.setattr(sys, "stdout", screen)
    service.before_reset = ctrl_c
    assert debug.run(options("debug-calls", CALL="CA00000000000000000000000000000001", FOR="2m")) == FINE
    assert [(item["target"], item["value"], item["level"]) for item in seen] == [
        ("call", "CA00000000000000000000000000000001", "DEBUG")
    ]
    assert 115 < seen[0]["left_s"] <= 125
    assert service.switched() == []
    assert (
        "you left. prosaas-calls is at its configured level again for call CA00000000000000000000000000000001"
        in screen.getvalue()
    )
    assert signal.getsignal(signal.SIGINT) is before


class Leaving(debug.Watch):
    """A session whose operator leaves after the first lines."""

    def show(self, stream: Any, screen: Screen, cap: RateCap, file: TextIO) -> str:
        file.write("the first line\n")
        raise KeyboardInterrupt


class Broken(debug.Watch):
    """A session that the engine leaves."""

    def show(self, stream: Any, screen: Screen, cap: RateCap, file: TextIO) -> str:
        file.write("the first line\n")
        raise Problem("the engine does not answer")


def test_a_sessions_file_says_at_its_end_that_it_is_whole_and_why_it_ends(
    service: Service, options: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debug, "Watch", Leaving)
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    (path,) = (tmp_path / "logs").iterdir()
    assert path.read_text() == "the first line\n── end of the file: you left\n"


def test_a_file_that_was_broken_off_has_no_such_end(
    service: Service, options: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debug, "Watch", Broken)
    with pytest.raises(Problem, match="does not answer"):
        debug.run(options("debug-calls", FOR="2m"))
    (path,) = (tmp_path / "logs").iterdir()
    assert path.read_text() == "the first line\n"


def test_a_session_that_is_interrupted_while_it_switches_leaves_nothing_switched(
    service: Service, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_and_leave(*arguments: Any) -> None:
        really(*arguments)
        ctrl_c()

    really = live_switch.raise_to_debug
    monkeypatch.setattr(live_switch, "raise_to_debug", raise_and_leave)
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    assert service.switched() == []


def another_terminal(engine: Any, **environment: str) -> None:
    flags = " ".join(f"{name}={value}" for name, value in environment.items())
    words = [f"{name}={value}" for name, value in environment.items()]
    engine.answers["/containers/json"] = [{"Id": "other", "Created": 1706191200}]
    engine.details["other"] = {"Config": {"Env": [*words, f"MAKEFLAGS= -- {flags}"]}}


def test_a_session_leaves_the_level_on_for_another_terminal_that_asked_for_longer(
    service: Service, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_terminal(engine, FOR="15m")
    service.run("", ("logctl", "level", "DEBUG", "--for", "900s"))
    screen = Hearing("every line goes to", ctrl_c)
    monkeypatch.setattr(sys, "stdout", screen)
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    (switched,) = service.switched()
    assert switched["left_s"] > 800
    assert screen.getvalue().startswith("note: another terminal debugs everything since 14:00:00 UTC")
    assert "stays on" in screen.getvalue()


def test_a_session_that_was_ended_for_everybody_claims_nothing_for_the_others(
    service: Service, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_terminal(engine, FOR="2m")

    def quiet() -> None:
        service.run("", ("logctl", "reset"))
        body = f"{AT} [WARNING] 🎚️ [LOG_LEVEL_REVERTED] service\n".encode()
        engine.ends[1].sendall(bytes([1, 0, 0, 0]) + len(body).to_bytes(4, "big") + body)

    screen = Hearing("every line goes to", quiet)
    monkeypatch.setattr(sys, "stdout", screen)
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    assert "somebody took it back" in screen.getvalue()
    assert "stays on" not in screen.getvalue()


def test_a_call_that_is_not_live_matches_nothing_and_switches_nothing(
    service: Service, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert debug.run(options("debug-calls", CALL="CA99999999999999999999999999999999")) == NOTHING
    assert (
        "CA99999999999999999999999999999999 is not live now; live calls: CA00000000000000000000000000000001"
        in capsys.readouterr().err
    )
    assert service.switched() == []


@pytest.mark.parametrize("length", ["24h", "1h30m"])
def test_every_length_that_is_understood_is_switched(
    service: Service, options: Any, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    monkeypatch.setattr(sys, "stdout", Hearing("every line goes to", ctrl_c))
    assert debug.run(options("debug-calls", FOR=length)) == FINE


def test_more_than_a_switch_may_last_is_wrong_usage(service: Service, options: Any) -> None:
    with pytest.raises(Usage, match="at most 24h"):
        debug.run(options("debug-calls", FOR="2d"))


def test_two_targets_at_once_are_wrong_usage(service: Service, options: Any) -> None:
    with pytest.raises(Usage, match="give only one of"):
        debug.run(options("debug-calls", CALL="CA00000000000000000000000000000001", BUSINESS="456"))


@pytest.mark.parametrize("phone", ["05012", "050123456"])
def test_a_number_that_is_not_whole_is_wrong_usage(phone: str, options: Any) -> None:
    with pytest.raises(Usage, match=f"PHONE={phone} is not a whole phone number: one looks like PHONE=\\+972501234567"):
        debug.run(options("debug-calls", PHONE=phone))


def test_a_target_that_nobody_knows_is_told_from_one_that_somebody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug, "business_known", lambda number: number == 456)
    monkeypatch.setattr(debug, "calls_of", lambda phone: Calls([], int(phone.endswith("567")), 0, 0))
    known = [Target(business="456"), Target(phone="0501234567"), Target(call_sid="CA1"), Target()]
    assert [debug._is_known(target) for target in known] == [True] * 4
    unknown = [Target(business="999"), Target(phone="0501234568")]
    assert [debug._is_known(target) for target in unknown] == [False] * 2


def test_quiet_tells_of_a_container_that_was_started_at_debug(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quiet, "opened", lambda: engine)
    engine.answers["/containers/json"] = []
    engine.on_run = lambda service, command: (0, '{"level": "DEBUG", "switches": []}', "")
    assert quiet.run(options("quiet-calls")) == 0
    assert "was started at DEBUG and stays there: make restart-calls" in capsys.readouterr().out
    engine.on_run = lambda service, command: (0, '{"level": "INFO", "switches": []}', "")
    assert quiet.run(options("quiet-calls")) == 0
    assert "DEBUG" not in capsys.readouterr().out
