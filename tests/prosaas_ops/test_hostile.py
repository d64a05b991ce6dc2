"""Whatever callers, tenants and strangers say: no command prints a character that acts, in neither format.

Each command runs over a stack whose lines, records and recordings say hostile things at every opportunity.
"""

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prosaas_core.facts.call import CallFacts
from prosaas_ops.act import call as act_call
from prosaas_ops.act import capture, debug
from prosaas_ops.act.debug import Watch
from prosaas_ops.act.simulate import Placed
from prosaas_ops.ask import blackbox, calls, errors, levels, live_calls, logs, trace
from prosaas_ops.options import complain
from prosaas_ops.screen.terminal import RateCap, Screen
from prosaas_ops.stack.found import Calls, Row
from prosaas_ops.stack.lines import read
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.records import Appointment, Job, Record
from prosaas_ops.stack.switch import Target

CALL = "CA0123456789abcdef0123456789abcdef"
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x1b[31mFAKE\r\n[CRITICAL] forged\x9b31m\u202e\u2066\u2028\x00\x7f"
HOSTILE += "\ud800<img src=x onerror=y>"
WHEN = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)


def record() -> Record:
    """Every text of a call's record says the worst."""
    texts = {field.name: HOSTILE for field in fields(Record) if field.type in (str, "str")}
    turn = {"who": "customer", "text": HOSTILE, "at_ms": 1000}
    values: dict[str, Any] = {
        **texts,
        "call_sid": CALL,
        "started_at": WHEN,
        "ended_at": WHEN,
        "duration_s": 9.0,
        "metrics": {"turns": HOSTILE, "first_audio_ms": 400},
        "transcript": [turn, {**turn, "who": "ai"}],
        "events": [{"t_ms": 1, "level": "INFO", "event": HOSTILE, "text": HOSTILE}],
        "jobs": [Job(HOSTILE, HOSTILE, 1, WHEN)],
        "appointments": [Appointment(WHEN, HOSTILE, HOSTILE, HOSTILE)],
    }
    return Record(**values)


@pytest.fixture
def hostile(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # Text lines are escaped by the renderer; JSON lines and those of other programs are not.
    raw = HOSTILE.replace("\n", "").replace("\ud800", "")
    engine.written |= {"postgres": []}
    engine.write("postgres", 1.0, f"ERROR: {raw}")
    for service in ("prosaas-api", "prosaas-calls", "worker"):
        began = {"severity": "INFO", "message": "x", "event": "CALL_START", "call_sid": CALL}
        engine.write(service, 0.0, json.dumps(began))
        for severity in ("DEBUG", "INFO", "WARNING", "ERROR"):
            names = {"event": HOSTILE, "call_sid": CALL, HOSTILE: HOSTILE, "error": {"stack": HOSTILE}}
            engine.write(service, 1.0, json.dumps({"severity": severity, "message": HOSTILE, **names}))
        engine.write(service, 2.0, f"[WARNING] {raw} · call_sid={CALL}", f"  {raw}", f"{raw}")
    engine.happen("prosaas-calls", 1.0, raw, signal=raw)
    status = {"level": HOSTILE, "source": HOSTILE, "switches": []}
    dump = [{"blackbox": HOSTILE, "kind": HOSTILE, "records": 1, "reason": HOSTILE}]
    dump += [{"timestamp": "2024-01-25T14:00:01Z", "severity": "DEBUG", "message": HOSTILE, "event": HOSTILE}]
    answers = {"status": json.dumps(status), "blackbox": "\n".join(map(json.dumps, dump))}
    engine.on_run = lambda service, command: (0, answers.get(command[1], ""), "")
    engine.answers |= {
        "/system/df": {"Volumes": [], "Images": [], "BuildCache": []},
        "/containers/json": [],
        "/version": {"Version": HOSTILE, "ApiVersion": HOSTILE},
    }
    for service in engine.written:
        engine.details[service] = {
            "Image": "sha256:1234",
            "State": {"StartedAt": "", "FinishedAt": "", "ExitCode": 0, "OOMKilled": False},
            "RestartCount": 0,
            "Config": {"Env": [f"A={HOSTILE}"], "User": HOSTILE},
            "HostConfig": {"LogConfig": {}, "RestartPolicy": {}},
        }
    for module in (trace, logs, blackbox, errors, levels, live_calls, capture, debug):
        monkeypatch.setattr(module, "opened", lambda: engine, raising=False)
    facts = CallFacts(HOSTILE, end_reason=HOSTILE, status=HOSTILE)
    monkeypatch.setattr(calls, "find", lambda asked: Calls([Row(facts, WHEN, 3.0, HOSTILE)], 1, 1, 0))
    monkeypatch.setattr(trace, "calls_of", lambda *_: Calls([Row(facts, WHEN, 3.0, HOSTILE)] * 2, 2, 2, 0))
    monkeypatch.setattr(trace, "live_ids", lambda engine: ())
    monkeypatch.setattr(trace, "talk_of", lambda phone: None)
    monkeypatch.setattr("prosaas_ops.stories.call.call_record", lambda call_sid: record())
    monkeypatch.setattr(live_calls, "live_calls", lambda engine: [LiveCall(HOSTILE, HOSTILE, HOSTILE)])
    monkeypatch.setattr("prosaas_ops.stories.call.live_calls", lambda engine: [])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"x": HOSTILE})))
    monkeypatch.chdir(tmp_path)
    return engine


