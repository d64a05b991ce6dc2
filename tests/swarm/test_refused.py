"""A version that is no good, on a Swarm as it was started: what runs goes on."""

import pytest

from stack_world.traffic import Traffic
from swarm_world.fixtures import Swarm

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]


def test_a_version_that_never_becomes_healthy_goes_back_by_itself(swarm: Swarm) -> None:
    """No caller meets it, the command says so, and what ran before still runs."""
    before = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    traffic = Traffic(swarm, live=3, every_s=1.0)
    overlay = swarm.checkout.path / "docker-compose.swarm.yml"
    text, calls = overlay.read_text(), "  prosaas-calls:\n    labels: *files\n"
    assert calls in text
    overlay.write_text(text.replace(calls, f"{calls}    command: [python, -c, 'raise SystemExit(1)']\n"))
    try:
        with traffic.flowing():
            refused = swarm.make("up-swarm", "BUILD=0", check=False)
    finally:
        overlay.write_text(text)
    assert refused.code != 0
    assert "prosaas-calls: Swarm took it back" in refused.text
    assert "what ran before runs again" in refused.text
    assert len({task["ID"] for task in swarm.tasks("prosaas-calls")} & before) >= 2
    traffic.check()
