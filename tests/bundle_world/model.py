"""The model that Compose makes of the files, for production and for development."""

import json
import subprocess
from functools import cache
from typing import Any

from bundle_world.checkout import ROOT, clean_environment

ENVIRONMENTS = ("prod", "dev")
OURS = ("prosaas-api", "prosaas-calls", "worker")
# Those of MONITORING=1 and GRAFANA=1.
WATCHING = ("prometheus", "alertmanager", "grafana")
UPSTREAM = ("postgres", *WATCHING)
LONG_RUNNING = (*OURS, *UPSTREAM, "gateway", "simulator")
Service = dict[str, Any]


@cache
def render(environment: str, *overlays: str, **settings: str) -> dict[str, Any]:
    """The merged model with every profile on, as `docker compose config` prints it; .env has no part in it."""
    files = [f"--file={name}" for name in (f"docker-compose.{environment}.yml", *overlays)]
    command = ["docker", "compose", "--env-file", "/dev/null", "--profile", "*", "--file=docker-compose.yml", *files]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=ROOT,
        env=clean_environment() | {"TWILIO_ACCOUNT_SID": "AC0"} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    model: dict[str, Any] = json.loads(done.stdout)
    return model


def services(environment: str) -> dict[str, Service]:
    every: dict[str, Service] = render(environment)["services"]
    return every
