"""The token that lets one phone call open one media stream: signed, short-lived, and readable without the database."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

# Twilio allows a Parameter 500 characters for name and value; a SIP address can be longer than all of that.
MAX_NUMBER = 48
NONCE_LENGTH = 12


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
    nonce: str


def issue(
    secret: str,
    *,
    call_sid: str,
    business_id: int | None,
    from_number: str,
    to_number: str,
    ttl: float = 60,
    since: float | None = None,
) -> str:
    """A token for this call, good for `ttl` seconds from `since`, in seconds since 1970, or from now.

    Its nonce is the call's, and the calls service lets each nonce in once: whoever asks again for a call gets no second
    stream.
    """
    claims = [
        call_sid[:MAX_NUMBER],
        business_id,
        from_number[:MAX_NUMBER],
        to_number[:MAX_NUMBER],
        int((time.time() if since is None else since) + ttl),
        _signature(secret, f"nonce {call_sid}")[:NONCE_LENGTH],
    ]
    body = _encode(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{body}.{_signature(secret, body)}"


def verify(secret: str, token: str, *, now: float | None = None) -> StreamClaims:
    """The claims of a token that we issued and that has not expired; TokenError otherwise."""
    body, _, signature = token.partition(".")
    if not body or not signature or not token.isascii():
        raise TokenError("malformed")
    if not hmac.compare_digest(signature, _signature(secret, body)):
        raise TokenError("forged")
    try:
        claims = StreamClaims(*json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (ValueError, TypeError, binascii.Error):
        raise TokenError("malformed") from None
    if (time.time() if now is None else now) >= claims.expires_at:
        raise TokenError("expired")
    return claims


def _signature(secret: str, body: str) -> str:
    if not secret:
        raise ValueError("an empty secret would let anybody sign a token")
    return _encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
