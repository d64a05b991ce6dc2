"""`python -m prosaas_ops COMMAND [NAME=value …]`: what the operator's make targets run."""

import signal
import sys
from importlib import import_module

from prosaas_ops.options import NOTHING, PROBLEM, USAGE, Nothing, Problem, Usage, complain, gather

# A command's module is imported only when asked for: each one starts as fast as it can.
COMMANDS = {
    "blackbox": "ask.blackbox",
    "call": "act.call",
    "calls": "ask.calls",
    "capture": "act.capture",
    "checklist": "act.checklist",
    "debug-api": "act.debug",
    "debug-calls": "act.debug",
    "debug-worker": "act.debug",
    "diff": "ask.diff",
    "errors": "ask.errors",
    "levels": "ask.levels",
    "live-calls": "ask.live_calls",
    "log-budget": "act.log_budget",
    "logs": "ask.logs",
    "quiet-api": "act.quiet",
    "quiet-calls": "act.quiet",
    "quiet-worker": "act.quiet",
    "trace": "ask.trace",
}


def main(arguments: list[str]) -> int:
    """Runs one command and returns the exit code: 0 fine, 1 a problem, 2 wrong usage, 3 nothing matched."""
    if not arguments or arguments[0] not in COMMANDS:
        complain(f"which command? {' '.join(COMMANDS)}")
        return USAGE
    command, *words = arguments
    module = import_module(f"prosaas_ops.{COMMANDS[command]}")
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        code: int = module.run(gather(command, module.OPTIONS, words))
        return code
    except Usage as wrong:
        complain(f"{command}: {wrong}")
        return USAGE
    except Nothing as nothing:
        complain(f"{command}: {nothing}")
        return NOTHING
    except Problem as problem:
        complain(f"{command}: {problem}")
        return PROBLEM
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return PROBLEM


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
