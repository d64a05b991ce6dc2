"""The test double that the package offers to everyone's tests."""

import threading

from prosaas_logging import capture_events, get_logger, scope
from prosaas_logging.catalogue import AUDIO_DELTA, CALL_START, GREETING
from prosaas_logging.policy import Policy, apply

log = get_logger("tests.testing")


def test_everything_that_is_said_is_collected_with_its_scope_s_fields() -> None:
    with capture_events() as events, scope(call_sid="CA1"):
        log.event(CALL_START, direction="inbound", mode="ai")
        log.event(AUDIO_DELTA, response_id="r1", bytes=320)
        log.bind(tenant="x").warning("free text", depth=3)
    start, delta, free = events
    assert (start.level, start.event, start.fields["call_sid"]) == ("INFO", "CALL_START", "CA1")
    assert (delta.level, delta.fields["bytes"]) == ("DEBUG", 320)
    assert (free.event, free.text, free.fields["tenant"], free.fields["depth"]) == (None, "free text", "x", 3)


def test_an_exception_is_described() -> None:
    with capture_events() as events:
        try:
            raise ValueError("no")
        except ValueError:
            log.exception("failed")
    assert events[0].exc is not None
    assert (events[0].exc.kind, events[0].exc.message) == ("ValueError", "no")


def test_a_higher_level_leaves_the_lower_ones_out() -> None:
    with capture_events("INFO") as events:
        log.debug("no")
        log.info("yes")
    assert [event.text for event in events] == ["yes"]


def test_what_is_no_level_leaves_nothing_out_and_texts_are_as_the_process_has_them() -> None:
    apply(Policy(render_entry=lambda record, _: f"rendered {record[3]}"))
    with capture_events("everything") as events:
        log.debug("yes")
    assert [event.text for event in events] == ["rendered yes"]


def test_other_threads_are_heard_too() -> None:
    with capture_events() as events:
        thread = threading.Thread(target=lambda: log.event(GREETING))
        thread.start()
        thread.join()
    assert [event.event for event in events] == ["GREETING"]


def test_afterwards_everything_is_as_before() -> None:
    with capture_events() as events:
        pass
    log.info("not collected")
    assert events == []
    assert not log.tracing


def test_what_happens_inside_a_call_does_not_fold_in_a_test() -> None:
    with capture_events() as events, scope(call_sid="CA1"):
        for _ in range(100):
            log.info("routine")
    assert len(events) == 100


def test_what_is_collected_has_met_both_renderers() -> None:
    with capture_events() as events, scope(call_sid="CA1"):
        for _ in range(2):
            log.warning("refused", token="abcdef12", text="-eyJ" * 20_000, number=10**5000, said=" \u00b7 call_sid=CA2")
    for event in events:
        assert "abcdef12" not in event.line + str(event.json)
        assert len(event.line) < 16_000
        assert event.line.endswith(" \u00b7 call_sid=CA1")
        assert event.json["number"] == "<an integer of 16610 bits>"
        assert event.fields["token"] == "abcdef12", "what the code said is there, too"
