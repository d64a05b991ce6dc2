"""A plan goes on after a kill at any step, goes back after a failure at any step, and never runs twice at once."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.conduct.run import Plan, Step, go_back, run, unfinished
from prosaas_ops.conduct.world import World
from prosaas_ops.files import replace as replace_file
from prosaas_ops.options import Problem

STEPS = ("build", "release", "migrate", "renew", "settle")


class Deploy:
    """A small stack in a file: which version each step has brought about, on disk like the real one."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.state.mkdir(exist_ok=True)

    @property
    def state(self) -> dict[str, str]:
        return self.world.remembered("stack") or dict.fromkeys(STEPS, "old")

    def bring(self, step: str, version: str) -> None:
        self.world.remember("stack", {**self.state, step: version})

    def plan(self, at: str = "", act: Any = None) -> Plan:
        """To `new`; at one step something else happens as well."""

        def do(step: str) -> None:
            self.bring(step, "new")
            if step == at:
                act()

        def back(memory: dict[str, Any]) -> list[Step]:
            return [Step(name, lambda name=name: self.bring(name, memory["version"])) for name in STEPS]  # type: ignore[misc]

        steps = [Step(name, lambda name=name: do(name)) for name in STEPS]  # type: ignore[misc]
        return Plan("up-prod", steps, {"version": self.state["settle"]}, back, "the old one runs again")


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    return Deploy(tmp_path)


def _die(folder: Path, at: str, number: int) -> None:
    deploy = Deploy(folder)
    run(deploy.plan(at, lambda: os.kill(os.getpid(), number)), deploy.world)


@pytest.mark.parametrize("at", STEPS)
def test_killed_at_any_step_it_is_done_again_to_its_end(deploy: Deploy, at: str) -> None:
    """The journal stays, with what was there before the first attempt; the next run ends at one version."""
    process = multiprocessing.get_context("fork").Process(target=_die, args=(deploy.world.root, at, signal.SIGKILL))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    journal = unfinished(deploy.world)
    assert journal is not None
    assert (journal["step"], journal["memory"]) == (at, {"version": "old"})
    run(deploy.plan(), deploy.world)
    assert set(deploy.state.values()) == {"new"}
    assert unfinished(deploy.world) is None


