"""Ctrl-C while a container is asked to end: the engine goes on with that, and somebody serves all the same."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import generations as module
from prosaas_ops.conduct import kept_lines, restore
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.plan import down, restart
from prosaas_ops.conduct.run import Stopped, run
from prosaas_ops.conduct.world import OURS, Done, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container

# What services/healthcheck.py prints of who was asked to end, and of who was not.
DRAINS = {
    "prosaas-api": "no answer on port 8000: [Errno 111] Connection refused",
    "prosaas-calls": '/readyz answered 503: {"status": "draining", "active": 1, "capacity": 100, "seat": "x"}',
    "worker": '/readyz answered 503: {"status": "draining"}',
}
UNWELL = (
    '/readyz answered 503: {"status": "full", "active": 100, "capacity": 100, "seat": "x"}',
    '/readyz answered 503: {"status": "database away"}',
    "no answer on port 8000: timed out",
)


class Stack(World):
    """One container of each service, named by a letter; what is asked to end takes no more, and runs on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.state.mkdir()
        self.letters = iter("abcdefgh")
        self.there: dict[str, Container] = {}
        for service in OURS:
            self.add(service, "running")
        self.signals: Counter[str] = Counter()
        self.watched: list[str] = []
        self.unready: set[str] = set()
        self.mute: set[str] = set()
        self.refuses: set[str] = set()
        self.says = UNWELL[0]
        self.removed: list[str] = []
        # What happens in place of a command to Docker, by its first word; once. Of a stop, where it is of that service.
        self.instead: dict[str, Callable[[str], None]] = {}
        self.stops = ""

    def add(self, service: str, state: str) -> Container:
        id_ = next(self.letters) * 64
        return self.there.setdefault(id_, Container(id_, service, id_[0], state, "", ""))

    def ready(self, id_: str) -> bool:
        return self.there[id_].state == "running" and not self.signals[id_] and id_ not in self.unready

    def serve(self, service: str) -> str:
        return "".join(one.name for one in self.containers(service) if self.ready(one.id))

    def change(self, id_: str, state: str) -> None:
        self.there[id_] = replace(self.there[id_], state=state)

    @property
    def engine(self) -> Any:
        def run(one: Container, *_: str) -> tuple[int, str, str]:
            if one.id in self.mute:
                return 1, UNWELL[2], ""
            if self.ready(one.id):
                return 0, "", ""
            return 1, self.says if one.id in self.unready and not self.signals[one.id] else DRAINS[one.service], ""

        return SimpleNamespace(inspect=lambda id_: {"State": {"Running": True, "ExitCode": 0}}, run=run)

    def containers(self, *services: str) -> list[Container]:
        return [one for one in self.there.values() if one.service in services or not services]

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        what, id_ = words[0], words[-1]
        if (act := self.instead.get(what)) and (what != "stop" or self.there[id_].service == self.stops):
            del self.instead[what]
            act(id_)
        elif what in self.refuses:
            return Done(1, "", "no")
        elif what == "ps":
            return Done(0, "\n".join(f"{self.project}-drains-{one[:12]}" for one in self.watched), "")
        elif what == "run":
            if id_ in self.watched:
                return Done(125, "", "the name is in use")
            self.watch(id_)
        elif what in ("stop", "kill"):
            self.signals[id_] += 1
            if what == "stop":
                self.change(id_, "exited")
        elif what == "start":
            self.change(id_, "running")
        elif what == "rm" and id_ in self.there:
            self.removed.append(self.there.pop(id_).state)
        return Done(0, "", "")

    def watch(self, id_: str) -> None:
        self.watched.append(id_)
        self.signals[id_] += 1


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(module, "_LOOK_S", 0.001)
    monkeypatch.setattr(module, "_FAREWELL_S", 0.05)
    monkeypatch.setattr(module, "ASKED_WITHIN_S", 0.02)
    monkeypatch.setattr(module, "READY_WITHIN_S", 2.0)
    monkeypatch.setattr(kept_lines, "keep", lambda *_: None)
    world = Stack(tmp_path)
    monkeypatch.setattr(Generations, "_watcher", lambda _, old: [old.id])
    monkeypatch.setattr(Generations, "_fits", lambda *_: True)
    monkeypatch.setattr(Generations, "_create", lambda _, service: world.add(service, "created"))
    for name in ("_let_in", "migrate", "_swap_back"):
        monkeypatch.setattr(restore, name, lambda _: None)
    monkeypatch.setattr(restore, "_swapped", lambda _: False)
    return world


def _restore(shop: Stack) -> None:
    run(restore.restore(shop, {"file": "b.dump", "key": "", "live": 0, "running": list(OURS)}), shop)


