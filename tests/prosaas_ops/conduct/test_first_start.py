"""A start where nothing runs yet: together, the front door last; where something does, it is spared."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import plan
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.run import Step, Stopped, run, unfinished
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container

BEHIND = ("worker", "prosaas-api", "prosaas-calls")


class Nothing(World):
    """A folder of which nothing runs: containers are what is created, and who is `broken` ends at once."""

    def __init__(self, root: Path, broken: str = "") -> None:
        super().__init__(root)
        (root / ".state").mkdir()
        self.did: list[tuple[str, ...]] = []
        self.made: list[Container] = []
        self._broken = broken

    @property
    def engine(self) -> Any:
        def inspect(which: str) -> dict[str, Any]:
            self.did.append(("look", which))
            return {"State": {"Running": which != self._broken, "ExitCode": int(which == self._broken)}}

        return SimpleNamespace(inspect=inspect, run=lambda *_: (0, "", ""))

    def model(self, **_settings: str) -> dict[str, Any]:
        return {"services": dict.fromkeys(("postgres", *BEHIND, "gateway"))}

    def containers(self, *services: str) -> list[Container]:
        return [one for one in self.made if one.service in services]

    def compose(self, *words: str, check: bool = True, feed: str | None = None, **settings: str) -> Done:
        self.did.append(words)
        self.made += [Container(name, name, name, "created", "", "") for name in words[2:]]
        return Done(0, "", "")

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        self.did.append(words)
        return Done(0, "its last words", "")


def steps(world: World, environment: str = "prod") -> list[Step]:
    return plan._first_start(world, Generations(world), environment)


def test_all_begin_before_the_first_is_waited_for_and_the_door_opens_once_they_are_ready(tmp_path: Path) -> None:
    """Those of the model: a stack that is real has no simulator."""
    world = Nothing(tmp_path)
    for step in steps(world):
        step.do()
    created, begun, *looks = world.did
    assert sorted(created) == sorted(("create", "--no-build", *BEHIND, "gateway"))
    assert (begun[0], sorted(begun[1:])) == ("start", sorted(BEHIND))
    assert sorted(looks[:-2]) == sorted(("look", name) for name in BEHIND)
    assert looks[-2:] == [("start", "gateway"), ("look", "gateway")]


@pytest.mark.parametrize("broken", BEHIND)
def test_where_one_does_not_become_ready_the_door_stays_closed_and_its_last_words_are_shown(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = Nothing(tmp_path, broken)
    create, start, _door = steps(world)
    create.do()
    with pytest.raises(Problem, match=f"{broken}: it ended with exit code 1"):
        start.do()
    assert ("start", "gateway") not in world.did
    assert "its last words" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("service", "state", "said"),
    [
        ("prosaas-api", {"ExitCode": 137}, r"killed, most likely for its memory \(API_MEMORY in .env\)"),
        ("worker", {"ExitCode": 1, "OOMKilled": True}, r"killed, most likely for its memory \(WORKER_MEMORY in .env\)"),
        ("prosaas-calls", {"ExitCode": 1}, "it ended with exit code 1"),
        ("gateway", {"ExitCode": 137}, "it ended with exit code 137"),
    ],
)
def test_who_was_killed_for_its_memory_says_which_setting_that_is(
    service: str,
    state: dict[str, Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It wrote nothing of it, and no heading stands over nothing."""
    world = Nothing(tmp_path)
    monkeypatch.setattr(Nothing, "docker", lambda *_, **__: Done(0, "", ""))
    monkeypatch.setattr(Nothing, "engine", SimpleNamespace(inspect=lambda _: {"State": {"Running": False, **state}}))
    with pytest.raises(Problem, match=f"{service}: {said}$"):
        Generations(world).await_ready(Container(service, service, service, "exited", "", ""))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("state", ["running", "exited"])
def test_what_is_there_is_renewed_beside_itself(state: str, tmp_path: Path) -> None:
    world = Nothing(tmp_path)
    world.made = [Container("w", "worker", "w", state, "", "")]
    assert steps(world) == []
    assert [step.name for step in plan.up(world, "prod").steps if step.starts] == [f"renew {one}" for one in plan.ORDER]


