"""What was paid for, added up from a ledger at the newest schema."""

import csv
import io
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from bench.costs.__main__ import LEDGER

from postgres_world import Fill
from prosaas_core.facts.endings import EndReason
from prosaas_core.facts.simulated import new_call_sid
from prosaas_ops.ask import costs as command
from prosaas_ops.options import FINE, NOTHING, Usage
from prosaas_ops.screen.piece import width
from prosaas_ops.stack.records import asked
from prosaas_ops.stack.spent import GROUPS, SIMULATED, Sum, Wanted, spent

pytestmark = pytest.mark.postgres

FIRST, LAST = datetime(2024, 1, 25, tzinfo=UTC), datetime(2024, 1, 27, tzinfo=UTC)
# Two calls of one evening, which in Jerusalem is the next day from 22:00 UTC on, and a message of another business.
FILL = """
    insert into businesses (id, name, phone, timezone) values
        (456, 'מספרת דנה', '+97235550100', 'Asia/Jerusalem'), (7, '=cmd()', '+97235550107', 'UTC');
    insert into calls (call_sid, business_id, end_reason) values
        ('CA1', 456, 'customer_hangup'), ('CA2', 456, 'limit');
    insert into charges (business_id, call_sid, at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,
                         currency, estimated) values
        (456, 'CA1', '2024-01-25 21:30Z', 'model', 'gpt-realtime-2.1', 1000, 800, 100, 0, 0.25, 'USD', false),
        (456, 'CA1', '2024-01-25 21:30Z', 'phone', 'twilio', 0, 0, 0, 90, 0.025, 'USD', false),
        (456, 'CA2', '2024-01-25 22:30Z', 'model', 'gpt-of-tomorrow', 2000, 0, 200, 0, null, 'USD', true),
        (456, 'CA2', '2024-01-25 22:30Z', 'phone', 'twilio', 0, 0, 0, 30, 0.0125, 'USD', false),
        (7, null, '2024-01-25 23:30Z', 'message', 'twilio sms', 0, 0, 0, 0, 0.0083, 'USD', false);
"""


@pytest.fixture
def stored(fill: Fill) -> None:
    fill(lambda connection: connection.execute(FILL))


def sums(by: str, **more: Any) -> dict[str, tuple[int, int, float]]:
    return {row.name: (row.calls, row.tokens_in, round(row.cost, 4)) for row in spent(Wanted(FIRST, LAST, by, **more))}


@pytest.mark.usefixtures("stored")
def test_a_day_is_the_one_of_its_business() -> None:
    assert sums("day") == {"2024-01-25": (1, 1000, 0.2833), "2024-01-26": (1, 2000, 0.0125)}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("by", sorted(GROUPS))
def test_the_zone_of_one_business_that_postgres_has_not_breaks_nobodys_sums(by: str, fill: Fill) -> None:
    """Its own days are UTC's."""
    before = sums(by)
    fill(lambda connection: connection.execute("update businesses set timezone = 'Mars/Hellas' where id = 7"))
    assert sums(by) == before


@pytest.mark.usefixtures("stored")
def test_it_is_added_up_by_business_model_and_ending_the_dearest_first() -> None:
    assert sums("business") == {"456 מספרת דנה": (2, 3000, 0.2875), "7 =cmd()": (0, 0, 0.0083)}
    assert list(sums("model")) == ["gpt-realtime-2.1", "twilio", "twilio sms", "gpt-of-tomorrow"]
    assert sums("ending") == {
        "customer_hangup": (1, 1000, 0.275),
        "limit": (1, 2000, 0.0125),
        "no call": (0, 0, 0.0083),
    }
    assert sums("month") == {"2024-01": (2, 3000, 0.2958)}
    assert sums("day", business=7) == {"2024-01-25": (0, 0, 0.0083)}


