"""A call, a request or a job: what it lends its lines, what it keeps, and what it folds."""

import asyncio
import contextvars
import dataclasses
import re
import threading
from typing import Any

import pytest

from prosaas_logging import get_logger, scope, watched
from prosaas_logging.budget import Account, Room
from prosaas_logging.catalogue import (
    AUDIO_DELTA,
    CALL_END,
    CALL_START,
    GREETING,
    LINES_FOLDED,
    RESPONSE_CREATED,
    RESPONSE_DONE,
    SCOPE_NAMED,
    TRANSCRIPT_AI,
    TRANSCRIPT_CUSTOMER,
)
from prosaas_logging.events import Event
from prosaas_logging.levels import DEBUG, INFO, WARNING
from prosaas_logging.policy import Policy, Recorded, apply
from prosaas_logging.record import Context, Record
from prosaas_logging.render import TextRenderer
from prosaas_logging.scope import DUMP_SECONDS, MOST_DUMPS, PROCESS, current, enter, leave, live_scopes
from prosaas_logging.settings import LogSettings
from prosaas_logging.switch_state import Change

log = get_logger("tests.scope")


class Sink:
    """Where records and dumps go in these tests."""

    def __init__(self) -> None:
        self.records: list[tuple[Record, Context]] = []
        self.dumps: list[tuple[str, str, int]] = []
        self.text = TextRenderer(LogSettings("svc"))

    def submit(self, record: Record, context: Context) -> None:
        self.records.append((record, context))

    def dump(self, ended: Recorded, reason: str, always: bool) -> bool:
        records = ended.drain()
        if records:
            self.dumps.append((ended.id, reason, len(records)))
        return bool(records)

    def names(self) -> list[str]:
        return [record[3].name if isinstance(record[3], Event) else record[3] for record, _ in self.records]

    def policy(self, **differences: Any) -> Policy:
        usual = Policy(ring=500, budget=30, submit=self.submit, dump=self.dump, render_entry=self.text.entry)
        return dataclasses.replace(usual, **differences)


def target(value: str, level: str = "DEBUG", kind: str = "call") -> Change:
    return Change(kind, value, level, until=float("inf"))


@pytest.fixture
def sink() -> Sink:
    sink = Sink()
    apply(sink.policy())
    return sink


class Clock:
    """The time that records are stamped with."""

    now = 1_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("prosaas_logging.logger._now", lambda: clock.now)
    return clock


def talk(turns: int) -> None:
    log.event(CALL_START, direction="inbound", mode="ai")
    log.event(GREETING)
    for turn in range(turns):
        log.event(TRANSCRIPT_CUSTOMER, text=f"question {turn}")
        log.event(RESPONSE_CREATED, response_id=f"r{turn}")
        log.event(AUDIO_DELTA, response_id=f"r{turn}", bytes=320)
        log.event(RESPONSE_DONE, response_id=f"r{turn}", status="completed", ms=900)
        log.event(TRANSCRIPT_AI, text=f"answer {turn}")
    log.event(CALL_END, duration_s=10 * turns, reason="customer_hangup")


@pytest.mark.parametrize("turns", [3, 60])
def test_a_call_stays_within_its_lines_however_long_it_is(sink: Sink, turns: int) -> None:
    with scope(call_sid="CA1"):
        talk(turns)
    assert 10 <= len(sink.records) <= 30
    assert sink.names()[-1] == "CALL_END"


