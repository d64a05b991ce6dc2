"""Development mounts the source, reloads on change, and differs from production in nothing that it does not have to."""

import pytest

from bundle_world.model import OURS, services

PYTHON_SERVICES = (*OURS, "simulator")
pytestmark = pytest.mark.docker


@pytest.mark.parametrize("name", PYTHON_SERVICES)
def test_source_is_mounted_over_the_images(name: str) -> None:
    """What runs is what the editor holds, and the container cannot change it."""
    (source,) = [volume for volume in services("dev")[name]["volumes"] if volume["target"] == "/app"]
    assert source["source"].endswith("/services")
    assert source["read_only"] is True


@pytest.mark.parametrize(
    ("name", "module"),
    [("prosaas-api", "prosaas_api"), ("prosaas-calls", "prosaas_calls"), ("worker", "prosaas_worker")],
)
def test_reloads_the_same_entry_point(name: str, module: str) -> None:
    """The watcher runs the command that the image runs, so that both start alike."""
    command = services("dev")[name]["command"]
    assert command[0] == "watchfiles"
    assert f"python -m {module}" in command
    assert command[-1] == "/app"


@pytest.mark.parametrize("name", PYTHON_SERVICES)
def test_is_wired_as_in_production(name: str) -> None:
    """Health, order, ports and secrets are the base file's, so that development finds their faults."""
    production, development = services("prod")[name], services("dev")[name]
    for key in ("healthcheck", "depends_on", "ports", "secrets", "init"):
        assert development.get(key) == production.get(key), key


def test_never_reads_the_production_settings() -> None:
    """PROSAAS_ENV says which environment a line came from."""
    for name in OURS:
        assert services("dev")[name]["environment"]["PROSAAS_ENV"] == "dev"
        assert services("prod")[name]["environment"]["PROSAAS_ENV"] == "prod"


def test_logs_are_bounded_as_in_production() -> None:
    """Every line is written here, and an engine that is told nothing keeps them all."""
    production, development = services("prod"), services("dev")
    assert {name: each["logging"] for name, each in development.items()} == {
        name: each["logging"] for name, each in production.items()
    }
