"""Who waits for whom: told as it happens, and counted once."""

from time import monotonic

import pytest

from calls_world.stage import Stage
from clocks import Clock
from prosaas_calls.call import pace as module


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def test_before_anything_happens_nobody_waits_and_silence_counts_from_the_beginning() -> None:
    pace = Stage().conversation.pace
    assert not pace.expecting
    assert pace.silent_for(monotonic() + 60) == 0
    assert 50 < pace.idle_for(monotonic() + 60) < 70
    assert pace.first_sound() is None


def test_a_model_that_speaks_first_was_not_asked() -> None:
    stage = Stage()
    stage.conversation.pace.response_begins()
    assert stage.stats.asked_ms == []


def test_while_the_caller_hears_something_nobody_is_idle() -> None:
    """However long the model's audio is: silence begins when the last of it is heard."""
    stage = Stage()
    stage.responds(fifths=5)
    stage.done()
    pace = stage.conversation.pace
    assert pace.idle_for(monotonic() + 60) == 0
    stage.heard(5)
    assert pace.idle_for(monotonic() + 120) > 50


def test_only_a_response_that_was_asked_for_counts_as_asked() -> None:
    """The model may begin another by itself."""
    stage = Stage()
    pace = stage.conversation.pace
    pace.asked()
    pace.response_begins()
    pace.response_begins()
    assert len(stage.stats.asked_ms) == 1


def test_a_wait_ends_with_the_first_sound() -> None:
    stage = Stage()
    pace = stage.conversation.pace
    pace.caller_begins()
    pace.caller_ends()
    assert pace.first_sound() is not None
    assert pace.first_sound() is None
    assert len(stage.stats.response_ms) == 1


def test_nobody_waits_for_an_answer_to_what_needs_none() -> None:
    stage = Stage()
    pace = stage.conversation.pace
    pace.caller_ends()
    pace.nobody_waits()
    assert pace.first_sound() is None
    assert stage.stats.response_ms == []


def test_a_new_model_owes_nothing_that_the_former_one_was_asked() -> None:
    stage = Stage()
    pace = stage.conversation.pace
    pace.asked()
    assert pace.silent_for(monotonic() + 7) > 6
    pace.model_is_new()
    assert pace.silent_for(monotonic() + 7) == 0
    pace.response_begins()
    assert stage.stats.asked_ms == []


def test_the_model_owes_a_sound_from_when_it_is_due_until_it_has_ended_or_the_caller_speaks(clock: Clock) -> None:
    pace = Stage().conversation.pace
    for ends in (pace.caller_begins, pace.expect_nothing, pace.response_ends, pace.model_is_new):
        pace.expect()
        assert pace.expecting
        assert pace.silent_for(clock.now + 7) == 7
        ends()
        assert not pace.expecting
        assert pace.silent_for(clock.now + 7) == 0


def test_whoever_makes_a_sound_ends_the_silence(clock: Clock) -> None:
    pace = Stage().conversation.pace
    for sounds in (pace.caller_begins, pace.caller_ends, pace.sounds, pace.response_ends):
        clock.now += 60
        sounds()
        assert pace.idle_for(clock.now + 7) == 7


def test_a_call_has_one_first_sound() -> None:
    stage = Stage()
    pace = stage.conversation.pace
    pace.first_sound()
    first = stage.stats.first_audio_ms
    assert first is not None
    stage.stats.started -= 5
    pace.first_sound()
    assert stage.stats.first_audio_ms == first


def test_each_wait_is_told_in_milliseconds(clock: Clock) -> None:
    stage = Stage()
    pace = stage.conversation.pace
    pace.caller_ends()
    clock.now += 0.5
    pace.asked()
    clock.now += 0.25
    pace.response_begins()
    clock.now += 0.75
    assert pace.first_sound() == 1500
    clock.now += 2
    assert pace.response_ends() == 2750
    assert (stage.stats.response_ms, stage.stats.asked_ms) == ([1500], [250])
