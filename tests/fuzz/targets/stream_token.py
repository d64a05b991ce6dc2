"""The token that admits a call to its media stream."""

from prosaas_core.stream_token import TokenError, issue, verify

SECRET = "fuzz"
SEEDS = (
    b"a.b",
    b"W10.x",
    b".",
    issue(SECRET, call_sid="CA1", business_id=1, from_number="+1", to_number="+2").encode(),
)


def check(data: bytes) -> None:
    """Nobody's bytes are a token but those that we issued; every other is refused with TokenError."""
    try:
        claims = verify(SECRET, data.decode("utf-8", "surrogateescape"))
    except TokenError:
        return
    # The seed, or one of another process, whose nonce differs: nobody else can have signed it.
    assert (claims.call_sid, claims.business_id) == ("CA1", 1), "a forged token was let in"
