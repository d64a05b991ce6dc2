"""Long calls in virtual time: what is said, what makes room, and how old the last line ever is."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from prosaas_logging import get_logger, scope
from prosaas_logging.budget import DIGEST_SECONDS, SHARES, Account, Room, room_for
from prosaas_logging.catalogue import (
    BARGE_IN,
    CALL_DIGEST,
    CALL_END,
    CALL_GOES_ON,
    CALL_START,
    DB_CONTEXT,
    GREETING,
    JOB_DONE,
    JOB_ENQUEUED,
    REALTIME_CONNECTED,
    RESPONSE_CREATED,
    RESPONSE_DONE,
    TOOL_CALL,
    TOOL_FAILED,
    TOOL_REFUSED,
    TOOL_RESULT,
    TRANSCRIPT_AI,
    TRANSCRIPT_CUSTOMER,
    VOICE_WEBHOOK,
    WHATSAPP_RECEIVED,
)
from prosaas_logging.events import AnyEvent, Event
from prosaas_logging.policy import Policy, apply
from prosaas_logging.record import OURS, Context, Record
from prosaas_logging.render import TextRenderer
from prosaas_logging.scope import tell_all
from prosaas_logging.settings import LogSettings

log = get_logger("tests.budget")

DIGESTS = (CALL_GOES_ON, CALL_DIGEST)


class Log:
    """The written lines, and a clock of which a second passes when a test says so."""

    def __init__(self, budget: int = 30) -> None:
        self.now = 1_000_000.0
        self.written: list[Record] = []
        self._text = TextRenderer(LogSettings("svc", lang="en"))
        self.policy = Policy(ring=500, budget=budget, submit=self._submit, render_entry=self._text.entry)

    def _submit(self, record: Record, context: Context) -> None:
        self.written.append(record)

    def pass_seconds(self, seconds: int) -> None:
        """Time in which nobody says anything; the writer looks at the clock each second."""
        for _ in range(seconds):
            self.now += 1
            tell_all(self.now)

    def of(self, *events: AnyEvent) -> list[Record]:
        return [record for record in self.written if record[3] in events]

    def text(self) -> str:
        return "\n".join(self._text.text(record, Context({})) for record in self.written)

    def told(self, field: str) -> int:
        """The sum of a number over all digests."""
        return sum(int(str(record[4][field] or 0)) for record in self.of(*DIGESTS))

    def longest_gap(self, until: float) -> float:
        """Between two lines, and from the last one to *until*."""
        moments = [*[record[0] for record in self.written if record[0] <= until], until]
        return max(after - before for before, after in pairwise(moments))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    lines = Log()
    monkeypatch.setattr("prosaas_logging.logger._now", lambda: lines.now)
    apply(lines.policy)
    yield lines
    apply(Policy())


class Talk:
    """What a call says, as prosaas_calls says it; a turn takes four to five seconds."""

    def __init__(self, lines: Log) -> None:
        self.lines = lines
        self.tools: list[str] = []
        self.responses = 0

    def begin(self) -> None:
        log.event(CALL_START, direction="inbound", mode="ai")
        log.event(DB_CONTEXT, name="Dana", phone="+972501234567")
        log.event(REALTIME_CONNECTED, ms=200)
        log.event(GREETING)
        self.answer("hello")

    def answer(self, text: str = "") -> None:
        self.responses += 1
        log.event(RESPONSE_CREATED, response_id=f"r{self.responses}")
        self.lines.pass_seconds(1)
        if text:
            log.event(TRANSCRIPT_AI, text=text)
        log.event(RESPONSE_DONE, response_id=f"r{self.responses}", status="completed", ms=900)

    def use_tool(self, outcome: str) -> None:
        self.answer()
        log.event(TOOL_CALL, tool="check_availability", summary=f"day {len(self.tools)}")
        log.event(TOOL_RESULT, tool="check_availability", summary=outcome)
        self.tools.append(outcome)

    def turn(self, number: int, *, tool: bool = False, barge_in: bool = False) -> None:
        self.lines.pass_seconds(3)
        log.event(TRANSCRIPT_CUSTOMER, text=f"question {number}")
        if tool:
            self.use_tool(f"free times of tool {len(self.tools)}")
        self.answer(f"answer {number}")
        if barge_in:
            log.event(BARGE_IN, heard_ms=500)

    def end(self) -> None:
        log.event(CALL_END, duration_s=1, reason="customer_hangup")
        log.event(JOB_ENQUEUED, job="call.summarise", queued_id="7")


def demo(talk: Talk) -> None:
    """The shipped demo: three turns, two tools, one interruption."""
    talk.begin()
    for number in range(3):
        talk.turn(number, tool=number < 2, barge_in=number == 1)
    talk.end()


def test_the_demo_call_says_everything_but_responses_and_needs_no_digest(lines: Log) -> None:
    talk = Talk(lines)
    with scope(call_sid="CA1") as call:
        demo(talk)
    assert not lines.of(*DIGESTS)
    assert len(lines.of(TRANSCRIPT_CUSTOMER, TRANSCRIPT_AI)) == 7
    assert len(lines.of(TOOL_CALL, TOOL_RESULT, BARGE_IN)) == 5
    assert lines.of(RESPONSE_CREATED)
    assert lines.of(RESPONSE_DONE)
    assert call.folded == 2 * talk.responses - len(lines.of(RESPONSE_CREATED, RESPONSE_DONE))


def sixty_turns(talk: Talk) -> None:
    talk.begin()
    for number in range(60):
        talk.turn(number, tool=number % 3 == 2, barge_in=number in (20, 40))


def test_of_sixty_turns_the_last_line_is_never_older_than_a_minute_and_each_tool_can_be_read(lines: Log) -> None:
    talk = Talk(lines)
    with scope(call_sid="CA1"):
        sixty_turns(talk)
        assert lines.now - 1_000_000 > 240
        assert lines.longest_gap(lines.now) <= 60
        talk.end()
    assert 10 <= len(lines.written) <= SHARES["call"] + 1
    assert len(talk.tools) == 20
    for outcome in talk.tools:
        assert outcome in lines.text()
    assert sum(int(str(record[4]["barge_ins"] or 0)) for record in lines.of(*DIGESTS)) + len(lines.of(BARGE_IN)) == 2
    assert lines.of(*DIGESTS)[-1][4]["turns"] == 60


@pytest.mark.parametrize("hours", [1, 3])
def test_a_call_of_hours_stays_within_its_lines_and_leaves_no_tool_untold(lines: Log, hours: int) -> None:
    talk = Talk(lines)
    with scope(call_sid="CA1") as call:
        talk.begin()
        number = 0
        while lines.now < 1_000_000 + hours * 3600:
            talk.turn(number, tool=number % 100 == 99)
            number += 1
        digests = [record[0] for record in lines.of(*DIGESTS)]
        assert len(digests) == len(DIGEST_SECONDS)
        gaps = [after - before for before, after in pairwise(digests)]
        assert gaps == sorted(gaps)
        talk.end()
    assert 10 <= len(lines.written) <= SHARES["call"] + 1
    assert lines.written[-2][4]["folded"] == call.folded
    for outcome in talk.tools:
        assert outcome in lines.text()


def test_a_call_of_half_an_hour_is_quiet_for_a_minute_at_first_then_for_five_and_for_fifteen(lines: Log) -> None:
    """So long a call may last by default; a line a minute would be sixty, and thirty are promised."""
    talk = Talk(lines)
    with scope(call_sid="CA1"):
        talk.begin()
        number = 0
        for minutes, longest in ((4, 60), (8, 300), (30, 900)):
            while lines.now < 1_000_000 + minutes * 60:
                talk.turn(number, tool=number % 10 == 9)
                number += 1
            assert lines.longest_gap(lines.now) <= longest
        talk.end()
    assert len(lines.written) <= SHARES["call"] + 1


def test_a_digest_is_one_of_the_lines_that_a_call_has_written(lines: Log) -> None:
    """Who counts a call's lines in the log counts it as well."""
    with scope(call_sid="CA1") as call:
        sixty_turns(talk := Talk(lines))
        assert lines.of(CALL_GOES_ON)
        assert call.written == len(lines.written)
        talk.end()
        assert lines.of(CALL_DIGEST)
        assert call.written == len(lines.written)


