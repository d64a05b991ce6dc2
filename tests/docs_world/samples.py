"""Each sample by its name; `python -m docs_world.samples` writes them into the pages, behind their marks."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, redirect_stdout
from datetime import UTC, datetime, timedelta
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from docs_world.stack import BEGAN, CALL, SIMULATED, VERSION, Stack, line, stamp, with_a_bad_call
from prosaas_core.facts.call import CallFacts
from prosaas_core.privacy.person import Person
from prosaas_logging import catalogue
from prosaas_ops.act import call as placing
from prosaas_ops.act import checklist, diff, forget, log_budget
from prosaas_ops.act.simulate import Placed
from prosaas_ops.ask import blackbox, calls, costs, errors, levels, status, trace
from prosaas_ops.conduct.finding import Finding, told
from prosaas_ops.console import server
from prosaas_ops.options import Options
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import sessions
from prosaas_ops.stack.found import Calls, Row
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.person import Whole
from prosaas_ops.stack.records import Record
from prosaas_ops.stack.spent import Sum
from prosaas_ops.stack.switch import Target
from prosaas_ops.stories import call as story
from prosaas_ops.stories.measured import Measured
from prosaas_ops.stories.status import Ended, Facts, Running, Spent, Status
from prosaas_ops.texts import conduct, lines, machine, people

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs/operations.md",)
_MARK = re.compile(r"(<!-- sample: ([a-z-]+) -->\n\n```text\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
_NOON = datetime(2026, 11, 27, 14, 20, 11, tzinfo=UTC)


def _run(command: Any, name: str, *values: str, **instead: Any) -> str:
    """What the command prints with these words and these parts in place of its own."""
    given = dict(value.split("=", 1) for value in values)
    with ExitStack() as stack:
        for what, part in instead.items():
            stack.enter_context(patch.object(command, what, part))
        return _printed(lambda: command.run(Options(name, tuple(given), given)))


def _printed(act: Callable[[], object]) -> str:
    paper = io.StringIO()
    with redirect_stdout(paper):
        act()
    return paper.getvalue()


def _said(*rows: object) -> str:
    return "".join(f"==> {row}\n" for row in rows)


def a_deploy() -> str:
    return _said(
        conduct.RENEWING(project="prosaas"),
        conduct.BUILDING,
        conduct.UP(seconds=28, version=VERSION, where="http://127.0.0.1:8000"),
        conduct.DRAINS(name="prosaas-prosaas-calls-2", calls=3),
        conduct.NEXT,
    )


def a_restart() -> str:
    drains = conduct.DRAINS(name="prosaas-prosaas-calls-1", calls=1)
    return _said(drains, conduct.RUNS_AT(service="prosaas-calls", level="DEBUG", short="calls"))


def how_it_stands() -> str:
    versions = {"postgres": "17-trixie", "gateway": ""} | dict.fromkeys(
        ("worker", "prosaas-api", "prosaas-calls"), VERSION
    )
    running = [
        Running(name, f"prosaas-{name}-1", version, "Up 2 hours (healthy)", "INFO" if version == VERSION else "")
        for name, version in versions.items()
    ]
    ended = [Ended("customer_hangup", 97, 99), Ended("agent_ended", 21, 19), Ended("model_unreachable", 3, 0)]
    facts = Facts(ended, (600.0, 900.0), (700.0, 1400.0), 17.2, 0, 0, [Spent("USD", 3.21, 2.9)])
    return _printed(lambda: Screen().say(*status.rows(Status(_NOON, running, 3, facts, [], [], []), Screen())))


def a_call() -> str:
    texts = [line(catalogue.CALL_START, call_sid=SIMULATED)] * 20
    placed = Placed(SIMULATED, [parse(RawLine(stamp(0), "prosaas-calls", text)) for text in texts], {"ok": True})
    placed.lines += [parse(RawLine(stamp(0), name, "[INFO] x")) for name in ("prosaas-api", "prosaas-api", "worker")]
    placed.end_seen, placed.job, placed.seconds = True, "JOB_DONE", 31.1
    return _printed(
        lambda: placing.verdict(placed, _record(call_sid=SIMULATED, end_reason="customer_hangup"), False, Screen())
    )


def the_worst_calls() -> str:
    def row(at: str, call: str, number: str, lasted: float, **facts: Any) -> Row:
        return Row(CallFacts(call, **facts), datetime.fromisoformat(f"2026-{at}:00+00:00"), lasted, number)

    lost = {"end_reason": "model_unreachable", "first_audio_ms": 107.0}
    rows = [
        row("11-25T21:05", CALL, "+972501234567", 2.6, **lost),
        row("11-25T23:02", "CA77d0e1", "+972501234567", 3, status="completed", reached=False),
        row("11-25T23:04", "CA00a739", "+972501234999", 6, end_reason="customer_hangup", first_audio_ms=96.0,
            slowest_ms=120.0, unmended=1, turns=3),
    ]  # fmt: skip
    window = ("SINCE=2026-11-25T00:00", "UNTIL=2026-11-26T00:00", "BAD=1")
    return _run(calls, "calls", *window, find=lambda _: Calls(rows, 412, 3, 1), live_ids=lambda _: None)


def what_was_spent() -> str:
    days = [
        Sum("2026-11-24", "USD", 201, 352.4, 1_204_311, 975_492, 301_200, 15.441, 0, 0),
        Sum("2026-11-25", "USD", 214, 371.0, 1_310_872, 1_074_915, 318_404, 16.4291, 0, 3),
    ]
    return _printed(lambda: costs._table("day", days, "2026-11-24 09:12 – 11-26 09:13 UTC"))


def a_link() -> str:
    link = "http://127.0.0.1:8090/enter/8FQ0…"
    words = server.texts
    rows = words.LINK_PRINTED(link=link), words.FROM_ELSEWHERE(port=8090, whose="dana@ops-1"), words.ENDS_BY(minutes=30)
    return "".join(f"{row}\n" for row in rows)


def _record(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "call_sid": CALL, "business": "456 מספרת דנה", "customer": "דוד", "direction": "inbound",
        "from_number": "+972501234567", "to_number": "+97235550100", "status": "completed", "started_at": BEGAN,
        "ended_at": BEGAN + timedelta(seconds=2.6), "duration_s": 2.6, "end_reason": "model_unreachable",
        "metrics": {"turns": 1, "barge_ins": 0, "tools": 0, "refused": 0, "reconnects": 6, "first_audio_ms": 107},
        "transcript": [], "events": [], "summary": "", "local_start": datetime(2026, 11, 25, 23, 5),
        "timezone": "Asia/Jerusalem", "version": VERSION,
    }  # fmt: skip
    return Record(**values | changes)


def the_story_of_a_call() -> str:
    with patch.object(story, "call_record", lambda _: _record()):
        told = story.tell(with_a_bad_call(), CALL)  # type: ignore[arg-type]
    assert told is not None
    return _printed(lambda: Screen().say(*trace.describe(told, Screen())))


def the_same_trouble_once() -> str:
    stack = Stack()
    for number in range(5519):
        failed = line(catalogue.HTTP_FAILED, "", method="POST", path="/twilio/voice")
        stack.write("prosaas-api", 6180 + number / 30, failed, "  starlette.requests.ClientDisconnect")
    for number in range(46):
        stack.write("prosaas-calls", 6000 + 22 * number, line(catalogue.MEDIA_MALFORMED, "", error="no start"))
    stack.write("prosaas-calls", 7200, line(catalogue.REALTIME_RETRY, attempt=1, error="1011"))
    window = ("SINCE=2026-11-25T22:13", "UNTIL=2026-11-25T23:13")
    return _run(errors, "errors", *window, opened=lambda: stack)


def who_switched_what() -> str:
    switches = [
        {"target": "service", "value": "", "level": "DEBUG", "left_s": 18},
        {"target": "call", "value": "CA1c3f9a", "level": "DEBUG", "left_s": 420},
    ]

    def answer(service: str, _command: tuple[str, ...]) -> tuple[int, str, str]:
        loud = service == "prosaas-calls"
        level, source = ("DEBUG", "live switch") if loud else ("INFO", "env/prod.env")
        return 0, dumps({"level": level, "source": source, "switches": switches if loud else []}), ""

    def others(_engine: object, command: str) -> list[sessions.Session]:
        return [sessions.Session(Target(), BEGAN, "dana@ops-1")] if "calls" in command else []

    stack = Stack(on_run=answer)
    labels = {"com.docker.compose.project": "prosaas"}
    stack.answers["/system/df"] = {
        "Volumes": [{"Name": "prosaas_postgres", "Labels": labels, "UsageData": {"Size": 90_000_000}}],
        "Images": [{"Size": 166_700_000, "Containers": 0}] * 3,
        "BuildCache": [{"Size": 48_200_000}],
    }
    kept = {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}}}
    stack.details = dict.fromkeys(("prosaas-api", "prosaas-calls", "worker"), kept)
    now = datetime(2026, 11, 25, 23, 7, 11, tzinfo=UTC).timestamp()
    with TemporaryDirectory() as folder, chdir(folder), patch.object(sessions, "others", others):
        return _run(levels, "levels", opened=lambda: stack, time=type("Clock", (), {"time": staticmethod(lambda: now)}))


def quiet_again() -> str:
    return f"{lines.CONFIGURED(service='prosaas-calls')}\n"


def a_black_box() -> str:
    def entry(after: float, event: str, **fields: object) -> str:
        return dumps({"timestamp": stamp(after), "severity": "DEBUG", "event": event, "message": event, **fields})

    rows = [dumps({"blackbox": CALL, "kind": "call", "records": 500, "reason": "error"})]
    rows += [entry(number * 0.02, ("MEDIA_IN", "RMS")[number % 2]) for number in range(240)]
    failed = line(catalogue.REALTIME_ERROR, code="server_error", message="the server had an error")
    logged = [parse(RawLine(stamp(4.79), "prosaas-calls", failed))]
    found = blackbox.recordings(rows, logged)
    told = [*blackbox.describe(found, Screen())]
    return "".join(f"{row}\n" for row in told)


def an_archive() -> str:
    target = "logs/capture-stack-20261123-021250.tar.gz"
    page = "capture-stack-20261123-021250/timeline.html"
    told = lines.CAPTURED(target=target, lines=3672, events=0, size=61)
    return f"{told}\n{lines.MASKED}\nnext: {lines.OPEN_PAGE(target=target, page=page)}\n"


def what_a_deploy_would_do() -> str:
    images = {"image": "prosaas/worker:prosaas", "old": "1f2e3d4c5b6a", "new": "a6b5c4d3e2f1"}
    built = lines.BUILT(**images, built="2026-11-25T20:58:03")
    reasons = {"prosaas-calls": [f"MAX_CALLS: {lines.UNSET} → 50"], "worker": [built]}
    changes = [diff.Change("migrate", diff.ONE_SHOT)] + [
        diff.Change(name, "recreate" if name in reasons else "keep", reasons.get(name, []))
        for name in ("postgres", "prosaas-api", "prosaas-calls", "simulator", "worker")
    ]
    held = {"prosaas-prosaas-calls-1": [LiveCall(name, "456", "") for name in (CALL, "CA77d0e1", "CA00a739")]}
    with TemporaryDirectory() as folder, chdir(folder):
        Path(".env").write_text("")
        parts = {"_runs": lambda _: True, "_changes": lambda *_, **__: changes, "held": lambda _: held}
        return f"==> {conduct.BUILDING}\n" + _run(diff, "diff", **parts)


def seven_points() -> str:
    prod = {"com.docker.compose.project.config_files": "docker-compose.yml,docker-compose.prod.yml"}
    detail = {"Config": {"Env": ["LOG_LEVEL=INFO", "PYTHONUNBUFFERED=1"], "Labels": prod}}
    services = ("prosaas-api", "prosaas-calls", "worker")
    at_info = (0, '{"level": "INFO", "switches": []}', "")
    stack = Stack(on_run=lambda *_: at_info, details=dict.fromkeys(services, detail))
    for number in range(72):
        stack.write("prosaas-calls", 56 * number / 71, line(catalogue.GREETING))
    model = {"services": {name: {"environment": {"LOG_LEVEL": "INFO"}} for name in services}}
    whole = "ERROR a deliberate error Traceback in first in second in third ZeroDivisionError"
    parts = {
        "_model": lambda: model, "opened": lambda: stack, "_raised": lambda *_: whole, "_is_demo": lambda _: True,
        "_simulated": lambda *_: checklist.budget(23, SIMULATED),
    }  # fmt: skip
    return _run(checklist, "checklist", "SINCE=2026-11-25T20:05", **parts)


def before_and_after() -> str:
    def measured(level: str, **counts: int) -> Measured:
        levels = {name: level if name in frames else "INFO" for name in counts}
        texts = [f"[{levels[name]}] [{name}] x" for name, count in counts.items() for _ in range(count)]
        rows = [parse(RawLine(stamp(0), "prosaas-calls", text)) for text in texts]
        return Measured(level, rows, [len(rows)], 0)

    frames = {"MEDIA_IN", "RMS", "AUDIO_DELTA", "MARK"}
    before = measured("DEBUG", MEDIA_IN=1571, RMS=1571, AUDIO_DELTA=126, MARK=179, TRANSCRIPT=6, TOOL_CALL=2)
    after = measured("INFO", TRANSCRIPT=6, TOOL_CALL=2, GREETING=20)
    said = "".join(f"{row}\n" for row in log_budget.comparison(before, after))
    return said + _printed(lambda: log_budget.verdict(before, after, Screen()))


def the_log_s_settings() -> str:
    return (ROOT / "env/prod.env").read_text("utf-8")


def a_person_forgotten() -> str:
    rows: dict[str, Any] = {"pgqueuer": [1, 2, 3], "calls": [CALL], "customers": [7]}
    theirs = Whole(Person("972501234567"), rows, [], {}, [Path(f"logs/trace-{CALL}.html")], {})
    told = forget.told(theirs)
    at = "2026-05-03 09:12:44"
    log = people.LOG_OF(names="prosaas-prosaas-api-1, prosaas-prosaas-calls-1, prosaas-worker-1", size="5 × 10m")
    there = "".join(f"  {row}\n" for row in told)
    gone = "".join(f"{people.REMOVED(row=row)}\n" for row in told)
    kept = people.BACKUPS(count=4, oldest="prosaas-20260426T031501Z.dump")
    return (
        f"{people.THERE_IS}\n{there}{people.SURE}yes\n{people.FORGOTTEN(receipt='5c1f0be2a97d', at=at)}\n{gone}"
        f"{people.OUT_OF_REACH}\n  {log}\n  {kept}\n  {people.COPIES}\n  {people.FREED}\n  {people.PROVIDERS}\n"
    )


def what_the_machine_has() -> str:
    found = [
        Finding("engine", "26.1.5+dfsg1"),
        Finding("compose", "2.26.1"),
        Finding("cgroup", machine.CGROUP(version="2")),
        Finding("disk", machine.FREE_GB(free=68)),
        Finding("memory", machine.MEMORY(has=24105, limits=4352)),
        Finding("processors", machine.PROCESSORS(has=2, most=1)),
        Finding("port", machine.TAKEN(port="API_PORT=8000"), str(machine.FREE_PORT), "env/example.env"),
        Finding("env", str(machine.ENV_WHOLE)),
        Finding("public", machine.NOT_PUBLIC(name="PUBLIC_URL", value="http://localhost:8000"), str(machine.SET_PUBLIC),
                "docs/going-live.md"),
    ]  # fmt: skip
    return _printed(lambda: told(found))


SAMPLES: dict[str, Callable[[], str]] = {
    "blackbox": a_black_box, "call": a_call, "calls": the_worst_calls, "capture": an_archive, "checklist": seven_points,
    "console": a_link, "costs": what_was_spent, "diff": what_a_deploy_would_do, "doctor": what_the_machine_has,
    "env-prod": the_log_s_settings, "errors": the_same_trouble_once, "forget": a_person_forgotten,
    "levels": who_switched_what, "log-budget": before_and_after, "quiet": quiet_again, "restart": a_restart,
    "status": how_it_stands, "trace": the_story_of_a_call, "up": a_deploy,
}  # fmt: skip


def filled(page: str) -> str:
    """The page with every sample as the commands make it now."""
    return _MARK.sub(lambda found: f"{found[1]}{_plain(SAMPLES[found[2]]())}{found[4]}", page)


def named(page: str) -> Iterator[str]:
    """The samples that the page has."""
    return (found[2] for found in _MARK.finditer(page))


def _plain(text: str) -> str:
    """Without the marks of direction, which a page does not carry, and without ends of lines that nobody sees."""
    return "".join(f"{row.rstrip()}\n" for row in re.sub("[\u2066-\u2069]", "", text).strip("\n").splitlines())


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(filled(path.read_text("utf-8")), "utf-8")
        sys.stdout.write(f"{path}: written\n")