@pytest.mark.parametrize("reached", [True, False], ids=["the engine heard of it", "it did not"])
@pytest.mark.parametrize("service", OURS)
def test_a_restore_that_is_stopped_while_a_service_ends_starts_another_beside_it(
    shop: Stack, service: str, reached: bool
) -> None:
    """It keeps its calls: it is neither asked again, which would cut them, nor taken away before it has ended."""
    (old,) = shop.containers(service)

    def stop(id_: str) -> None:
        shop.signals[id_] += reached
        raise Stopped

    shop.stops, shop.instead = service, {"stop": stop}
    with pytest.raises(Problem, match="failed at the step 'stop', so the database is what it was"):
        _restore(shop)
    assert {name: len(shop.serve(name)) for name in OURS} == dict.fromkeys(OURS, 1)
    assert set(shop.removed) <= {"exited"}
    assert shop.signals[old.id] == 1
    assert shop.remembered("journal") is None


def looked_until_it_ends(shop: Stack, one: Container, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a drain is looked at, of one that ends after the third look."""
    looks: list[float] = []

    def end_at_the_third(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            shop.change(one.id, "exited")

    monkeypatch.setattr(module.time, "sleep", end_at_the_third)
    Generations(shop).let_drain()
    return len(looks)


def test_what_is_stopped_already_is_waited_for_before_the_next_command_stops_it(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (calls,) = shop.containers("prosaas-calls")
    Generations(shop).note_asked(calls)
    shop.signals[calls.id] += 1
    assert looked_until_it_ends(shop, calls, monkeypatch) == 3


def test_one_that_served_before_is_never_taken_away_for_not_being_ready(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away for two minutes is no reason to cut its calls."""
    monkeypatch.setattr(module, "READY_WITHIN_S", 0.02)
    (calls,) = shop.containers("prosaas-calls")
    shop.unready.add(calls.id)
    with pytest.raises(Problem, match="not ready"):
        Generations(shop).renew("prosaas-calls")
    assert shop.there[calls.id].state == "running"
    assert not shop.signals[calls.id]


@pytest.mark.parametrize("reached", ["at once", "later", "never"])
def test_a_restart_that_is_stopped_while_a_watcher_starts_leaves_the_new_one(shop: Stack, reached: str) -> None:
    """The engine may start the watcher all the same, and list it only later."""
    (old,) = shop.containers("prosaas-calls")

    def start(id_: str) -> None:
        if reached == "at once":
            shop.watch(id_)
        elif reached == "later":
            shop.signals[id_] += 1
        raise Stopped

    shop.instead = {"run": start}
    with pytest.raises(Problem, match="one container of prosaas-calls alone takes new work"):
        run(restart(shop, "prosaas-calls"), shop)
    assert shop.serve("prosaas-calls") == "d"
    assert shop.signals[old.id] == 1


@pytest.mark.parametrize("state", ["restarting", "running"])
def test_a_restart_that_is_stopped_keeps_no_old_one_that_ends_again_and_again(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    (old,) = shop.containers("prosaas-api")
    shop.change(old.id, state)
    shop.unready.add(old.id)
    ready = Generations._not_ready

    def stopped(self: Generations, one: Container) -> str:
        ready(self, one)
        raise Stopped

    monkeypatch.setattr(Generations, "_not_ready", stopped)
    with pytest.raises(Problem, match="one container of prosaas-api alone takes new work"):
        run(restart(shop, "prosaas-api"), shop)
    assert shop.serve("prosaas-api") == "d"
    assert [one.name for one in shop.containers("prosaas-api")] == ["d"]


def test_who_serves_alone_serves_on_though_somebody_once_meant_to_ask_them_to_end(shop: Stack) -> None:
    """A kill between the note and the asking leaves a note alone."""
    (one,) = shop.containers("prosaas-calls")
    generations = Generations(shop)
    generations.note_asked(one)
    generations.one_alone("prosaas-calls", {one.id})
    assert shop.serve("prosaas-calls") == one.name
    assert not shop.signals
    assert not shop.remembered("asked"), "the next deploy knows it for one that serves"
    assert generations.serving("prosaas-calls", {one.id}) == [one]


@pytest.mark.parametrize("says", UNWELL)
@pytest.mark.parametrize("service", OURS)
def test_who_is_full_or_unwell_for_a_moment_is_not_taken_for_one_that_drains(
    shop: Stack, service: str, says: str
) -> None:
    """Of it there is a note alone, which a kill left: it is asked to end, else it would serve on beside the new one."""
    (old,) = shop.containers(service)
    Generations(shop).note_asked(old)
    shop.unready.add(old.id)
    shop.says = says
    Generations(shop).renew(service)
    assert shop.signals[old.id] == 1
    assert shop.serve(service) == "d"


def test_one_that_hangs_is_asked_to_end_and_no_reason_for_its_successor_to_fail(shop: Stack) -> None:
    """It says nothing of what it was asked; for that it is restarted."""
    (old,) = shop.containers("prosaas-calls")
    shop.mute.add(old.id)
    run(restart(shop, "prosaas-calls"), shop)
    assert shop.serve("prosaas-calls") == "d"
    assert shop.signals[old.id] == 1


@pytest.mark.parametrize("reached", [True, False])
def test_one_that_hangs_and_was_asked_by_nobody_is_told_of(shop: Stack, reached: bool) -> None:
    """Neither a watcher nor the engine reached it: it may wake up and serve on beside the new one."""
    (old,) = shop.containers("prosaas-calls")
    shop.mute.add(old.id)
    shop.refuses = {"run"} if reached else {"run", "kill"}
    if reached:
        run(restart(shop, "prosaas-calls"), shop)
        assert shop.signals[old.id] == 1
    else:
        with pytest.raises(Problem, match="b does not answer and could not be asked to end"):
            run(restart(shop, "prosaas-calls"), shop)


def test_one_that_said_it_serves_does_not_drain_for_falling_silent(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = shop.containers("prosaas-calls")
    looks = iter([False, None, None])
    generations = Generations(shop)
    monkeypatch.setattr(generations, "_drains", lambda _: next(looks, None))
    assert generations._takes_no_more(old) is False


def test_what_somebody_stopped_by_hand_is_waited_for_as_well(shop: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    (calls,) = shop.containers("prosaas-calls")
    shop.signals[calls.id] += 1
    assert looked_until_it_ends(shop, calls, monkeypatch) == 3


@pytest.mark.parametrize(("says", "waited"), [(UNWELL[0], 0), (UNWELL[1], 0), (UNWELL[2], 3)])
def test_nobody_waits_for_the_end_of_who_was_never_asked_to(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, says: str, waited: int
) -> None:
    """Who is silent may be one that drains: a signal more would cut its calls."""
    (calls,) = shop.containers("prosaas-calls")
    Generations(shop).note_asked(calls)
    shop.unready.add(calls.id)
    shop.says = says
    assert looked_until_it_ends(shop, calls, monkeypatch) == waited


@pytest.mark.parametrize(("at", "stands"), [("drain", "what runs was not changed"), ("stop", "may take no new call")])
def test_a_down_that_is_stopped_says_how_things_stand_and_how_to_go_on(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, at: str, stands: str
) -> None:
    def stop(*_words: str, **_how: object) -> None:
        raise Stopped

    monkeypatch.setattr(shop, "compose", stop)
    if at == "drain":
        monkeypatch.setattr(Generations, "_draining", stop)
    with pytest.raises(Problem, match=f"at the step '{at}': it was stopped; .*{stands}") as told:
        run(down(shop), shop)
    assert "make down goes on with it; make up-prod has calls taken again" in str(told.value)
    assert shop.remembered("journal") is None


def test_a_down_that_is_stopped_a_second_time_does_not_say_that_nothing_was_changed(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has asked prosaas-calls to end: nobody takes a call any more."""

    def stop(*_words: str, **_how: object) -> None:
        raise Stopped

    monkeypatch.setattr(shop, "compose", stop)
    for _ in range(2):
        with pytest.raises(Problem, match="prosaas-calls may take no new call") as told:
            run(down(shop), shop)
        assert "was not changed" not in str(told.value)
        monkeypatch.setattr(Generations, "_draining", stop)


def test_a_restart_that_is_stopped_names_the_old_one_where_that_goes_on(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> str:
        raise Stopped

    monkeypatch.setattr(Generations, "_not_ready", stop)
    with pytest.raises(Problem):
        run(restart(shop, "worker"), shop)
    assert shop.serve("worker") == "c"
    assert "==> c goes on, the old one\n" in capsys.readouterr().out


def test_a_restart_that_is_stopped_calls_it_no_way_back_for_the_new_one_may_be_the_one_that_goes_on(
    shop: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(id_: str) -> None:
        shop.signals[id_] += 1
        raise Stopped

    shop.refuses, shop.instead = {"run"}, {"kill": stop}
    with pytest.raises(Problem):
        run(restart(shop, "prosaas-calls"), shop)
    assert shop.serve("prosaas-calls") == "d"
    said = capsys.readouterr().out
    assert "==> one container of prosaas-calls goes on alone\n==> d goes on, the new one: the old one was asked" in said
    assert "going back" not in said


def test_of_attempts_that_fail_where_nobody_serves_the_last_alone_stays_to_be_looked_at(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a first start that failed each `make up-prod` makes another."""
    (worker,) = shop.containers("worker")
    shop.change(worker.id, "exited")
    monkeypatch.setattr(Generations, "_not_ready", lambda *_: "it ended with exit code 1")
    for _ in range(3):
        with pytest.raises(Problem, match="worker: it ended"):
            Generations(shop).renew("worker")
    assert [(one.name, one.state) for one in shop.containers("worker")] == [("f", "exited")]
    assert shop.serve("prosaas-api") == "a", "of the other services nothing was taken away"