def test_each_digest_tells_what_none_before_it_told(lines: Log) -> None:
    with scope(call_sid="CA1") as call:
        sixty_turns(talk := Talk(lines))
        talk.end()
    assert lines.told("lines") == call.folded
    told = [record[4]["last"] for record in lines.of(*DIGESTS)]
    assert told[-1] == "question 59"
    (closing,), (ended,) = lines.of(CALL_DIGEST), lines.of(CALL_END)
    assert closing[0] == ended[0]
    assert lines.of(CALL_GOES_ON)[-1][0] < ended[0], "a call that ends does not go on"
    assert len(set(told)) == len(told)


def test_a_digest_that_tells_of_a_tool_alone_still_says_how_many_turns_there_were(lines: Log) -> None:
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(7):
            talk.turn(number)
        lines.pass_seconds(61)
        log.event(TOOL_CALL, tool="end_call", summary="-")
        log.event(TOOL_RESULT, tool="end_call", summary="goodbye")
        talk.end()
    assert [record[4]["turns"] for record in lines.of(*DIGESTS)] == [7, 7]


def test_each_digest_says_how_many_turns_there_were_so_far(lines: Log) -> None:
    with scope(call_sid="CA1"):
        sixty_turns(talk := Talk(lines))
        talk.end()
    digests = [record[4] for record in lines.of(*DIGESTS)]
    assert [digest["turns"] for digest in digests] == [
        int(str(digest["last"]).removeprefix("question ")) + 1 for digest in digests
    ]


