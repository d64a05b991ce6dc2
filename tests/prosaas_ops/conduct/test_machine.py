"""What doctor tells and a start refuses, from what the machine has."""

from pathlib import Path

import pytest

from prosaas_ops.conduct import machine
from prosaas_ops.conduct.machine import DOCTOR, processors
from prosaas_ops.conduct.world import Done, World


@pytest.mark.parametrize(("cpus", "bad"), [("2.0", False), ("99", True)])
def test_more_processors_than_the_machine_has_are_told(
    cpus: str, bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"worker": {"deploy": {"resources": {"limits": {"cpus": cpus}}}}, "migrate": {}}
    monkeypatch.setattr(World, "model", lambda *_, **__: {"services": model})
    monkeypatch.setattr(World, "docker", lambda *_, **__: Done(0, "2\n", ""))
    (found,) = processors(World(tmp_path), "prod")
    assert found.bad is bad
    assert ("worker" in found.text) is bad
    assert processors in DOCTOR


class Server(World):
    """A machine whose volume is of PostgreSQL 17, and whose image is of the one that it is told."""

    wanted, volume = "17", True

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[:2] == ("volume", "inspect"):
            return Done(0 if self.volume else 1, "", "")
        return Done(0, f"{self.wanted}\n17\n", "")


def test_a_server_of_another_major_version_is_refused_on_the_volume_that_is_there(tmp_path: Path) -> None:
    """It would end at once, and the way back of a deploy does not bring the database's image back."""
    world = Server(tmp_path)
    assert [finding.bad for finding in machine.server(world, "prod")] == [False]
    world.wanted = "18"
    (finding,) = machine.server(world, "prod")
    assert finding.bad
    assert "is PostgreSQL 18, and the volume prosaas_pgdata is of PostgreSQL 17" in finding.text
    world.volume = False
    assert list(machine.server(world, "prod")) == []
