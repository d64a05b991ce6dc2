"""The beginning of a call's id means the call."""

from typing import Any

import pytest

from prosaas_ops.options import Nothing, Problem, Usage
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
    [("CAabcd1", LIVE), ("caABCD2", OLD), (OTHER, OTHER), ("CAffff", "CAffff"), ("", "")],
)
def test_six_characters_in_any_case_mean_the_call(typed: str, meant: str, engine: Any, options: Any) -> None:
    assert one_call(engine, options("trace", CALL=typed)) == meant


def test_several_that_fit_are_listed(engine: Any, options: Any) -> None:
    with pytest.raises(Nothing, match=f"may be {LIVE}, {OLD}, {OTHER}: type more of it"):
        one_call(engine, options("trace", CALL="CAabcd"))


@pytest.mark.parametrize("typed", ["CAa", "CAabc"])
def test_a_beginning_that_is_too_short_says_so(typed: str, engine: Any, options: Any) -> None:
    with pytest.raises(Usage, match=f"CALL={typed} is too short: give the first 6 characters"):
        one_call(engine, options("trace", CALL=typed))


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def unanswered(typed: str) -> list[str]:
        raise Problem("the database does not answer")

    monkeypatch.setattr(naming, "calls_named", unanswered)


@pytest.mark.usefixtures("away")
def test_a_database_that_is_away_leaves_the_live_calls_and_the_lines(engine: Any, options: Any) -> None:
    engine.write("prosaas-calls", 0.0, f"[INFO] 🚀 [CALL_START] call_sid={OLD}, business_id=7, direction=inbound")
    engine.write("prosaas-calls", 0.1, f'[INFO] 💬 [TRANSCRIPT] AI: "call_sid={OTHER}" · call_sid={OLD}')
    assert one_call(engine, options("trace", CALL="CAabcd1")) == LIVE
    assert one_call(engine, options("trace", CALL="caABCD2")) == OLD


@pytest.mark.usefixtures("away")
def test_what_no_line_begins_with_needs_its_whole_id_while_the_database_is_away(engine: Any, options: Any) -> None:
    with pytest.raises(Problem, match=r"begins with CAabcd3; without the database give the whole id\. the database"):
        one_call(engine, options("trace", CALL="CAabcd3"))
    assert one_call(engine, options("trace", CALL=OTHER)) == OTHER


def test_a_call_without_a_record_is_known_by_its_lines(engine: Any, options: Any) -> None:
    turned_away = f"CA{'ffff1':0<32}"
    engine.write("prosaas-api", 0.0, f"[WARNING] ⛔ [VOICE_REFUSED] full · call_sid={turned_away}")
    assert one_call(engine, options("trace", CALL="CAffff1")) == turned_away
