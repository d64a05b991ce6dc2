"""Who hides their number is nobody, however a carrier says so."""

import pytest

from prosaas_core.phones import caller_id, international, same_number, without_trunk


@pytest.mark.parametrize(
    "given",
    [
        *("", "anonymous", "Anonymous", "ANONYMOUS", "Restricted", "Unavailable", "unknown", "Private", "Blocked"),
        *("+266696687", "+7378742833", "+7378742883", "+86282452253", "+8656696", "+2562533"),
        *("sip:anonymous@anonymous.invalid", "client:web", "0501234567", "+0501234567", "+972501234567x", "+12"),
        *("+972501234567\n", "+٩٧٢٥٠١٢٣٤٥٦٧", "+" + "9" * 100_000, "+97250 1234567"),
    ],
)
def test_a_withheld_number_is_nobodys(given: str) -> None:
    assert caller_id(given) is None


@pytest.mark.parametrize("number", ["+972501234567", "+12025550123", "+26622123456", "+8613912345678"])
def test_a_number_is_its_callers(number: str) -> None:
    assert caller_id(number) == number


def test_a_number_has_one_spelling_without_the_zero_of_its_country() -> None:
    """Of Israel's alone: a 0 after another country's code is a part of the number, or not known to be none."""
    given = ("9720501234567", "972501234567", "390612345678", "0501234567", "")
    assert [without_trunk(digits) for digits in given] == ["972501234567", *given[1:]]


def test_a_number_is_the_same_however_it_is_spelled() -> None:
    assert same_number("+972-3-555-0199", "+97235550199")
    assert same_number("03-555-0199", "+97235550199")
    assert same_number("+97235550199", "035550199")
    assert not same_number("035550198", "+97235550199")
    assert not same_number("*2700", "+97235550199")
    assert not same_number("+97235550198", "+97235550199")
    assert not same_number("", "")


@pytest.mark.parametrize(
    ("spoken", "number"),
    [
        ("050-123 4567", "+972501234567"),
        ("+1 (202) 555-0100", "+12025550100"),
        ("00972501234567", "+972501234567"),
        ("501234567", "+972501234567"),
        ("972-50-123-4567", "+972501234567"),
        ("972501234567", "+972501234567"),
        ("+972 050 123 4567", "+972501234567"),
        ("03-555-0199", "+97235550199"),
        ("050", None),
        ("05012", None),
        ("050 12 34", None),
        ("555-0100", None),
        ("050-123-4567 8", None),
        ("+972 50 123", None),
        ("1 800", None),
        ("4580 4580 4580 4580", None),
        ("", None),
        ("anonymous", None),
        ("+266696687", None),
        ("٠٥٠١٢٣٤٥٦٧", None),
    ],
)
def test_a_number_as_people_say_it_is_one_of_the_neighbours_country(spoken: str, number: str | None) -> None:
    assert international(spoken, "+97235550100") == number


@pytest.mark.parametrize(
    ("neighbour", "spoken", "number"),
    [
        ("+12025550100", "(202) 555-0123", "+12025550123"),
        ("+12025550100", "1 202 555 0123", "+12025550123"),
        ("+12025550100", "555-0123", None),
        ("+4930123456", "0201234567", "+49201234567"),
        ("+4930123456", "0151 234 567 89", "+4915123456789"),
        ("+35312345678", "0201234567", "+353201234567"),
        ("+390612345678", "06 8765 4321", "+390687654321"),
        ("+33123456789", "03 31 23 45 67", "+33331234567"),
        ("+33123456789", "331234567", "+33331234567"),
        ("nobody", "0501234567", None),
    ],
)
def test_a_number_is_whole_by_the_plan_of_its_country(neighbour: str, spoken: str, number: str | None) -> None:
    """Codes of one to three digits; a code that is said is no part of the number, and what looks like one may be."""
    assert international(spoken, neighbour) == number
