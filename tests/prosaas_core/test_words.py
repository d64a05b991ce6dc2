"""Days in words, with the weekday that tells a wrong one."""

import calendar
import re
from datetime import date, datetime, timedelta

import pytest

from prosaas_core.words import counted, day_in_words, moment_in_words, weekday


@pytest.mark.parametrize(
    ("language", "words"),
    [("he", "יום שלישי, 1 בדצמבר"), ("en", "Tuesday, 1 December"), ("ru", "Tuesday, 1 December")],
)
def test_a_day_is_said_with_its_weekday(language: str, words: str) -> None:
    assert day_in_words(date(2026, 12, 1), language) == words


def test_each_day_of_a_year_is_said_in_words_of_its_language() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    for day in days:
        assert (
            day_in_words(day, "en") == f"{calendar.day_name[day.weekday()]}, {day.day} {calendar.month_name[day.month]}"
        )
    hebrew = [day_in_words(day, "he") for day in days]
    assert all(re.fullmatch(r"(?:יום )?[א-ת]+, \d+ ב[א-ת]+", said) for said in hebrew)
    assert len({said.partition(",")[0] for said in hebrew}) == 7
    assert len({said.rpartition(" ")[2] for said in hebrew}) == 12


def test_saturday_is_no_day_number_in_hebrew() -> None:
    assert weekday(date(2026, 11, 28), "he") == "שבת"


def test_a_moment_is_a_day_and_an_hour() -> None:
    assert moment_in_words(datetime(2026, 12, 1, 9, 5), "he") == "יום שלישי, 1 בדצמבר, 09:05"


@pytest.mark.parametrize(("number", "said"), [(0, "0 free times"), (1, "one free time"), (3, "3 free times")])
def test_one_thing_is_counted_in_words_of_its_own(number: int, said: str) -> None:
    assert counted(number, "one free time", "{} free times") == said
