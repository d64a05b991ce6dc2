"""Who hides their number is nobody, however a carrier says so."""

import pytest

from prosaas_core.phones import caller_id, international, same_number


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


def test_a_number_is_the_same_however_it_is_spelled() -> None:
    assert same_number("+972-3-555-0199", "+97235550199")
    assert not same_number("+97235550198", "+97235550199")
    assert not same_number("", "")


@pytest.mark.parametrize(
    ("spoken", "number"),
    [
        ("050-123 4567", "+972501234567"),
        ("+1 (202) 555-0100", "+12025550100"),
        ("00972501234567", "+972501234567"),
        ("501234567", "+972501234567"),
        ("050", None),
        ("", None),
        ("anonymous", None),
        ("+266696687", None),
        ("٠٥٠١٢٣٤٥٦٧", None),
    ],
)
def test_a_number_as_people_say_it_is_one_of_the_neighbours_country(spoken: str, number: str | None) -> None:
    assert international(spoken, "+97235550100") == number


@pytest.mark.parametrize(
    ("neighbour", "country"), [("+12025550100", "+1"), ("+4930123456", "+49"), ("+35312345", "+353")]
)
def test_country_codes_have_one_to_three_digits(neighbour: str, country: str) -> None:
    assert international("0201234567", neighbour) == f"{country}201234567"
