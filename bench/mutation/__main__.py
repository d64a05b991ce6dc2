"""`make mutate ROOM=worker MINUTES=20`: how many small steps away from the product its room's tests notice.

Works in a copy of the checkout. The room's tests run once under coverage; then, until the time is over, one step after
the other is taken, a file's after another's, in a random order (SEED), and the tests that may run its line are asked:
those that were seen to (for a line that is run when its module is loaded, those of the module), and those that start a
process, into which nobody sees; of each the quick ones first, for a minute. A step that none of them notices is a
survivor, and stands in logs/mutants-ROOM.txt, those on lines that redact, bound, order, count, cut, drain, spool, send
or decide first. Who notices is asked again without the step: a test that fails then, too, as one of time may on a busy
machine, has noticed nothing, and the step counts neither way. A step that changes nothing that anybody could see is not
taken: equivalent.toml lists them, each with its reason. `--again` takes none but those that survived the last time, for
whoever has written tests since.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate, chain, zip_longest
from pathlib import Path

from bench.goals import Goal, goals_table, table
from bench.machine import machine
from bench.mutation.changes import Change, changes
from postgres_world import KEPT, postgres

ROOT = Path(__file__).parents[2]
ROOMS = ("logging", "calls", "worker", "api", "ops", "core")
# What is held by tests that stand elsewhere: the pages are made from the catalogue.
ELSEWHERE = {"logging": ("tests/docs/test_reference.py",)}
WITH_DATABASE = ("calls", "worker", "api", "core")
MINUTE_S = 60.0
GOAL = {"logging": 0.85, "calls": 0.85, "worker": 0.85}
MATTERS = re.compile(
    r"redact|secret|mask|escape|hide|limit|bound|max|min|most|least|sort|order|count|total|cut|\[:|drain|spool|send|post|"
    r"deadline|timeout|until|retry|again|lock|sign|token|allow|refus|decide|level|drop|lost"
)


@dataclass
class Asked:
    """A room's tests in a copy of the checkout, and what is known of them."""

    room: str
    copy: Path
    environ: dict[str, str]
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    starting: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def package(self) -> Path:
        return self.copy / "services" / f"prosaas_{self.room}"

    def cover(self, timeout: float) -> None:
        """Run all of the room's tests once, and note which of them runs which line; who fails unbroken is not asked."""
        result = self.copy / "covering.json"
        command = ["-m", "bench.mutation.covering", str(self.package), str(result), *self._options()]
        done = self._run([*command, f"tests/prosaas_{self.room}", *ELSEWHERE.get(self.room, ())], timeout)
        if not result.exists():
            raise SystemExit(f"the room's own tests do not run:\n{done.stdout[-3000:]}")
        known = json.loads(result.read_text(encoding="utf-8"))
        failed = set(known["failed"])
        if len(failed) > len(known["seconds"]) // 20:
            raise SystemExit(f"the room's own tests do not pass:\n{done.stdout[-3000:]}")
        self.seconds = {test: took for test, took in known["seconds"].items() if test not in failed}
        self.starting = set(known["starting"]) - failed
        self.lines = {
            module: {line: [test for test in tests if test not in failed] for line, tests in lines.items()}
            for module, lines in known["lines"].items()
        }

    def may_notice(self, module: Path, line: int) -> list[str]:
        """The tests that may run a line: those that were seen to, then those that start a process."""
        lines = self.lines.get(str(module.relative_to(self.copy)), {})
        nearby = {test for tests in lines.values() for test in tests} or set(self.seconds)
        seen = set(lines.get(str(line), ())) or nearby
        own = f"/test_{module.stem}.py"
        return [
            test
            for tests in (seen, self.starting - seen)
            for test in self._of_a_minute(sorted(tests, key=lambda test: (own not in test, self.seconds[test], test)))
        ]

    def _of_a_minute(self, tests: list[str]) -> list[str]:
        took = accumulate(self.seconds[test] for test in tests)
        return [test for test, until in zip(tests, took, strict=True) if until <= MINUTE_S]

    def notice(self, tests: list[str]) -> tuple[str, list[str]]:
        """Whether a test of these fails: killed, survived, or timeout; and which ones did."""
        if not tests:
            return "survived", []
        listed = self.copy / "tests.txt"
        listed.write_text("\n".join(tests), encoding="utf-8")
        expected = sum(self.seconds.get(test, 0) for test in tests)
        try:
            done = self._run(["-m", "pytest", *self._options(), "-x", f"@{listed}"], 30 + 4 * expected)
        except subprocess.TimeoutExpired:
            return "timeout", []
        failed = [test for test in tests if f"FAILED {test}" in done.stdout or f"ERROR {test}" in done.stdout]
        return "survived" if done.returncode == 0 else "killed", failed

    @staticmethod
    def _options() -> list[str]:
        return ["-q", "-m", "not docker", "-p", "no:cacheprovider", "--no-header", "--tb=no", "--timeout=60"]

    def _run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        with subprocess.Popen(
            [sys.executable, *command],
            cwd=self.copy,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                out, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                # What the tests started is in the same session, and goes with them.
                os.killpg(process.pid, 9)
                process.communicate()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out)


