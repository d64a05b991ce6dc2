"""Lines of all services on one clock, filtered."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from prosaas_ops.ask import logs
from prosaas_ops.options import FINE, NOTHING, Usage
from prosaas_ops.stack.frames import RawLine


@pytest.fixture
def shown(engine: Any, call: str, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: Any) -> Any:
    """Runs the command; the exit code and the lines it printed."""
    monkeypatch.setattr(logs, "opened", lambda: engine)

    def run(**values: str) -> tuple[int, list[str]]:
        code = logs.run(options("logs", SINCE="2024-01-25T13:00", **values))
        return code, capsys.readouterr().out.splitlines()

    return run


def test_services_share_one_clock(shown: Any) -> None:
    code, lines = shown()
    assert code == FINE
    times = [line[:12] for line in lines if line[:2].isdigit()]
    assert times == sorted(times)
    assert {line[13:20].strip() for line in lines if line[:2].isdigit()} == {"api", "calls", "worker"}


def test_one_call_of_one_service(shown: Any, call: str) -> None:
    _, lines = shown(S="worker", CALL=call)
    assert len(lines) == 1
    assert "JOB_DONE" in lines[0]


def test_a_level_lets_worse_ones_through_with_their_stacks(shown: Any) -> None:
    _, lines = shown(LEVEL="warning")
    assert "[TOOL_FAILED]" in lines[0]
    assert lines[1:] == ["  Traceback (most recent call last):", "  TimeoutError"]


def test_words_are_looked_for_and_left_out_in_stacks_too(shown: Any) -> None:
    assert "TOOL_FAILED" in shown(GREP="timeouterror")[1][0]
    _, lines = shown(GREP="call_", NOT="CA0123|other")
    assert lines == []


def test_nothing_that_matches_is_said(shown: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = shown(GREP="no such words")
    assert (code, lines) == (NOTHING, [])


def test_a_broken_pattern_is_wrong_usage(shown: Any) -> None:
    with pytest.raises(Usage, match=r"GREP=\[ is not a regular expression"):
        shown(GREP="[")


def test_a_terminal_gets_the_last_of_very_many_lines_and_a_pipe_gets_them_all(
    engine: Any, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2500):
        engine.write("worker", 100 + number / 1000, f"[INFO] line {number}")
    assert len(shown(S="worker", GREP="line")[1]) == 2500
    monkeypatch.setenv("OPS_TERMINAL", "1")
    _, lines = shown(S="worker", GREP="line")
    assert "… 500 lines before these; make errors groups them" in lines[0]
    assert len(lines) == 2001
    assert "line 500" in lines[1]


def test_a_window_has_an_end(shown: Any) -> None:
    _, lines = shown(UNTIL="2024-01-25T14:00:03.5")
    assert "TRANSCRIPT" in lines[-1]


def test_a_window_that_ends_before_it_begins_is_wrong_usage(shown: Any) -> None:
    """Nothing is in it, and that is no answer about the time that was meant."""
    with pytest.raises(Usage, match="nothing is between 2024-01-25 13:00 and 2024-01-25 12:00 UTC"):
        shown(UNTIL="2024-01-25T12:00")


def test_what_one_service_writes_while_another_is_read_is_followed(
    engine: Any, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: Any
) -> None:
    """The worker's log takes long to read: what prosaas-api wrote meanwhile comes after, and so does what follows.

    One that ends meanwhile has its last words to tell, too: it is followed before anything is read.
    """
    asked: list[float] = []

    def read(container: Any, since: float, until: float | None = None) -> list[RawLine]:
        assert asked
        late = time.time() + 2
        written = datetime.fromtimestamp(late, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        lines = [RawLine(written, container.service, "[INFO] late")] if container.service == "worker" else []
        return [line for line in lines if until is None or late <= until]

    class Stream:
        def __init__(self, engine: Any, services: Any, since: float) -> None:
            asked.append(since)

        def __iter__(self) -> Any:
            return iter(())

        def close(self) -> None:
            asked.append(0.0)

    monkeypatch.setattr(logs, "opened", lambda: engine)
    monkeypatch.setattr(logs, "Follow", Stream)
    monkeypatch.setattr(engine, "logs", read)
    before = time.time()
    assert logs.run(options("logs")) == FINE
    followed, closed = asked
    assert before <= followed <= time.time()
    assert closed == 0.0
    assert "late" not in capsys.readouterr().out


def test_a_day_that_begins_among_the_lines_has_a_row(engine: Any, shown: Any) -> None:
    engine.write("worker", 86_400, "[INFO] tomorrow", "[INFO] and on")
    rows = shown(S="worker")[1]
    assert [row.split()[-1] for row in rows[-3:]] == ["UTC", "tomorrow", "on"]
    assert rows[-3] == "── 2024-01-26 UTC"
    assert "── 2024-01-25 UTC" not in rows
