"""The environment, read once into one frozen object, with errors that say what is wrong and where to put it right."""

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from prosaas_core.facts.simulated import in_demo
from prosaas_core.postgres import address
from prosaas_core.privacy.masks import Value, masked
from prosaas_core.privacy.places import DAYS, MOST_DAYS

WHERE = "set it in .env (env/example.env explains each setting)"

DEMO_ACCOUNT_SID = "AC" + "0" * 32

SECRETS = frozenset(
    {
        "DATABASE_URL",
        "DATABASE_ROLES_KEY",
        "OPENAI_API_KEY",
        "TWILIO_AUTH_TOKEN",
        "CALL_TOKEN_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_ACCESS_TOKEN",
        "BUSINESS_WEBHOOK_TOKEN",
        "ADMIN_API_KEY",
    }
)


# What the providers hand out, as against what the scripts make for the demo.
_REAL: Mapping[str, Callable[[str], bool]] = {
    "OPENAI_API_KEY": lambda value: value not in ("", "demo"),
    "TWILIO_ACCOUNT_SID": lambda value: value not in ("", DEMO_ACCOUNT_SID),
    "TWILIO_AUTH_TOKEN": lambda value: re.fullmatch(r"[0-9a-f]{32}", value) is not None,
    "WHATSAPP_APP_SECRET": lambda value: re.fullmatch(r"[0-9a-f]{32}", value) is not None,
    "WHATSAPP_ACCESS_TOKEN": lambda value: value.startswith("EAA"),
}


_NO = ("", "0", "false", "no", "off")


class SettingsError(Exception):
    """The configuration cannot be used; the text is one line a problem, each with what to do about it."""


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"expected {' or '.join(f'{s}://host' for s in schemes)} without a query")
        return value.rstrip("/")

    return AfterValidator(check)


def _database_url(value: str) -> str:
    address.arguments(value)
    return value


def _days(name: str) -> Any:
    return Field(default=DAYS[name], ge=0, le=MOST_DAYS)


HttpUrl = Annotated[str, _url("http", "https")]
WebSocketUrl = Annotated[str, _url("ws", "wss")]


