"""``python -m prosaas_logging run NAME -- COMMAND`` and ``python -m prosaas_logging noise FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

WRONG_USAGE = 2
_RUN = "python -m prosaas_logging run NAME -- COMMAND …"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; ``run`` becomes the command and does not come back."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m prosaas_logging", description="Logging for a service that is left as it is. docs/adoption.md"
    )
    commands = parser.add_subparsers(required=True, metavar="run | noise", dest="command")
    run = commands.add_parser("run", usage=_RUN, help="start a service and its children with their logging taken over")
    run.add_argument("name", help="what the service is called in its lines")
    noise = commands.add_parser("noise", help="who says how much in a call or a request, and what would quieten it")
    noise.add_argument("file", nargs="?", default="-", help="lines of any service; - or nothing is the standard input")
    noise.add_argument("--budget", type=int, default=30, help="lines a call may have")
    if words[:1] == ["run"] and "--" in words:
        middle = words.index("--")
        options, command = parser.parse_args(words[:middle]), words[middle + 1 :]
    else:
        options, command = parser.parse_args(words), []
    if options.command == "noise":
        from .adopt.noise import report

        return report(options.file, options.budget)
    if not command:
        print(f"no command to run. Write: {_RUN}", file=sys.stderr)
        return WRONG_USAGE
    from .adopt.launch import become

    return become(options.name, command)


if __name__ == "__main__":
    sys.exit(main())
