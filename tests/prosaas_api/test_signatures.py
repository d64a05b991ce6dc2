"""Without a secret of ours there is no signature that could be right: anybody can sign with an empty one."""

import hashlib
import hmac

import pytest
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from twilio.request_validator import RequestValidator

from prosaas_api.bodies import Form
from prosaas_api.problems import Problem
from prosaas_api.signatures import check_meta, check_twilio
from prosaas_core.settings import Settings, load_settings
from prosaas_logging import capture_events

BODY = b'{"entry": []}'
PUBLIC_URL = "https://prosaas.example"


@pytest.fixture
def secretless() -> Settings:
    settings = load_settings({"PUBLIC_URL": PUBLIC_URL, "DATABASE_URL": "postgresql://u:p@h/d", "DEMO": "1"})
    return settings.model_copy(update={"twilio_auth_token": "", "whatsapp_app_secret": ""})


def signed(header: str, signature: str) -> Request:
    scope = {"type": "http", "method": "POST", "path": "/hook", "query_string": b"", "scheme": "http"}
    return Request({**scope, "headers": [(header.encode(), signature.encode())]})


def test_metas_signature_with_an_empty_secret_is_refused(secretless: Settings) -> None:
    request = signed("x-hub-signature-256", "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest())
    with capture_events("WARNING") as events, pytest.raises(Problem) as refused:
        check_meta(request, BODY, secretless)
    assert refused.value.status_code == 403
    assert [event.fields["reason"] for event in events] == ["WHATSAPP_APP_SECRET is not set"]


def test_twilios_signature_with_an_empty_token_is_refused(secretless: Settings) -> None:
    form: Form = ImmutableMultiDict({"CallSid": "CA1"})
    signature = RequestValidator("").compute_signature(f"{PUBLIC_URL}/hook", form)
    with capture_events("WARNING") as events, pytest.raises(Problem) as refused:
        check_twilio(signed("x-twilio-signature", signature), form, secretless)
    assert refused.value.status_code == 403
    assert [event.fields["reason"] for event in events] == ["TWILIO_AUTH_TOKEN is not set"]


@pytest.mark.parametrize("signed_address", ["https://prosaas.example", "https://prosaas.example:443"])
def test_twilios_signature_may_be_over_the_address_with_its_port(signed_address: str) -> None:
    settings = load_settings(
        {"PUBLIC_URL": PUBLIC_URL, "DATABASE_URL": "postgresql://u:p@h/d", "DEMO": "1", "TWILIO_AUTH_TOKEN": "token"}
    )
    form: Form = ImmutableMultiDict({"CallSid": "CA1"})
    signature = RequestValidator("token").compute_signature(f"{signed_address}/hook", form)
    check_twilio(signed("x-twilio-signature", signature), form, settings)
    with pytest.raises(Problem):
        check_twilio(signed("x-twilio-signature", signature), ImmutableMultiDict({"CallSid": "CA2"}), settings)
