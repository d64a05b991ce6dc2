"""Days in words, with the weekday that tells a wrong one."""

from datetime import date, datetime

import pytest

from prosaas_core.words import counted, day_in_words, moment_in_words, weekday


@pytest.mark.parametrize(
    ("language", "words"),
    [("he", "יום שלישי, 1 בדצמבר"), ("en", "Tuesday, 1 December"), ("ru", "Tuesday, 1 December")],
)
def test_a_day_is_said_with_its_weekday(language: str, words: str) -> None:
    assert day_in_words(date(2026, 12, 1), language) == words


def test_saturday_is_no_day_number_in_hebrew() -> None:
    assert weekday(date(2026, 11, 28), "he") == "שבת"


def test_a_moment_is_a_day_and_an_hour() -> None:
    assert moment_in_words(datetime(2026, 12, 1, 9, 5), "he") == "יום שלישי, 1 בדצמבר, 09:05"


@pytest.mark.parametrize(("number", "said"), [(0, "0 free times"), (1, "one free time"), (3, "3 free times")])
def test_one_thing_is_counted_in_words_of_its_own(number: int, said: str) -> None:
    assert counted(number, "one free time", "{} free times") == said