@pytest.mark.parametrize("budget", [6, 12, 18, 24, 36])
def test_a_smaller_budget_has_fewer_digests_and_keeps_the_last_for_the_end(budget: int, lines: Log) -> None:
    lines.policy = replace(lines.policy, budget=budget)
    apply(lines.policy)
    room = room_for(budget, "call", of_a_call=True)
    assert room is not None
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(700):
            talk.turn(number)
        assert len(lines.of(*DIGESTS)) == max(0, min(len(DIGEST_SECONDS), room.digests - 1))
        talk.end()
    assert len(lines.of(*DIGESTS)) == max(1, min(len(DIGEST_SECONDS) + 1, room.digests))


def test_a_digest_comes_in_time_when_nobody_says_anything(lines: Log) -> None:
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(8):
            talk.turn(number)
        before = len(lines.of(*DIGESTS))
        lines.pass_seconds(60)
        assert len(lines.of(*DIGESTS)) == before + 1
        lines.pass_seconds(600)
        assert len(lines.of(*DIGESTS)) == before + 1, "a silent call has nothing to tell"


def test_a_tool_that_failed_refused_or_never_answered_is_told_with_its_question(lines: Log) -> None:
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(8):
            talk.turn(number)
        log.event(TOOL_CALL, tool="book_appointment", summary="Monday")
        log.event(TOOL_FAILED, tool="book_appointment", error="no answer")
        log.event(TOOL_CALL, tool="cancel_appointment", summary="Tuesday")
        log.event(TOOL_REFUSED, tool="cancel_appointment", summary="no such appointment")
        log.event(TOOL_CALL, tool="my_appointments", summary="-")
        talk.end()
    assert lines.of(TOOL_FAILED)
    (digest,) = lines.of(*DIGESTS)
    assert str(digest[4]["tools"]).split("; ") == [
        "booking an appointment: Monday → ❌ no answer",
        "cancelling an appointment: Tuesday → no such appointment",
        "the caller's appointments: -",
    ]


def test_equal_outcomes_are_counted_and_a_digest_has_a_bounded_length(lines: Log) -> None:
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(8):
            talk.turn(number)
        for number in range(1000):
            log.event(TOOL_CALL, tool="check_availability", summary="x" * 1000 + str(number))
            log.event(TOOL_RESULT, tool="check_availability", summary=f"{min(number, 100)} free" + "y" * 1000)
        talk.end()
    tools = str(lines.of(*DIGESTS)[-1][4]["tools"])
    assert len(tools) < 15_000
    assert "… ×" in tools


def test_a_clock_that_is_put_back_keeps_no_call_quiet(lines: Log) -> None:
    with scope(call_sid="CA1"):
        talk = Talk(lines)
        talk.begin()
        for number in range(8):
            talk.turn(number)
        lines.now -= 86400
        lines.pass_seconds(61)
        assert len(lines.of(*DIGESTS)) == 1


