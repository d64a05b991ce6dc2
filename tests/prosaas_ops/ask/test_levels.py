"""Which level is in force, and what eats the disk."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.ask import levels
from prosaas_ops.options import FINE, PROBLEM, Problem
from prosaas_ops.stack import sessions

SWITCHED = [
    {"target": "service", "value": "", "level": "DEBUG", "left_s": 18},
    {"target": "call", "value": "CA1", "level": "DEBUG", "left_s": 420},
]


@pytest.fixture
def asked(engine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A stack whose calls service is at DEBUG, for everything by dana, and for one call by nobody who is there."""

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        loud = service == "prosaas-calls"
        level, source = ("DEBUG", "live switch") if loud else ("INFO", "env/prod.env")
        return 0, json.dumps({"level": level, "source": source, "switches": SWITCHED if loud else []}), ""

    def others(engine: Any, command: str) -> list[sessions.Session]:
        return [sessions.Session(levels.live_switch.Target(), None, "dana@ops-1")] if "calls" in command else []  # type: ignore[arg-type]

    engine.on_run = run
    monkeypatch.setattr(sessions, "others", others)
    monkeypatch.setattr(levels, "opened", lambda: engine)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "capture.tar.gz").write_bytes(b"x" * 2_600_000)
    labels = {"com.docker.compose.project": "prosaas"}
    engine.answers["/system/df"] = {
        "Volumes": [
            {"Name": "prosaas_data", "Labels": labels, "UsageData": {"Size": 90_000_000}},
            {"Name": "foreign", "Labels": {}, "UsageData": {"Size": 1}},
        ],
        # Two images on the same layers, and a layer that the cache has of one of them.
        "LayersSize": 500_000_000,
        "Images": [{"Size": 500_000_000, "Containers": 0}, {"Size": 450_000_000, "Containers": 1}],
        "BuildCache": [{"Size": 400_000_000, "Shared": True}, {"Size": 70_000_000, "Shared": False}],
    }
    return engine


def test_who_switched_what_until_when_stands_on_one_screen(asked: Any, options: Any, capsys: Any) -> None:
    assert levels.run(options("levels")) == FINE
    said = capsys.readouterr().out
    assert re.search(r"^api +INFO +env/prod.env$", said, re.MULTILINE)
    assert re.search(r"^calls +DEBUG +live switch +\S+ UTC \(18s\) +dana@ops-1$", said, re.MULTILINE)
    assert re.search(r"^calls, call CA1 +DEBUG +live switch +\S+ UTC \(7m\) +logctl, or", said, re.MULTILINE)
    assert "next: make quiet-calls takes it back" in said


def test_what_is_switched_is_named_in_the_operators_language(
    asked: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", "he")
    levels.run(options("levels"))
    assert re.search(r"^calls, השיחה CA1 +DEBUG", capsys.readouterr().out, re.MULTILINE)


def test_of_two_containers_of_a_service_each_is_named(asked: Any, options: Any, capsys: Any) -> None:
    asked.begin("prosaas-calls")
    levels.run(options("levels"))
    said = capsys.readouterr().out
    for which in (1, 2):
        name = asked.containers("prosaas-calls")[which - 1].name
        assert re.search(rf"^calls \({name}\) +DEBUG", said, re.MULTILINE)
        assert re.search(rf"^calls \({name}\), call CA1 +DEBUG", said, re.MULTILINE)
    assert re.search(r"^api +INFO", said, re.MULTILINE)
    assert "next: make quiet-calls takes it back" in said


def test_what_eats_the_disk_stands_below_largest_first(asked: Any, options: Any, capsys: Any) -> None:
    levels.run(options("levels"))
    disk = capsys.readouterr().out.partition("disk")[2]
    assert re.findall(r"^ *(\S+) MB", disk, re.MULTILINE) == ["500.0", "90.0", "70.0", "2.6"]
    assert "foreign" not in disk


def test_doctor_hears_only_of_what_is_loud(asked: Any, options: Any, capsys: Any) -> None:
    assert levels.run(options("levels", QUIET="1")) == PROBLEM
    assert len(capsys.readouterr().out.splitlines()) == 2
    asked.on_run = lambda service, command: (0, json.dumps({"level": "INFO", "source": "x", "switches": []}), "")
    assert levels.run(options("levels", QUIET="1")) == FINE
    assert capsys.readouterr().out.strip() == ""


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("LOG_LEVEL (environment)", "fix: LOG_LEVEL=INFO in env/prod.env, then make restart-worker"),
        (
            "WORKER_LOG_LEVEL (environment)",
            "fix: make restart-worker; where .env has WORKER_LOG_LEVEL, take it out there first",
        ),
    ],
)
def test_doctor_says_with_each_loud_level_what_takes_it_back(
    source: str, fix: str, asked: Any, options: Any, capsys: Any
) -> None:
    assert levels.run(options("levels", QUIET="1")) == PROBLEM
    assert all(row.endswith("fix: make quiet-calls") for row in capsys.readouterr().out.splitlines())

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        level = "DEBUG" if service == "worker" else "INFO"
        return 0, json.dumps({"level": level, "source": source, "switches": []}), ""

    asked.on_run = run
    assert levels.run(options("levels", QUIET="1")) == PROBLEM
    assert capsys.readouterr().out.rstrip().endswith(fix)


