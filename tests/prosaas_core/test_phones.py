"""Who hides their number is nobody, however a carrier says so."""

import pytest

from prosaas_core.phones import caller_id


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
