"""What the caller really heard."""

import pytest

from simulator.audio import watermark
from simulator.live import Said
from simulator.phone.ear import Ear

AUDIO = watermark.frame("speech", 5) + bytes(index * index % 251 for index in range(800))
SAID = {5: Said("שלום", AUDIO, "item_5", sent_bytes=len(AUDIO))}


def listen(*pieces: bytes) -> Ear:
    ear = Ear(SAID)
    for piece in pieces:
        ear.listen(piece)
    return ear


def test_speech_heard_to_its_end_is_whole_and_intact() -> None:
    """Every byte is accounted for, however the audio was cut into frames."""
    for size in (160, 1, 73, 95):
        ear = listen(*(AUDIO[at : at + size] for at in range(0, len(AUDIO), size)))
        ear.pause()
        (heard,) = ear.heard
        assert (heard.heard_bytes, heard.intact, ear.unknown_bytes) == (len(AUDIO), True, 0)


@pytest.mark.parametrize("before", range(0, 160, 7))
def test_speech_is_recognised_wherever_a_frame_begins(before: int) -> None:
    """A recorded sentence before it, or the one that it interrupts, ends in the middle of a frame."""
    for first in (b"", AUDIO[:320]):
        audio = first + b"\x12" * before + AUDIO
        ear = listen(*(audio[at : at + 160] for at in range(0, len(audio), 160)))
        ear.pause()
        assert ear.heard[-1].heard_bytes == len(AUDIO)
        assert ear.heard[-1].intact


def test_what_only_looks_like_the_beginning_of_speech_is_counted_too() -> None:
    beginning = watermark.frame("speech", 5)[:50]
    ear = listen(AUDIO, beginning)
    assert ear.unknown_bytes == 0
    ear.pause()
    assert ear.unknown_bytes == len(beginning)


def test_speech_of_which_we_are_told_only_later_is_known_from_its_beginning() -> None:
    """A greeting that the service has kept sounds before its session tells the model what was said."""
    said: dict[int, Said] = {}
    ear = Ear(said)
    ear.listen(AUDIO[:480])
    assert (ear.heard, ear.unknown_bytes) == ([], 0)
    said.update(SAID)
    ear.listen(AUDIO[480:])
    ear.end()
    assert [(piece.heard_bytes, piece.intact) for piece in ear.heard] == [(len(AUDIO), True)]
    assert ear.unknown_bytes == 0


def test_speech_of_which_nobody_ever_tells_is_unknown() -> None:
    ear = Ear({})
    ear.listen(AUDIO)
    ear.end()
    assert (ear.heard, ear.unknown_bytes) == ([], len(AUDIO))


def test_an_interrupted_speech_is_intact_as_far_as_it_went() -> None:
    """A prefix is right; how much of it was heard is known."""
    (heard,) = listen(AUDIO[:480]).heard
    assert (heard.heard_ms, heard.intact) == (60, True)


def test_a_missing_frame_is_noticed() -> None:
    """Audio with a hole is garbled."""
    (heard,) = listen(AUDIO[:320], AUDIO[480:]).heard
    assert not heard.intact


def test_audio_nobody_said_is_unknown() -> None:
    """A service's own prompt, or speech played on past its end, is counted apart."""
    assert listen(b"\x12" * 320).unknown_bytes == 320
    assert listen(AUDIO + b"\x12" * 160).unknown_bytes == 160


def test_speech_that_just_stops_was_cut_short() -> None:
    """A missing end is nobody's fault only where the service cleared it."""
    ear = listen(AUDIO[:480])
    assert ear.heard[0].cut_short
    ear.clear()
    assert not ear.heard[0].cut_short
    assert not listen(AUDIO).heard[0].cut_short


def test_a_services_own_words_after_a_break_are_not_garbled_speech() -> None:
    """What follows a cleared or broken-off piece is counted as unknown."""
    cleared = listen(AUDIO[:480])
    cleared.clear()
    cleared.listen(b"\x12" * 160)
    assert cleared.heard[0].intact
    assert cleared.unknown_bytes == 160

    ear = Ear({5: Said("שלום", AUDIO, "item_5", sent_bytes=480)})
    ear.listen(AUDIO[:480])
    ear.listen(b"\x12" * 160)
    assert (ear.heard[0].intact, ear.unknown_bytes) == (True, 160)


def test_speech_that_goes_on_in_a_pause_is_found_where_it_does() -> None:
    """One pause sounds like another: which of them it was shows in the words behind it."""
    pause = b"\xff" * 160
    words = [bytes((number, number + 1)) * 80 for number in range(1, 4)]
    audio = watermark.frame("speech", 6) + words[0] + pause + words[1] + pause + words[2]
    ear = Ear({6: Said("a, b, c", audio, "item_6", sent_bytes=len(audio))})
    ear.listen(audio[: 160 * 5])
    ear.clear()
    for at in range(160 * 4, len(audio), 160):
        ear.listen(audio[at : at + 160])
    assert [(piece.heard_bytes, piece.intact) for piece in ear.heard] == [(len(audio), True)]
    assert ear.unknown_bytes == 0


def test_speech_that_starts_over_before_its_first_mark_is_the_same_piece() -> None:
    """A service that is told of no place in it says it again from its beginning: nothing of it is lost."""
    ear = listen(AUDIO[:480])
    ear.clear()
    for at in range(0, len(AUDIO), 160):
        ear.listen(AUDIO[at : at + 160])
    assert [(piece.whole, piece.intact, piece.cleared) for piece in ear.heard] == [(True, True, False)]
    assert ear.unknown_bytes == 0


def test_speech_that_is_said_again_without_having_been_cleared_is_heard_twice() -> None:
    assert len(listen(AUDIO[:480], AUDIO).heard) == 2
