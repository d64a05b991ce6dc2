"""Mu-law, its loudness, and the holes in what arrives."""

import base64

import pytest

from prosaas_calls.caller import audio
from prosaas_calls.caller.audio import InboundClock, Sampling, rms, silence

FRAME = 160


def test_silence_has_no_loudness_and_full_scale_has_all_of_it() -> None:
    """0xFF and 0x7F are zero, 0x00 and 0x80 are the loudest codes of G.711."""
    assert rms(b"\xff\x7f" * 80) == 0
    assert rms(b"\x00\x80" * 80) == 32124
    assert rms(b"") == 0


@pytest.mark.parametrize(
    ("code", "magnitude"), [(0x01, 31100), (0x0F, 16764), (0x90, 15996), (0xA1, 7676), (0x70, 120), (0x7E, 8)]
)
def test_a_code_is_as_loud_as_g711_says(code: int, magnitude: int) -> None:
    assert rms(bytes([code])) == magnitude


def test_loudness_is_that_of_every_eighth_sample() -> None:
    """All of them would cost a busy machine eight times as much."""
    assert rms((b"\x00" + b"\xff" * 7) * 20) == 32124


def test_silence_lasts_as_long_as_it_should() -> None:
    """Eight bytes a millisecond."""
    assert base64.b64decode(silence(20)) == b"\xff" * 160
    assert b"\n" not in silence(20)


def test_who_begins_or_ends_to_read_along_is_met_at_the_next_frame_that_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a second later at most; whether somebody does is not asked for each frame of each call."""
    asked: list[bool] = []
    read = False

    def watched() -> bool:
        asked.append(read)
        return read

    monkeypatch.setattr(audio, "watched", watched)
    sampling = Sampling()

    assert not any(sampling.takes(number) for number in range(1, 25))
    assert len(asked) == 1
    assert sampling.takes(25)
    read = True
    assert not any(sampling.takes(number) for number in range(26, 50))
    assert all(sampling.takes(number) for number in (50, 51, 52, 52, 53))
    read = False
    assert [number for number in range(54, 101) if sampling.takes(number)] == [75, 100]
    assert len(asked) == 10


def test_numbers_that_are_left_out_move_no_frame_that_is_told_of() -> None:
    """A prompt of ours is counted with the model's frames, and not looked at."""
    sampling = Sampling()

    assert [number for number in (1, 24, 60, 74, 75, 99, 101, 125) if sampling.takes(number)] == [75, 125]


def test_frames_in_a_row_have_no_gap() -> None:
    """Wherever the clock begins, each frame follows the one before."""
    clock = InboundClock()

    assert [clock.gap(5 + 20 * number, FRAME) for number in range(5)] == [0] * 5


def test_lost_frames_leave_a_gap_of_their_length() -> None:
    """A time stamp that jumps says how much is missing."""
    clock = InboundClock()
    clock.gap(0, FRAME)

    assert clock.gap(100, FRAME) == 80
    assert clock.gap(120, FRAME) == 0


def test_a_gap_is_filled_with_ten_seconds_at_most() -> None:
    """After a minute without frames, a minute of silence would only delay the call."""
    clock = InboundClock()
    clock.gap(0, FRAME)

    assert clock.gap(60_020, FRAME) == 10_000


@pytest.mark.parametrize("timestamp", [0, 20, 40, 60])
def test_late_and_repeated_frames_are_dropped(timestamp: int) -> None:
    """Their place was filled with silence already, or with themselves."""
    clock = InboundClock()
    clock.gap(0, FRAME)
    clock.gap(60, FRAME)

    assert clock.gap(timestamp, FRAME) < 0
    assert clock.gap(80, FRAME) == 0


@pytest.mark.parametrize("right", [[], [0]], ids=["at the very first", "later"])
def test_a_wrong_time_stamp_does_not_silence_the_caller_for_good(right: list[int]) -> None:
    """After one absurd jump ahead, a second of late frames puts the clock right."""
    clock = InboundClock()
    for timestamp in (*right, 10**9):
        clock.gap(timestamp, FRAME)

    heard = [clock.gap(20 * number, FRAME) for number in range(1, 60)]

    assert heard[-1] == 0
    assert sum(gap < 0 for gap in heard) == 49


def test_late_frames_among_others_never_put_the_clock_back() -> None:
    clock = InboundClock()
    clock.gap(100_000, FRAME)
    for number in range(1, 120):
        assert clock.gap(20 * number, FRAME) < 0
        assert clock.gap(100_000 + 20 * number, FRAME) == 0