def test_the_end_of_a_call_says_how_much_was_folded_and_the_timeline_has_it_whole(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        talk(60)
    end = sink.records[-1][0]
    said = 2 + 60 * 4 + 1
    digests = sink.names().count("CALL_DIGEST")
    assert end[4]["folded"] == said - (len(sink.records) - digests) == call.folded
    assert len(call.timeline) == said
    assert sum(entry.folded for entry in call.timeline) == call.folded
    assert call.timeline[-2].text == 'AI: "answer 59"'
    assert call.timeline[0].event == "CALL_START"
    assert call.timeline[0].t_ms >= 0


def test_folded_lines_are_in_the_recorder(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        talk(60)
        kept = [record[3] for record in call.ring]
        assert kept.count(AUDIO_DELTA) == 60
        assert len(kept) - 60 == call.folded


def test_warnings_and_errors_never_fold(sink: Sink) -> None:
    with scope(call_sid="CA1"):
        talk(60)
        before = len(sink.records)
        log.warning("slow")
        log.error("failed")
    assert len(sink.records) == before + 2


def test_a_budget_of_nothing_folds_nothing(sink: Sink) -> None:
    apply(sink.policy(budget=0))
    with scope(call_sid="CA1") as call:
        talk(60)
    assert call.folded == 0


def test_at_debug_nothing_folds_and_nothing_is_kept_twice(sink: Sink) -> None:
    apply(sink.policy(threshold=DEBUG))
    with scope(call_sid="CA1") as call:
        talk(60)
        assert not call.ring
    assert len(sink.records) == 2 + 60 * 5 + 1


def test_a_line_s_fields_are_those_at_its_moment(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        log.info("before")
        call.add(customer_id="7")
        log.info("after")
    (_, before), (_, after) = sink.records
    assert "customer_id" not in before.fields
    assert after.fields == {"call_sid": "CA1", "customer_id": "7"}


@pytest.mark.parametrize(
    ("fields", "kind", "tail"),
    [
        ({"call_sid": "CA1", "business_id": "4"}, "call", ("call_sid=CA1",)),
        ({"request_id": "r1"}, "request", ("request_id=r1",)),
        ({"request_id": "r1", "call_sid": "CA1"}, "request", ("request_id=r1", "call_sid=CA1")),
        ({"job_id": "5", "call_sid": "CA1"}, "job", ("job_id=5", "call_sid=CA1")),
        ({"job_id": "5", "message_id": "SM1"}, "job", ("job_id=5", "message_id=SM1")),
    ],
)
def test_a_line_ends_with_the_ids_that_its_scope_is_about(
    fields: dict[str, Any], kind: str, tail: tuple[str, ...]
) -> None:
    entered = scope(**fields)
    assert (entered.kind, entered.context.tail) == (kind, tail)


def test_a_part_of_something_goes_by_the_ids_of_what_it_is_a_part_of() -> None:
    for around, tail in (
        ({"request_id": "r1"}, ("request_id=r1",)),
        ({"job_id": "5"}, ("job_id=5",)),
        ({"call_sid": "CA1"}, ("call_sid=CA1",)),
    ):
        with scope(**around):
            part = scope(order="7")
        assert (part.kind, part.context.tail) == ("part", tail)


def test_an_inner_scope_inherits_and_the_outer_one_comes_back(sink: Sink) -> None:
    with scope(request_id="r1", business_id="4") as outer:
        with scope(call_sid="CA1"):
            log.info("inner")
        assert current() is outer
    assert sink.records[0][1].fields == {"request_id": "r1", "business_id": "4", "call_sid": "CA1"}
    assert not live_scopes()


async def test_tasks_and_threads_started_inside_belong_to_the_scope(sink: Sink) -> None:
    async def speak(text: str) -> None:
        await asyncio.sleep(0)
        log.info(text)

    with scope(call_sid="CA1") as one:
        first = asyncio.create_task(speak("one"))
        one.add(customer_id="7")
        await asyncio.to_thread(log.info, "thread")
        await first
    with scope(call_sid="CA2"):
        await asyncio.create_task(speak("two"))
    spoken = {record[3]: context.fields for record, context in sink.records}
    assert spoken["one"] == spoken["thread"] == {"call_sid": "CA1", "customer_id": "7"}
    assert spoken["two"] == {"call_sid": "CA2"}


def test_each_error_writes_what_was_recorded_since_the_last_one_within_a_pace(sink: Sink, clock: Clock) -> None:
    with scope(call_sid="CA1"):
        log.error("nothing to write yet, which spends nothing")
        log.debug("kept")
        log.error("first")
        log.debug("kept after")
        log.error("too soon")
        clock.now += DUMP_SECONDS
        log.debug("kept later")
        log.error("second")
    assert sink.dumps == [("CA1", "error", 1), ("CA1", "error", 2)]


def test_a_scope_s_errors_write_a_bounded_number_of_times_and_its_abnormal_end_still_does(
    sink: Sink, clock: Clock
) -> None:
    with scope(call_sid="CA1") as call:
        for _ in range(MOST_DUMPS * 2):
            clock.now += DUMP_SECONDS
            log.debug("kept")
            log.error("failed")
        assert len(sink.dumps) == MOST_DUMPS
        call.fail("dead air")
    assert sink.dumps[-1] == ("CA1", "dead air", MOST_DUMPS)


def leave_a_job_by(error: BaseException) -> None:
    with scope(job_id="5"):
        log.debug("kept")
        raise error


def test_an_exception_that_leaves_the_scope_is_an_abnormal_end(sink: Sink) -> None:
    with pytest.raises(ValueError, match="no"):
        leave_a_job_by(ValueError("no"))
    assert sink.dumps == [("5", "ValueError", 1)]


def test_cancelling_is_a_normal_end(sink: Sink) -> None:
    with pytest.raises(asyncio.CancelledError):
        leave_a_job_by(asyncio.CancelledError())
    assert sink.dumps == []


def test_code_can_say_that_an_end_is_abnormal(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        log.debug("kept")
        call.fail("dead air")
        call.fail("again")
    assert sink.dumps == [("CA1", "dead air", 1)]


def test_nothing_leaks_from_one_scope_into_the_next(sink: Sink) -> None:
    with scope(job_id="1") as first:
        log.debug("kept")
    with scope(job_id="2") as second:
        log.error("failed")
    assert not first.ring
    assert sink.dumps == []
    assert second is not first


def test_a_ring_keeps_the_latest(sink: Sink) -> None:
    apply(sink.policy(ring=10))
    with scope(call_sid="CA1") as call:
        for number in range(25):
            log.debug("tick", number=number)
        assert [record[4]["number"] for record in call.ring] == list(range(15, 25))


def test_a_switched_call_says_everything_while_others_stay_quiet(sink: Sink) -> None:
    with scope(call_sid="CA1"), scope(call_sid="CA2") as second:
        apply(sink.policy(targets=(target("CA1"),)))
        log.debug("second")
        assert len(second.ring) == 1
    with scope(call_sid="CA1"):
        log.debug("first")
    assert sink.names() == ["first"]


def test_a_call_that_runs_already_follows_a_switch(sink: Sink) -> None:
    with scope(call_sid="CA1"):
        log.debug("before")
        apply(sink.policy(targets=(target("CA1"),)))
        log.debug("during")
        apply(sink.policy())
        log.debug("after")
    assert sink.names() == ["during"]


async def test_work_that_outlives_its_scope_keeps_its_ids_and_follows_the_switch(sink: Sink) -> None:
    more = asyncio.Event()

    async def work() -> None:
        for text in ("before", "during", "after"):
            await more.wait()
            more.clear()
            log.debug(text)

    with scope(call_sid="CA1"):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
    for targets in ((), (target("CA1"),), ()):
        apply(sink.policy(targets=targets))
        more.set()
        await asyncio.sleep(0.01)
    await task
    assert [(record[3], context.fields) for record, context in sink.records] == [("during", {"call_sid": "CA1"})]


def test_work_that_outlives_a_call_spends_nothing_of_its_budget(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        talk(60)
        context = contextvars.copy_context()
    before = len(sink.records), call.folded
    context.run(log.info, "later")
    assert (len(sink.records), call.folded) == (before[0] + 1, before[1])


def test_a_switch_can_silence_a_call(sink: Sink) -> None:
    apply(sink.policy(targets=(target("CA1", "WARNING"),)))
    with scope(call_sid="CA1"):
        log.info("quiet")
        log.warning("loud")
    assert sink.names() == ["loud"]


def test_a_switch_finds_a_call_by_what_is_added_to_it_later(sink: Sink) -> None:
    apply(sink.policy(targets=(target("456", kind="business"),)))
    with scope(call_sid="CA1") as call:
        log.debug("unknown business")
        call.add(business_id="456")
        log.debug("known business")
    assert sink.names() == ["known business"]


def test_a_scope_that_is_told_what_it_knows_stays_as_it_is_and_what_is_new_is_added() -> None:
    with scope(call_sid="CA1", phone="+972501234567") as call:
        before = call.context
        call.add(call_sid="CA1")
        assert call.context is before
        call.add(call_sid="CA1", business_id="456")
        assert call.context.fields == {**before.fields, "business_id": "456"}


class Array:
    """Compared value by value, as numpy's are."""

    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_what_is_added_may_be_anything_and_is_what_was_added_last() -> None:
    with scope(request_id="r", n=1, taken="yes") as request:
        for value in (Array(), Array(), "a word", Array()):
            request.add(value=value)
            assert request.context.fields["value"] is value
        request.add(n=True)
        assert request.context.fields["n"] is True
        growing = ["one"]
        request.add(growing=growing)
        before = request.context
        growing.append("two")
        request.add(growing=growing)
        assert request.context is not before, "its lines are made anew"


def test_code_can_ask_whether_its_debug_lines_are_read(sink: Sink) -> None:
    assert not watched()
    with scope(call_sid="CA1"):
        assert not watched()
        apply(sink.policy(targets=(target("CA1"),)))
        assert watched()
    apply(sink.policy(threshold=DEBUG))
    assert watched()


def test_a_thread_s_own_scope_does_not_disturb_another_s(sink: Sink) -> None:
    def work(name: str) -> None:
        with scope(job_id=name):
            for _ in range(20):
                log.info(name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(record[3] == context.fields["job_id"] for record, context in sink.records)
    assert len([record for record, _ in sink.records if record[3] is not LINES_FOLDED]) == 80


def test_a_scope_that_ends_with_folded_lines_says_so_in_one_line_if_nobody_has(sink: Sink) -> None:
    apply(sink.policy())
    with scope(call_sid="CA1"):
        for number in range(60):
            get_logger("tests.noisy" if number % 3 else "tests.other").info(f"line {number}")
    (told,) = [record for record, _ in sink.records if record[3] is LINES_FOLDED]
    written = len(sink.records) - 1
    assert told[4]["count"] == 60 - written
    assert str(told[4]["loggers"]).startswith("tests.noisy ")
    assert sum(int(number) for number in re.findall(r"\d+", str(told[4]["loggers"]))) == 60 - written


def test_what_the_end_of_a_call_has_told_is_not_told_twice(sink: Sink) -> None:
    apply(sink.policy())
    with scope(call_sid="CA1"):
        talk(60)
        log.event(CALL_END, duration_s=1, reason="x")
    assert sink.names().count("LINES_FOLDED") == 0


def test_a_scope_that_folds_nothing_ends_silently(sink: Sink) -> None:
    apply(sink.policy())
    with scope(call_sid="CA1"):
        log.info("hello")
    assert sink.names() == ["hello"]


def test_loggers_without_end_are_counted_in_bounded_memory(sink: Sink) -> None:
    """The first 64 by name, all others as one."""
    account = Account()
    for number in range(1000):
        assert account.folds((0.0, INFO, get_logger(f"logger.{number}"), "text", {}, None), Room(0, 0, 0), str)
    assert account.folded == 1000
    assert account.by_logger() == "… 936, logger.0 1, logger.1 1, logger.2 1, logger.3 1, +60"


@pytest.mark.parametrize(
    ("fields", "goes_by"),
    [
        ({}, "part"),
        ({"request_id": ""}, "request"),
        ({"request_id": "r1", "job_id": "j1", "call_sid": "CA1"}, "j1"),
        ({"request_id": "r1", "call_sid": "CA1"}, "r1"),
        ({"call_sid": "CA1", "message_id": "m1"}, "CA1"),
        ({"kind": "part", "message_id": "m1"}, "m1"),
    ],
)
def test_what_goes_by_no_id_goes_by_what_it_is(fields: dict[str, Any], goes_by: str) -> None:
    assert scope(**fields).id == goes_by
    assert PROCESS.id == "process"


def test_a_call_alone_has_a_timeline(sink: Sink) -> None:
    apply(sink.policy())
    for fields, kept in (({"call_sid": "CA1"}, 1), ({"request_id": "r1"}, 0), ({"job_id": "j1"}, 0)):
        with scope(**fields) as opened:
            log.info("line")
        assert len(opened.timeline) == kept


def test_a_timeline_counts_from_the_begin_of_the_call_and_knows_nothing_before_it(sink: Sink) -> None:
    apply(sink.policy())
    with scope(call_sid="CA1") as call:
        call.started = 1000.0
        for moment in (999.0, 1000.0, 1001.5):
            call.emit((moment, INFO, log, "line", {}, None))
    assert [entry.t_ms for entry in call.timeline] == [0, 0, 1500]


@pytest.mark.parametrize(("many", "more"), [(5, ""), (6, ", +1")])
def test_the_five_most_frequent_loggers_are_named_and_the_others_counted(many: int, more: str) -> None:
    account = Account()
    for number in range(many):
        for _ in range(10 - number):
            account.folds((0.0, INFO, get_logger(f"l{number}"), "text", {}, None), Room(0, 0, 0), str)
    assert account.by_logger() == "l0 10, l1 9, l2 8, l3 7, l4 6" + more


def test_folded_lines_are_handed_to_whoever_keeps_them(sink: Sink) -> None:
    kept: list[Record] = []
    apply(sink.policy(keep_folded=lambda _, record: kept.append(record), where_folded=lambda _: "/a/file"))
    with scope(call_sid="CA1"):
        for number in range(60):
            log.info(f"line {number}")
    told = sink.records[-1][0]
    assert (told[3], told[4]["where"]) == (LINES_FOLDED, "/a/file")
    assert told[4]["count"] == len(kept)


def test_an_id_that_becomes_known_late_names_the_scope_its_lines_and_its_recording(sink: Sink) -> None:
    apply(sink.policy())
    with scope(kind="call") as call:
        unnamed = call.id
        log.debug("before")
        log.info("accepted")
        assert sink.records[-1][1].tail == (f"request_id={unnamed}",)
        call.add(call_sid="CA1", business_id=7)
        log.error("broken")
    named = next(record for record, _ in sink.records if record[3] is SCOPE_NAMED)
    assert named[4] == {"former": unnamed, "now": "CA1"}
    assert sink.records[-1][1].tail == ("call_sid=CA1",)
    assert sink.records[-1][1].fields == {"request_id": unnamed, "call_sid": "CA1", "business_id": 7}
    assert sink.dumps == [("CA1", "error", 1)]


def test_an_id_that_becomes_known_late_is_found_by_the_switch(sink: Sink) -> None:
    apply(sink.policy(targets=(target("CA1"),)))
    with scope(kind="call") as call:
        log.debug("not written")
        call.add(call_sid="CA1")
        log.debug("written")
    assert "written" in sink.names()
    assert "not written" not in sink.names()


def test_two_calls_without_an_id_do_not_share_one() -> None:
    assert scope(kind="call").id != scope(kind="call").id


def test_a_kind_of_one_s_own_is_a_field(sink: Sink) -> None:
    opened = scope(kind="premium", job_id="j1")
    assert (opened.kind, opened.context.fields["kind"]) == ("job", "premium")


@pytest.mark.parametrize(
    ("name", "level", "written"),
    [
        ("tests.quiet", "info", False),
        ("tests.quiet.child", "info", False),
        ("tests.quiet", "warning", True),
        ("tests.quieter", "info", True),
        ("tests.quiet.loud", "info", True),
        ("tests.loud", "debug", True),
        ("tests.loud.child", "debug", True),
        ("tests.else", "debug", False),
    ],
)
def test_a_logger_s_own_level_covers_what_is_below_it_and_the_longest_name_counts(
    sink: Sink, name: str, level: str, written: bool
) -> None:
    apply(sink.policy(names=(("tests.quiet", WARNING), ("tests.quiet.loud", DEBUG), ("tests.loud", DEBUG))))
    with scope(request_id="r") as request:
        getattr(get_logger(name), level)("said")
        assert sink.names() == (["said"] if written else [])
        assert len(request.drain()) == (0 if written else 1)


def test_events_follow_their_logger_s_level(sink: Sink) -> None:
    apply(sink.policy(names=(("tests.quiet", WARNING), ("tests.loud", DEBUG))))
    get_logger("tests.quiet").event(GREETING)
    get_logger("tests.loud").event(AUDIO_DELTA, response_id="r", bytes=1)
    get_logger("tests.else").event(AUDIO_DELTA, response_id="r", bytes=1)
    assert sink.names() == ["AUDIO_DELTA"]


def test_a_switched_call_shows_what_a_name_keeps_quiet_also_late(sink: Sink) -> None:
    apply(sink.policy(names=(("tests.quiet", WARNING),), targets=(target("CA1"),)))
    with scope(call_sid="CA1"):
        get_logger("tests.quiet").info("shown")
        context = contextvars.copy_context()
    with scope(call_sid="CA2"):
        get_logger("tests.quiet").info("not shown")
        other = contextvars.copy_context()
    context.run(get_logger("tests.quiet").debug, "late")
    other.run(get_logger("tests.quiet").info, "not shown late")
    assert sink.names() == ["shown", "late"]


def test_a_growing_timeline_is_told_piece_by_piece(sink: Sink) -> None:
    """Each entry once, also after so many that the oldest have gone."""
    with scope(call_sid="CA1") as call:
        log.info("one")
        first, mark = call.timeline_after()
        assert call.timeline_after(mark) == ([], mark)
        log.info("two")
        log.info("three")
        then, mark = call.timeline_after(mark)
        for number in range(2500):
            log.info(f"more {number}")
        rest, _ = call.timeline_after(mark)
        assert rest == call.timeline
    assert [entry.text for entry in (*first, *then)] == ["one", "two", "three"]
    assert len(rest) == 2000


def test_work_that_outlives_its_call_is_watched_while_the_call_is_asked_for(sink: Sink) -> None:
    with scope(call_sid="CA1") as call:
        assert not watched()
    assert call.ended
    token = enter(call)
    try:
        for targets in ((Change("call", "CA1", "DEBUG", 2e9),), ()):
            apply(sink.policy(targets=targets))
            assert watched() is bool(targets)
            call.add(business_id=f"of {len(targets)}")
            log.debug("late")
    finally:
        leave(token)
    assert [(record[3], context.fields["business_id"]) for record, context in sink.records] == [("late", "of 1")]


def test_a_call_of_which_nothing_was_folded_says_nothing_of_it(sink: Sink) -> None:
    with scope(call_sid="CA1"):
        log.event(CALL_END, duration_s=1, reason="customer_hangup")
    ((record, _),) = sink.records
    assert "folded" not in record[4]
