"""What a call has used, through interruptions, renewals and answers whose end never came."""

from typing import Any

import pytest

from calls_world.stage import FIFTH, MODEL, Stage
from prosaas_calls.call.meter import Meter
from prosaas_calls.model.events import decode
from prosaas_core.facts.prices import shipped
from prosaas_core.facts.usage import Usage
from prosaas_logging import capture_events

BLOCK = {
    "input_tokens": 1000,
    "output_tokens": 100,
    "input_token_details": {"text_tokens": 900, "audio_tokens": 100},
    "output_token_details": {"text_tokens": 20, "audio_tokens": 80},
}


def used(stage: Stage, kind: str = "model") -> Usage:
    return next(charge.usage for charge in stage.meter.charges() if charge.kind == kind)


@pytest.mark.parametrize("status", ["completed", "cancelled", "incomplete", "failed"])
def test_a_response_is_billed_however_it_ends(status: str) -> None:
    stage = Stage()
    stage.responds()
    stage.done(status=status, usage=BLOCK)

    assert (used(stage).tokens_in, used(stage).tokens_out, used(stage).estimated) == (1000, 100, False)


def test_a_call_in_which_no_model_has_spoken_pays_for_its_line_alone() -> None:
    assert [charge.kind for charge in Stage().meter.charges()] == ["phone"]


def test_a_renewed_session_goes_on_counting() -> None:
    stage = Stage()
    for response in ("r1", "r2"):
        stage.responds(response, f"i{response}")
        stage.done(response, usage=BLOCK)
        stage.conversation.reconnected()

    assert used(stage).tokens_in == 2000
    assert not used(stage).estimated


def test_a_response_whose_end_never_came_is_reckoned_from_what_was_heard_and_marked() -> None:
    """It read at least what the one before it read; a token of the model's speech is 50 ms."""
    stage = Stage()
    stage.responds()
    stage.done(usage=BLOCK)
    stage.responds("r2", "i2", fifths=5)
    stage.conversation.reconnected()

    assert used(stage).tokens_in == 2000
    assert used(stage).audio_out == 80 + 20
    assert used(stage).estimated
    stage.responds("r3", "i3")
    stage.done("r3", usage=BLOCK)
    assert used(stage).tokens_in == 3000
    assert used(stage).audio_out == 80 + 20 + 80
    assert used(stage).estimated


def test_an_answer_without_a_bill_is_reckoned_from_what_was_heard() -> None:
    """A cancelled answer that nobody told the usage of was spoken all the same."""
    stage = Stage()
    stage.responds()
    stage.done(usage=BLOCK)
    stage.responds("r2", "i2", fifths=50)
    stage.done("r2", status="cancelled")

    assert (used(stage).tokens_in, used(stage).audio_out, used(stage).estimated) == (2000, 80 + 200, True)
    stage.responds("r3", "i3", fifths=0)
    stage.done("r3", status="failed")
    assert used(stage).tokens_in == 2000


def test_an_answer_under_way_counts_already_for_a_limit_and_for_a_process_that_dies() -> None:
    """Marked as estimated until its end is told, which then stands alone."""
    stage = Stage()
    stage.responds(fifths=5)
    assert (used(stage).audio_out, used(stage).estimated) == (20, True)
    assert stage.meter.spent > 0
    assert stage.meter.tokens_out == 20
    stage.done(usage=BLOCK)

    assert (used(stage).audio_out, used(stage).estimated) == (80, False)


async def test_what_came_after_an_interruption_is_heard_by_nobody_and_paid_for() -> None:
    stage = Stage()
    stage.responds(fifths=2)
    await stage.interrupts()
    stage.delta(audio=FIFTH)

    assert used(stage).audio_out == 12


def test_the_callers_words_are_billed_by_the_model_that_wrote_them_down() -> None:
    stage = Stage()
    for usage in ({"type": "duration", "seconds": 2.5}, {"type": "duration", "seconds": 3.5}):
        stage.model(
            "conversation.item.input_audio_transcription.completed", item_id="u1", transcript="שלום", usage=usage
        )

    written = next(charge for charge in stage.meter.charges() if charge.kind == "transcription")
    assert (written.name, written.usage.seconds) == ("gpt-transcribe", 6.0)
    assert written.cost == pytest.approx(0.1 * 0.0045)


@pytest.mark.parametrize("usage", [None, "much", [], {"input_tokens": "x"}, {"input_tokens": -1}, {"tokens": {}}, 7])
def test_an_odd_bill_costs_a_debug_line_and_never_the_call(usage: Any) -> None:
    stage = Stage()
    stage.responds()
    with capture_events(level="DEBUG") as events:
        stage.done(usage=usage)
        stage.model("conversation.item.input_audio_transcription.completed", item_id="u", transcript="a", usage=usage)

    said = [event for event in events if event.text.startswith("usage not understood")]
    assert [event.level for event in said] == ["DEBUG", "DEBUG"]
    assert stage.conversation.answered
    assert stage.history.empty is False


def test_the_cost_is_that_of_its_models_and_of_the_begun_minute() -> None:
    meter = Meter(shipped(), lambda: 60_001, model=MODEL, transcription_model="gpt-of-tomorrow")
    done = '{"type":"response.done","response":{"id":"r1","usage":{"input_tokens":1000000,"output_tokens":0}}}'
    meter.response_done(decode(done))
    assert meter.cost == pytest.approx(4.0 + 2 * 0.0125)
    heard = '{"type":"x","usage":{"type":"duration","seconds":1}}'
    meter.transcribed(decode(heard))
    assert meter.cost is None
    assert meter.spent == pytest.approx(4.0 + 2 * 0.0125)
