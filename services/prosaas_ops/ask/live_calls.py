"""`live-calls`: how many calls are up, and which; what a deploy or a restart must wait for."""

from prosaas_ops.options import FINE, PROBLEM, Options
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import lines as words

OPTIONS = ("QUIET",)


def run(options: Options) -> int:
    calls = live_calls(opened())
    screen = Screen()
    if options.flag("QUIET", default=False):
        screen.say("unknown" if calls is None else str(len(calls)))
    elif calls is None:
        screen.say(words.LIVE(calls=words.UNKNOWN))
    elif not calls:
        screen.say(str(words.NO_LIVE))
    else:
        heading = [str(words.CALL), str(words.BUSINESS), str(words.STARTED)]
        screen.say(*table([heading, *([call.call_sid, call.business_id, call.started_at] for call in calls)]))
    return PROBLEM if calls is None else FINE
