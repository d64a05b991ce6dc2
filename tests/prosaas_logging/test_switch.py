"""Every process follows the state file and reverts by itself."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from prosaas_logging import get_logger, scope
from prosaas_logging.events import AnyEvent
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.policy import Policy, apply, in_force
from prosaas_logging.scope import Scope
from prosaas_logging.settings import LogSettings
from prosaas_logging.switch import Switch
from prosaas_logging.switch_state import (
    Change,
    Presence,
    State,
    read_presences,
    read_state,
    remove_presence,
    same_number,
    started_at,
    update_state,
    write_presence,
)

log = get_logger("tests.switch")


class World:
    """A switch with a clock of its own."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.now = 1000.0
        self.said: list[tuple[str, dict[str, object]]] = []
        self.dumped: list[str] = []
        self.records: list[str] = []
        apply(Policy(ring=100, submit=lambda record, context: self.records.append(str(record[3]))))
        self.switch = Switch(LogSettings("svc", switch_file=path, **settings), self.say, self.dump, lambda: self.now)
        self.switch.start()

    def say(self, event: AnyEvent, fields: dict[str, object]) -> None:
        self.said.append((event.name, fields))

    def dump(self, live: Scope) -> None:
        self.dumped.append(live.id)

    def ask(self, target: str, value: str = "", level: str = "DEBUG", seconds: float = 60) -> None:
        change = Change(target, value, level, self.now + seconds, seconds)
        # The file's own clock is the real one; this test's is not.
        self.write(change)

    def write(self, *changes: Change, **dumps: int) -> None:
        content = {"revision": self.now, "changes": [change.__dict__ for change in changes], "dumps": dumps}
        self.path.write_text(json.dumps(content))
        self.pass_time(1)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.switch.poll()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "log-switch.json")


def test_the_service_s_level_changes_and_comes_back_and_both_are_said(world: World) -> None:
    world.ask("service", seconds=60)
    assert in_force().threshold == DEBUG
    world.pass_time(61)
    assert in_force().threshold == INFO
    assert [name for name, _ in world.said] == ["LOG_LEVEL_CHANGED", "LOG_LEVEL_REVERTED"]
    assert world.said[1][1] == {"level": "INFO", "target": "service", "why": "time is over"}


@pytest.mark.parametrize(
    ("target", "value"), [("call", "CA1"), ("business", "456"), ("phone", "+972501234567"), ("phone", "050-1234567")]
)
def test_one_call_can_be_watched_by_what_it_is(world: World, target: str, value: str) -> None:
    with scope(call_sid="CA1", business_id="456", phone="+972501234567"):
        world.ask(target, value)
        log.debug("watched")
        with scope(call_sid="CA2", business_id="457", phone="+972509999999"):
            log.debug("not watched")
        world.pass_time(61)
        log.debug("over")
    with scope(call_sid="CA2", phone="+972509999999"):
        log.debug("another")
    assert world.records == ["watched"]


def test_a_reset_is_said_as_one(world: World) -> None:
    world.ask("call", "CA1")
    world.path.write_text(json.dumps({"revision": 5000, "changes": [], "dumps": {}}))
    world.pass_time(1)
    assert world.said[-1] == ("LOG_LEVEL_REVERTED", {"level": "INFO", "target": "call CA1", "why": "reset"})


def test_a_recorder_that_is_asked_for_is_written_once_for_each_wish(world: World) -> None:
    with scope(call_sid="CA1"), scope(call_sid="CA2"):
        world.write(CA1=5)
        assert world.dumped == ["CA1"]
        world.write(Change("service", "", "DEBUG", world.now + 60), CA1=5)
        assert world.dumped == ["CA1"]
        world.write(CA1=6, CA2=1, CA3=1)
        assert sorted(world.dumped) == ["CA1", "CA1", "CA2"]
        # Who starts afterwards has nothing of what was wished for before.
        assert World(world.path).dumped == []


