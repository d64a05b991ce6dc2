"""Twilio's outbound buffer."""

from simulator.phone.playback import Playback


def test_audio_and_marks_come_in_order() -> None:
    """A mark is reached exactly when the audio before it has been played."""
    playback = Playback()
    playback.add_audio(b"a" * 200)
    assert playback.add_mark("one")
    playback.add_audio(b"b" * 100)
    assert playback.play(160) == (b"a" * 160, [])
    assert playback.play(160) == (b"a" * 40 + b"b" * 100, ["one"])
    assert playback.play(160) == (b"", [])


def test_a_mark_right_at_a_frames_end_is_reached_with_that_frame() -> None:
    """It does not wait for audio that may never come."""
    playback = Playback()
    playback.add_audio(b"a" * 160)
    playback.add_mark("one")
    assert playback.play(160) == (b"a" * 160, ["one"])


def test_a_mark_with_nothing_to_wait_for_is_due_at_once() -> None:
    """An empty buffer does not keep marks."""
    assert not Playback().add_mark("one")


def test_clear_returns_all_pending_marks() -> None:
    """Marks of dropped audio come back too; only the bookkeeping can tell them apart."""
    playback = Playback()
    for name in ("one", "two"):
        playback.add_audio(b"a" * 800)
        playback.add_mark(name)
    playback.play(160)
    assert playback.buffered_ms == 180
    assert playback.clear() == ["one", "two"]
    assert playback.buffered_ms == 0
    assert playback.play(160) == (b"", [])