def test_in_development_doctor_tells_of_a_switch_alone(
    asked: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There DEBUG is what env/dev.env says, and nothing to be taken back."""
    switched = asked.on_run

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        of_dev = {"level": "DEBUG", "source": "LOG_LEVEL (environment)", "switches": []}
        return (0, json.dumps(of_dev), "") if service != "prosaas-calls" else switched(service, command)

    asked.on_run = run
    monkeypatch.setattr(asked, "project", "prosaas-dev")
    assert levels.run(options("levels", QUIET="1")) == PROBLEM
    assert all(row.endswith("fix: make quiet-calls") for row in capsys.readouterr().out.splitlines())
    asked.on_run = lambda *_: run("worker", ())
    assert levels.run(options("levels", QUIET="1")) == FINE
    assert capsys.readouterr().out == ""


def test_a_service_that_does_not_answer_is_a_question_mark(asked: Any, options: Any, capsys: Any) -> None:
    asked.on_run = lambda service, command: (1, "", "no process follows")
    assert levels.run(options("levels")) == FINE
    assert re.search(r"^worker +\? +logctl in worker: no process follows", capsys.readouterr().out, re.MULTILINE)


def test_a_stack_of_which_nothing_runs_is_a_problem(asked: Any, options: Any) -> None:
    asked.states = dict.fromkeys(asked.written, "exited")
    with pytest.raises(Problem, match="none of the services runs"):
        levels.run(options("levels"))


def test_a_container_that_goes_meanwhile_keeps_nobody_from_the_others(asked: Any, options: Any, capsys: Any) -> None:
    asked.gone.add(asked.begin("prosaas-calls").id)
    assert levels.run(options("levels")) == FINE
    assert "live switch" in capsys.readouterr().out


def test_on_80_columns_no_name_and_no_command_is_cut_and_no_rule_broken(
    asked: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPS_TERMINAL": "1", "COLUMNS": "80", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    call = "CA0123456789abcdef0123456789abcdef"
    monkeypatch.setitem(SWITCHED[1], "value", call)
    levels.run(options("levels"))
    rows = capsys.readouterr().out.splitlines()
    assert "…" not in "".join(rows)
    assert call in "".join(rows)
    assert all(len(row) <= 80 for row in rows)
    assert sum("──" in row for row in rows) == 2


@pytest.mark.parametrize(("language", "said"), [("en", "as the container was made"), ("he", "מיצירת הקונטיינר")])
def test_a_level_of_the_environment_is_said_to_be_of_the_containers_beginning(
    language: str, said: str, asked: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", language)
    known = json.dumps({"level": "INFO", "source": "LOG_LEVEL (environment)", "switches": []})
    asked.on_run = lambda service, command: (0, known, "")
    assert levels.run(options("levels")) == FINE
    assert f"LOG_LEVEL ({said})" in capsys.readouterr().out
