"""Many calls at once, in a database at the newest schema."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.facts.troubles import opening, verdict
from prosaas_ops.ask import calls as command
from prosaas_ops.options import FINE, NOTHING, Problem, Usage
from prosaas_ops.stack import found, records
from prosaas_ops.stack.found import ORDERS, Asked, calls_of, find, is_ending

DAY = datetime(2024, 1, 25, tzinfo=UTC)
INSERT = """
    insert into calls (call_sid, business_id, from_number, to_number, status, started_at, duration_s, end_reason,
                       metrics, recorded_at)
    values ($1, $2, $3, '+97235550100', $4, $5, $6, $7, $8, $9)
"""
# id, business, caller, status, hour, seconds, reason, metrics; the last was never answered and has no record.
CALLS = [
    ("CAgood0001", 456, "+972501111111", "completed", 9, 60.0, "customer_hangup", {"turns": 3, "first_audio_ms": 400}),
    ("CAslow0001", 456, "+972502222222", "completed", 10, 90.0, "agent_ended", {"turns": 2, "first_audio_ms": 2356}),
    ("CAmodel001", 456, "+972503333333", "completed", 11, 3.0, "model_unreachable", {"turns": 1, "reconnects": 6}),
    ("CArefused1", 7, "+972504444444", "completed", 12, 30.0, "customer_hangup", {"turns": 2, "refused": 1}),
    ("CAerror001", 7, "+972505555555", "completed", 13, 31.0, "customer_hangup", {"turns": 2, "errors": 2}),
    ("CAunkept01", 8, "+972506666666", "completed", 13.5, 32.0, "customer_hangup", {"turns": 2, "unkept": "קבעתי"}),
    ("CAnever001", 456, "+972501111111", "completed", 14, 3.0, None, {}),
]

# What each trouble looks like in a record, the worst of them last; the first is none.
METRICS: list[dict[str, Any]] = [
    {"refused": 1, "unmended": 0},
    {"refused": 1, "unmended": 1},
    {"turns": 0},
    {"slowest_ms": 3000, "response_p95_ms": 900},
    {"reconnects": 1},
    {"noisy": 1},
    {"unwritten": 1},
    {"unanswered_ms": 16_000},
    {"returned": "no-answer"},
    {"unkept": "I booked it"},
]


@pytest.fixture(autouse=True)
def _nobody_says_which_are_live(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "live_ids", lambda engine: None)
    monkeypatch.setattr(command, "opened", lambda: engine)


@pytest.fixture
def stored(fill: Fill) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for business in (456, 7, 8):
            await connection.execute(
                "insert into businesses (id, name, phone) values ($1, 'x', $2)", business, f"+97235550{business:03}"
            )
        for call_sid, business, phone, status, hour, seconds, reason, metrics in CALLS:
            at = DAY + timedelta(hours=hour)
            values = (
                call_sid,
                business,
                phone,
                status,
                at,
                seconds,
                reason,
                json.dumps(metrics),
                at if reason else None,
            )
            await connection.execute(INSERT, *values)

    fill(write)


def asked(**values: Any) -> Asked:
    return Asked(**{"since": DAY, "until": DAY + timedelta(days=1), **values})


@pytest.mark.usefixtures("stored")
def test_a_call_that_we_had_and_that_left_no_record_was_not_missed(fill: Fill) -> None:
    """Its machine went down with it: nobody knows how it ended, but the agent had it."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("""update calls set metrics = '{"streamed": true}' where call_sid = 'CAnever001'""")

    fill(write)
    (row,) = [each for each in find(asked()).rows if each.facts.call_sid == "CAnever001"]
    assert [trouble.name for trouble in verdict(row.facts)] == ["no_ending"]
    assert find(asked()).unreached == 0


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("ended", "troubles"),
    [("transferred", ["put_through"]), ("forwarded_back", []), ("missed", ["no_stream_listed", "bad_ending"])],
)
def test_of_a_call_that_was_dealt_with_at_the_door_the_list_says_what_the_story_does(
    fill: Fill, ended: str, troubles: list[str]
) -> None:
    """Whoever was put through to a person because we took no calls went without the agent, as who was missed did."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("update calls set end_reason = $1 where call_sid = 'CAnever001'", ended)

    fill(write)
    found = find(asked())
    (row,) = [each for each in found.rows if each.facts.call_sid == "CAnever001"]
    assert [trouble.name for trouble in verdict(row.facts)] == troubles
    assert (row.facts.live, found.unreached, found.bad) == (False, len(troubles) > 0, 5 + (len(troubles) > 0))


