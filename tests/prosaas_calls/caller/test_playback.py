"""What the caller has heard, by the echoes of marks."""

import pytest

from prosaas_calls.caller.playback import Cut, Playback

SECOND = 8000


def play(playback: Playback, item: str, length: int = SECOND, step: int = 160) -> list[str]:
    """Send audio in frames, mark its end, and return the marks."""
    marks = [playback.sent(item, step) for _ in range(length // step)]
    return [mark for mark in (*marks, playback.mark()) if mark is not None]


def test_nothing_is_held_before_anything_is_sent() -> None:
    """An interruption of silence is none."""
    playback = Playback()

    assert not playback.holding
    assert playback.quiet.is_set()
    assert playback.interrupt() is None


def test_what_was_heard_is_the_last_echoed_mark() -> None:
    """Sent is not heard: after three echoes of 200 ms each, the caller heard 600 ms of one second."""
    playback = Playback()
    marks = play(playback, "item")

    for mark in marks[:3]:
        assert playback.echoed(mark)

    assert playback.interrupt() == Cut("item", 600)


def test_the_item_that_is_being_heard_is_the_one_at_the_last_echo() -> None:
    """The second item begins to be heard only once the first has been played whole."""
    playback = Playback()
    first, second = play(playback, "first"), play(playback, "second")

    playback.echoed(first[-1])
    assert playback.hearing == "first"
    playback.echoed(second[0])
    assert playback.hearing == "second"


def test_marks_come_every_fifth_of_a_second_and_at_the_end() -> None:
    """Often enough to truncate well, and the last words are accounted for."""
    playback = Playback()

    marks = play(playback, "item", length=8160, step=160)

    assert len(marks) == 6
    assert len(set(marks)) == 6
    assert playback.mark() is None


def test_everything_echoed_is_quiet() -> None:
    """Once the last mark came back, Twilio holds nothing."""
    playback = Playback()
    marks = play(playback, "item")
    assert playback.holding
    assert not playback.quiet.is_set()

    for mark in marks:
        playback.echoed(mark)

    assert not playback.holding
    assert playback.quiet.is_set()
    assert playback.interrupt() is None


def test_after_a_clear_the_echoes_of_old_marks_mean_nothing() -> None:
    """Twilio echoes all pending marks at a clear; they must not count as played in the new generation."""
    playback = Playback()
    old = play(playback, "first")
    playback.interrupt()
    new = play(playback, "second")

    assert not any(playback.echoed(mark) for mark in old)
    assert set(old).isdisjoint(new)
    playback.echoed(new[0])
    assert playback.interrupt() == Cut("second", 200)


def test_an_interruption_falls_on_the_item_that_is_being_heard() -> None:
    """Of two items on their way, the one before was heard whole and the later one not at all."""
    playback = Playback()
    first, second = play(playback, "first"), play(playback, "second")
    for mark in first:
        playback.echoed(mark)

    playback.echoed(second[1])

    assert playback.interrupt() == Cut("second", 400)


def test_an_item_that_was_not_heard_at_all_is_cut_at_zero() -> None:
    """Which is then not worth a truncate."""
    playback = Playback()
    for mark in play(playback, "first"):
        playback.echoed(mark)
    play(playback, "second")

    assert playback.interrupt() == Cut("second", 0)


@pytest.mark.parametrize("name", ["", "nonsense", "0.999999"])
def test_a_mark_that_we_never_sent_moves_nothing(name: str) -> None:
    """What was heard never runs past what was sent."""
    playback = Playback()
    play(playback, "item")

    assert not playback.echoed(name)
    assert playback.interrupt() == Cut("item", 0)


def test_a_lost_echo_is_made_up_for_by_the_next() -> None:
    """Audio is played in order: a later echo covers what came before it."""
    playback = Playback()
    marks = play(playback, "item")

    playback.echoed(marks[3])

    assert not playback.echoed(marks[2])
    assert playback.interrupt() == Cut("item", 800)
