"""How `make calls` shows who called."""

from datetime import UTC, datetime

import pytest

from prosaas_core.facts.troubles import CallFacts
from prosaas_ops.ask import calls
from prosaas_ops.options import Options, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.found import Asked, Calls, Row
from prosaas_ops.stack.records import Away


def test_nine_digits_are_searched_as_the_ending_of_any_countrys_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(wanted: Asked) -> Calls:
        asked.append(wanted.phone)
        raise Away

    monkeypatch.setattr(calls, "find", find)
    monkeypatch.setattr(calls, "opened", lambda: None)
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