def names(**values: Any) -> list[str]:
    return [row.facts.call_sid for row in find(asked(**values)).rows]


@pytest.mark.usefixtures("stored")
def test_a_days_calls_are_counted_and_listed_newest_first() -> None:
    found = find(asked())
    assert (found.calls, found.bad, found.unreached) == (7, 6, 1)
    assert [row.facts.call_sid for row in found.rows] == [call[0] for call in reversed(CALLS)]


@pytest.fixture
def two_simulated(stored: None, fill: Fill) -> list[str]:
    """Beside the real ones: one that went well, and then one that went badly."""
    made = [new_call_sid(), new_call_sid()]

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for hour, call_sid, reason in zip((16, 17), made, ("customer_hangup", "model_failed"), strict=True):
            at, metrics = DAY + timedelta(hours=hour), json.dumps({"turns": 2})
            values = (call_sid, 456, "+972501111111", "completed", at, 30.0, reason, metrics, at)
            await connection.execute(INSERT, *values)

    fill(write)
    return made


def test_simulated_calls_are_listed_and_in_no_count_of_a_live_stack(two_simulated: list[str]) -> None:
    found = find(asked())
    assert (found.calls, found.bad, found.unreached, found.simulated) == (7, 6, 1, 2)
    assert [row.facts.call_sid for row in found.rows[:2]] == [*reversed(two_simulated)]
    bad = find(asked(bad=True, order="worst", most=20))
    assert (bad.calls, bad.bad, bad.simulated, len(bad.rows)) == (7, 6, 1, 7)
    assert bad.rows[0].facts.call_sid == two_simulated[1]
    assert calls_of("0501111111").every == 4


def test_in_a_demo_they_are_the_calls(two_simulated: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "1")
    found = find(asked())
    assert (found.calls, found.bad, found.unreached, found.simulated) == (9, 7, 1, 0)


