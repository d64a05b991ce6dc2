"""`make ps` and `make diff` of a Swarm: which replica is where, and what a deploy would change."""

from pathlib import Path

from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE, NOTHING, Options
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.swarm import kept
from prosaas_ops.swarm.deploy import engine_of
from prosaas_ops.swarm.rendered import differences, rendered
from prosaas_ops.texts import swarm as words

OPTIONS = ("DIFF",)


def run(options: Options) -> int:
    """`ps`: a line a replica, those that ended left out; with DIFF=1 what a deploy would change."""
    world, screen = World(Path.cwd()), Screen()
    if options.flag("DIFF", default=False):
        return diff(world, screen)
    engine = engine_of(world)
    rows = [one for one in engine.containers() if one.state != "exited"]
    if not rows:
        screen.say(words.NOTHING_RUNS(project=engine.project))
        return NOTHING
    heading = [str(words.REPLICA), str(words.NODE), str(words.VERSION), str(words.STATE)]
    told = [[one.name.rpartition("@")[0], one.name.rpartition("@")[2], one.version, one.status] for one in rows]
    screen.say(*table([heading, *sorted(told)]))
    return FINE


def diff(world: World, screen: Screen) -> int:
    """What `make up-swarm` would change of what was deployed last, but for what a build brings."""
    known = kept.releases(engine_of(world))
    before = known[0] if known else {}
    after = rendered(world.model(), {}).stack
    for name, service in after["services"].items():
        if service["image"].startswith("prosaas/"):
            # Which content a version of ours has, only a build says.
            service["image"] = before.get("services", {}).get(name, service).get("image", "")
    found = differences(before, after)
    for name, what in sorted(found.items()):
        screen.say(f"{name}: {', '.join(what)}")
    if not found:
        screen.say(str(words.NO_DIFFERENCE))
    return FINE
