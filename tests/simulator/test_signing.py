"""Signatures, judged by the packages that check them."""

from twilio.request_validator import RequestValidator

from simulator import signing

URL = "https://phone.example/twilio/voice?try=1"


def test_twilios_validator_accepts_the_signature() -> None:
    """A form post and a bare URL are both signed as Twilio signs them."""
    form = {"CallSid": "CA1", "From": "+972501234567", "Body": "שלום & עוד"}
    validator = RequestValidator("secret")
    assert validator.validate(URL, form, signing.twilio("secret", URL, form))
    assert validator.validate(URL, {}, signing.twilio("secret", URL))
    assert not validator.validate(URL, form, signing.twilio("other", URL, form))


def test_metas_signature_is_a_sha256_of_the_raw_body() -> None:
    """A known digest."""
    signature = signing.meta("key", b"The quick brown fox jumps over the lazy dog")
    assert signature == "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
