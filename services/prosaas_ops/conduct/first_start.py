"""The first start: nobody is on the phone yet, so all come up at once, and the front door once they are ready."""

from collections.abc import Sequence

from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.run import Step
from prosaas_ops.conduct.world import World

_DOOR = "gateway"


def steps(world: World, generations: Generations, order: Sequence[str], environment: str) -> list[Step]:
    """What brings up everything in production where there is nothing yet; none where something has to be spared."""
    if environment != "prod" or world.containers(*order):
        return []
    return [
        Step("create", lambda: _create(world, order)),
        Step("start", lambda: _start(world, generations, [name for name in order if name != _DOOR])),
        Step("open the front door", lambda: _start(world, generations, [_DOOR])),
    ]


def _create(world: World, order: Sequence[str]) -> None:
    wanted = world.model()["services"]
    world.compose("create", "--no-build", *(name for name in order if name in wanted))


def _start(world: World, generations: Generations, services: Sequence[str]) -> None:
    """All of them before the first is waited for: each takes a second or two of its own."""
    found = world.containers(*services)
    world.docker("start", *(one.id for one in found))
    for one in found:
        generations.await_ready(one)
    generations.write_overlay()