@pytest.mark.parametrize("at", STEPS)
def test_killed_and_then_failing_it_goes_back_to_what_was_there_first(deploy: Deploy, at: str) -> None:
    """What the killed run had half done is nothing to go back to."""
    process = multiprocessing.get_context("fork").Process(target=_die, args=(deploy.world.root, at, signal.SIGKILL))
    process.start()
    process.join(30)

    def fail() -> None:
        raise Problem("no")

    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan("settle", fail), deploy.world)
    assert set(deploy.state.values()) == {"old"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("at", STEPS)
def test_stopped_at_any_step_it_goes_back(deploy: Deploy, at: str, number: signal.Signals) -> None:
    """Ctrl-C, a stop of the engine, a closed terminal."""
    with pytest.raises(Problem, match=f"failed at the step '{at}', so the old one runs again"):
        run(deploy.plan(at, lambda: os.kill(os.getpid(), number)), deploy.world)
    assert set(deploy.state.values()) == {"old"}
    assert unfinished(deploy.world) is None


@pytest.mark.parametrize(("at", "early"), [("migrate", True), ("renew", False), ("settle", False)])
def test_stopped_before_anything_that_serves_is_renewed_it_speaks_of_no_way_back(
    deploy: Deploy, at: str, early: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it had prepared is undone all the same."""
    plan = deploy.plan(at, lambda: os.kill(os.getpid(), signal.SIGINT))
    steps = [replace(step, starts=step.name == "renew") for step in plan.steps]
    with pytest.raises(Problem) as told:
        run(replace(plan, steps=steps, early="all of it runs on"), deploy.world)
    said = capsys.readouterr().out
    assert ("going back" not in said, "all of it runs on" in said) == (early, early)
    assert f"so {'all of it runs on' if early else 'the old one runs again'}" in str(told.value)
    assert set(deploy.state.values()) == {"old"}


@pytest.mark.parametrize("at", STEPS)
def test_a_full_disk_at_any_step_goes_back(deploy: Deploy, at: str) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan(at, full), deploy.world)
    assert set(deploy.state.values()) == {"old"}


def test_what_only_prepares_leads_nowhere_back(deploy: Deploy) -> None:
    """A deploy that is refused before it begins leaves what runs alone."""
    plan = deploy.plan("build", lambda: os.kill(os.getpid(), signal.SIGINT))
    first, *others = plan.steps
    refused = Plan(
        plan.name, [Step(first.name, first.do, prepares=True), *others], plan.memory, plan.back, plan.back_to
    )
    with pytest.raises(Problem, match="at the step 'build'") as told:
        run(refused, deploy.world)
    assert "runs again" not in str(told.value)
    assert deploy.state == {**dict.fromkeys(STEPS, "old"), "build": "new"}
    assert unfinished(deploy.world) is None


def test_what_prepares_a_second_attempt_leads_back_from_where_the_first_was_killed(deploy: Deploy) -> None:
    """The killed run left half of it: a second attempt that cannot even begin has that to undo."""

    def plan(at: str, act: Any) -> Plan:
        first, *others = deploy.plan(at, act).steps
        steps = [Step(first.name, first.do, prepares=True), *others]
        return replace(deploy.plan(), steps=steps)

    def fail() -> None:
        raise Problem("no room on the device")

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan("renew", die), deploy.world)
    with pytest.raises(Problem, match="the old one runs again"):
        run(plan("build", fail), deploy.world)
    assert set(deploy.state.values()) == {"old"}


def test_two_at_once_do_not_meet(deploy: Deploy) -> None:
    """The second hears which command is at work; the lock needs no clearing after a kill."""
    with (
        deploy.world.locked("up-prod"),
        pytest.raises(Problem, match="make up-prod, since"),
        World(deploy.world.root).locked("restore"),
    ):
        raise AssertionError
    with World(deploy.world.root).locked("restore"):
        pass


def test_what_a_kill_left_of_a_file_half_written_is_gone_with_the_next_command(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a password, which nobody would look for there; what anybody else put beside it stays."""
    world = deploy.world
    (world.root / "secrets").mkdir()
    written = (world.root / ".env", world.state / "journal.json", world.root / "secrets/call_token_secret")
    theirs = world.root / ".env.original"
    theirs.write_text("theirs", encoding="utf-8")
    with monkeypatch.context() as killed:
        killed.setattr(os, "replace", lambda *_: os._exit(9))
        for path in written:
            if (child := os.fork()) == 0:
                replace_file(path, "a password")
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    halves = [half for path in written for half in path.parent.glob(f"{path.name}.*") if half != theirs]
    assert len(halves) == 3
    (world.root / "backups/.opened-x1").mkdir(parents=True)
    (world.root / "backups/.opened-x1/a.dump").touch()
    halves += [world.root / f"backups/{name}" for name in ("a.dump.8.part", "a.dump.age.8.part.sealed")]
    theirs_too = [world.root / f"backups/{name}" for name in ("a.dump.age", "shop.2026-11.dump.part")]
    theirs_too.append(world.root / "secrets/openai_api_key.backup_1")
    for path in (*halves[-2:], *theirs_too):
        path.touch()
    # A watcher writes its overlay, and kept lines, without the lock: what is young may be its.
    (world.state / "lines").mkdir()
    watchers = [world.state / f"{name}.x1y2z3w4.aside" for name in ("compose.yml", "lines/prosaas-api.13e2.gz")]
    for half in watchers:
        half.touch()
    world.remember("journal", {"plan": "rotate-secret"})
    with world.locked("audit"):
        assert [half for half in halves if half.exists()] == []
        assert theirs.exists()
        assert all(path.exists() for path in theirs_too)
        assert not (world.root / "backups/.opened-x1").exists()
        assert all(half.exists() for half in watchers)
    for half in watchers:
        os.utime(half, (time.time() - 90,) * 2)
    with world.locked("audit"):
        assert not any(half.exists() for half in watchers)
        assert unfinished(world) == {"plan": "rotate-secret"}


def test_what_another_command_left_unfinished_is_not_run_over(deploy: Deploy) -> None:
    """Its journal may hold the only copy of a new password."""
    killed = {"plan": "rotate-secret", "step": "new value", "at": "x", "memory": {"new": "NEW"}}
    deploy.world.remember("journal", killed)
    with pytest.raises(Problem, match=r"(?s)make rotate-secret was interrupted at the step 'new value'.*make doctor"):
        run(deploy.plan(), deploy.world)
    assert deploy.world.remembered("journal") == killed
    assert set(deploy.state.values()) == {"old"}


def no() -> None:
    raise Problem("no")


def test_what_was_killed_stays_noted_until_something_is_done_in_its_place(deploy: Deploy) -> None:
    killed = {"plan": "restart-calls", "step": "renew", "at": "x", "changed": True, "memory": {"old": ["a"]}}
    deploy.world.remember("journal", killed)
    plan = deploy.plan("build", no)
    with pytest.raises(Problem, match="what runs was not changed"):
        run(replace(plan, steps=[replace(plan.steps[0], prepares=True), *plan.steps[1:]]), deploy.world)
    assert deploy.world.remembered("journal") == killed
    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan("release", no), deploy.world)
    assert unfinished(deploy.world) is None


def test_who_cannot_be_told_of_the_way_back_has_it_walked(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    for told in ("say", "warn"):
        monkeypatch.setattr(World, told, gone)
    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan("migrate", no), deploy.world)
    assert set(deploy.state.values()) == {"old"}


@pytest.mark.parametrize("where", ["the warning", "the way back is told", "at once", "after a failure"])
def test_a_second_signal_anywhere_leaves_no_way_back_unwalked(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A terminal that closes sends one itself, and its client another."""

    def again(*_: object) -> None:
        # To this thread: another one, of the test runner's, would take it at once.
        signal.raise_signal(signal.SIGINT)

    def once() -> None:
        if where == "after a failure":
            raise Problem("no")
        if where != "at once":
            again()
            return
        held = {signal.SIGINT, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, held)
        try:
            signal.raise_signal(signal.SIGHUP)
            again()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)

    if where != "at once":
        monkeypatch.setattr(deploy.world, "say" if where == "the way back is told" else "warn", again)
    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan("renew", once), deploy.world)
    assert set(deploy.state.values()) == {"old"}
    assert unfinished(deploy.world) is None


def test_stopped_between_two_steps_it_goes_back(deploy: Deploy) -> None:
    class Steps(list[Step]):
        def __iter__(self) -> Iterator[Step]:
            for step in super().__iter__():
                yield step
                if step.name == "migrate":
                    signal.raise_signal(signal.SIGINT)

    plan = deploy.plan()
    with pytest.raises(Problem, match="failed at the step 'migrate', so the old one runs again"):
        run(replace(plan, steps=Steps(plan.steps)), deploy.world)
    assert set(deploy.state.values()) == {"old"}
    assert unfinished(deploy.world) is None


def test_stopped_while_a_step_is_noted_it_goes_back(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    remember = deploy.world.remember

    def stopped(name: str, value: Any) -> None:
        if name == "journal" and value and value["step"] == "migrate":
            monkeypatch.undo()
            os.kill(os.getpid(), signal.SIGINT)
        remember(name, value)

    monkeypatch.setattr(deploy.world, "remember", stopped)
    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan(), deploy.world)
    assert set(deploy.state.values()) == {"old"}


def test_a_disk_that_takes_no_note_of_the_way_back_keeps_nobody_from_it(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = deploy.world.remember

    def full(name: str, value: Any) -> None:
        if name == "journal" and value and value.get("goes_back"):
            raise OSError(28, "No space left on device")
        remember(name, value)

    monkeypatch.setattr(deploy.world, "remember", full)
    with pytest.raises(Problem, match="the old one runs again"):
        run(deploy.plan("renew", lambda: os.kill(os.getpid(), signal.SIGINT)), deploy.world)
    assert set(deploy.state.values()) == {"old"}


def test_a_way_back_that_failed_is_noted_and_can_be_walked_later(deploy: Deploy) -> None:
    def stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Problem, match="so did the way back: no"):
        run(replace(deploy.plan("renew", stop), back=lambda _: [Step("x", no)]), deploy.world)
    journal = unfinished(deploy.world)
    assert journal is not None
    assert (journal["step"], journal["goes_back"]) == ("renew", True)
    go_back(deploy.plan(), journal["memory"], deploy.world)
    assert set(deploy.state.values()) == {"old"}
    assert unfinished(deploy.world) is None