@pytest.mark.parametrize(("known", "runs", "tells"), [(True, False, False), (True, True, True), (False, False, True)])
def test_where_nothing_runs_the_images_that_a_failed_start_goes_back_to_are_no_renewal_that_was_not_made(
    known: bool, runs: bool, tells: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a `make down` the way back starts services; the first start of all has none that it could."""
    world = Nothing(tmp_path)
    world.made = [Container("w", "worker", "w", "running", "", "")] * runs
    monkeypatch.setattr(plan.Images, "in_use", lambda _: {"api": "sha"})
    world.remember("releases", [{"number": 1, "images": {"api": "sha"}}] if known else None)
    assert bool(plan.up(world, "prod").early) is tells


def test_development_starts_as_it_reloads(tmp_path: Path) -> None:
    """By Compose alone."""
    assert steps(Nothing(tmp_path), "dev") == []


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("migrate", "it was stopped; nothing served yet"),
        ("front door", "it was stopped; there is nothing to go back to"),
    ],
)
def test_who_stops_the_first_start_hears_of_no_way_back_and_how_it_goes_on(
    at: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it began from stays noted: images that it has built are nothing that ran before."""
    world = Nothing(tmp_path)
    built: dict[str, str] = {}

    def stop() -> None:
        built["prosaas/api:x"] = "sha"
        raise Stopped

    monkeypatch.setattr(plan.Images, "in_use", lambda _: dict(built))
    for again in (False, True):
        first = plan.up(world, "prod")
        steps = [
            Step(step.name, stop if step.name == at else lambda: None, step.prepares, step.starts)
            for step in first.steps
        ]
        with pytest.raises(Problem) as told:
            run(replace(first, steps=steps), world)
        assert "make up-prod goes on with it" in str(told.value)
        assert said in str(told.value) or again
        assert "so did the way back" not in str(told.value)
    assert "runs on" not in capsys.readouterr().out
    journal = unfinished(world)
    assert journal is not None
    assert journal["memory"]["images"] == {}


def test_images_that_only_a_stopped_first_start_has_tagged_are_none_that_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `make down` forgets that start, and leaves its images their names."""
    world = Nothing(tmp_path)
    monkeypatch.setattr(plan.Images, "in_use", lambda _: {"api": "never ran"})
    again = plan.up(world, "prod")
    assert (again.memory["images"], again.back) == ({}, None)
    with pytest.raises(Problem, match=r"(?s)no images are here of a start that succeeded.*make up-prod"):
        plan.rollback(world, 1)


@pytest.mark.parametrize("command", ["up-prod", "rollback"])
@pytest.mark.parametrize("killed_before", [False, True])
@pytest.mark.parametrize("how", [Stopped(), Problem("no")], ids=["stopped", "failed"])
def test_who_stops_a_start_after_make_down_is_back_where_nothing_runs_and_a_failure_leads_to_what_ran(
    how: BaseException,
    killed_before: bool,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever pressed Ctrl-C had taken it down; where a new version does not start, the old one is to serve."""
    world = Nothing(tmp_path)
    served, used = [{"api": "served"}, {"api": "before it"}], []
    world.remember("releases", [{"number": 2 - at, "images": images} for at, images in enumerate(served)])
    monkeypatch.setattr(plan.Images, "in_use", lambda _: {"api": "was stopped"})
    monkeypatch.setattr(plan.Images, "built", lambda _: {"api": "built"})
    monkeypatch.setattr(plan.Images, "use", lambda _, ids: used.append(ids))
    monkeypatch.setattr(plan, "live_calls", lambda _: {"calls-1": 2})
    monkeypatch.setattr(plan, "_stop", lambda _: used.append("down"))
    monkeypatch.setattr(plan, "start_database", lambda _: used.append("database"))
    monkeypatch.setattr(plan, "_renewals", lambda *_: [Step("renew", lambda: used.append("renew"))])
    if killed_before:
        nothing = {"images": served[0], "old": {"worker": []}, "wanted": {"api": "wanted"}, "back": 1}
        world.remember("journal", {"plan": command, "step": "x", "changed": True, "memory": nothing})
        # What the one that was killed has started is none of what served.
        world.made = [Container("w", "worker", "w", "running", "", "")]
        monkeypatch.setattr(Generations, "serving", lambda *_: [])

    def fails() -> None:
        raise how

    way = plan.up(world, "prod") if command == "up-prod" else plan.rollback(world, 1)
    with pytest.raises(Problem) as told:
        run(replace(way, steps=[Step("x", fails)]), world)
    said = capsys.readouterr().out
    if isinstance(how, Stopped):
        assert used == [served[0], "down"]
        assert "failed at the step 'x', so nothing runs, as before" in str(told.value)
        assert "==> going back: nothing runs, as before\n==> waiting for 2 live calls" in said
    else:
        assert used == [served[0], "database", "renew"]
        assert "so the images that ran before run again" in str(told.value)
    assert unfinished(world) is None


@pytest.mark.parametrize("command", ["up-prod", "rollback"])
def test_who_stops_what_follows_a_start_that_was_killed_behind_an_open_front_door_takes_nothing_down(
    command: str, tmp_path: Path
) -> None:
    """A machine that lost its power at the last step serves once it has it again, and needs no command for days."""
    world = Nothing(tmp_path)
    served = {"api": "served"}
    world.remember("releases", [{"number": 1, "images": served}, {"number": 0, "images": {"api": "before it"}}])
    began = {"images": served, "old": {"worker": []}, "wanted": {"api": "wanted"}, "back": 1}
    world.remember("journal", {"plan": command, "step": "settle", "changed": True, "memory": began})
    for state, opened in (("created", False), ("exited", False), ("running", True)):
        world.made = [Container("g", "gateway", "g", state, "", "")]
        way = plan.up(world, "prod") if command == "up-prod" else plan.rollback(world, 1)
        assert (way.when_stopped is None) is opened
        assert way.back_to == "the images that ran before run again"


@pytest.mark.parametrize("command", ["up-prod", "rollback"])
def test_who_stops_a_deploy_of_what_runs_is_back_where_that_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Nothing(tmp_path)
    world.remember("releases", [{"number": 1, "images": {"api": "released"}}])
    world.made = [Container("w", "worker", "w", "running", "", "")]
    monkeypatch.setattr(plan.Images, "in_use", lambda _: {"api": "runs"})
    way = plan.up(world, "prod") if command == "up-prod" else plan.rollback(world, 1)
    assert way.when_stopped is None
    assert way.memory["images"] == {"api": "runs"}
