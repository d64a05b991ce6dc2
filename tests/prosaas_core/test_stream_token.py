"""The stream token: it says what the api knew, and nobody else can write one."""

import base64
import json
import time
from typing import Any

import pytest

from prosaas_core.stream_token import TokenError, issue, rotated, verify

CALL_SID = "CA" + "0" * 32


def token(secret: str = "s", ttl: float = 60, **changes: Any) -> str:
    call: dict[str, Any] = {
        "call_sid": CALL_SID,
        "from_number": "+972501234567",
        "to_number": "+97235550100",
        **changes,
    }
    return issue(secret, business_id=456, ttl=ttl, **call)


def test_what_goes_in_comes_out() -> None:
    claims = verify("s", token())
    assert (claims.call_sid, claims.business_id) == (CALL_SID, 456)
    assert (claims.from_number, claims.to_number) == ("+972501234567", "+97235550100")
    assert time.time() < claims.expires_at <= time.time() + 60


def test_who_comes_back_from_a_transfer_brings_the_reason_and_nobody_else_a_claim_more() -> None:
    """A calls service of the generation before reads the tokens of ordinary calls."""
    assert verify("s", token(returned="no-answer")).returned == "no-answer"
    assert verify("s", token()).returned == ""
    body = token().partition(".")[0]
    assert len(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))) == 6


def test_a_call_has_a_stream_more_for_each_transfer_that_it_is_back_from() -> None:
    """Once each: a webhook that is sent twice opens no second one."""
    backs: list[dict[str, Any]] = [{}, {"returned": "busy", "dialled": "CA1"}, {"returned": "busy", "dialled": "CA2"}]
    nonces = [verify("s", token(**back)).nonce for back in backs for _ in range(2)]
    assert len(set(nonces)) == 3


def test_a_call_that_is_back_from_where_nobody_could_be_dialled_has_a_stream_each_time() -> None:
    """Twilio names no call for a number that it does not ring, and the second return is no replay of the first."""
    assert len({verify("s", token(returned="failed")).once for _ in range(2)}) == 2


def test_a_call_has_one_token_however_often_it_is_asked_for_and_no_other_calls() -> None:
    def of(call_sid: str) -> str:
        return issue("s", call_sid=call_sid, business_id=1, from_number="", to_number="", since=1e9)

    assert of("CA1") == of("CA1")
    assert verify("s", of("CA1"), now=1e9).nonce != verify("s", of("CA2"), now=1e9).nonce


def test_a_token_names_its_seat_and_stays_the_calls_own() -> None:
    """A claim of its own would be one that a calls service of the generation before does not know."""
    there, elsewhere, anywhere = (verify("s", token(seat=seat)) for seat in ("0a" * 6, "0b" * 6, ""))
    assert (there.seat, elsewhere.seat, anywhere.seat) == ("0a" * 6, "0b" * 6, "")
    assert there.once == elsewhere.once == anywhere.once != ""


def test_a_rotated_secret_is_good_until_the_calls_that_ring_are_answered_and_no_longer() -> None:
    before, now = token("old"), time.time()
    both = rotated("new", "old", now + 30)
    assert verify(both, before, now=now).call_sid == CALL_SID
    with pytest.raises(TokenError, match="forged"):
        verify(both, before, now=now + 30)
    assert verify("new", token(both), now=now).call_sid == CALL_SID
    with pytest.raises(TokenError, match="forged"):
        verify(rotated("newer", both, now + 30), before, now=now)


def test_a_rotation_gives_the_call_no_second_stream() -> None:
    assert verify("new", token("new")).once == verify("old", token("old")).once


def test_a_token_without_a_business_is_one_too() -> None:
    anonymous = issue("s", call_sid=CALL_SID, business_id=None, from_number="", to_number="")
    assert verify("s", anonymous).business_id is None


@pytest.mark.parametrize("wrong", ["", ".", "abc", "abc.", ".abc", "é.é", "a" * 5000])
def test_what_is_no_token_is_malformed(wrong: str) -> None:
    with pytest.raises(TokenError) as caught:
        verify("s", wrong)
    assert caught.value.reason == "malformed"


def test_another_secret_or_a_changed_byte_is_a_forgery() -> None:
    good = token()
    changed = ("A" if good[0] != "A" else "B") + good[1:]
    for secret, given in (("other", good), ("s", changed), ("s", good + "A")):
        with pytest.raises(TokenError) as caught:
            verify(secret, given)
        assert caught.value.reason == "forged"


def test_a_token_expires() -> None:
    with pytest.raises(TokenError) as caught:
        verify("s", token(ttl=0))
    assert caught.value.reason == "expired"


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        token(secret="")


def test_a_token_fits_into_a_twilio_parameter_however_long_the_callers_address_is() -> None:
    longest = token(seat="0a" * 6, from_number="sip:" + "x" * 500, to_number="sip:" + "é" * 500)
    assert len("token") + len(longest) < 500
