"""Which container serves, which one goes, and that none is asked to end twice."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import generations as module
from prosaas_ops.conduct import plan as plans
from prosaas_ops.conduct import restore
from prosaas_ops.conduct.generations import Generations, drained
from prosaas_ops.conduct.plan import down, restart
from prosaas_ops.conduct.run import Plan, Stopped, run
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container


class Draining(World):
    """Three containers of prosaas-calls: one that was asked to end before, the one that serves, and a new one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.named = [Container(f"{n}" * 64, "prosaas-calls", f"calls-{n}", "running", "", "") for n in (1, 2, 3)]
        self.watched = [self.named[0]]
        self.did: list[tuple[str, ...]] = []
        # After so many looks nothing has a watcher any more; None for ever.
        self.looks: int | None = None
        self.watcher_starts = True
        # What an old container needs to have seen to take no more, and what `docker wait` ends with.
        self.obeys = ""
        # How its health check ends until then, and how often a signal is refused.
        self.says: tuple[int, str] = (0, "")
        self.refusals = 0
        self.waits: Iterator[int] = iter(())
        # How the first container is seen each time: its state and when it started, None where the engine is away.
        self.life: Iterator[tuple[str, str] | None] = iter(())
        self._started = ""
        self.away: list[int] = []

    @property
    def engine(self) -> Any:
        def run(one: Container, *_: str) -> tuple[int, str, str]:
            if (self.obeys, one.id) in [(words[0], words[-1]) for words in self.did]:
                return 1, '/readyz answered 503: {"status": "draining"}', ""
            return *self.says, ""

        return SimpleNamespace(
            run=run,
            inspect=lambda _: {"State": {"StartedAt": self._started}},
        )

    def containers(self, *services: str) -> list[Container]:
        if (seen := next(self.life, ("running", ""))) is None:
            self.away.append(len(self.away))
            raise ConnectionResetError if len(self.away) % 2 else Problem("the engine is away")
        state, self._started = seen
        return [replace(self.named[0], state=state), *self.named[1:]]

    def compose(self, *words: str, check: bool = True, feed: str | None = None, **settings: str) -> Done:
        self.did.append(("compose", *words))
        return Done(0, "", "")

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[0] == "ps" and self.looks is not None:
            self.looks -= 1
            if not self.looks:
                self.watched.clear()
                self.did.append(("drained",))
        if words[0] == "ps":
            return Done(0, "\n".join(f"{self.project}-drains-{one.id[:12]}" for one in self.watched), "")
        self.did.append(words)
        code = {"wait": next(self.waits, 0), "run": int(not self.watcher_starts)}.get(words[0], 0)
        if words[0] == "kill" and self.refusals:
            self.refusals -= 1
            code = 1
        return Done(code, "", "")


@pytest.fixture
def drains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draining:
    (tmp_path / ".state").mkdir()
    world = Draining(tmp_path)
    monkeypatch.setattr(module, "_LOOK_S", 0.001)
    monkeypatch.setattr(module, "_FAREWELL_S", 0.05)
    monkeypatch.setattr(Generations, "bury", lambda _, found: world.did.append(("buried", found.id)))
    monkeypatch.setattr(Generations, "write_overlay", lambda _: None)
    return world


@pytest.fixture
def retiring(drains: Draining, monkeypatch: pytest.MonkeyPatch) -> Draining:
    monkeypatch.setattr(module, "ASKED_WITHIN_S", 0.01)
    monkeypatch.setattr(Generations, "_watcher", lambda _, old: [old.id])
    return drains


def test_what_drains_is_not_asked_again_and_is_never_taken_for_the_one_that_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second deploy, or a rollback, within one call: a second signal would cut it, and it takes no new calls."""
    (tmp_path / ".state").mkdir()
    world = Draining(tmp_path)
    drains, served, fresh = world.named
    retired: list[Container] = []
    generations = Generations(world)
    monkeypatch.setattr(generations, "_fits", lambda found: found.id in (drains.id, fresh.id))
    monkeypatch.setattr(generations, "_not_ready", lambda found: "" if found is fresh else f"{found.name} drains")
    monkeypatch.setattr(generations, "_retire", retired.append)
    generations.renew("prosaas-calls")
    assert retired == [served]
    monkeypatch.setattr(generations, "_fits", lambda found: found.id == drains.id)
    assert generations.changed("prosaas-calls") == ["prosaas-calls"]


@pytest.mark.parametrize("code", [0, 1])
def test_whoever_watches_it_asks_it_to_end_so_that_it_is_asked_once(
    retiring: Draining, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Only where there can be no watcher does the command itself."""
    retiring.watcher_starts = code == 0
    retiring.obeys = ["run", "kill"][code]
    Generations(retiring)._retire(retiring.named[1])
    assert [words[0] for words in retiring.did] == ["run", "kill"][: 1 + code]


