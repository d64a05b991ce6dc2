"""A debug session: what it shows, what it keeps, why it ends and what it leaves behind."""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.act import debug
from prosaas_ops.options import FINE, NOTHING, Usage
from prosaas_ops.screen.terminal import RateCap, Screen
from prosaas_ops.stack import sessions
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import RawLine
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import Line, parse
from prosaas_ops.stack.live_calls import LiveCall
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
) -> tuple[str, str]:
    """The reason that ended the session, and the file it left."""
    file = io.StringIO()
    session = debug.Watch(target or Target(), length, lambda: still_on)
    return session.show(items, screen, RateCap(most, lambda: 100.0), file), file.getvalue()


def test_the_file_gets_every_line_whatever_the_screen_is_spared(screen: Screen, paper: Any) -> None:
    items = [line(f"[DEBUG] [RMS] rms={number}") for number in range(50)]
    why, kept = watch(screen, items, most=3)
    assert why == "the log ended"
    assert len(kept.splitlines()) == 50
    assert kept.splitlines()[49] == f"{AT} [DEBUG] [RMS] rms=49"
    assert paper.text.count("[RMS]") == 3


def test_one_calls_session_shows_and_keeps_that_call_alone(screen: Screen, paper: Any) -> None:
    items = [line("[INFO] mine · call_sid=CA1"), line("[INFO] other · call_sid=CA2"), line("[INFO] nobody's")]
    _, kept = watch(screen, items, Target(call_sid="CA1"))
    assert kept == f"{AT} [INFO] mine · call_sid=CA1\n"
    assert "other" not in paper.text


def test_the_time_ends_the_session(screen: Screen) -> None:
    assert watch(screen, [None, None], length=0.0)[0] == "the time is over"


def test_a_stop_of_the_service_ends_the_session(screen: Screen) -> None:
    why, _ = watch(screen, [Happening(0.0, "prosaas-calls", "kill", "SIGTERM"), Happening(0.0, "x", "die", "")])
    assert why.startswith("the service stopped")


def test_the_end_of_the_call_ends_its_session_after_its_last_lines(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debug, "_AFTER_CALL_SECONDS", 0.0)
    items = [line("[INFO] 🔚 [CALL_END] x · call_sid=CA1"), line("[INFO] record saved · call_sid=CA1"), None]
    why, kept = watch(screen, items, Target(call_sid="CA1"))
    assert why == "the call ended"
    assert "record saved" in kept


def test_somebody_taking_it_back_ends_the_session(screen: Screen) -> None:
    reverted = line("[WARNING] 🎚️ [LOG_LEVEL_REVERTED] רמת הלוג של service חזרה ל-INFO (reset)")
    assert watch(screen, [reverted], still_on=False)[0].startswith("somebody took it back")
    assert watch(screen, [reverted], still_on=True)[0] == "the log ended"


class Operated:
    """The switch as one container's logctl would keep it."""

    def __init__(self) -> None:
        self.on: dict[Target, str] = {}

    def raise_to_debug(self, engine: Any, container: Any, target: Target, duration: str) -> None:
        self.on[target] = duration

    def lower(self, engine: Any, container: Any, target: Target) -> None:
        self.on.pop(target, None)

    def seconds_left(self, engine: Any, container: Any, target: Target) -> float:
        return float(self.on.get(target, "0s").rstrip("s"))


@pytest.fixture
def operated(engine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operated:
    switch = Operated()
    for name in ("raise_to_debug", "lower", "seconds_left"):
        monkeypatch.setattr(live_switch, name, getattr(switch, name))
    monkeypatch.setattr(debug, "Engine", lambda: engine)
    monkeypatch.setattr(debug, "live_calls", lambda: [LiveCall("CA1", "456", "")])
    monkeypatch.setattr(sessions, "others", lambda engine, command: [])
    monkeypatch.setattr(debug.signal, "signal", lambda number, handler: None)
    monkeypatch.chdir(tmp_path)
    return switch


class Stream(list[Any]):
    """A followed log that a test wrote beforehand."""

    def close(self) -> None: ...


def follow(monkeypatch: pytest.MonkeyPatch, *items: Any) -> None:
    monkeypatch.setattr(debug, "Follow", lambda engine, services, since: Stream(items))


def test_a_session_takes_its_level_back_however_it_ends(
    operated: Operated, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        assert operated.on == {Target(call_sid="CA1"): "125s"}
        raise KeyboardInterrupt

    follow(monkeypatch)
    monkeypatch.setattr(debug.Watch, "show", interrupted)
    assert debug.run(options("debug-calls", CALL="CA1", FOR="2m")) == FINE
    assert operated.on == {}


def test_a_session_leaves_the_level_on_for_another_terminal(
    operated: Operated, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(monkeypatch)
    other = sessions.Session(Target(), datetime(2024, 1, 25, 14, 0, tzinfo=UTC))
    monkeypatch.setattr(sessions, "others", lambda engine, command: [other])
    operated.on[Target()] = "900s"
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    assert operated.on == {Target(): "900s"}
    said = capsys.readouterr().out
    assert said.startswith("note: another terminal debugs everything since 14:00:00 UTC")
    assert "stays on" in said


def test_a_session_that_was_ended_for_everybody_claims_nothing_for_the_others(
    operated: Operated, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(monkeypatch, line("[WARNING] 🎚️ [LOG_LEVEL_REVERTED] service"))
    other = sessions.Session(Target(), datetime(2024, 1, 25, 14, 0, tzinfo=UTC))
    monkeypatch.setattr(sessions, "others", lambda engine, command: [other])
    monkeypatch.setattr(operated, "on", {})
    monkeypatch.setattr(live_switch, "raise_to_debug", lambda *_: None)
    assert debug.run(options("debug-calls", FOR="2m")) == FINE
    said = capsys.readouterr().out
    assert "somebody took it back" in said
    assert "stays on" not in said


def test_a_call_that_is_not_live_matches_nothing_and_switches_nothing(
    operated: Operated, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert debug.run(options("debug-calls", CALL="CA9")) == NOTHING
    assert "CA9 is not live now; live calls: CA1" in capsys.readouterr().err
    assert operated.on == {}


def test_two_targets_at_once_are_wrong_usage(operated: Operated, options: Any) -> None:
    with pytest.raises(Usage, match="exclude one another"):
        debug.run(options("debug-calls", CALL="CA1", BUSINESS="456"))
