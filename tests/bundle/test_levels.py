"""The log settings of the guide, in the files, in the rendered model of each environment, and nowhere else."""

from pathlib import Path

import pytest

from bundle_world.checkout import ROOT
from bundle_world.model import ENVIRONMENTS, OURS, render, services

# What the deployment guide prescribes, by environment.
GUIDE = {
    "prod": {"LOG_LEVEL": "INFO", "PYTHONUNBUFFERED": "1", "LOG_JSON": "0"},
    "dev": {"LOG_LEVEL": "DEBUG", "PYTHONUNBUFFERED": "1"},
}


def assignments(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_env_file_says_what_the_guide_says(environment: str) -> None:
    """An env file that drifts from the guide, by a value or by a variable more or less, fails here."""
    assert assignments(ROOT / "env" / f"{environment}.env") == GUIDE[environment]


@pytest.mark.docker
@pytest.mark.parametrize("service", OURS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_rendered_service_carries_the_guides_settings(environment: str, service: str) -> None:
    """`docker compose config` shows each setting of the guide on each of the three services, as text."""
    shown = services(environment)[service]["environment"]
    assert {name: shown[name] for name in GUIDE[environment]} == GUIDE[environment]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("service", "variable"),
    [("prosaas-api", "API_LOG_LEVEL"), ("prosaas-calls", "CALLS_LOG_LEVEL"), ("worker", "WORKER_LOG_LEVEL")],
)
def test_level_of_one_service_reaches_that_service_alone(service: str, variable: str) -> None:
    """An explicit level is passed to its own service, leaves LOG_LEVEL as it was, and touches no other service."""
    model = render("prod", **{variable: "DEBUG"})["services"]
    assert model[service]["environment"][variable] == "DEBUG"
    assert model[service]["environment"]["LOG_LEVEL"] == "INFO"
    assert [name for name in model if variable in (model[name].get("environment") or {})] == [service]


@pytest.mark.docker
@pytest.mark.parametrize("service", OURS)
def test_explicit_level_is_absent_unless_somebody_sets_it(service: str) -> None:
    """A null in the model is a variable that the container does not get: the env file decides."""
    shown = services("prod")[service]["environment"]
    assert [value for name, value in shown.items() if name.endswith("_LOG_LEVEL")] == [None]


@pytest.mark.docker
@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", OURS)
def test_env_folder_is_mounted_read_only_and_named(environment: str, service: str) -> None:
    """The guide's way (edit the file, restart) needs the file inside the container, where nobody can change it."""
    model = services(environment)[service]
    (mount,) = [volume for volume in model["volumes"] if volume["target"] == "/etc/prosaas/env"]
    assert mount["read_only"] is True
    assert Path(mount["source"]).name == "env"
    assert model["environment"]["PROSAAS_ENV_FILE"] == f"/etc/prosaas/env/{environment}.env"
