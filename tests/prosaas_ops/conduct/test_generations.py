"""What a generation that goes leaves behind."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from prosaas_ops.conduct import generations as module
from prosaas_ops.conduct.generations import Generations, drained
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.stack.engine import Container, Engine

AT = "2026-11-27T10:00:0{}.000000000Z"


class Draining(World):
    """Three containers of prosaas-calls: one that was asked to end before, the one that serves, and a new one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.named = [Container(f"{n}" * 64, "prosaas-calls", f"calls-{n}", "running", "", "") for n in (1, 2, 3)]
        self.watched = [self.named[0]]
        self.did: list[tuple[str, ...]] = []

    def containers(self, *services: str) -> list[Container]:
        return self.named

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[0] == "ps":
            return Done(0, "\n".join(f"{self.project}-drains-{one.id[:12]}" for one in self.watched), "")
        self.did.append(words)
        return Done(0, "", "")


class Writing(World):
    """A stack whose containers have each written one line, at the second that is their number, of some length."""

    length = 10

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[0] != "logs":
            return Done(0, "", "")
        noise = os.urandom(self.length // 2).hex()
        return Done(0, f"{AT.format(words[-1][0])} [INFO] {words[-1]} {noise}\n", "")

    def bury(self, *numbers: int) -> list[str]:
        """The texts that are still to be read after these went, in this order."""
        for number in numbers:
            Generations(self).bury(Container(f"{number}" * 12, "prosaas-api", "", "exited", "", ""))
        engine = Engine("x")
        kept = engine.kept("prosaas-api", folder=self.state / "lines")
        return sorted(raw.text.split()[1] for one in kept for raw in engine.logs(one))


@pytest.fixture
def world(tmp_path: Path) -> Writing:
    (tmp_path / ".state").mkdir()
    return Writing(tmp_path)


def test_lines_outlive_any_number_of_short_generations(world: Writing) -> None:
    """Restarted nine times in a row, a service still tells what its first container saw."""
    assert len(world.bury(*range(1, 10))) == 9


def test_the_oldest_go_when_the_disk_is_used_up(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 10_000)
    world.length = 8_000
    assert world.bury(1, 2, 3, 4, 5) == ["4" * 12, "5" * 12]


def test_the_newest_stays_however_long_it_is(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 100)
    world.length = 8_000
    assert world.bury(1, 2) == ["2" * 12]


def test_which_is_the_oldest_its_last_line_says(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generation that drained for an hour goes after one that came later."""
    monkeypatch.setattr(module, "KEPT_LINES", 2)
    assert world.bury(3, 1, 2) == ["2" * 12, "3" * 12]


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Only where there can be no watcher does the command itself."""
    (tmp_path / ".state").mkdir()
    world = Draining(tmp_path)
    monkeypatch.setattr(Generations, "_watcher", lambda *_: ["watch"])
    monkeypatch.setattr(Generations, "_until_it_takes_no_more", lambda *_: None)
    monkeypatch.setattr(world, "docker", lambda *words, **_: (world.did.append(words), Done(code, "", ""))[1])
    Generations(world)._retire(world.named[1])
    assert [words[0] for words in world.did if words[0] != "ps"] == ["run", "kill"][: 1 + code]


def test_a_watcher_asks_once_and_again_only_what_somebody_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".state").mkdir()
    world = Draining(tmp_path)
    one = world.named[0]
    states = iter(["running", "running", "exited"])
    monkeypatch.setattr(world, "containers", lambda *_: [replace(one, state=next(states, "gone"))])
    buried: list[str] = []
    monkeypatch.setattr(Generations, "bury", lambda _, found: buried.append(found.id))
    monkeypatch.setattr(Generations, "write_overlay", lambda _: None)
    drained(world, one.id)
    assert [words[0] for words in world.did] == ["kill", "wait", "kill", "wait"]
    assert buried == [one.id]