@pytest.mark.usefixtures("stored")
def test_the_table_says_what_has_no_price_and_what_is_estimated(
    options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(options("costs", SINCE="2024-01-25", UNTIL="2024-01-27", BY="model")) == FINE
    said = capsys.readouterr().out
    assert "0.30 USD" in said.splitlines()[0]
    assert "gpt-realtime-2.1       1       0.0       1000     80%        100    0.2500 USD" in said
    assert "1 charges have no price" in said
    assert "1 charges are estimated" in said


@pytest.fixture
def simulated(stored: None, fill: Fill) -> None:
    """A simulated call of the same day, with its summary, and one of a day on which nobody called."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for at in ("2024-01-25 21:30Z", "2024-01-20 12:00Z"):
            call_sid = new_call_sid()
            await connection.execute("insert into calls (call_sid, business_id) values ($1, 456)", call_sid)
            await connection.execute(
                "insert into charges (business_id, call_sid, at, kind, name, tokens_in, tokens_cached, tokens_out,"
                " seconds, cost, currency, estimated) values"
                f" (456, $1, '{at}', 'phone', 'twilio', 0, 0, 0, 60, 4, 'USD', false),"
                f" (456, $1, '{at}', 'text', 'gpt', 10, 0, 10, 0, 1, 'USD', false)",
                call_sid,
            )

    fill(write)


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("by", GROUPS)
def test_what_simulated_calls_cost_is_in_no_group(by: str) -> None:
    found = spent(Wanted(FIRST, LAST, by))
    assert round(sum(row.cost for row in found if row.name != SIMULATED), 4) == 0.2958
    assert [(row.calls, row.cost) for row in found if row.name == SIMULATED] == [(1, 5.0)]


@pytest.mark.usefixtures("simulated")
def test_in_a_demo_they_are_what_is_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "1")
    assert sums("business")["456 מספרת דנה"] == (3, 3010, 5.2875)


@pytest.mark.usefixtures("simulated")
def test_that_they_are_not_in_it_is_said_below_and_where_there_is_nothing_else(
    options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(options("costs", SINCE="2024-01-25", UNTIL="2024-01-27")) == FINE
    said = capsys.readouterr().out
    assert "UTC: 0.30 USD" in said.splitlines()[0]
    assert "not in it: 1 simulated calls, 5.00 USD" in said
    assert command.run(options("costs", SINCE="2024-01-20", UNTIL="2024-01-21")) == NOTHING
    assert capsys.readouterr().err.endswith("UTC; not in it: 1 simulated calls, 5.00 USD\n")
    assert command.run(options("costs", SINCE="2024-01-25", UNTIL="2024-01-27", CSV="1")) == FINE
    assert "5.0" not in capsys.readouterr().out


@pytest.mark.usefixtures("stored")
def test_on_a_terminal_of_80_columns_the_numbers_stand_below_one_another_and_none_is_cut(
    options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPS_TERMINAL": "1", "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    assert command.run(options("costs", SINCE="2024-01-25", UNTIL="2024-01-27", BY="business")) == FINE
    rows = [row for row in capsys.readouterr().out.splitlines() if row.endswith("USD")][1:]
    assert len(rows) > 1
    assert len({width(row) for row in rows}) == 1
    assert width(rows[0]) <= 80


@pytest.mark.usefixtures("stored")
def test_the_csv_is_whole_and_no_name_becomes_a_formula(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options("costs", SINCE="2024-01-25", UNTIL="2024-01-27", BY="ending", CSV="1")) == FINE
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["ending"], row["cost"], row["minutes"], row["unpriced"]) for row in rows] == [
        ("customer_hangup", "0.275", "1.5", "0"),
        ("limit", "0.0125", "0.5", "1"),
        ("no call", "0.0083", "0.0", "0"),
    ]
    command._csv("business", [row._replace(name="=cmd()") for row in spent(Wanted(FIRST, LAST))])
    assert "\n'=cmd()," in capsys.readouterr().out


def test_a_name_in_the_csv_gives_a_terminal_no_order(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b]0;x\x07\x9b31m\u202e"
    command._csv("business", [Sum(name, "USD", 1, 1.0, 1, 0, 1, 0.5, 0, 0)])
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(capsys.readouterr().out)


@pytest.mark.usefixtures("stored")
def test_a_time_in_which_nothing_was_paid_and_a_wrong_word(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options("costs", SINCE="2023-01-01", UNTIL="2023-01-02")) == NOTHING
    assert "nothing was paid for" in capsys.readouterr().err
    assert command.run(options("costs", SINCE="2024-01-25", BUSINESS="999")) == NOTHING
    assert "there is no business 999" in capsys.readouterr().err
    assert command.run(options("costs", SINCE="366d")) == NOTHING
    for wrong in ({"BY": "moon"}, {"BUSINESS": "x"}, {"SINCE": "367d"}):
        with pytest.raises(Usage):
            command.run(options("costs", **wrong))


@pytest.mark.alone
def test_a_hundred_thousand_calls_are_added_up_in_few_readings_of_their_rows(fill: Fill) -> None:
    """What that is in seconds says `make bench B=costs`: machines differ."""
    fill(lambda connection: connection.execute(LEDGER.format(calls=100_000)))

    async def read(connection: "asyncpg.Connection[Any]") -> float:
        total: float = await connection.fetchval("select sum(cost + tokens_in + tokens_out + seconds) from charges")
        return total

    for by in GROUPS:
        wanted = Wanted(FIRST, datetime(2025, 1, 1, tzinfo=UTC), by)
        took, reading = [], []
        for _ in range(3):
            reading.append(timed(lambda: asked(read))[0])
            lasted, rows = timed(lambda wanted=wanted: spent(wanted))  # type: ignore[misc]
            took.append(lasted)
        # A call is counted once, and with each model that it used.
        assert sum(row.calls for row in rows) == 100_000 * (len(rows) if by == "model" else 1)
        # Ten at most on a quiet machine.
        assert min(took) < 40 * min(reading), by


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """What it took, in seconds, and what came of it."""
    started = time.monotonic()
    made = work()
    return time.monotonic() - started, made


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("by", "head", "none"), [("business", "עסק", ""), ("ending", "סיום", "לא משיחה")])
def test_the_table_speaks_the_operators_language(
    by: str, head: str, none: str, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", "he")
    assert command.run(options("costs", BY=by, SINCE="2024-01-25", UNTIL="2024-01-27")) == FINE
    said = capsys.readouterr().out
    assert re.search(rf"^{head} .*שיחות .*מטמון", said, re.MULTILINE)
    assert none in said
    assert "no call" not in said
    assert by not in said.splitlines()[1]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("by", "said"), [("day", True), ("month", True), ("business", False)])
def test_the_table_says_whose_day_a_row_is(by: str, said: bool, options: Any, capsys: Any) -> None:
    assert command.run(options("costs", BY=by, SINCE="2024-01-25", UNTIL="2024-01-27")) == FINE
    assert ("a row goes by the clock of its business" in capsys.readouterr().out) is said


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("by", "said"), [("ending", True), ("model", False)])
def test_a_row_without_a_call_is_explained(by: str, said: bool, options: Any, capsys: Any) -> None:
    assert command.run(options("costs", BY=by, SINCE="2024-01-25", UNTIL="2024-01-27")) == FINE
    assert ("no call: answers on WhatsApp" in capsys.readouterr().out) is said


def test_on_a_terminal_of_80_columns_the_longest_ending_keeps_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPS_TERMINAL": "1", "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    endings = [Sum(reason, "USD", 1, 1.0, 999_999_999, 1, 999_999_999, 1.0, 0, 0) for reason in EndReason]
    command._table("ending", endings, "2024")
    said = capsys.readouterr().out
    assert all(reason in said for reason in EndReason)
    assert "…" not in said
    assert max(map(width, said.splitlines())) <= 80
