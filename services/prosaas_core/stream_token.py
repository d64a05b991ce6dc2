"""The token that lets one phone call open one media stream: signed, short-lived, and readable without the database."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass

# Twilio allows a Parameter 500 characters for name and value; a SIP address can be longer than all of that.
MAX_NUMBER = 48
NONCE_LENGTH = 12
# From the first we hear of a call, which may wait for its turn, until its token is good no more.
RINGING_S = 180.0
_UNTIL = re.compile(r"[0-9]{1,12}")


class TokenError(Exception):
    """The token does not admit a stream; `reason` is malformed, forged or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class StreamClaims:
    """What the api knew about the call when it answered Twilio. `business_id` is None when it could not look it up."""

    call_sid: str
    business_id: int | None
    from_number: str
    to_number: str
    expires_at: float
    # The call's, behind the seat that alone takes it: `seat:nonce`.
    nonce: str
    # Why the caller is back from a transfer that no person took: busy, no-answer, failed, canceled or machine.
    returned: str = ""

    @property
    def seat(self) -> str:
        """The prosaas-calls that the call was led to; "" where any may take it."""
        return self.nonce.rpartition(":")[0]

    @property
    def once(self) -> str:
        """What must not come twice, whichever seat a token names."""
        return self.nonce.rpartition(":")[2]


def issue(
    secret: str,
    *,
    call_sid: str,
    business_id: int | None,
    from_number: str,
    to_number: str,
    ttl: float = 60,
    since: float | None = None,
    returned: str = "",
    dialled: str = "",
    seat: str = "",
) -> str:
    """A token for this call, good for `ttl` seconds from `since`, in seconds since 1970, or from now.

    Its nonce is the call's, and the `seat` lets each nonce in once: whoever asks again for a call gets no second
    stream. Who is `returned` from a transfer gets one for each time that somebody was `dialled`; where Twilio does not
    say whom, for each time that it asks.
    """
    again = f" {returned} {dialled or secrets.token_hex(8)}" if returned else ""
    claims = [
        call_sid[:MAX_NUMBER],
        business_id,
        from_number[:MAX_NUMBER],
        to_number[:MAX_NUMBER],
        int((time.time() if since is None else since) + ttl),
        f"{seat}:{_encode(hashlib.sha256(f'{call_sid}{again}'.encode()).digest())[:NONCE_LENGTH]}".lstrip(":"),
        # A calls service of the generation before knows no such claim, and need not for most calls.
        *([returned[:MAX_NUMBER]] if returned else []),
    ]
    body = _encode(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{body}.{_signature(_split(secret)[0], body)}"


def rotated(new: str, before: str, until: float) -> str:
    """The setting after a rotation: `new` signs, and what signed `before` is still good until then (since 1970)."""
    return f"{new},{_split(before)[0]}:{int(until)}"


def _split(setting: str) -> tuple[str, str, float]:
    """What signs, what signed before, and until when that is good."""
    signs, _, before = setting.rpartition(",")
    signed, _, until = before.rpartition(":")
    rotated = signs and signed and _UNTIL.fullmatch(until)
    return (signs, signed, float(until)) if rotated else (setting, "", 0.0)


def verify(secret: str, token: str, *, now: float | None = None) -> StreamClaims:
    """The claims of a token that we issued and that has not expired; TokenError otherwise."""
    now = time.time() if now is None else now
    body, _, signature = token.partition(".")
    if not body or not signature or not token.isascii():
        raise TokenError("malformed")
    current, before, until = _split(secret)
    good = [current, *([before] if now < until else [])]
    if not any(hmac.compare_digest(signature, _signature(each, body)) for each in good):
        raise TokenError("forged")
    try:
        claims = StreamClaims(*json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (ValueError, TypeError, binascii.Error):
        raise TokenError("malformed") from None
    if now >= claims.expires_at:
        raise TokenError("expired")
    return claims


def _signature(secret: str, body: str) -> str:
    if not secret:
        raise ValueError("an empty secret would let anybody sign a token")
    return _encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