def test_the_list_says_of_each_that_it_is_simulated_and_how_many_are_not_counted(
    two_simulated: list[str], options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(options("calls", SINCE="2024-01-25", UNTIL="2024-01-26", MAX="8")) == FINE
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(": calls 7, went badly 6, never reached the agent 1; beside them 2 simulated")
    shown = {row.split()[2]: row for row in said if len(row.split()) > 2}
    assert "simulated: the caller hung up" in shown[two_simulated[0][:8]]
    assert "simulated" not in shown["CAslow00"]
    assert "8 of 9: MAX=9 shows all" in said


@pytest.mark.usefixtures("stored")
def test_the_bad_ones_come_worst_first_and_every_one_of_them_has_a_verdict() -> None:
    found = find(asked(bad=True, order="worst"))
    assert [row.facts.call_sid for row in found.rows] == [
        "CAmodel001", "CAnever001", "CAunkept01", "CAerror001", "CAslow0001", "CArefused1",
    ]  # fmt: skip
    assert all(verdict(row.facts) for row in found.rows)
    assert not verdict(find(asked(since=DAY + timedelta(hours=8), until=DAY + timedelta(hours=10))).rows[-1].facts)


@pytest.mark.usefixtures("stored")
def test_the_list_and_the_verdict_judge_alike(fill: Fill) -> None:
    """Whatever the one calls bad the other has a sentence for: `make calls` and `make trace` do not contradict."""
    at = DAY + timedelta(days=9)

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for number, metrics in enumerate(METRICS):
            values = ("+97250", "completed", at, 9.0, "customer_hangup", json.dumps({"turns": 2} | metrics), at)
            await connection.execute(INSERT, f"CAjudged{number}", 456, *values)

    fill(write)
    week = {"since": at, "until": at + timedelta(hours=1)}
    everything = {row.facts.call_sid: verdict(row.facts) for row in find(asked(**week)).rows}
    assert [bool(everything[f"CAjudged{number}"]) for number in range(len(METRICS))] == [False] + [True] * 9
    assert set(names(**week, bad=True)) == {call_sid for call_sid, troubles in everything.items() if troubles}
    assert names(**week, bad=True, order="worst")[0] == f"CAjudged{len(METRICS) - 1}"


def test_an_open_record_is_of_a_live_call_only_while_prosaas_calls_has_it(fill: Fill) -> None:
    """After a restore the calls of the backup's moment are open, and over."""
    values = ("+97250", "in-progress", DAY, None, None, "{}", None)
    fill(lambda connection: connection.execute(INSERT, "CAopen0001", None, *values))
    for live, (is_live, bad) in {None: (True, 0), (): (False, 1), ("CAopen0001",): (True, 0)}.items():
        found = find(asked(live=live))
        assert (found.rows[0].facts.live, found.bad) == (is_live, bad)
        assert [trouble.name for trouble in verdict(found.rows[0].facts)] == ["no_ending"] * bad


@pytest.mark.usefixtures("stored")
def test_they_are_found_by_number_business_and_time() -> None:
    assert names(phone="050-1111111") == ["CAnever001", "CAgood0001"]
    assert names(business=7) == ["CAerror001", "CArefused1"]
    assert names(business=7, phone="0505555555") == ["CAerror001"]
    assert names(since=DAY + timedelta(hours=10), until=DAY + timedelta(hours=11)) == ["CAslow0001"]
    assert names(most=1) == ["CAnever001"]


@pytest.mark.usefixtures("stored")
def test_a_number_is_found_by_as_much_of_its_end_as_the_list_itself_shows() -> None:
    for phone in ("5555", "…5555", "… 55555", "5555-55"):
        assert names(phone=phone) == ["CAerror001"], phone
    assert names(phone="0555") == [], "a zero is a digit like any other"
    for phone in ("555", "…555", "+5555"):
        with pytest.raises(Usage, match="PHONE="):
            names(phone=phone)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("order", "first"), [("slowest", "CAslow0001"), ("longest", "CAslow0001")])
def test_they_are_ordered_as_asked(order: str, first: str) -> None:
    assert names(order=order)[0] == first
    assert set(ORDERS) == {"newest", "worst", "slowest", "longest"}


@pytest.mark.usefixtures("stored")
def test_the_list_says_what_was_wrong_and_how_to_go_on(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options("calls", SINCE="2024-01-25", UNTIL="2024-01-26", BAD="1", MAX="2")) == FINE
    said = capsys.readouterr().out.splitlines()
    assert "calls 7, went badly 6, never reached the agent 1" in said[0]
    assert "01-25 11:00  CAmodel0  …3333" in said[2]
    assert said[2].endswith("the model could not be reached")
    assert said[3].endswith("no audio stream ever came; make trace says why")
    assert said[4] == "2 of 6: MAX=6 shows all"
    assert said[5].startswith("next: make trace CALL=CAmodel0")


