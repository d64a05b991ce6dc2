"""What a plan looks at before it changes anything."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import database, plan
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.live_calls import in_words


@pytest.mark.docker
def test_a_folder_that_is_newer_than_what_runs_is_deployed_before_a_secret_is_rotated(tmp_path: Path) -> None:
    """Services would come back as what the new files say, of images that do not know it."""
    (tmp_path / ".state").mkdir()
    (tmp_path / ".env").write_text("COMPOSE_FILE=docker-compose.yml:.state/compose.yml\n")
    world = World(tmp_path)
    compose = tmp_path / "docker-compose.yml"
    compose.write_text("services: {}\n")
    with pytest.raises(Problem, match="nothing was changed\n  fix:  make up-prod"):
        plan.same_definition(world)
    world.remember("definition", plan._definition(world))
    (tmp_path / ".state/compose.yml").write_text("services: {}\n")
    plan.same_definition(world)
    compose.write_text("services: {new: {image: x}}\n")
    with pytest.raises(Problem, match="are not those that the stack was started from"):
        plan.same_definition(world)


class Door:
    """A gateway that is to be made anew, and what prosaas-calls answers each time that it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[Any] | None, drain: str = "600") -> None:
        self.said: list[str] = []
        self.asked = 0
        self.renewed_after: int | None = None
        self.world: Any = SimpleNamespace(
            engine=None,
            containers=lambda *_: [self],
            setting=lambda name, default="": drain if name == "DRAIN_SECONDS" else default,
            compose=self._compose,
            say=self.said.append,
            warn=self.said.append,
        )
        self._answers = answers
        monkeypatch.setattr(plan, "held", self._held)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def _held(self, _engine: object) -> dict[str, list[Any] | None]:
        self.asked += 1
        return {"prosaas-calls-1": self._answers[min(self.asked, len(self._answers)) - 1]}

    def _compose(self, *words: str) -> None:
        if words[0] == "up":
            self.renewed_after = self.asked

    def renew(self) -> None:
        generations: Any = SimpleNamespace(changed=lambda _service: True)
        plan._renew_gateway(self.world, generations)


def test_a_prosaas_calls_that_does_not_say_is_waited_for_as_one_with_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(monkeypatch, None, None, ["a call"], [])
    door.renew()
    assert door.renewed_after == 4
    (said,) = door.said
    assert "cuts an unknown number of live calls" in said


def test_where_it_never_says_the_gateway_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(monkeypatch, None, drain="-1")
    door.renew()
    assert door.renewed_after is None
    assert "gateway stays as it was: a new one would cut an unknown number of live calls" in door.said[0]


@pytest.mark.parametrize(("age_s", "did"), [(5, ["waited", "reload"]), (500, ["reload"])])
def test_a_new_configuration_waits_for_webhooks_that_are_tried_again(
    monkeypatch: pytest.MonkeyPatch, age_s: float, did: list[str]
) -> None:
    """They met an api that has just been replaced, and the configuration that tries them again would be gone: a 502."""
    seen: list[str] = []
    world: Any = SimpleNamespace(
        containers=lambda *_: [SimpleNamespace(created=time.time() - age) for age in (900, age_s)],
        compose=lambda *words: seen.append(words[4]),
    )
    monkeypatch.setattr("time.sleep", lambda seconds: seen.append("waited") if seconds > 2 else None)
    plan._renew_gateway(world, SimpleNamespace(changed=lambda _: False))  # type: ignore[arg-type]
    assert seen == did


@pytest.mark.parametrize(
    ("calls", "words"),
    [([], ""), ([0, 0], ""), ([2, 1], "3"), ([None], "an unknown number of"), ([2, None], "2 + an unknown number of")],
)
def test_what_is_not_known_is_said_and_is_never_none(calls: list[int | None], words: str) -> None:
    assert in_words(calls) == words


@pytest.mark.parametrize("code", ["0", "1"])
def test_a_schema_that_is_not_migrated_stops_the_plan_with_the_last_words_of_what_tried(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"wait": Done(0, f"{code}\n", ""), "logs": Done(0, "began\n", "no such table\n")}
    world: Any = SimpleNamespace(
        compose=lambda *_: None,
        containers=lambda _service: [SimpleNamespace(id="m")],
        docker=lambda command, *_, check=True: answers[command],
    )
    if code == "0":
        database.migrate(world)
        assert capsys.readouterr().out == ""
        return
    with pytest.raises(Problem, match=r"migrate did not come to its end \(exit code 1\); its last lines are above"):
        database.migrate(world)
    assert capsys.readouterr().out == "began\nno such table\n"


OLD = {"worker": ["w1"], "simulator": [], "prosaas-api": ["a1"], "gateway": ["g1"], "prosaas-calls": ["c1"]}


@pytest.mark.parametrize(
    ("gone", "stale", "kept", "renewed"),
    [
        ([], [], ["w1", "a1", "g1", "c1"], ["simulator"]),
        ([], ["a1", "c1"], ["w1", "a1", "g1", "c1"], ["simulator"]),
        (["w1"], [], ["a1", "g1", "c1"], ["worker", "simulator"]),
        (["w1"], ["a1", "c1"], ["g1"], ["worker", "simulator", "prosaas-api", "prosaas-calls"]),
    ],
)
def test_who_served_before_a_deploy_that_fails_and_serves_still_runs_on_and_none_is_started_for_it(
    gone: list[str], stale: list[str], kept: list[str], renewed: list[str]
) -> None:
    """Of what the new one failed, a setting perhaps, another would fail, too. Secrets are those of all, or none."""
    alone: list[str] = []
    anew: list[str] = []
    said: list[str] = []
    generations: Any = SimpleNamespace(
        serving=lambda _service, ids: [SimpleNamespace(id=each) for each in ids if each not in gone],
        stale=lambda found: found.id in stale,
        one_alone=lambda _service, ids: alone.extend(ids),
        renew=anew.append,
    )
    world: Any = SimpleNamespace(model=lambda: {"services": OLD}, say=said.append)
    used: list[dict[str, str]] = []
    images: Any = SimpleNamespace(use=used.append)
    for step in plan._return_to(world, images, generations, {"images": {"prosaas/api:x": "sha"}, "old": OLD}):
        step.do()
    assert (alone, anew, used) == (kept, renewed, [{"prosaas/api:x": "sha"}])
    assert said == [f"the old ones run on: {', '.join(name for name, ids in OLD.items() if {*ids} & {*kept})}"]


def test_the_way_back_of_an_older_versions_journal_renews_them_all() -> None:
    nothing: Any = SimpleNamespace()
    steps = plan._return_to(nothing, nothing, nothing, {"images": {"a": "b"}})
    # Nothing runs, so the database may be down as well, and all of them would wait for it.
    assert [step.name for step in steps] == ["release", "database", *(f"renew {service}" for service in OLD)]
