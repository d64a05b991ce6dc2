"""`make bench B=calls ARGS="--seconds 4" OUT=bench/RESULTS.md`: one room's measurements, or all rooms', one at a time.

A room is a process of its own and prints Markdown. With OUT, what it printed replaces what stands between the room's
marks in that file, under the command that made it: no figure and no verdict is typed by hand.
"""

import argparse
import datetime
import os
import subprocess
import sys
from pathlib import Path

# What of the surroundings changes a measurement, and whether its value is fit to be read.
_SURROUNDINGS = {"PROSAAS_BENCH_FIRST": True, "DATABASE_URL": False, "TEST_POSTGRES_URL": False}
ROOMS = sorted(path.parent.name for path in Path(__file__).parent.glob("*/__main__.py"))


def main(arguments: list[str]) -> int:
    """Run what was asked for; 1 when a room could not be measured, 2 for one that there is not."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("room", nargs="?", choices=ROOMS, help="all of them but mutation, when none is named")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the results into this page")
    options, handed_on = parser.parse_known_args(arguments)
    # Mutation is not a measurement of the product but of its tests, and takes as long as it is given: make mutate.
    rooms = [options.room] if options.room else [room for room in ROOMS if room != "mutation"]
    failed = False
    for room in rooms:
        # Of what there is now, whatever is committed meanwhile.
        made = command(room, handed_on)
        code, printed = run(room, handed_on)
        failed = failed or code != 0
        if code == 0 and options.out:
            text = options.out.read_text(encoding="utf-8")
            section = f"{made}\n\n{printed.strip()}"
            options.out.write_text(with_section(text, mark(room, handed_on), section), encoding="utf-8")
    return int(failed)


def run(room: str, arguments: list[str]) -> tuple[int, str]:
    """One room's exit code and what it printed, shown as it comes."""
    printed = []
    words = [sys.executable, "-m", f"bench.{room}", *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return process.returncode, "".join(printed)


def mark(room: str, arguments: list[str]) -> str:
    """The name of a room's section; mutation has one for each room that it breaks."""
    return f"{room} {arguments[-1]}" if room == "mutation" and arguments else room


def command(room: str, arguments: list[str]) -> str:
    """How to make the same again, when and of what it was made."""
    words = f' ARGS="{" ".join(arguments)}"' if arguments else ""
    given = {name: os.environ[name] if shown else "…" for name, shown in _SURROUNDINGS.items() if name in os.environ}
    before = "".join(f"{name}={value} " for name, value in given.items())
    asked = ["git", "-c", "safe.directory=*", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "an unknown state"
    return f"`{before}make bench B={room}{words}`, {datetime.date.today().isoformat()}, at {commit}."


def with_section(text: str, room: str, section: str) -> str:
    """The page with the room's section in place of its old one."""
    begin = f"<!-- bench: {room} -->\n"
    before, mark, rest = text.partition(begin)
    _, end, after = rest.partition("<!-- /bench -->")
    if not (mark and end) or begin in after:
        raise SystemExit(f"bench: the page needs one section between {begin.strip()} and <!-- /bench -->")
    return f"{before}{mark}{section}\n{end}{after}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
