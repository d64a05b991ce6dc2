"""`make diff` of a Swarm: what a deploy would change of what was deployed last."""

from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.swarm import kept
from prosaas_ops.swarm.deploy import engine_of
from prosaas_ops.swarm.rendered import differences, rendered
from prosaas_ops.texts import swarm as words


def show(world: World, screen: Screen) -> int:
    """A line a service; which content a version of our images has, only a build says."""
    known = kept.releases(engine_of(world))
    before = known[0] if known else {}
    after = rendered(world.model(), {}).stack
    for name, service in after["services"].items():
        if service["image"].startswith("prosaas/"):
            service["image"] = before.get("services", {}).get(name, service).get("image", "")
    found = differences(before, after)
    for name, what in sorted(found.items()):
        screen.say(f"{name}: {', '.join(what)}")
    if not found:
        screen.say(str(words.NO_DIFFERENCE))
    return FINE
