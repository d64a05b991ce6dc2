"""Who sent a webhook: Twilio's and Meta's signatures, computed over the address that the world knows us by."""

import hashlib
import hmac

from starlette.requests import Request
from twilio.request_validator import RequestValidator

from prosaas_api.bodies import Form
from prosaas_api.problems import Problem
from prosaas_core.settings import Settings
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SIGNATURE_REJECTED

log = get_logger(__name__)


def check_twilio(request: Request, form: Form, settings: Settings) -> None:
    """Twilio signs the public URL with its query and the sorted fields, whatever a proxy made of that URL."""
    given = request.headers.get("x-twilio-signature", "")
    # Anybody can sign with an empty one.
    if not settings.twilio_auth_token:
        raise refused("twilio", "TWILIO_AUTH_TOKEN is not set")
    if not given:
        raise refused("twilio", "no signature")
    query = request.scope["query_string"].decode("latin-1")
    url = settings.public_url + request.scope["path"] + (f"?{query}" if query else "")
    validator = RequestValidator(settings.twilio_auth_token)
    # `validate` signs twice, with the port and without: that is left to those that differ from the address as it is.
    signed = hmac.compare_digest(validator.compute_signature(url, form).encode(), given.encode())
    if not (signed or validator.validate(url, form, given)):
        raise refused("twilio", "the signature does not match; is PUBLIC_URL the address that Twilio calls?")


def check_meta(request: Request, body: bytes, settings: Settings) -> None:
    """Meta signs the raw body with the app's secret."""
    given = request.headers.get("x-hub-signature-256", "")
    if not settings.whatsapp_app_secret:
        raise refused("meta", "WHATSAPP_APP_SECRET is not set")
    if not given:
        raise refused("meta", "no signature")
    expected = "sha256=" + hmac.new(settings.whatsapp_app_secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise refused("meta", "the signature does not match")


def refused(source: str, reason: str) -> Problem:
    """The refusal to raise; the log has said so."""
    log.event(SIGNATURE_REJECTED, source=source, reason=reason)
    return Problem(403, "the signature is missing or does not match")
