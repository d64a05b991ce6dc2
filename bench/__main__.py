"""``python -m bench [room]``: one room's measurements, or all of them."""

import runpy
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run what was asked for, one room after the other, so that none disturbs another."""
    rooms = sorted(path.parent.name for path in Path(__file__).parent.glob("*/__main__.py"))
    unknown = [room for room in arguments if room not in rooms]
    if unknown:
        print(f"bench: no {', '.join(unknown)}; there are {', '.join(rooms)}", file=sys.stderr)
        return 2
    sys.argv = sys.argv[:1]
    for room in arguments or rooms:
        runpy.run_module(f"bench.{room}", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
