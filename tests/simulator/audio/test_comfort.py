"""What a caller hears of the words of comfort is told from audio that nobody sent."""

import pytest

from prosaas_calls.prompts import prompt
from simulator.audio.comfort import Comfort, recordings

HEBREW, ENGLISH = prompt("comfort", "he"), prompt("comfort", "en")


def cut(audio: bytes, size: int) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]


def test_the_recordings_are_the_services_own() -> None:
    assert set(recordings()) == {HEBREW, ENGLISH}


@pytest.mark.parametrize("size", [160, 73, 20_000])
@pytest.mark.parametrize("audio", [HEBREW, HEBREW + HEBREW, ENGLISH + HEBREW])
def test_each_is_known_to_its_end_however_it_is_cut(audio: bytes, size: int) -> None:
    comfort = Comfort()
    assert sum(comfort.take(frame) for frame in cut(audio, size)) == len(audio)


def test_one_that_the_answer_cut_off_is_known_as_far_as_it_was_heard_and_the_next_from_its_beginning() -> None:
    comfort = Comfort()
    assert sum(comfort.take(frame) for frame in cut(HEBREW[:4_000], 160)) == 4_000
    assert sum(comfort.take(frame) for frame in cut(HEBREW, 160)) == len(HEBREW)


def test_what_is_not_theirs_is_known_as_such_before_within_and_behind_them() -> None:
    comfort = Comfort()
    assert comfort.take(b"\x12" * 160) == 0
    assert comfort.take(HEBREW[:320]) == 320
    assert comfort.take(b"\x12" * 160) == 0
    assert comfort.take(HEBREW[320:] + b"\x12" * 160) == len(HEBREW) - 320
