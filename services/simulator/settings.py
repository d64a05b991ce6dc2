"""Where the simulator finds the services it calls, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Addresses and secrets; every one has a default that suits the demo stack."""

    port: int = 9000
    api_url: str = "http://prosaas-api:8000"
    calls_url: str = "ws://prosaas-calls:5050"
    public_url: str = ""
    account_sid: str = "AC" + "0" * 32
    twilio_token: str = ""
    meta_secret: str = ""
    scenarios: Path | None = None

    @property
    def public_base(self) -> str:
        """The base that signed URLs start with."""
        return (self.public_url or self.api_url).rstrip("/")


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in the environment; an empty value counts as unset."""
    env = {name: value for name, value in (os.environ if environ is None else environ).items() if value}
    default = Settings()
    return Settings(
        port=int(env.get("PORT", default.port)),
        api_url=env.get("API_URL", default.api_url),
        calls_url=env.get("CALLS_URL", default.calls_url),
        public_url=env.get("PUBLIC_URL", ""),
        account_sid=env.get("TWILIO_ACCOUNT_SID", default.account_sid),
        twilio_token=_secret(env, "TWILIO_AUTH_TOKEN"),
        meta_secret=_secret(env, "WHATSAPP_APP_SECRET"),
        scenarios=Path(env["SIMULATOR_SCENARIOS"]) if "SIMULATOR_SCENARIOS" in env else None,
    )


def _secret(env: Mapping[str, str], name: str) -> str:
    if file := env.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return env.get(name, "")
