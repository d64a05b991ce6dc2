"""What a command that was killed left: the next one brings it to its end first, or back, unless it makes all anew."""

from typing import Any

from prosaas_ops.conduct import plan, restore
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.run import Plan, go_back, unfinished
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import SERVICES
from prosaas_ops.swarm import deploy
from prosaas_ops.texts import conduct as words

# What a start or a stop of everything has no need of: it renews, or ends, all that these would have.
_MOOT = ("up-prod", "up-dev", "up-swarm", "rollback", "down")


def end_killed(world: World, command: str) -> None:
    """For those who make anew or end the stack: of what was killed only what changed more than containers matters."""
    journal = unfinished(world)
    if journal is None or journal["plan"] == command:
        return
    if journal["plan"] in _MOOT or journal["plan"].startswith("restart-"):
        world.remember("journal", None)
    else:
        resume(world)


def resume(world: World) -> None:
    """A command that was killed is brought to its end first, or back; the one that was asked for follows."""
    journal = unfinished(world)
    if deploy.is_swarm(world):
        # What was asked of a Swarm it brings to an end, or back, without anybody.
        world.remember("journal", None)
        return
    if journal is None:
        Generations(world).tidy(*(OURS if world.containers() else ()))
        return
    name, memory = journal["plan"], journal["memory"]
    world.say(words.INTERRUPTED(name=name, step=journal["step"]))
    if name == "up-prod":
        run_plan(plan.up(world, "prod", build=False), world)
    elif name == "rotate-secret":
        _end(plan.rotate(world, memory["name"], memory["new"], memory["old"]), journal, world)
    elif name.startswith("restart-"):
        run_plan(plan.restart(world, SERVICES[name.removeprefix("restart-")]), world)
    elif name == "restore":
        plan.start_database(world)
        _end(restore.restore(world, memory), journal, world)
    else:
        world.remember("journal", None)


def _end(wanted: Plan, journal: dict[str, Any], world: World) -> None:
    """Forward, or back where it was on its way there: whoever stopped it wants what was."""
    if journal.get("goes_back"):
        go_back(wanted, journal["memory"], world)
    else:
        run_plan(wanted, world)
