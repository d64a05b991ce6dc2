"""Who calls: a number is a person, what stands for a hidden one is nobody."""

import pytest

from prosaas_core.parties import caller_id, same_number


@pytest.mark.parametrize(
    "hidden", ["", "anonymous", "ANONYMOUS", "Restricted", "+266696687", "+7378742883", "unknown", "+0", "sip:a@b.c"]
)
def test_a_hidden_number_is_nobodys(hidden: str) -> None:
    assert caller_id(hidden) == ""


def test_a_number_is_somebodys() -> None:
    assert caller_id("+972501234567") == "+972501234567"


def test_a_number_is_the_same_however_it_is_spelled() -> None:
    assert same_number("+972-3-555-0199", "+97235550199")
    assert not same_number("+97235550198", "+97235550199")
    assert not same_number("", "")
