"""The level switch, worked through logctl."""

import json
from typing import Any

import pytest

from prosaas_logging import ctl
from prosaas_logging.switch_state import same_number
from prosaas_ops.options import Options, Problem, Usage
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.switch import Target


@pytest.mark.parametrize(
    ("target", "arguments", "spoken"),
    [
        (Target(), [], "everything"),
        (Target(call_sid="CA1"), ["--call", "CA1"], "call CA1"),
        (Target(business="456"), ["--business", "456"], "business 456"),
        (Target(phone="+972501234567"), ["--phone", "+972501234567"], "phone +972501234567"),
    ],
)
def test_a_target_is_spoken_to_logctl_in_its_words(target: Target, arguments: list[str], spoken: str) -> None:
    assert (target.arguments(), str(target)) == (arguments, spoken)


@pytest.mark.parametrize(
    ("target", "spoken"),
    [
        (Target(), "הכול"),
        (Target(call_sid="CA1"), "השיחה CA1"),
        (Target(business="456"), "העסק 456"),
        (Target(phone="+972501234567"), "הטלפון +972501234567"),
    ],
)
def test_a_target_is_named_in_the_operators_language(
    target: Target, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", "he")
    assert str(target) == spoken


@pytest.mark.parametrize(
    ("typed", "number", "is_it"),
    [
        ("541234567", "+972541234567", True),
        ("0541234567", "+972541234567", True),
        ("541234567", "+447541234567", False),
    ],
)
def test_who_is_debugged_by_a_number_is_nobody_of_another_country(typed: str, number: str, is_it: bool) -> None:
    """What is searched may be several people's; what they say is not shown for that."""
    options = Options("debug-calls", ("CALL", "BUSINESS", "PHONE"), {"PHONE": typed})
    assert same_number(number, live_switch.target_from(options).phone) is is_it


def test_logctl_takes_every_command_that_is_sent_to_it(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through logctl's own parser: a word it does not know would end with 2 here."""
    understood = []

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        understood.append(ctl._parser().parse_args(command[1:]))
        return 0, json.dumps({"level": "INFO", "switches": [{"target": "call", "value": "CA1", "left_s": 90}]}), ""

    engine.on_run = run
    container = engine.running("prosaas-calls")
    for target in (Target(), Target(call_sid="CA1"), Target(business="4"), Target(phone="+972501234567")):
        live_switch.raise_to_debug(engine, container, target, "905s")
        live_switch.lower(engine, container, target)
    live_switch.lower_all(engine, container)
    assert live_switch.seconds_left(engine, container, Target(call_sid="CA1")) == 90
    assert live_switch.seconds_left(engine, container, Target()) == 0
    assert len(understood) == 11


def test_what_logctl_refuses_is_wrong_usage_in_its_own_words(engine: Any) -> None:
    engine.on_run = lambda service, command: (2, "", "logctl: no duration '99d', write 90s\n")
    with pytest.raises(Usage, match="no duration '99d'"):
        live_switch.raise_to_debug(engine, engine.running("worker"), Target(), "99d")


def test_what_fails_in_the_container_is_a_problem(engine: Any) -> None:
    engine.on_run = lambda service, command: (1, "", "logctl: process 7 does not follow")
    with pytest.raises(Problem, match="process 7 does not follow"):
        live_switch.lower(engine, engine.running("worker"), Target())


def test_a_container_that_is_gone_has_nothing_to_take_back(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    container = engine.running("worker")
    engine.on_run = lambda service, command: (1, "", "no such container")
    del engine.written["worker"]
    live_switch.lower(engine, container, Target())


@pytest.mark.parametrize("act", ["lower", "lower_all", "raised"])
def test_a_container_that_is_about_to_go_is_no_failure(engine: Any, act: str) -> None:
    """What runs in it is killed a moment before the engine says that it does not run."""
    container, asked = engine.running("worker"), []

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        asked.append(command)
        if len(asked) > 1:
            engine.written.pop("worker", None)
        return 137, "", ""

    engine.on_run = run
    if act == "lower":
        live_switch.lower(engine, container, Target())
    elif act == "lower_all":
        live_switch.lower_all(engine, container)
    else:
        with live_switch.raised(engine, [container], Target(), 60):
            pass
    assert len(asked) >= 2


def test_a_container_that_stays_and_kills_what_it_is_asked_is_a_failure(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_switch, "_GOES_WITHIN_S", 0.01)
    monkeypatch.setattr(live_switch, "_LOOK_S", 0.02)
    engine.on_run = lambda service, command: (137, "", "")
    with pytest.raises(Problem, match="exit code 137"):
        live_switch.lower(engine, engine.running("worker"), Target())


def test_every_container_is_asked_to_take_it_back_whoever_refuses(engine: Any) -> None:
    """The second container refuses the level and the first one's answer to the reset is an error."""

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        refused = (command[1], service) in (("level", "prosaas-calls"), ("reset", "prosaas-api"))
        return (1, "", f"process 7 of {service} does not follow") if refused else (0, "", "")

    engine.on_run = run
    with pytest.raises(Problem, match="does not follow"), live_switch.raised(engine, engine.containers(), Target(), 60):
        raise AssertionError("not everything was raised")
    assert [(service, words[1]) for service, *words in engine.executed] == [
        ("prosaas-api", "level"),
        ("prosaas-calls", "level"),
        ("prosaas-calls", "reset"),
        ("prosaas-api", "reset"),
    ]


@pytest.mark.parametrize(("spread", "levels"), [(True, 1), (False, 2)])
def test_a_replica_that_heard_of_it_from_another_is_not_asked_again(engine: Any, spread: bool, levels: int) -> None:
    """While Postgres is away it did not hear, and is asked by itself."""
    engine.begin("prosaas-calls")
    switches = [{"target": "call", "value": "CA1", "level": "DEBUG", "left_s": 62}] if spread else []
    engine.on_run = lambda service, command: (0, json.dumps({"switches": switches}), "")
    with live_switch.raised(engine, engine.generations("prosaas-calls"), Target("CA1"), 60):
        assert sum(words[1] == "level" for _, *words in engine.executed) == levels


def test_the_level_is_taken_back_when_the_block_is_interrupted(engine: Any) -> None:
    containers = engine.containers()
    with pytest.raises(KeyboardInterrupt), live_switch.raised(engine, containers, Target(call_sid="CA1"), 60):
        raise KeyboardInterrupt
    resets = [service for service, *words in engine.executed if words[1:] == ["reset", "--call", "CA1"]]
    assert sorted(resets) == sorted(container.service for container in containers)


@pytest.mark.parametrize(
    ("level", "switches", "loud"),
    [
        ("INFO", [], []),
        ("DEBUG", [], ["prosaas-calls"]),
        ("INFO", [{"target": "phone", "value": "+972501234567", "level": "DEBUG"}], ["prosaas-calls"]),
        ("INFO", [{"target": "call", "value": "CA1", "level": "DEBUG"}], ["prosaas-calls"]),
        ("INFO", [{"target": "call", "value": "CA2", "level": "DEBUG"}], []),
        ("INFO", [{"target": "phone", "value": "+972501234567", "level": "ERROR"}], []),
    ],
)
def test_who_may_be_loud_about_a_call_is_told_by_logctl(
    level: str, switches: Any, loud: list[str], engine: Any
) -> None:
    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        if service == "worker":
            return 1, "", "no process logs here"
        quiet = service != "prosaas-calls"
        return 0, json.dumps({"level": "INFO" if quiet else level, "switches": [] if quiet else switches}), ""

    engine.on_run = run
    assert [container.service for container in live_switch.loud(engine, "CA1")] == loud
