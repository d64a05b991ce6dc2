"""`make ps`: what runs, of which version, how healthy it is, and the level that each service says it is at."""

from prosaas_ops.options import FINE, Options
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stories.status import running
from prosaas_ops.texts import status as words

OPTIONS = ()


def run(options: Options) -> int:
    screen = Screen()
    found = running(opened())
    heading = [str(head) for head in (words.CONTAINER, words.VERSION, words.LEVEL, words.STATE)]
    first, rule, *lines = table([heading, *([each.name, each.version, each.level, each.state] for each in found)])
    screen.say(screen.bold(first), screen.dim(rule))
    screen.say(*(screen.warn(line) if each.level == "DEBUG" else line for line, each in zip(lines, found, strict=True)))
    return FINE