def harmless(text: str) -> None:
    """No control character but the line's end, nothing that turns the reading direction, no half of a character."""
    bad = {character for character in text if not character.isprintable() and character != "\n"}
    assert not bad
    assert "[CRITICAL] forged" not in {row.lstrip() for row in text.split("\n")}


COMMANDS: list[tuple[Any, dict[str, str]]] = [
    (trace, {"CALL": CALL, "LEVEL": "DEBUG"}),
    (trace, {"PHONE": "0501234567"}),
    (logs, {"SINCE": "2024-01-25", "S": "api calls worker postgres"}),
    (errors, {"SINCE": "2024-01-25", "UNTIL": "2024-01-26"}),
    (calls, {"SINCE": "2024-01-25"}),
    (levels, {}),
    (live_calls, {}),
    (blackbox, {"CALL": CALL}),
    (capture, {"SINCE": "2024-01-25"}),
]


@pytest.mark.parametrize(("module", "words"), COMMANDS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.docker
def test_no_command_prints_what_acts(
    hostile: Any, options: Callable[..., Any], capsys: pytest.CaptureFixture[str], module: Any, words: dict[str, str]
) -> None:
    module.run(options(module.__name__.rpartition(".")[2], **words))
    said = capsys.readouterr()
    assert said.out
    harmless(said.out)
    harmless(said.err)


@pytest.mark.parametrize("words", [{"CALL": CALL}, {}])
def test_no_page_holds_what_acts(
    hostile: Any, options: Callable[..., Any], tmp_path: Path, words: dict[str, str]
) -> None:
    if words:
        trace.run(options("trace", **words, OUT="html"))
        harmless((tmp_path / "logs" / f"trace-{CALL}.html").read_text())
    capture.run(options("capture", SINCE="2024-01-25", **words))
    (path,) = (tmp_path / "logs").glob("capture-*.tar.gz")
    with tarfile.open(path) as tar:
        (member,) = [name for name in tar.getnames() if name.endswith("timeline.html")]
        page = tar.extractfile(member)
        assert page is not None
        text = page.read().decode()
    harmless(text)
    assert "<img" not in text


def test_a_debug_sessions_screen_and_file_hold_nothing_that_acts(hostile: Any, paper: Any) -> None:
    file = io.StringIO()
    lines = list(read(hostile.written["prosaas-calls"]))
    Watch(Target(), 60.0, lambda: True).show(lines, Screen(paper, terminal=False), RateCap(200), file)
    assert len(lines) > 5
    harmless(file.getvalue())
    harmless(paper.text)


def test_the_verdict_on_a_call_holds_nothing_that_acts(hostile: Any, paper: Any) -> None:
    placed = Placed(CALL, list(read(hostile.written["prosaas-calls"])), {"ok": False, "problems": [HOSTILE]})
    act_call.verdict(placed, record(), False, Screen(paper, terminal=False))
    harmless(paper.text)


def test_a_complaint_is_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    complain(HOSTILE)
    harmless(capsys.readouterr().err)
