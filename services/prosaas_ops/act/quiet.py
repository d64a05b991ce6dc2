"""`make quiet-api|calls|worker`: every live switch of the service is taken back now."""

from prosaas_ops.options import FINE, OTHERS, Options, Problem
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack import sessions
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.swarm import opened
from prosaas_ops.standing import repair
from prosaas_ops.texts import lines as words

OPTIONS = ("S",) if OTHERS else ()


def run(options: Options) -> int:
    service = options.service()
    engine, screen = opened(), Screen()
    containers = engine.generations(service)
    ended = sessions.others(engine, options.command.replace("quiet", "debug"))
    for container in containers:
        live_switch.lower_all(engine, container)
    screen.say(words.CONFIGURED(service=service))
    for container in containers:
        if (level := _level(engine, container)) == "DEBUG":
            told = words.STARTED_AT(name=container.name, level=level, fix=repair(service))
            screen.say(Prose(screen.warn(told)))
    for session in ended:
        screen.say(screen.paint(words.NOTE(what=words.ENDED_WITH_THIS(session=session)), "33"))
    return FINE


def _level(engine: Engine, container: Container) -> str:
    """What the service itself is at; of one that goes nobody needs to know."""
    try:
        return str(live_switch.status(engine, container)["level"])
    except (Problem, ValueError, KeyError):
        return ""
