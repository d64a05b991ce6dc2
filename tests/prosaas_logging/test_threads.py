"""Eight threads that change places every microsecond: nothing raises, nothing is lost, and counts come out exactly."""

import contextvars
import dataclasses
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prosaas_logging import get_logger, policy, scope
from prosaas_logging.catalogue import LOG_DROPPED, REPEATED
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.levels import DEBUG, INFO, WARNING
from prosaas_logging.logger import Logger
from prosaas_logging.policy import Policy, apply, in_force
from prosaas_logging.record import Context, Record
from prosaas_logging.recorder import Recorder
from prosaas_logging.render import TextRenderer
from prosaas_logging.scope import Scope
from prosaas_logging.settings import LogSettings
from prosaas_logging.switch_state import Change
from prosaas_logging.trouble import Repeats
from prosaas_logging.writer import Writer

THREADS = 8
log = get_logger("tests.threads")
NOWHERE = Context({})


@pytest.fixture(autouse=True)
def _restless() -> Iterator[None]:
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(former)


def together(*works: Callable[[], object]) -> None:
    """Run *works* at once, each in a thread of its own and in this scope; what one of them raises is raised here."""
    raised: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        ready.wait()
        try:
            work()
        except BaseException as error:
            raised.append(error)

    # A test that was broken off leaves no thread that its process waits for.
    threads = [threading.Thread(target=contextvars.copy_context().run, args=(run, work), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def times(count: int, work: Callable[[int], object]) -> Callable[[], None]:
    def run() -> None:
        for number in range(count):
            work(number)

    return run


def test_loggers_are_bound_and_scopes_opened_while_levels_change() -> None:
    policies = [
        Policy(threshold=level, ring=ring, targets=targets)
        for level in (DEBUG, INFO)
        for ring in (0, 50)
        for targets in ((), (Change("call", "CA1", "DEBUG", float("inf")),))
    ]

    def work(number: int) -> None:
        with scope(call_sid=f"CA{number % 3}"):
            log.bind(number=number).debug("bound")
            log.info("said")

    together(
        *[times(300, lambda number: apply(policies[number % len(policies)])) for _ in range(2)],
        *[times(3000, work) for _ in range(THREADS - 2)],
    )

    def one_after_the_other(first: int) -> Callable[[int], None]:
        return lambda number: apply(policies[first + number])

    last = dataclasses.replace(policies[0], threshold=WARNING)
    with scope(call_sid="CA9") as live:
        for _ in range(100):
            together(*[times(3, one_after_the_other(first)) for first in (0, 3, 5)])
            assert live.level == in_force().threshold
            assert Logger.tracing == (in_force().recording or in_force().threshold <= DEBUG)
        apply(last)
        assert (live.level, Logger.tracing) == (WARNING, False)


def test_lines_of_a_shared_call_are_said_or_folded_and_both_are_counted() -> None:
    said: list[Record] = []
    apply(Policy(budget=30, submit=lambda record, context: said.append(record)))
    with scope(call_sid="CA1") as call:
        together(*[times(4000, lambda number: log.info("routine", number=number)) for _ in range(THREADS)])
    # The last line tells of the folded ones.
    assert len(said) == 18 + 1
    assert said[-1][4]["count"] == call.folded
    assert 18 + call.folded == THREADS * 4000


def test_a_ring_that_is_written_out_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    settings = LogSettings("svc", blackbox=str(tmp_path))
    said: list[Record] = []
    render = JsonRenderer(settings, TextRenderer(settings))
    recorder = Recorder(str(tmp_path), render, lambda record, context: said.append(record))
    apply(Policy(ring=10**6, submit=lambda record, context: None, dump=recorder.dump))
    with scope(call_sid="CA1") as call:
        together(
            *[times(3000, lambda number: log.debug("kept", number=number)) for _ in range(THREADS - 2)],
            *[times(200, lambda number: recorder.dump(call, "asked for", always=True)) for _ in range(2)],
        )
        assert recorder.flush(60)
        log.debug("kept")
        assert recorder.dump(call, "asked for", always=True)
    assert recorder.flush(60)
    written = (tmp_path / "CA1.jsonl").read_text().count('"message":"kept')
    assert written == (THREADS - 2) * 3000 + 1
    assert sum(int(str(record[4]["records"])) for record in said) == written
    assert recorder._thread.running


def test_of_several_who_take_a_ring_each_record_goes_to_one() -> None:
    apply(Policy(ring=10**6))
    taken: list[list[Record]] = []
    with scope(call_sid="CA1") as call:
        together(
            *[times(5000, lambda number: log.debug("kept", number=number)) for _ in range(THREADS // 2)],
            *[times(2000, lambda number: taken.append(call.drain())) for _ in range(THREADS // 2)],
        )
        taken.append(call.drain())
    assert sum(map(len, taken)) == THREADS // 2 * 5000


def test_repeated_warnings_are_accounted_for_one_by_one(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)

    def render(record: Record, context: Context) -> bytes:
        if record[3] is LOG_DROPPED:
            return b""
        return b"%d\n" % (int(str(record[4]["count"])) if record[3] is REPEATED else 1)

    def report(losses: object) -> tuple[Record, Context]:
        return (0.0, WARNING, log, LOG_DROPPED, {}, None), NOWHERE

    repeats = Repeats(lambda record, context: "")
    writer = Writer(fd, render, 1024**2, report=report, repeats=repeats)
    writer.start()
    record: Record = (0.0, WARNING, log, "refused", {}, None)
    together(*[times(4000, lambda number: writer.submit(record, NOWHERE)) for _ in range(THREADS)])
    assert writer.close(60)
    os.close(fd)
    written = sum(map(int, (tmp_path / "log").read_text().split()))
    assert written + sum(writer.dropped.values()) == THREADS * 4000
    assert written > 0


def test_a_policy_that_was_overtaken_while_it_was_applied_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Policy(threshold=DEBUG), Policy(threshold=WARNING)

    def overtake(applied: Policy) -> None:
        if applied is first:
            apply(second)

    monkeypatch.setattr(policy, "_followers", [overtake, *policy._followers])
    apply(first)
    assert in_force() is second
    assert not Logger.tracing


def test_a_million_operations_are_all_accounted_for(tmp_path: Path) -> None:
    """Bound loggers, scopes of their own, a shared call's budget and ring, repeats and losses, while levels change."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)

    def render(record: Record, context: Context) -> bytes:
        what, fields = record[3], record[4]
        if isinstance(what, str):
            return b"%b 1\n" % what.encode()
        return b"refused %d\n" % int(str(fields["count"])) if what is REPEATED else b""

    def report(losses: object) -> tuple[Record, Context]:
        return (0.0, WARNING, log, LOG_DROPPED, {}, None), NOWHERE

    writer = Writer(fd, render, 1024**2, report=report, repeats=Repeats(lambda record, context: ""))
    writer.start()
    policies = [Policy(level, ring=10**6, budget=30, submit=writer.submit) for level in (DEBUG, INFO)]
    cycles = 1_000_000 // (THREADS - 1) // 10
    recorded: list[int] = []

    def drain(live: Scope) -> None:
        recorded.append(sum(record[1] == DEBUG for record in live.drain()))

    def work(number: int) -> None:
        bound = log.bind(number=number)
        bound.debug("kept")
        bound.info("routine")
        log.warning("refused")
        with scope(request_id=f"r{number % 10}") as request:
            bound.info("asked")
            log.debug("of a request")
            drain(request)
        with scope(job_id="7"):
            log.warning("refused")
        if not number % 20:
            drain(call)

    apply(policies[0])
    with scope(call_sid="CA1") as call:
        together(
            times(cycles, lambda number: apply(policies[number % 2])),
            *[times(cycles, work) for _ in range(THREADS - 1)],
        )
        drain(call)
    assert writer.close(60)
    os.close(fd)
    written: Counter[str] = Counter()
    for line in (tmp_path / "log").read_text().splitlines():
        what, _, count = line.rpartition(" ")
        written[what] += int(count)
    said = 2 * (THREADS - 1) * cycles
    debug, info = written["kept"] + written["of a request"], written["routine"] + written["asked"]
    assert written["refused"] + writer.dropped["WARNING", "backlog"] == said
    assert info + call.folded + writer.dropped["INFO", "backlog"] == said
    assert debug + sum(recorded) + writer.dropped["DEBUG", "backlog"] == said
    assert {cause for _, cause in writer.dropped} <= {"backlog"}
    assert min(debug, info, sum(recorded), call.folded) > 0
