"""Numbers hidden in the line's noise."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.audio import watermark
from simulator.audio.mulaw import loudness


@given(number=st.integers(0, 2**32 - 1), count=st.integers(0, 2**16 - 1), before=st.integers(0, 400))
def test_a_mark_is_found_wherever_the_audio_is_cut(number: int, count: int, before: int) -> None:
    """A frame says the same inside a longer piece of audio."""
    found = watermark.find("call", b"\xff" * before + watermark.frame("call", number, count) + b"\xff" * 7)
    assert found == (before, watermark.Mark(number, count))


def test_the_two_kinds_are_told_apart() -> None:
    """The caller's mark is not the model's."""
    assert watermark.find("speech", watermark.frame("call", 7)) is None


def test_a_damaged_mark_is_no_mark() -> None:
    """One flipped bit, a cut frame, or other noise says nothing."""
    frame = bytearray(watermark.frame("call", 1234, 5))
    frame[50] = 0xFF if frame[50] == 0xFE else 0xFE
    assert watermark.find("call", bytes(frame)) is None
    assert watermark.find("call", watermark.frame("call", 1234, 5)[:80]) is None
    assert watermark.find("call", b"\xfe" * 320) is None


def test_a_mark_is_quiet() -> None:
    """No voice detector hears it."""
    assert loudness(watermark.frame("call", 2**32 - 1, 2**16 - 1)) < 8
