"""G.711 as tables."""

import pytest

from simulator.audio.mulaw import TO_LINEAR, encode, loudness, milliseconds


def test_every_code_survives_a_round_trip() -> None:
    """Decoding and encoding again yields the same code; only negative zero becomes zero."""
    for code in range(256):
        expected = 0xFF if code == 0x7F else code
        assert encode([TO_LINEAR[code]])[0] == expected


@pytest.mark.parametrize(
    ("sample", "code"), [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00), (1000, 0xCE), (-1000, 0x4E)]
)
def test_known_samples_have_the_codes_of_the_standard(sample: int, code: int) -> None:
    """Reference values hold."""
    assert encode([sample])[0] == code


def test_loudness_tells_speech_from_silence() -> None:
    """Silence is 0, a full-scale square wave is as loud as can be."""
    assert loudness(b"\xff" * 160) == 0
    assert loudness(b"\x80\x00" * 80) == 32124
    assert loudness(b"") == 0


def test_a_frame_lasts_twenty_milliseconds() -> None:
    """160 bytes are 20 ms."""
    assert milliseconds(160) == 20
