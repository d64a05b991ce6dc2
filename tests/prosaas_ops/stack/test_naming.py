"""The beginning of a call's id means the call."""

from typing import Any

import pytest

from prosaas_ops.options import Nothing, Problem
from prosaas_ops.stack import naming
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.naming import one_call

LIVE, OLD, OTHER = (f"CA{'abcd' + digit:0<32}" for digit in "123")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "live_calls", lambda engine: [LiveCall(LIVE, "", "")])
    monkeypatch.setattr(
        naming, "calls_named", lambda typed: [sid for sid in (OLD, OTHER) if sid.lower().startswith(typed.lower())]
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("CAabcd1", LIVE), ("caABCD2", OLD), (OTHER, OTHER), ("CAffff", "CAffff"), ("CAabc", "CAabc"), ("", "")],
)
def test_six_characters_in_any_case_mean_the_call(typed: str, meant: str, engine: Any, options: Any) -> None:
    assert one_call(engine, options("trace", CALL=typed)) == meant


def test_several_that_fit_are_listed(engine: Any, options: Any) -> None:
    with pytest.raises(Nothing, match=f"may be {LIVE}, {OLD}, {OTHER}: type more of it"):
        one_call(engine, options("trace", CALL="CAabcd"))


def test_a_database_that_is_away_leaves_the_live_calls_and_the_typed_word(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(typed: str) -> list[str]:
        raise Problem("away")

    monkeypatch.setattr(naming, "calls_named", away)
    assert one_call(engine, options("trace", CALL="CAabcd1")) == LIVE
    assert one_call(engine, options("trace", CALL="CAabcd2")) == "CAabcd2"
