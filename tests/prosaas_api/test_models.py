"""What the REST lets in, before any database sees it."""

import pytest
from pydantic import ValidationError

from prosaas_api.rest.models import BusinessChange, CustomerChange, NewCustomer


@pytest.mark.parametrize("number", ["+972054123456", "+972031234567"])
def test_a_number_as_no_carrier_writes_it_is_refused_at_the_entrance(number: str) -> None:
    """Nobody who calls would be known by it, no call would reach it, and `make forget` would not find who it is."""
    for take in (
        lambda: NewCustomer(channel="phone", external_id=number),
        lambda: NewCustomer(channel="whatsapp", external_id="972541234567", phone=number),
        lambda: CustomerChange(phone=number),
        lambda: BusinessChange(phone=number),
        lambda: BusinessChange(transfer_number=number),
    ):
        with pytest.raises(ValidationError, match="with its country"):
            take()


@pytest.mark.parametrize("number", ["+972541234567", "+97231234567", "+390612345678", "+97250123456"])
def test_a_country_whose_numbers_begin_with_a_nought_keeps_it(number: str) -> None:
    """As in Italy."""
    assert CustomerChange(phone=number).phone == number
    assert NewCustomer(channel="phone", external_id=number).phone == number
