"""The signatures that Twilio and Meta put on their webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def twilio(token: str, url: str, form: Mapping[str, str] | None = None) -> str:
    """Return X-Twilio-Signature for a request to this public URL."""
    signed = url + "".join(name + value for name, value in sorted((form or {}).items()))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def meta(secret: str, body: bytes) -> str:
    """Return X-Hub-Signature-256 for a raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