def test_where_the_watcher_ended_before_it_asked_the_command_asks(retiring: Draining) -> None:
    """It would serve on beside its successor, with the secrets of before."""
    retiring.obeys = "kill"
    retiring.watched.clear()
    Generations(retiring)._retire(retiring.named[1])
    assert [words[0] for words in retiring.did] == ["run", "kill"]


def test_what_goes_on_serving_all_the_same_is_no_success(retiring: Draining) -> None:
    with pytest.raises(Problem, match="calls-2 is to end and goes on taking new calls"):
        Generations(retiring)._retire(retiring.named[1])


@pytest.mark.parametrize(
    "says",
    [(137, ""), (126, "OCI runtime exec failed: resource temporarily unavailable"), (1, "MemoryError"),
     (1, "/readyz answered nothing: "), (1, "no answer on port 8000: timed out")],
)  # fmt: skip
def test_who_has_no_room_even_for_its_health_check_was_asked_all_the_same(
    retiring: Draining, says: tuple[int, str]
) -> None:
    """It does not say that it serves: what takes its place does not wait for a word of it."""
    retiring.says = says
    Generations(retiring)._retire(retiring.named[1])


def test_of_whom_nothing_reaches_it_is_said_that_nothing_did_and_what_ends_it(retiring: Draining) -> None:
    retiring.says, retiring.watcher_starts, retiring.refusals = (137, ""), False, 9
    retiring.watched.clear()
    with pytest.raises(Problem, match="calls-2 does not answer and could not be asked to end: docker rm"):
        Generations(retiring)._retire(retiring.named[1])


def test_who_answers_and_cannot_be_asked_is_not_called_one_that_does_not_answer(retiring: Draining) -> None:
    """The remedy of the one would cut the other's calls."""
    retiring.watcher_starts, retiring.refusals = False, 9
    retiring.watched.clear()
    with pytest.raises(Problem, match="calls-2 is to end and goes on taking new calls"):
        Generations(retiring)._retire(retiring.named[1])


def test_a_watcher_whose_signal_is_refused_asks_again_before_it_waits_for_the_end(drains: Draining) -> None:
    """Who never hears of it serves for ever, and `docker wait` with it."""
    drains.refusals = 2
    drains.life = iter([("running", "10:00")] * 3 + [("exited", "10:00")])
    drained(drains, drains.named[0].id)
    assert [words[0] for words in drains.did] == ["kill", "kill", "kill", "wait", "buried"]


def test_a_watcher_asks_once_and_again_only_what_somebody_started_again(
    drains: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    drains.life = iter([("running", "10:00"), ("running", "10:07"), ("exited", "10:07")])
    drained(drains, drains.named[0].id)
    assert [words[0] for words in drains.did] == ["kill", "wait", "kill", "wait", "buried"]


@pytest.mark.parametrize("harm", ["the wait is cut short", "the engine is away"])
def test_a_watcher_that_is_disturbed_does_not_ask_twice(drains: Draining, harm: str) -> None:
    """A second signal makes a drain short: callers are excused from and cut."""
    states = [("running", "10:00")] * 4 + [("exited", "10:00")]
    if harm == "the engine is away":
        drains.life = iter([states[0], None, None, *states[1:]])
    else:
        drains.life, drains.waits = iter(states), iter([1, 1])
    drained(drains, drains.named[0].id)
    did = [words[0] for words in drains.did]
    assert (did.count("kill"), did[-1]) == (1, "buried")


def test_the_number_of_generations_is_written_last_by_whoever_counted_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher that was held up after it counted would have Compose take away the one that was started meanwhile."""
    (tmp_path / ".state").mkdir()
    world, held_up, go_on = Draining(tmp_path), threading.Event(), threading.Event()
    first = world.named[:1]
    write = module.replace

    def slowly(path: Path, text: str) -> None:
        if "scale: 1" in text:
            held_up.set()
            assert go_on.wait(20)
        write(path, text)

    monkeypatch.setattr(module, "replace", slowly)
    counted = iter([first, world.named])
    monkeypatch.setattr(world, "containers", lambda *_: next(counted))
    watcher = threading.Thread(target=Generations(world).write_overlay)
    command = threading.Thread(target=Generations(world).write_overlay)
    watcher.start()
    assert held_up.wait(20)
    command.start()
    command.join(0.2)
    go_on.set()
    watcher.join(20)
    command.join(20)
    assert "scale: 3" in (world.state / "compose.yml").read_text("utf-8")


BY_HAND = (1, '/readyz answered 503: {"status": "draining"}')


def test_on_a_full_disk_a_watcher_ends_with_what_it_watched(drains: Draining, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a drain waits for its watcher: one that tried on would be taken for one."""
    looked: list[int] = []

    def full(_: Generations) -> None:
        looked.append(1)
        if len(looked) < 9:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Generations, "write_overlay", full)
    drains.life = iter([("running", "10:00")] * 2 + [("exited", "10:00")])
    drained(drains, drains.named[0].id)
    assert looked == [1]


