"""What a start does before anything is built."""

from pathlib import Path

import pytest

from prosaas_ops.act import up
from prosaas_ops.conduct.finding import Finding
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder from which production runs, and a machine with base images of its own."""
    (tmp_path / ".env").write_text(
        "COMPOSE_PROJECT_NAME=salon\nCOMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n"
    )
    for name in ("env", "deploy/gateway", "deploy/monitoring", "services", ".state"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PROSAAS_BASES", "PYTHON_IMAGE=prosaas-standin/python:3.13")
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    return World(tmp_path)


def test_a_refused_start_has_changed_nothing_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither which stack plain `docker compose` acts on, nor a base image, nor a secret."""
    seen: list[str] = []

    def taken(_checks: object, there: World, _environment: str) -> list[Finding]:
        seen.append(there.project)
        return [Finding("port", "API_PORT=8000 is taken by something else", "set another API_PORT in .env")]

    monkeypatch.setattr(up, "examine", taken)
    before = files(world.root)
    with pytest.raises(Problem, match="nothing was changed"):
        up.prepare(world, "dev")
    assert files(world.root) == before
    assert seen == ["salon-dev"], "what was examined is what would have started"


def test_a_start_that_is_not_refused_records_what_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "examine", lambda *_: [])
    up.prepare(world, "dev")
    assert world.recorded("COMPOSE_PROJECT_NAME") == "salon-dev"
    assert world.recorded("PYTHON_IMAGE") == "prosaas-standin/python:3.13"
    assert (world.root / "secrets/database_url").exists()