def test_what_one_call_says_in_all_services_is_within_the_budget(lines: Log) -> None:
    with scope(request_id="r1") as request:
        request.add(call_sid="CA1")
        log.event(VOICE_WEBHOOK, call_sid="CA1", business_id="4", from_number="+972501234567")
        for number in range(50):
            log.info("chatter", number=number)
    assert len(lines.written) == 1
    with scope(call_sid="CA1"):
        sixty_turns(talk := Talk(lines))
        talk.end()
    with scope(request_id="r2", call_sid="CA1"):
        for number in range(50):
            log.info("chatter", number=number)
    with scope(job_id="7", call_sid="CA1"):
        for number in range(50):
            log.info("chatter", number=number)
        log.event(JOB_DONE, job="call.summarise", ms=5)
    assert len(lines.written) <= 30


@pytest.mark.parametrize("ids", [{"request_id": "r1"}, {"job_id": "7"}])
def test_a_request_and_a_job_have_a_budget_each(lines: Log, ids: dict[str, Any]) -> None:
    with scope(**ids) as entered:
        for number in range(6245):
            log.event(WHATSAPP_RECEIVED, message_id=f"wamid.{number}", channel="meta")
        log.event(JOB_DONE, job="x", ms=1)
        log.error("failed")
        assert (len(lines.written), entered.folded) == (31, 6245 - 29)
        assert entered.untold == entered.folded


def test_the_job_that_keeps_a_call_is_told_after_its_end_and_no_chatter_is(lines: Log) -> None:
    with scope(call_sid="CA1") as call:
        sixty_turns(talk := Talk(lines))
        talk.end()
        assert call.untold == 0
        log.info("chatter")
        assert call.untold == 1
    assert [record[3] for record in lines.written[-2:]] == [CALL_END, JOB_ENQUEUED]


def test_what_is_neither_call_request_nor_job_has_no_budget(lines: Log) -> None:
    with scope(business_id="4"):
        for number in range(100):
            log.info("said", number=number)
    assert len(lines.written) == 100


@pytest.mark.parametrize("budget", [1, 2, 5, 10, 60, 1000])
def test_any_budget_holds(lines: Log, budget: int) -> None:
    small = Log(budget)
    apply(small.policy)
    with scope(call_sid="CA1"):
        for number in range(2000):
            log.info("said", number=number)
        log.event(CALL_END, duration_s=1, reason="customer_hangup")
    routine = [record for record in small.written if not isinstance(record[3], Event)]
    assert len(routine) <= budget
    assert small.written[-1][3] is CALL_END


def told_at_the_end(said: list[tuple[AnyEvent, dict[str, object]]]) -> dict[str, object]:
    """What the last digest tells of a call of which no line fits; ten seconds pass in it."""
    account, room = Account(), Room(0, 0, 2)
    for event, fields in said:
        record: Record = (1_000_000.0, event.level, OURS, event, fields, None)
        assert account.folds(record, room, lambda record: str(record[4]["summary"]))
    digest = account.closing(1_000_010.0)
    assert digest is not None
    return digest[4]


def used(asked: str, outcome: str) -> list[tuple[AnyEvent, dict[str, object]]]:
    return [
        (TOOL_CALL, {"tool": "end_call", "summary": asked}),
        (TOOL_RESULT, {"tool": "end_call", "summary": outcome}),
    ]


def test_a_digest_tells_each_outcome_once_and_of_too_many_how_many_more() -> None:
    many = [used(f"ask {number}", f"answer {number}") for number in range(45)]
    told = told_at_the_end([line for some in (*many, many[0], many[0]) for line in some])
    outcomes = [f"ask {number} → answer {number}" for number in range(40)]
    assert str(told["tools"]).split("; ") == [f"{outcomes[0]} ×3", *outcomes[1:], "… ×5"]
    assert (told["lines"], told["seconds"]) == (94, 10)
    assert told_at_the_end(used("ask", "answer") * 2)["tools"] == "ask → answer ×2"


def test_a_digest_s_words_are_cut_each_to_its_bound() -> None:
    long = "x" * 500
    told = told_at_the_end([*used(long, long), (TRANSCRIPT_CUSTOMER, {"text": long, "summary": ""})])
    assert told["tools"] == f"{'x' * 120} → {'x' * 120}"
    assert told["last"] == "x" * 80
