"""Which greetings are worth keeping."""

import pytest

from prosaas_calls.call.greetings import Greetings, Recording, Spoken

KEY = Spoken("model", "marin", "שלום, הגעתם למספרת דנה.")


def record(said: str, audio: bytes = b"\x00" * 8000, *, whole: bool = True) -> bytes | None:
    """Let a greeting be spoken; what is kept of it."""
    greetings = Greetings()
    recording = Recording(greetings, KEY)
    recording.hear(audio)
    recording.understand(said)
    recording.end(whole=whole)
    return greetings.get(KEY)


def test_a_greeting_is_kept_when_it_says_what_it_should() -> None:
    """Whatever the punctuation."""
    assert record("שלום הגעתם למספרת דנה") == b"\x00" * 8000


def test_a_greeting_that_says_something_else_is_not() -> None:
    assert record("היי, כאן דנה!") is None


def test_half_a_greeting_is_not() -> None:
    assert record(KEY.words, whole=False) is None


def test_neither_is_silence_nor_one_that_does_not_end() -> None:
    assert record(KEY.words, b"") is None
    assert record(KEY.words, b"\x00" * (31 * 8000)) is None


@pytest.mark.parametrize(("more", "kept"), [(b"", True), (b"\x00", False)])
def test_the_longest_greeting_that_is_kept_takes_half_a_minute(more: bytes, *, kept: bool) -> None:
    """One that goes on is not kept as far as it had come by then."""
    greetings = Greetings()
    recording = Recording(greetings, KEY)
    recording.hear(b"\x00" * (30 * 8000))
    recording.hear(more)
    recording.understand(KEY.words)
    recording.end(whole=True)

    assert (greetings.get(KEY) is not None) is kept


def test_only_the_first_response_is_taken_down() -> None:
    """What is said after the greeting is nobody's greeting."""
    greetings = Greetings()
    recording = Recording(greetings, KEY)
    recording.end(whole=False)
    recording.hear(b"\x00" * 8000)
    recording.understand(KEY.words)
    recording.end(whole=True)

    assert greetings.get(KEY) is None


def test_a_greeting_that_broke_off_is_not_kept_with_the_end_of_a_later_response() -> None:
    greetings = Greetings()
    recording = Recording(greetings, KEY)
    recording.hear(b"\x00" * 8000)
    recording.understand(KEY.words)
    recording.end(whole=False)
    recording.end(whole=True)

    assert greetings.get(KEY) is None


def test_the_greetings_that_were_not_used_for_longest_make_room() -> None:
    """A process keeps the voices of the businesses that are called, and no more than so many."""
    greetings = Greetings()
    greetings.keep(KEY, b"dana")
    for number in range(63):
        greetings.keep(Spoken("model", "marin", str(number)), b"")
    assert greetings.get(KEY) == b"dana"
    greetings.keep(Spoken("model", "marin", "one more"), b"")

    assert greetings.get(KEY) == b"dana"
    assert greetings.get(Spoken("model", "marin", "0")) is None
