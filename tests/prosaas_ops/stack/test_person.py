"""Whom a command about one person means."""

import pytest

from prosaas_ops.options import Options, Usage
from prosaas_ops.stack import person


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("+972 (0)54-123 4567", "972541234567"),
        ("00972541234567", "972541234567"),
        ("+972054-1234567", "972541234567"),
        ("+39 06 1234567", "39061234567"),
        ("+1 (212) 555-0142", "12125550142"),
        # Never somebody else's, however far apart it is written.
        ("+49 (30)   -   1 2 3   -   4 5 6 7 8", "493012345678"),
        ("+972   (0)54   -   1 2 3   4 5 6 7", "9720541234567"),
    ],
)
def test_a_number_with_its_country_is_taken_as_people_write_it(typed: str, digits: str) -> None:
    """Else nothing would be found of somebody who wants to be forgotten, and be taken for nothing being there."""
    assert person._named(Options("forget", ("PHONE",), {"PHONE": typed})) == (digits, None)


def test_a_number_without_its_country_is_only_offered_with_it() -> None:
    """Whom somebody takes out for good is not guessed."""
    with pytest.raises(Usage, match=r"PHONE=\+972541234567"):
        person._named(Options("forget", ("PHONE",), {"PHONE": "054-123 4567"}))