@pytest.mark.usefixtures("stored")
def test_on_a_narrow_terminal_the_trouble_stands_below_its_call(
    options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPS_TERMINAL": "1", "COLUMNS": "80", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert command.run(options("calls", SINCE="2024-01-25", UNTIL="2024-01-26", BAD="1", MAX="1")) == FINE
    said = capsys.readouterr().out.replace("\u2068", "").replace("\u2069", "")
    assert re.search(r"CAmodel0.*-\n {13}the model could not be reached\n", said)


@pytest.mark.usefixtures("stored")
def test_who_hid_their_number_is_called_hidden(
    fill: Fill, options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = ("CAhidden01", None, "anonymous", "completed", DAY, 4.0, "customer_hangup", "{}", DAY)
    fill(lambda connection: connection.execute(INSERT, *values))
    for language, shown in (("en", "hidden"), ("he", "חסוי")):
        monkeypatch.setenv("OPS_LANG", language)
        assert command.run(options("calls", SINCE="2024-01-25", UNTIL="2024-01-26")) == FINE
        said = capsys.readouterr().out
        assert f"CAhidden  {shown:<7}" in said
        assert "mous" not in said


@pytest.mark.usefixtures("stored")
def test_a_caller_who_was_forgotten_is_called_that_and_is_no_bad_call(
    fill: Fill, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that never reached the agent, whose number alone said why, among them."""
    erased = "update calls set from_number = '', to_number = '' where call_sid in ('CAnever001', 'CAgood0001')"
    fill(lambda connection: connection.execute(erased))
    rows = {row.facts.call_sid: row.facts for row in find(asked()).rows}
    assert opening(rows["CAnever001"]) == "who called was forgotten"
    assert opening(rows["CAgood0001"]) == "the caller hung up; who called was forgotten"
    assert not {"CAnever001", "CAgood0001"} & set(names(bad=True))
    assert command.run(options("calls", SINCE="2024-01-25", UNTIL="2024-01-26")) == FINE
    assert re.search(
        r"CAgood00  erased .* the caller hung up; who called was forgotten$", capsys.readouterr().out, re.M
    )


def test_a_database_that_is_away_leaves_what_the_lines_can_tell(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows is told as what it is: a container that does not run."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:x@nobody.invalid/x")
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    with pytest.raises(Problem, match=r"so it does not run\. .*make errors, make logs, make trace CALL="):
        command.run(options("calls"))


@pytest.mark.usefixtures("stored")
def test_a_time_without_calls_matches_nothing(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options("calls", SINCE="2023-01-01", UNTIL="2023-01-02")) == NOTHING
    assert "make logs S=api LEVEL=WARNING SINCE=2023-01-01 UNTIL=2023-01-02" in capsys.readouterr().err
    assert command.run(options("calls", SINCE="2024-01-25", BUSINESS="999")) == NOTHING
    assert "there is no business 999" in capsys.readouterr().err


def test_a_business_is_a_number(options: Any) -> None:
    with pytest.raises(Usage, match="BUSINESS=x"):
        command.run(options("calls", BUSINESS="x"))


@pytest.mark.usefixtures("stored")
def test_the_beginning_of_an_id_finds_its_call_whatever_the_case() -> None:
    assert records.calls_named("caGOOD") == ["CAgood0001"]
    assert records.calls_named("CA%") == []


def test_a_call_to_a_number_of_no_business_says_which(stored: None, fill: Fill) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(INSERT, "CAnobody01", None, "+972507777777", "completed", DAY, 3.0, None, "{}", None)

    fill(write)
    (row,) = find(Asked(DAY, DAY + timedelta(minutes=1))).rows
    assert opening(row.facts) == "no business has the number +97235550100"
    # The list of the number's calls says the same.
    (listed,) = calls_of("+972507777777").rows
    assert opening(listed.facts) == opening(row.facts)


@pytest.mark.parametrize(
    ("typed", "several"),
    [
        ("4567", True), ("…234567", True), ("234567", True), ("501234567", True), ("447501234567", True),
        ("0501234567", False), ("+447501234567", False), ("972501234567", False), ("123", False), ("050a1234", False),
    ],
)  # fmt: skip
def test_digits_whose_beginning_was_not_typed_may_be_the_end_of_several_numbers(typed: str, several: bool) -> None:
    assert is_ending(typed) is several


def test_a_numbers_calls_until_a_moment_are_those_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """And many of them: the one that is sought need not be among the newest."""
    asked: list[Asked] = []
    monkeypatch.setattr(found, "find", asked.append)
    until = datetime(2024, 1, 26, tzinfo=UTC)
    calls_of("0501234567", until - timedelta(hours=2), None, until)
    calls_of("0501234567")
    then, newest = asked
    assert (then.since, then.until) == (until - timedelta(hours=2), until)
    assert then.most > newest.most
    assert newest.until > datetime.now(UTC)
