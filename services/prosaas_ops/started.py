"""What runs was started with settings of its own, and not those of .env, whose change a start has yet to bring."""

from prosaas_core.facts.simulated import in_demo
from prosaas_ops.options import OTHERS, OWN_SERVICES, Problem
from prosaas_ops.stack.engine import Container, Engine

# The calls are its; where it does not run, the others tell.
_ASKED = ("prosaas-calls", *(name for name in OWN_SERVICES if name != "prosaas-calls"))


def settings(engine: Engine, container: Container) -> dict[str, str]:
    """The container's own, by name."""
    return {name: value for name, _, value in (one.partition("=") for one in engine.environment(container))}


def is_demo(engine: Engine) -> bool:
    """As the newest container says that can be asked; by DEMO, as the door read it in .env, where there is none."""
    if OTHERS:
        return False
    try:
        running = [one for one in engine.containers(*_ASKED) if one.state == "running"]
        # The services are in the order asked for, and the newest of each is its last.
        newest = [one for one in running if one.service == running[0].service][-1:]
        return in_demo(settings(engine, newest[0])) if newest else in_demo()
    except Problem:
        return in_demo()
