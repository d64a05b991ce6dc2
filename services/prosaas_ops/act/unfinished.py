"""What a command that was killed left: the next one brings it to its end first, or back, unless it makes all anew.

But for a start before which nothing ever served: it is nobody's to finish who asked for something else.
"""

from contextlib import suppress
from typing import Any

from prosaas_ops.conduct import database, plan, restore
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.finding import refuse
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.machine import PREFLIGHT, examine
from prosaas_ops.conduct.run import ALL_ANEW, Plan, go_back, overtaken, unfinished
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import SERVICES, Problem
from prosaas_ops.standing import AT_WILL
from prosaas_ops.swarm import deploy
from prosaas_ops.texts import conduct as words
from prosaas_ops.texts import refused

# What these change is more than containers, and nobody else's to bring to an end.
_OURS_ALONE = ("restore", "rotate-secret")
# A start looks first whether it can be one.
_GOES_ON = frozenset({"up-prod", "up-dev", "up-swarm", "down"})
# What renews no container of a service, or takes it away as it is.
_RENEWS_NOTHING = frozenset({"down", "backup", "restore-drill", "update-bases"})


def end_killed(world: World, command: str) -> None:
    """What was killed comes to its end first, or back, unless the command that was asked for makes all of it anew."""
    # A console that was killed could not take itself away. Where the engine is away, others say so.
    with suppress(Problem):
        if left := [one.id for one in world.containers(*AT_WILL) if one.state == "exited"]:
            world.docker("rm", *left, check=False)
    if command not in _RENEWS_NOTHING:
        refuse_the_paused(world, command)
    journal, all_anew = unfinished(world), command in ALL_ANEW
    if command not in _GOES_ON:
        _refuse_before_the_first(world, journal)
    if all_anew and overtaken((journal or {}).get("plan", command), command):
        return
    try:
        resume(world, all_anew=all_anew)
    except Problem as why:
        if journal is None:
            raise
        # What failed has another name than what was asked for, which has not even begun.
        raise Problem(words.COMES_FIRST(name=journal["plan"], why=why)) from None


def resume(world: World, *, all_anew: bool = False) -> None:
    """A command that was killed is brought to its end, or back."""
    journal = unfinished(world)
    if deploy.is_swarm(world) and not (journal and journal["plan"] in _OURS_ALONE):
        # What was asked of a Swarm it brings to an end, or back, without anybody.
        world.remember("journal", None)
        return
    if journal is None:
        Generations(world).tidy(*(OURS if world.containers() else ()))
        return
    if not journal.get("changed", True):
        world.warn(words.HAD_CHANGED_NOTHING(name=journal["plan"], step=journal["step"]))
        world.remember("journal", None)
        return
    _refuse_before_the_first(world, journal)
    name, memory = journal["plan"], journal["memory"]
    if not _taken_up(journal):
        world.warn(words.STAYS(name=name, step=journal["step"]))
        world.remember("journal", None)
        return
    refuse_the_paused(world, name)
    if name == "up-prod" and not any(found.state == "running" for found in world.containers("gateway")):
        # Nothing serves yet, and who stopped it may have changed what it starts with: looked at anew, as by a start.
        refuse(examine(PREFLIGHT, world, "prod"))
    world.say(words.INTERRUPTED(name=name, step=journal["step"]))
    if name == "up-prod":
        run_plan(plan.up(world, "prod", build=False), world)
    elif name == "rotate-secret":
        _end(plan.rotate(world, memory["name"], memory["new"], memory["old"]), journal, world, all_anew)
    elif name == "rollback":
        run_plan(plan.rollback(world, memory.get("back", 0), memory["wanted"]), world)
    elif name == "restore":
        database.start_database(world)
        _end(restore.restore(world, memory), journal, world, all_anew)
    else:
        run_plan(plan.restart(world, SERVICES[name.removeprefix("restart-")]), world)


def refuse_the_paused(world: World, command: str) -> None:
    """A Problem where one is paused of what the command renews: it cannot be, and each try would leave one more."""
    paused: list[str] = []
    renewed: tuple[str, ...] = (*OURS, "gateway")
    if command.startswith("restart-"):
        renewed = (SERVICES[command.removeprefix("restart-")],)
    with suppress(Problem):
        paused = [one.name for one in world.containers(*renewed) if one.state == "paused"]
    if paused:
        raise problem(refused.IS_PAUSED(names=", ".join(paused)), f"docker unpause {' '.join(paused)}")


def _taken_up(journal: dict[str, Any]) -> bool:
    """Not a `make down`, which somebody may have thought better of, and nobody's development.

    Nor a start after it that was on its way back, or a rollback whose way back failed: it would fail anew, and keep
    every other command from being run.
    """
    name = journal["plan"]
    if journal.get("goes_back") and name == "up-prod" and _from_nothing(journal):
        return False
    if name == "rollback":
        return "wanted" in journal["memory"] and not journal.get("goes_back")
    return name in ("up-prod", *_OURS_ALONE) or name.startswith("restart-")


def _refuse_before_the_first(world: World, journal: dict[str, Any] | None) -> None:
    """A Problem where the first start of all was stopped: no images have ever served that would take up another's."""
    if not journal or journal["plan"] != "up-prod" or journal["memory"].get("images") != {}:
        return
    # By its last step the front door has led through.
    if journal["step"] == "settle":
        return
    if journal.get("changed", True) and _from_nothing(journal) and not deploy.is_swarm(world):
        raise problem(refused.NEVER_SERVED(step=journal["step"]), str(refused.UP_OR_DOWN))


def _from_nothing(journal: dict[str, Any]) -> bool:
    """Whether nothing was there as what was killed began; one of an older version does not say."""
    old = journal["memory"].get("old")
    return old is not None and not any(old.values())


def _end(wanted: Plan, journal: dict[str, Any], world: World, all_anew: bool) -> None:
    """Forward, or back where it was on its way there: whoever stopped it wants what was."""
    if journal.get("goes_back"):
        go_back(wanted, journal["memory"], world, all_anew=all_anew)
    else:
        run_plan(wanted, world)
