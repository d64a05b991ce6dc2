"""`make ps`: what runs, of which version, how healthy it is, and the level that each service says it is at."""

from prosaas_ops.options import FINE, PROBLEM, Options
from prosaas_ops.screen.terminal import Screen, fitted
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stories.status import running
from prosaas_ops.texts import status as words

OPTIONS = ()


def run(options: Options) -> int:
    """1 where nothing runs of a service that is there."""
    screen = Screen()
    found = running(opened())
    heading = [str(head) for head in (words.CONTAINER, words.VERSION, words.LEVEL, words.STATE)]
    rows = [[each.name or each.service, each.version, each.level, each.state] for each in found]
    first, rule, *others = fitted([heading, *rows], most=screen.width)
    screen.say(*map(screen.bold, first), *map(screen.dim, rule))
    for lines, each in zip(others, found, strict=True):
        screen.say(*(map(screen.warn, lines) if each.level == "DEBUG" else lines))
    return PROBLEM if any(each.down for each in found) else FINE