@dataclass(frozen=True)
class Result:
    """One step and what the tests said to it."""

    module: Path
    change: Change
    before: str
    after: str
    verdict: str

    @property
    def matters(self) -> bool:
        return bool(MATTERS.search(self.before.lower()))

    def text(self) -> str:
        return f"{self.module}:{self.change.line}\n  - {self.before}\n  + {self.after}\n"


def copy_checkout(target: Path) -> None:
    """What git tracks and would track."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(
        None, subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    ):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    if (ROOT / ".env").exists():
        shutil.copy2(ROOT / ".env", target / ".env")


def equivalent(room: str) -> set[tuple[str, str, str]]:
    """The steps that change nothing, as (file below the package, line before, line after)."""
    known = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text(encoding="utf-8"))
    return {(step["file"], step["before"], step["after"]) for step in known.get(room, ())}


def survivors(kept: Path) -> set[tuple[str, str, str]]:
    """The steps that nobody noticed the last time, as (file, line before, line after)."""
    rows = re.findall(r"^(\S+):\d+\n  - (.*)\n  \+ (.*)$", kept.read_text(encoding="utf-8"), re.MULTILINE)
    return {(file, before, after) for file, before, after in rows}


def steps(asked: Asked, seed: int) -> Iterator[tuple[Path, Change]]:
    """All steps of a room in a random order, one of each file and again, so that a long one does not stand for many."""
    drawn = random.Random(seed)
    same = equivalent(asked.room)
    files = []
    for module in sorted(path for path in asked.package.rglob("*.py") if "migrations" not in path.parts):
        source, file = module.read_bytes(), str(module.relative_to(asked.package))
        own = [(module, change) for change in changes(source) if (file, *change.line_in(source)) not in same]
        files.append(drawn.sample(own, len(own)))
    drawn.shuffle(files)
    yield from filter(None, chain.from_iterable(zip_longest(*files)))


def take(asked: Asked, module: Path, change: Change) -> Result:
    """Take one step, ask, and go back."""
    source = module.read_bytes()
    changed = change.applied(source)
    try:
        module.write_bytes(changed)
        verdict, failed = asked.notice(asked.may_notice(module, change.line))
    finally:
        module.write_bytes(source)
    if verdict == "killed" and asked.notice(failed)[0] != "survived":
        verdict = "unsure"
    return Result(module.relative_to(asked.copy), change, *change.line_in(source), verdict)


def run(room: str, minutes: float, seed: int, kept: Path, *, again: bool) -> list[Result]:
    """Take steps until the time is over; what survives is in *kept* as soon as it is known."""
    wanted = survivors(kept) if again else None
    with ExitStack() as stack:
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prosaas-mutants-")))
        copy_checkout(copy)
        environ = {
            **os.environ,
            "PYTHONPATH": f"{copy}:{copy / 'tests'}:{copy / 'services'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if room in WITH_DATABASE:
            environ[KEPT] = stack.enter_context(postgres()).base
        asked = Asked(room, copy, environ)
        asked.cover(timeout=1200)
        ends = time.monotonic() + minutes * 60
        results: list[Result] = []
        for module, change in steps(asked, seed):
            if time.monotonic() > ends:
                break
            step = (str(module.relative_to(copy)), *change.line_in(module.read_bytes()))
            if wanted is not None and step not in wanted:
                continue
            results.append(take(asked, module, change))
            print(f"{len(results)} {results[-1].verdict}: {results[-1].text()}", file=sys.stderr)
            left = sorted((r for r in results if r.verdict == "survived"), key=lambda r: (not r.matters, str(r.module)))
            kept.write_text("\n".join(survivor.text() for survivor in left), encoding="utf-8")
        return results


def main() -> None:
    """One room; a table, and the survivors in a file."""
    parser = argparse.ArgumentParser(prog="bench.mutation", description=__doc__)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="only what survived the last time")
    options = parser.parse_args()
    # Told to stop, it takes its copy and its database along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kept = ROOT / "logs" / f"mutants-{options.room}.txt"
    kept.parent.mkdir(exist_ok=True)
    results = run(options.room, options.minutes, options.seed, kept, again=options.again)
    count = Counter(result.verdict for result in results)
    mattering = sum(result.verdict == "survived" and result.matters for result in results)
    noticed = (count["killed"] + count["timeout"]) / max(1, len(results) - count["unsure"])
    print(f"Machine: {machine()}.\n")
    header = ("room", "steps taken", "killed", "timeout", "unsure", "survived", "of these on lines that matter")
    counted = [count[verdict] for verdict in ("killed", "timeout", "unsure", "survived")]
    print(*table(header, [(options.room, len(results), *counted, mattering)]), sep="\n")
    print()
    print(
        *goals_table([Goal("share of the steps that is noticed", noticed, GOAL.get(options.room), at_least=True)]),
        sep="\n",
    )
    print(f"\nSurvivors: {kept.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