def test_what_is_over_is_said_with_the_level_that_holds_then(tmp_path: Path) -> None:
    """That of what is still switched, or of the logger's own name, or of the service."""
    world = World(tmp_path / "log-switch.json", levels=(("shop", WARNING),))
    changes = [("logger", "shop.till", "DEBUG", 10), ("call", "CA1", "DEBUG", 20), ("service", "", "ERROR", 40)]
    world.write(*[Change(target, value, level, world.now + until) for target, value, level, until in changes[:1]])
    world.pass_time(15)
    assert world.said[-1][1] == {"level": "WARNING", "target": "logger shop.till", "why": "time is over"}
    world.write(*[Change(target, value, level, world.now + until) for target, value, level, until in changes])
    world.said.clear()
    for _ in range(3):
        world.pass_time(15)
    assert [(said["target"], said["level"]) for _, said in world.said] == [
        ("logger shop.till", "ERROR"),
        ("call CA1", "ERROR"),
        ("service", "INFO"),
    ]


def test_a_lost_state_file_means_that_nothing_is_asked(world: World) -> None:
    world.ask("service")
    world.path.unlink()
    world.pass_time(1)
    assert in_force().threshold == INFO


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"revision": 1}', '{"revision": 1, "changes": [{"target": "x"}]}', "\x00"]
)
def test_a_state_file_that_makes_no_sense_is_no_state(content: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    assert read_state(path).changes == ()


def test_of_a_state_what_is_not_understood_is_left_out(tmp_path: Path) -> None:
    known = {"target": "call", "value": "CA1", "level": "DEBUG", "until": 2.0, "for_s": 1.0}
    changes = [{**known, "target": "planet"}, {**known, "level": "LOUD"}, known]
    del known["for_s"]
    (tmp_path / "state").write_text(json.dumps({"revision": 7, "changes": changes, "dumps": {"CA1": 3}}))
    assert read_state(tmp_path / "state") == State(7, (Change("call", "CA1", "DEBUG", 2.0, 0.0),), {"CA1": 3})


def test_a_logger_is_switched_by_its_name_and_its_service_by_its_level_and_no_scope_is(world: World) -> None:
    for target, value in (("logger", "shop"), ("service", "")):
        world.ask(target, value, "ERROR")
        assert in_force().targets == ()
        assert [in_force().level_of(name) for name in ("shop.till", "other")] == (
            [ERROR, INFO] if target == "logger" else [ERROR] * 2
        )


def test_the_file_is_looked_at_a_few_times_a_second_and_not_after_the_end(world: World) -> None:
    content = {"revision": 2, "changes": [Change("service", "", "DEBUG", world.now + 60, 60).__dict__], "dumps": {}}
    world.path.write_text(json.dumps(content))
    world.pass_time(0.2)
    assert in_force().threshold == INFO
    world.pass_time(0.1)
    assert in_force().threshold == DEBUG
    world.switch.stop()
    world.pass_time(120)
    assert in_force().threshold == DEBUG
    assert read_presences(world.path) == []


def test_of_a_change_it_is_said_how_long_it_lasts(world: World) -> None:
    world.ask("call", "CA1", "WARNING", seconds=90)
    said = {"level": "WARNING", "target": "call CA1", "for_s": 89, "by": "logctl"}
    assert world.said == [("LOG_LEVEL_CHANGED", said)]


def test_a_number_is_shown_without_its_digits(world: World) -> None:
    world.ask("phone", "+972501234567")
    assert world.said[0][1]["target"] == "phone +972..."


def test_a_process_says_that_it_is_here_and_what_it_follows(world: World) -> None:
    world.ask("service")
    (presence,) = read_presences(world.path)
    assert (presence.service, presence.level, presence.source, presence.base) == ("svc", "DEBUG", "logctl", "INFO")
    world.switch.stop()
    assert read_presences(world.path) == []


def test_a_process_writes_that_it_is_here_when_something_is_new_and_not_at_each_look(world: World) -> None:
    """It is asked several times a second, on every machine, for as long as it lives."""
    world.ask("service", seconds=60)
    (presence,) = world.path.parent.glob(f"*{os.getpid()}*")
    presence.unlink()
    world.pass_time(1)
    assert not presence.exists()
    world.pass_time(60)
    assert presence.exists()


def test_a_change_outlives_its_process_s_start(tmp_path: Path) -> None:
    first = World(tmp_path / "log-switch.json")
    first.ask("service")
    second = World(tmp_path / "log-switch.json")
    assert in_force().threshold == DEBUG
    assert second.said[0][0] == "LOG_LEVEL_CHANGED"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+972501234567", "+972501234567", True),
        ("+972501234567", "050-123-4567", True),
        ("whatsapp:+972501234567", "00972501234567", True),
        ("+972501234567", "+972501234568", False),
        ("", "", False),
        ("4567", "+972501234567", False),
        ("1234567", "+972501234567", True),
        ("234567", "+972501234567", False),
    ],
)
def test_a_number_is_the_same_in_each_of_its_spellings(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same


def test_a_change_that_could_not_be_applied_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Switch._apply
    failures = [RuntimeError]

    def apply_badly(switch: Switch, state: State) -> None:
        if failures:
            raise failures.pop()
        real(switch, state)

    monkeypatch.setattr(Switch, "_apply", apply_badly)
    with pytest.raises(RuntimeError):
        world.ask("service")
    world.pass_time(1)
    assert in_force().threshold == DEBUG
    assert world.said[-1][0] == "LOG_LEVEL_CHANGED"


def test_what_a_killed_process_left_behind_is_removed(tmp_path: Path) -> None:
    here = Presence("svc", os.getpid(), "INFO", "default", "INFO", "", 1, started_at(os.getpid()) or 0)
    reused = dataclasses.replace(here, started=here.started - 1)
    dead = dataclasses.replace(here, pid=2**22 + 1)
    for presence, left in ((here, 1), (reused, 0), (dead, 0)):
        write_presence(tmp_path / "log-switch.json", presence)
        assert read_presences(tmp_path / "log-switch.json") == [here] * left
        assert len(list(tmp_path.iterdir())) == left
        remove_presence(tmp_path / "log-switch.json", presence.pid)


def test_wishes_for_a_recorder_are_forgotten_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "log-switch.json"
    asked = time.time_ns()
    for number in range(100):
        one = {f"CA{number}": number}
        update_state(path, lambda state: dataclasses.replace(state, dumps={**state.dumps, **one}))  # noqa: B023
    state = update_state(path, lambda state: dataclasses.replace(state, dumps={**state.dumps, "CA-new": asked}))
    assert state.dumps == {"CA-new": asked}


def test_a_process_is_named_by_when_it_started_and_a_number_of_nobody_is_none() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE) as child:
        after = time.clock_gettime(time.CLOCK_BOOTTIME)
        started = started_at(child.pid)
        assert started is not None
        assert int(before * ticks) - 1 <= started <= after * ticks + 1
    assert started_at(child.pid) is None


def test_of_two_changes_that_fit_the_most_particular_counts(world: World) -> None:
    later = world.now + 60
    changes = [
        Change(target, value, level, later, 60).__dict__
        for target, value, level in (
            ("service", "", "ERROR"),
            ("business", "b1", "WARNING"),
            ("phone", "+972501234567", "INFO"),
            ("call", "CA1", "DEBUG"),
        )
    ]
    world.path.write_text(json.dumps({"revision": 2, "changes": changes, "dumps": {}}))
    world.pass_time(1)
    fields: dict[str, object] = {"call_sid": "CA1", "phone": "0501234567", "business_id": "b1"}
    levels = []
    for name in (*fields, "nothing"):
        levels.append(in_force().level_for(fields))
        fields.pop(name, None)
    assert levels == [DEBUG, INFO, WARNING, ERROR]
    assert in_force().threshold == ERROR
