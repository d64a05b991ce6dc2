"""Grouped warnings and errors on the screen."""

from typing import Any

import pytest

from prosaas_ops.ask import errors
from prosaas_ops.options import FINE


@pytest.fixture
def shown(engine: Any, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(errors, "opened", lambda: engine)

    def run(**values: str) -> str:
        assert errors.run(options("errors", SINCE="2024-01-25T13:30", UNTIL="2024-01-25T14:30", **values)) == FINE
        return capsys.readouterr().out

    return run


def test_thousands_of_one_kind_are_a_row(engine: Any, shown: Any) -> None:
    for number in range(3000):
        engine.write(
            "prosaas-api",
            number / 10,
            f"[ERROR] ❌ [HTTP_FAILED] הבקשה נכשלה, method=POST, path=/x · request_id=r{number:08}",
            "  Boom",
        )
    engine.write("worker", 5, "[WARNING] one more · call_sid=CA0123456789abcdef")
    rows = shown().splitlines()
    assert "3001 warnings and errors, 2 kinds, 1 calls hit" in rows[0]
    assert rows[2].split()[:5] == ["3000", "14:00", "14:04", "0", "api"]
    assert rows[3].strip() == "Boom"
    assert rows[-1] == "next: make logs GREP=HTTP_FAILED SINCE=1h"


def test_a_window_is_a_window(engine: Any, shown: Any) -> None:
    engine.write("worker", 3600, "[ERROR] later")
    assert "no warning and no error" in shown()
    engine.write("worker", 60, "[ERROR] now")
    assert "1 warnings and errors" in shown()


def test_more_kinds_than_asked_for_are_counted(engine: Any, shown: Any) -> None:
    engine.write("worker", 1, "[ERROR] a", "[ERROR] b", "[ERROR] c")
    assert "… 2 kinds more: MAX=3" in shown(MAX="1")


def test_a_queue_that_is_lost_leads_to_the_containers(engine: Any, shown: Any) -> None:
    engine.happen("postgres", 1, "die", exitCode="0")
    engine.write("worker", 2, "[WARNING] ⚠️ [QUEUE_LOST] the queue is away")
    said = shown()
    assert "since postgres container die, exit code 0" in said
    assert said.splitlines()[-1] == "next: make ps · make status"


def test_deploys_and_switches_stand_on_the_same_clock(engine: Any, shown: Any) -> None:
    """What began just after one of them is its doing; the last five are enough."""
    for minute in range(7):
        engine.write("prosaas-calls", 60 * minute, f"[INFO] 🟢 [SERVICE_START] the service is up, version=1.{minute}")
    engine.write("prosaas-calls", 400, "[ERROR] boom")
    marks = [row for row in shown().splitlines() if "▲" in row]
    assert [row.rpartition("version=")[2] for row in marks] == ["1.2", "1.3", "1.4", "1.5", "1.6"]
    assert marks[0].split()[:3] == ["14:02", "▲", "calls"]
