"""`live-calls`: how many calls are up, and which; what a deploy or a restart must wait for."""

from prosaas_ops.options import FINE, Options
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack.live_calls import live_calls

OPTIONS = ("QUIET",)


def run(options: Options) -> int:
    calls = live_calls()
    screen = Screen()
    if options.flag("QUIET", default=False):
        screen.say(str(len(calls)))
    elif not calls:
        screen.say("no live calls")
    else:
        rows = [
            ["call", "business", "started"],
            *([call.call_sid, call.business_id, call.started_at] for call in calls),
        ]
        for line in table(rows):
            screen.say(line)
    return FINE