class Settings(BaseModel):
    """Every setting but those of the log, which belong to prosaas_logging."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(repr=False)
    # From it migrate makes a role for each service; without it all of them are who DATABASE_URL says.
    database_roles_key: str = Field(default="", repr=False, pattern="^([0-9a-f]{64})?$")
    public_url: HttpUrl = "http://localhost:8000"
    calls_public_url: HttpUrl
    calls_internal_url: HttpUrl = "http://prosaas-calls:5051"
    demo_url: HttpUrl = "http://simulator:9000"
    # Of the image, which says so itself.
    prosaas_version: str = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    operators_port: int = Field(default=5051, ge=0, le=65535)

    openai_api_key: str = Field(default="", repr=False)
    openai_base_url: HttpUrl = "https://api.openai.com/v1"
    openai_realtime_url: WebSocketUrl = "wss://api.openai.com/v1/realtime"
    openai_realtime_model: str = "gpt-realtime-2.1"
    openai_transcription_model: str = "gpt-transcribe"
    openai_text_model: str = "gpt-5.4-mini"
    openai_voice: str = "marin"
    openai_noise_reduction: Literal["near_field", "far_field", "off"] = "near_field"
    openai_turn_detection: Literal["server_vad", "semantic_vad"] = "server_vad"
    openai_vad_threshold: float = Field(default=0.5, ge=0, le=1)
    openai_vad_silence_ms: int = Field(default=500, ge=200, le=3000)

    twilio_account_sid: str = ""
    twilio_auth_token: str = Field(default="", repr=False)
    twilio_base_url: HttpUrl = "https://api.twilio.com"
    call_token_secret: str = Field(default="", repr=False)

    whatsapp_verify_token: str = Field(default="", repr=False)
    whatsapp_app_secret: str = Field(default="", repr=False)
    whatsapp_access_token: str = Field(default="", repr=False)
    whatsapp_reminder_template: str = Field(default="", max_length=512, pattern=r"^[a-z0-9_]*$")
    whatsapp_base_url: HttpUrl = "https://graph.facebook.com"

    # A system of the operator's own, told of what callers leave and of those who were sent away; empty: none is.
    business_webhook_url: HttpUrl = ""
    business_webhook_token: str = Field(default="", repr=False)

    admin_api_key: str = Field(default="", repr=False)

    max_calls: int = Field(default=100, ge=1)
    calls_per_number: int = Field(default=5, ge=0)
    drain_seconds: float = Field(default=600, ge=0)
    max_call_seconds: float = Field(default=1800, gt=0)
    idle_seconds: float = Field(default=45, gt=0)
    max_cost_per_call: float = Field(default=0, ge=0)
    max_cost_per_day: float = Field(default=0, ge=0)
    prices_file: Path = Path("/etc/prosaas/env/prices.toml")
    job_concurrency: int = Field(default=20, ge=2, le=200)
    job_lease_seconds: float = Field(default=30, ge=2)
    reply_pause_seconds: float = Field(default=4, ge=0, le=60)
    session_idle_minutes: float = Field(default=1440, gt=0)
    spool_dir: Path = Path("/var/spool/prosaas")

    mask_in_records: int = Field(default=1, ge=0, le=1)
    # How many days something is kept; 0 is for ever.
    keep_transcripts_days: int = _days("keep_transcripts_days")
    keep_events_days: int = _days("keep_events_days")
    keep_summaries_days: int = _days("keep_summaries_days")
    keep_callers_days: int = _days("keep_callers_days")
    keep_messages_days: int = _days("keep_messages_days")
    keep_appointments_days: int = _days("keep_appointments_days")
    keep_customers_days: int = _days("keep_customers_days")
    keep_blackbox_days: int = _days("keep_blackbox_days")

    # Everything outward goes to the simulator's stand-ins: asked for by DEMO=1, and by nothing else.
    demo: bool = False

    def for_record(self, value: Value) -> Value:
        """The value as it may be kept: without card and identity numbers, unless these were asked for."""
        return masked(value) if self.mask_in_records else value


def load_settings(environ: Mapping[str, str] | None = None, *, required: Sequence[str] = ("DATABASE_URL",)) -> Settings:
    """The settings in `environ`; with those of `required` there; SettingsError tells every problem at once."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    values: dict[str, Any] = {}
    asked = environ.get("DEMO", "").strip().lower()
    demo = in_demo(environ)
    names = [name.upper() for name in Settings.model_fields if name != "demo"]
    for name in names:
        try:
            value = _value(name, environ)
        except OSError as error:
            problems.append(f"{name}_FILE={environ[name + '_FILE']!r} cannot be read ({error.strerror}): {WHERE}")
            continue
        if value:
            values[name.lower()] = value
        elif demo and name == "OPENAI_API_KEY":
            continue
        elif name in required or name == "DATABASE_URL":
            problems.append(f"{name} is missing: {WHERE}")
    if not demo and asked not in _NO:
        problems.append(f"DEMO={asked!r} is not usable (expected 1 or 0): {WHERE}")
    real = [name for name, is_real in _REAL.items() if is_real(values.get(name.lower(), ""))]
    if demo:
        # The stand-ins never see a real secret, and a real caller never hears the stand-in.
        problems += [f"{name} is a real one beside DEMO=1: take one of the two out of .env" for name in real]
    elif asked in _NO and "openai_api_key" not in values and real and "OPENAI_API_KEY" not in required:
        problems.append(f"OPENAI_API_KEY is missing beside {', '.join(real)}, and DEMO=1 is not set: {WHERE}")

    given = frozenset(values)
    if demo:
        base = values.get("demo_url", Settings.model_fields["demo_url"].default).rstrip("/")
        values.setdefault("openai_base_url", f"{base}/v1")
        values.setdefault("openai_realtime_url", f"{base.replace('http', 'ws', 1)}/v1/realtime")
        values.setdefault("twilio_base_url", base)
        values.setdefault("whatsapp_base_url", base)
        # All simulated callers have one number.
        values.setdefault("calls_per_number", 0)
        # The stand-ins check that credentials are sent, as the real ones do.
        values |= {"demo": True, "openai_api_key": "demo", "whatsapp_access_token": "demo"}
        values.setdefault("twilio_account_sid", DEMO_ACCOUNT_SID)
    values.setdefault("calls_public_url", values.get("public_url", Settings.model_fields["public_url"].default))
    if token := values.get("twilio_auth_token"):
        values.setdefault("call_token_secret", _derived(token))
    try:
        settings = Settings.model_validate(values)
        if not problems:
            return settings
    except ValidationError as error:
        # Of what is missing has been told already, and of what follows from another with that.
        problems += [_problem(e["loc"][0], e["msg"], values) for e in error.errors() if e["loc"][0] in given]
    raise SettingsError("\n".join(problems))


def _value(name: str, environ: Mapping[str, str]) -> str:
    if value := environ.get(name, "").strip():
        return value
    if name in SECRETS and (path := environ.get(f"{name}_FILE", "").strip()):
        return Path(path).read_text(encoding="utf-8").strip()
    return ""


def _derived(token: str) -> str:
    return hmac.new(token.encode(), b"prosaas-stream-token", hashlib.sha256).hexdigest()


def _problem(field: int | str, message: str, values: Mapping[str, Any]) -> str:
    name = str(field).upper()
    shown = "" if name in SECRETS else f"={values[str(field)]!r}"
    return f"{name}{shown} is not usable ({message.removeprefix('Value error, ')}): {WHERE}"
