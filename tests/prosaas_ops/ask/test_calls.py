"""How `make calls` shows who called."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prosaas_core.facts.call import CallFacts
from prosaas_ops.ask import calls, costs
from prosaas_ops.options import Options, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.found import Asked, Calls, Row
from prosaas_ops.stack.records import Away
from prosaas_ops.stack.spent import Sum


class Quiet:
    """An engine that knows of no container."""

    def containers(self, *services: str) -> list[Container]:
        return []

    def kept(self, *services: str) -> list[Container]:
        return []


def test_nine_digits_are_searched_as_the_ending_of_any_countrys_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(wanted: Asked) -> Calls:
        asked.append(wanted.phone)
        raise Away

    monkeypatch.setattr(calls, "find", find)
    monkeypatch.setattr(calls, "opened", Quiet)
    monkeypatch.setattr(calls, "live_ids", lambda engine: None)
    with pytest.raises(Problem):
        calls.run(Options("calls", calls.OPTIONS, {"PHONE": "911123456"}))
    assert asked == ["911123456"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+972501234567", "…4567"),
        ("anonymous", "hidden"),
        ("Restricted", "hidden"),
        ("+266696687", "hidden"),
        ("+7378742833", "hidden"),
        ("", "hidden"),
        ("sip:100@10.0.0.5", "sip:10…"),
        ("client:demo", "client…"),
    ],
)
def test_nobody_is_shown_a_number_that_cannot_be_called_back(
    number: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word for hidden comes spelt on a phone's keys, too; who calls by another name hides nothing."""
    monkeypatch.setenv("OPS_LANG", "en")
    row = Row(CallFacts("CA1", "customer_hangup"), datetime(2026, 1, 2, tzinfo=UTC), 5.0, number)
    (head, *_) = calls._rows(row, Screen(terminal=False))
    assert head.split()[3] == shown


@pytest.mark.parametrize("found", [1, 0])
def test_a_window_is_told_to_end_now_and_asked_for_a_moment_more(
    found: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another machine's clock may go ahead; a minute that is yet to come is nobody's window."""
    monkeypatch.setenv("OPS_LANG", "en")
    asked: list[datetime] = []

    def find(wanted: Any) -> Calls:
        asked.append(wanted.until)
        return Calls([], found, 0, 0)

    def spent(wanted: Any) -> list[Sum]:
        asked.append(wanted.until)
        return [Sum("2026-01-25", "USD", 1, 1.0, 0, 0, 0, 1.0, 0, 0)] * found

    monkeypatch.setattr(calls, "find", find)
    monkeypatch.setattr(costs, "spent", spent)
    monkeypatch.setattr(calls, "opened", Quiet)
    monkeypatch.setattr(costs, "opened", Quiet, raising=False)
    monkeypatch.setattr(calls, "live_ids", lambda engine: None)
    before = datetime.now(UTC)
    for command, of in ((calls, "%m-%d %H:%M"), (costs, "%Y-%m-%d %H:%M")):
        command.run(Options("x", command.OPTIONS, {}))
        told = "".join(capsys.readouterr())
        ends = {f"{moment:{of}}" for moment in (before, datetime.now(UTC))}
        assert any(f"{end} UTC" in told for end in ends)
        assert asked.pop() > before + timedelta(seconds=30)
