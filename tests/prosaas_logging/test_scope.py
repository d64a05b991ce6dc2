"""A call, a request or a job: what it lends its lines, what it keeps, and what it folds."""

import asyncio
import dataclasses
import threading

import pytest

from prosaas_logging import get_logger, scope, watched
from prosaas_logging.catalogue import (
    AUDIO_DELTA,
    CALL_END,
    CALL_START,
    GREETING,
    RESPONSE_CREATED,
    RESPONSE_DONE,
    TRANSCRIPT_AI,
    TRANSCRIPT_CUSTOMER,
)
from prosaas_logging.events import Event
from prosaas_logging.gate import Force, put_in_force
from prosaas_logging.levels import DEBUG, INFO, WARNING
from prosaas_logging.render import TextRenderer
from prosaas_logging.scope import Context, Record, Scope, current, live_scopes
from prosaas_logging.settings import LogSettings

log = get_logger("tests.scope")


class Sink:
    """Where records and dumps go in these tests."""

    def __init__(self) -> None:
        self.records: list[tuple[Record, Context]] = []
        self.dumps: list[tuple[str, str, int]] = []
        self.text = TextRenderer(LogSettings("svc"))

    def submit(self, record: Record, context: Context) -> None:
        self.records.append((record, context))

    def dump(self, ended: Scope, reason: str) -> None:
        self.dumps.append((ended.id, reason, len(ended.ring)))
        ended.ring.clear()

    def names(self) -> list[str]:
        return [record[3].name if isinstance(record[3], Event) else record[3] for record, _ in self.records]

    def force(self, **differences: object) -> Force:
        force = Force(INFO, 500, 30, self.submit, self.dump, self.text.entry)
        return dataclasses.replace(force, **differences)  # type: ignore[arg-type]


@pytest.fixture
def sink() -> Sink:
    sink = Sink()
    put_in_force(sink.force())
    return sink


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
    assert end[4]["folded"] == said - len(sink.records) == call.folded
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
    put_in_force(sink.force(budget=0))
    with scope(call_sid="CA1") as call:
        talk(60)
    assert call.folded == 0


def test_at_debug_nothing_folds_and_nothing_is_kept_twice(sink: Sink) -> None:
    put_in_force(sink.force(threshold=DEBUG))
    with scope(call_sid="CA1") as call:
        talk(60)
        assert not call.ring
    assert len(sink.records) == 2 + 60 * 5 + 1


def test_requests_and_jobs_have_no_budget(sink: Sink) -> None:
    with scope(request_id="r1"):
        talk(60)
    assert len(sink.records) == 2 + 60 * 4 + 1


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
    fields: dict[str, object], kind: str, tail: tuple[str, ...]
) -> None:
    entered = scope(**fields)
    assert (entered.kind, entered.context.tail) == (kind, tail)


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


def test_the_first_error_writes_the_ring_out_once(sink: Sink) -> None:
    with scope(call_sid="CA1"):
        log.debug("kept")
        log.error("first")
        log.debug("kept after")
        log.error("second")
    assert sink.dumps == [("CA1", "error", 1)]


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
    assert sink.dumps == [("2", "error", 0)]
    assert second is not first


def test_a_ring_keeps_the_latest(sink: Sink) -> None:
    put_in_force(sink.force(ring=10))
    with scope(call_sid="CA1") as call:
        for number in range(25):
            log.debug("tick", number=number)
        assert [record[4]["number"] for record in call.ring] == list(range(15, 25))


def test_a_switched_call_says_everything_while_others_stay_quiet(sink: Sink) -> None:
    with scope(call_sid="CA1"), scope(call_sid="CA2") as second:
        put_in_force(sink.force(level_for=lambda fields: DEBUG if fields.get("call_sid") == "CA1" else None))
        log.debug("second")
        assert len(second.ring) == 1
    with scope(call_sid="CA1"):
        log.debug("first")
    assert sink.names() == ["first"]


def test_a_call_that_runs_already_follows_a_switch(sink: Sink) -> None:
    with scope(call_sid="CA1"):
        log.debug("before")
        put_in_force(sink.force(level_for=lambda fields: DEBUG))
        log.debug("during")
        put_in_force(sink.force())
        log.debug("after")
    assert sink.names() == ["during"]


def test_a_switch_can_silence_a_call(sink: Sink) -> None:
    put_in_force(sink.force(level_for=lambda fields: WARNING))
    with scope(call_sid="CA1"):
        log.info("quiet")
        log.warning("loud")
    assert sink.names() == ["loud"]


def test_a_switch_finds_a_call_by_what_is_added_to_it_later(sink: Sink) -> None:
    put_in_force(sink.force(level_for=lambda fields: DEBUG if fields.get("business_id") == "456" else None))
    with scope(call_sid="CA1") as call:
        log.debug("unknown business")
        call.add(business_id="456")
        log.debug("known business")
    assert sink.names() == ["known business"]


def test_code_can_ask_whether_its_debug_lines_are_read(sink: Sink) -> None:
    assert not watched()
    with scope(call_sid="CA1"):
        assert not watched()
        put_in_force(sink.force(level_for=lambda fields: DEBUG))
        assert watched()
    put_in_force(sink.force(threshold=DEBUG))
    assert watched()


def test_a_thread_s_own_scope_does_not_disturb_another_s(sink: Sink) -> None:
    def work(name: str) -> None:
        with scope(job_id=name):
            for _ in range(50):
                log.info(name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(record[3] == context.fields["job_id"] for record, context in sink.records)
    assert len(sink.records) == 200