def test_a_watcher_does_not_ask_whom_somebody_stopped_by_hand(drains: Draining) -> None:
    """`docker stop` has asked it: a second signal would cut its calls. It is waited for, and taken away."""
    drains.says = BY_HAND
    drains.life = iter([("running", "10:00"), ("exited", "10:00")])
    drained(drains, drains.named[0].id)
    assert [words[0] for words in drains.did] == ["wait", "buried"]


def test_where_there_can_be_no_watcher_nobody_asks_whom_somebody_stopped_by_hand(retiring: Draining) -> None:
    retiring.watcher_starts, retiring.says = False, BY_HAND
    Generations(retiring)._retire(retiring.named[1])
    assert [words[0] for words in retiring.did] == ["run"]
    assert retiring.remembered("asked") == [retiring.named[1].id]


@pytest.mark.parametrize(("says", "renewed"), [((0, ""), []), (BY_HAND, ["prosaas-calls"])])
def test_a_deploy_renews_whom_somebody_stopped_by_hand_though_nothing_of_it_changed(
    drains: Draining, monkeypatch: pytest.MonkeyPatch, says: tuple[int, str], renewed: list[str]
) -> None:
    """Waited for, it would never become ready."""
    monkeypatch.setattr(Generations, "stale", lambda *_: False)
    drains.says = says
    assert Generations(drains).changed("prosaas-calls") == renewed


