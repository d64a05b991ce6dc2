"""An exception becomes text at the moment of logging, bounded however long, deep or many it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from prosaas_logging.errors import ErrorInfo, describe, split_traceback
from prosaas_logging.redact import LONGEST_TEXT

STACK = "Traceback (most recent call last):\n  File x\n"


def raised(work: Callable[[], Any]) -> BaseException:
    """What *work* raises, with its stack."""
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


def ping(left: int) -> None:
    """By turns, or Python would show the same row once."""
    if not left:
        raise ValueError("deep")
    pong(left - 1)


def pong(left: int) -> None:
    ping(left)


def told(error: object) -> ErrorInfo:
    made = describe(error)
    assert made is not None
    return made


def test_an_error_is_found_in_each_form_in_which_the_standard_library_hands_it_over() -> None:
    error = ValueError("why")
    assert told(error)[:2] == told((ValueError, error, None))[:2] == ("ValueError", "why")
    try:
        raise error
    except ValueError:
        assert told(True).message == told((1, 2)).message == "why"
    for nothing in (None, False, True, (None, None, None)):
        assert describe(nothing) is None


def test_an_error_is_named_with_its_module_unless_it_is_python_s_own() -> None:
    assert told(raised(lambda: json.loads("{"))).kind == "json.decoder.JSONDecodeError"
    assert told(raised(lambda: 1 / 0)).kind == "ZeroDivisionError"


@pytest.mark.parametrize("others", [0, 40])
def test_of_a_deep_stack_the_innermost_hundred_frames_are_shown_also_where_there_are_many_errors(others: int) -> None:
    last = raised(lambda: ping(200))
    for number in range(others):
        error = ValueError(number)
        error.__context__, last = last, error
    stack = told(last).stack
    assert stack.count('  File "') == 100


def test_a_long_message_is_cut_to_what_is_looked_at() -> None:
    assert 0 <= 2 * LONGEST_TEXT - len(told(ValueError("x" * 100_000)).message) <= 1


def each_from_another(count: int) -> list[Exception]:
    """Errors that were raised while another was handled, as ``raise … from`` leaves them."""
    made: list[Exception] = [ValueError(number) for number in range(count)]
    for error in made:
        error.__cause__ = error.__context__ = KeyError(*error.args)
    return made


@pytest.mark.parametrize(
    ("errors", "more"),
    [
        ([ValueError(number) for number in range(31)], None),
        ([ValueError(number) for number in range(32)], 25),
        ([ValueError(number) for number in range(5000)], 4993),
        (each_from_another(15), None),
        (each_from_another(16), 25),
    ],
)
def test_of_a_group_too_all_are_counted_and_some_of_many_shown(errors: list[Exception], more: int | None) -> None:
    stack = told(ExceptionGroup("many", errors)).stack
    assert (f"… {more} more exceptions …" in stack) == (more is not None)
    assert ("more exceptions …" in stack) == (more is not None)


def test_of_a_group_too_large_to_follow_what_led_to_it_is_shown() -> None:
    group = ExceptionGroup("many", [ValueError(f"{number}") for number in range(20_000)])
    group.__cause__ = OSError("the root of it")
    assert "OSError: the root of it" in told(group).stack


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        ("no stack: at all", "no stack: at all", None),
        (f"it failed:\n{STACK}ValueError: why: so", "it failed", ("ValueError", "why: so")),
        (f"{STACK}KeyError: 'x'\n\n", "KeyError", ("KeyError", "'x'")),
    ],
)
def test_a_stack_that_somebody_put_into_a_text_is_told_from_what_was_said(
    text: str, said: str, error: tuple[str, str] | None
) -> None:
    shown, found = split_traceback(text)
    assert shown == said
    assert (found and found[:2]) == error
    assert found is None or found.stack == text[text.index(STACK) :].rstrip()
