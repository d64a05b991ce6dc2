"""What the caller has heard, by the echoes of marks."""

import pytest

from prosaas_calls.caller.playback import Cut, Piece, Playback

SECOND = 8000


def play(playback: Playback, item: str, length: int = SECOND, step: int = 160) -> list[str]:
    """Send audio in frames, mark its end, and return the marks."""
    marks = [playback.sent(Piece(b"", step, item)) for _ in range(length // step)]
    return [mark for mark in (*marks, playback.mark()) if mark is not None]


def cuts(playback: Playback) -> list[tuple[str, int]]:
    """Interrupt: which items were cut, and how much of each was heard."""
    return [(cut.item_id, cut.heard_ms) for cut in playback.interrupt()]


def test_nothing_is_held_before_anything_is_sent() -> None:
    """An interruption of silence is none."""
    playback = Playback()

    assert not playback.holding
    assert playback.quiet.is_set()
    assert playback.hearing == ""
    assert not playback.interrupt()


def test_what_was_heard_is_the_last_echoed_mark() -> None:
    """Sent is not heard: after three echoes the caller heard 420 ms of one second."""
    playback = Playback()
    marks = play(playback, "item")

    for mark in marks[:3]:
        assert playback.echoed(mark)

    assert playback.held_bytes == SECOND - 420 * 8
    assert cuts(playback) == [("item", 420)]


def test_the_item_that_is_being_heard_is_the_one_at_the_last_echo() -> None:
    """The second item begins to be heard only once the first has been played whole."""
    playback = Playback()
    first, second = play(playback, "first"), play(playback, "second")

    playback.echoed(first[-1])
    assert playback.hearing == "first"
    playback.echoed(second[0])
    assert playback.hearing == "second"


def test_marks_come_with_the_first_frame_every_fifth_of_a_second_and_at_the_end() -> None:
    """Often enough to truncate well; the first and the last words are accounted for."""
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
        assert not playback.quiet.is_set()
        playback.echoed(mark)

    assert not playback.holding
    assert playback.quiet.is_set()
    assert not playback.interrupt()


def test_after_a_clear_the_echoes_of_old_marks_mean_nothing() -> None:
    """Twilio echoes all pending marks at a clear; they must not count as played in the new generation."""
    playback = Playback()
    old = play(playback, "first")
    playback.interrupt()
    new = play(playback, "second")

    assert not any(playback.echoed(mark) for mark in old)
    assert set(old).isdisjoint(new)
    playback.echoed(new[0])
    assert cuts(playback) == [("second", 20)]


def test_an_interruption_falls_on_the_item_that_is_being_heard() -> None:
    """Of two items on their way, the one before was heard whole and the later one not at all."""
    playback = Playback()
    first, second = play(playback, "first"), play(playback, "second")
    for mark in first:
        playback.echoed(mark)

    playback.echoed(second[1])

    assert cuts(playback) == [("second", 220)]


def test_an_item_that_was_not_heard_at_all_is_cut_at_zero() -> None:
    """Which is then not worth a truncate."""
    playback = Playback()
    for mark in play(playback, "first"):
        playback.echoed(mark)
    play(playback, "second")

    assert cuts(playback) == [("second", 0)]


@pytest.mark.parametrize("name", ["", "nonsense", "0.999999"])
def test_a_mark_that_we_never_sent_moves_nothing(name: str) -> None:
    """What was heard never runs past what was sent."""
    playback = Playback()
    play(playback, "item")

    assert not playback.echoed(name)
    assert cuts(playback) == [("item", 0)]


def test_a_lost_echo_is_made_up_for_by_the_next() -> None:
    """Audio is played in order: a later echo covers what came before it."""
    playback = Playback()
    marks = play(playback, "item")

    playback.echoed(marks[3])

    assert not playback.echoed(marks[2])
    assert cuts(playback) == [("item", 620)]


def test_an_interruption_tells_of_every_item_that_was_to_be_heard() -> None:
    """The preamble is being heard, the answer waits behind it: the model believes neither unless it is told."""
    playback = Playback()
    preamble = play(playback, "preamble")
    play(playback, "answer")
    playback.echoed(preamble[2])

    assert [(cut.item_id, cut.heard_ms, cut.total_ms) for cut in playback.interrupt()] == [
        ("preamble", 420, 1000),
        ("answer", 0, 1000),
    ]


@pytest.mark.parametrize(("heard", "total", "share"), [(300, 1000, 0.3), (0, 1000, 0.0), (0, 0, 0.0)])
def test_the_share_of_a_cut_is_of_all_that_was_sent_of_its_item(heard: int, total: int, share: float) -> None:
    assert Cut("item", heard, total).share == share


def test_of_an_item_that_nothing_more_is_to_be_heard_of_all_was_heard() -> None:
    playback = Playback()
    marks = play(playback, "item")
    playback.echoed(marks[1])
    assert playback.share("item") == 0.22
    playback.echoed(marks[-1])
    assert playback.share("item") == 1.0
    assert playback.share("another") == 1.0
    playback.echoed(play(playback, "another")[1])
    assert playback.share("another") == 0.22


def test_an_item_that_goes_on_after_all_of_it_was_heard_is_still_one() -> None:
    """The model makes its audio in pieces, and the line may be quick."""
    playback = Playback()
    playback.echoed(play(playback, "item")[-1])
    play(playback, "item")

    assert [(cut.heard_ms, cut.total_ms) for cut in playback.interrupt()] == [(1000, 2000)]


def test_what_is_held_twice_is_played_once() -> None:
    playback = Playback()
    play(playback, "item")
    for _ in range(2):
        playback.hold()
        pieces = playback.release()
        assert playback.share("item") == 1.0
        assert sum(piece.length for piece in pieces) == SECOND
        for piece in pieces:
            playback.sent(piece)


def test_of_what_was_released_only_what_was_heard_counts() -> None:
    """Until it is sent again, nothing of it is on its way to the caller."""
    playback = Playback()
    playback.echoed(play(playback, "item")[1])
    playback.hold()
    playback.release()

    assert playback.share("item") == 1.0
    playback.sent(Piece(b"", 160, "another"))
    assert [(cut.item_id, cut.total_ms) for cut in playback.interrupt()] == [("another", 20)]


def test_of_an_item_without_a_sound_all_was_heard() -> None:
    """A model may send an empty piece of one while the caller still hears the item before it."""
    playback = Playback()
    play(playback, "item")
    playback.sent(Piece(b"", 0, "empty"))

    assert playback.share("empty") == 1.0


def test_there_is_something_to_be_heard_from_the_first_piece_on() -> None:
    """Whoever waits until all was heard must not be told so by what was heard before."""
    playback = Playback()
    for _ in range(2):
        (mark,) = play(playback, "item", length=160)
        assert not playback.quiet.is_set()
        playback.echoed(mark)
        assert playback.quiet.is_set()


def test_what_was_held_goes_on_at_the_last_echo() -> None:
    """Nothing is lost, what came meanwhile is behind it, and the account of what was heard stays right."""
    playback = Playback()
    marks = play(playback, "item")
    playback.echoed(marks[1])

    assert playback.hold()
    assert not playback.hold()
    assert playback.sent(Piece(b"late", 160, "item")) is None
    assert not playback.echoed(marks[2])
    assert playback.holding
    assert not playback.quiet.is_set()
    pieces = playback.release()

    assert sum(piece.length for piece in pieces) == SECOND - 220 * 8 + 160
    assert pieces[-1].payload == b"late"
    marks = [mark for mark in (*map(playback.sent, pieces), playback.mark()) if mark is not None]
    playback.echoed(marks[0])
    assert cuts(playback) == [("item", 420)]


def test_an_interruption_of_what_is_held_is_one_like_any_other() -> None:
    """The caller heard what they heard before we fell silent."""
    playback = Playback()
    marks = play(playback, "item")
    playback.echoed(marks[1])
    playback.hold()

    assert cuts(playback) == [("item", 220)]
    assert not playback.holding
    assert not playback.held