def test_of_two_that_compose_makes_where_one_went_meanwhile_one_stays(
    drains: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told how many there should be, and not how many more: that is no reason for a deploy to fail."""
    made = drains.named[1:]
    del drains.named[1:]
    monkeypatch.setattr(drains, "compose", lambda *_, **__: drains.named.extend(made))
    assert Generations(drains)._create("prosaas-calls") == made[-1]
    assert drains.did == [("buried", made[0].id)]


def test_what_compose_makes_up_for_one_that_drained_and_went_does_not_stay_behind(
    drains: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a deploy or a rollback the watcher may take the old one away while Compose counts."""
    extra = replace(drains.named[2], id="4" * 64, state="created")

    def compose(*words: str, **_: object) -> Done:
        if words[0] == "create":
            drains.named.append(extra)
        return Done(0, "", "")

    monkeypatch.setattr(drains, "compose", compose)
    monkeypatch.setattr(drains, "model", lambda: {"services": {}})
    monkeypatch.setattr(plans, "_definition", lambda _: "")
    images: Any = SimpleNamespace(settle=lambda: None)
    plans._settle(drains, images, Generations(drains))
    assert {*drains.did} == {("buried", extra.id)}


@pytest.mark.parametrize(
    ("asked_already", "gone"),
    [(False, ["calls-3"]), (True, [])],
    ids=["the old one still serves", "the old one was asked to end"],
)
def test_a_restart_that_is_stopped_leaves_one_container_that_takes_calls(
    drains: Draining, monkeypatch: pytest.MonkeyPatch, asked_already: bool, gone: list[str]
) -> None:
    """The second of the three served before it, the third is the new one."""
    retired: list[str] = []
    fresh = drains.named.pop()

    def half_done(*_: object, **__: object) -> None:
        drains.named.append(fresh)
        if asked_already:
            drains.watched.append(drains.named[1])
        raise Stopped

    monkeypatch.setattr(Generations, "renew", half_done)
    monkeypatch.setattr(Generations, "_retire", lambda _, found: retired.append(found.name))
    with pytest.raises(Problem, match="one container of prosaas-calls alone takes new work"):
        run(restart(drains, "prosaas-calls"), drains)
    assert retired == gone


@pytest.mark.parametrize("service", ["prosaas-calls", "prosaas-api"])
@pytest.mark.parametrize("ended_by", [Problem("it goes on"), Stopped()], ids=["refused", "stopped"])
def test_the_way_back_of_a_restart_never_keeps_whom_it_asked_to_end_itself(
    retiring: Draining, monkeypatch: pytest.MonkeyPatch, service: str, ended_by: BaseException
) -> None:
    """There is no watcher by which it could be told: the old one is about to go, and the new one is ready."""
    retiring.named = [replace(one, service=service) for one in retiring.named[1:]]
    retiring.watched, retiring.watcher_starts = [], False
    retiring.obeys = "kill" if service == "prosaas-calls" else "stop"
    old, fresh = retiring.named
    del retiring.named[1]
    plain = retiring.docker

    def docker(*words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[0] in ("kill", "stop"):
            retiring.did.append(words)
            raise ended_by
        return plain(*words, check=check)

    def create(*_: object) -> Container:
        retiring.named.append(fresh)
        return fresh

    monkeypatch.setattr(retiring, "docker", docker)
    monkeypatch.setattr(retiring, "containers", lambda *_: retiring.named)
    monkeypatch.setattr(Generations, "_create", create)
    monkeypatch.setattr(Generations, "_not_ready", lambda *_: "")
    with pytest.raises(Problem, match=f"one container of {service} alone takes new work"):
        run(restart(retiring, service), retiring)
    assert [words[-1] for words in retiring.did if words[0] in ("kill", "stop")] == [old.id]


def test_a_restart_that_leaves_nothing_running_says_so(drains: Draining, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        drains.named[:] = [replace(one, state="exited") for one in drains.named]
        monkeypatch.setattr(Draining, "containers", lambda *_: drains.named)
        raise Problem("it ended with exit code 1")

    monkeypatch.setattr(Generations, "renew", lost)
    with pytest.raises(Problem, match="so did the way back: prosaas-calls is not running"):
        run(restart(drains, "prosaas-calls"), drains)


@pytest.mark.parametrize("plan", [down, lambda world: restore.restore(world, {"live": 0, "running": []})])
def test_nothing_is_stopped_while_a_generation_drains(
    drains: Draining, monkeypatch: pytest.MonkeyPatch, plan: Callable[[World], Plan]
) -> None:
    """To what was asked to end already a stop is a second signal, and that cuts its calls."""
    for name in ("_swap", "_start", "_files_back"):
        monkeypatch.setattr(restore, name, lambda *_: None)
    drains.looks = 3
    run(plan(drains), drains)
    assert drains.did[0] == ("drained",)
    assert {"stop", "down"} & {word for words in drains.did[1:] for word in words}


def test_before_a_restore_is_undone_nobody_takes_a_call_any_more(
    drains: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a service that was started wrote would be in the database that goes."""
    did: list[str] = []

    def failing(*_: object) -> None:
        did.append("start")
        if did.count("start") == 1:
            raise Problem("no")

    monkeypatch.setattr(Generations, "let_drain", lambda _: did.append("drain"))
    for name in ("_stop", "_swap", "_swap_back"):
        monkeypatch.setattr(restore, name, lambda *_, name=name: did.append(name))
    monkeypatch.setattr(restore, "_swapped", lambda _: "_swap" in did)
    monkeypatch.setattr(restore, "_start", failing)
    with pytest.raises(Problem):
        run(restore.restore(drains, {"live": 0, "running": []}), drains)
    assert did == ["drain", "_stop", "_swap", "start", "drain", "_stop", "_swap_back", "start"]


def test_a_drain_that_never_ends_is_not_waited_for_without_end(drains: Draining) -> None:
    drains.overrides["DRAIN_SECONDS"] = "0"
    run(down(drains), drains)
    assert any("down" in words for words in drains.did)


def test_who_drains_serves_no_more(drains: Draining) -> None:
    ids = [one.id for one in drains.named]
    assert [one.name for one in Generations(drains).serving("prosaas-calls", ids[:2])] == ["calls-2"]
