"""A release is kept under the version that its images say, and the oldest make room."""

from pathlib import Path

import pytest

from prosaas_ops.act import unfinished
from prosaas_ops.conduct import plan
from prosaas_ops.conduct.images import KEPT_RELEASES, Images
from prosaas_ops.conduct.run import Step, run
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Problem, Usage
from prosaas_ops.stack.engine import Container


class Shelf(World):
    """A project whose engine is a table of tags and images; an image's id is the version that it says."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.tags: dict[str, str] = {}

    @property
    def project(self) -> str:
        return "shop"

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        match words:
            case ("tag", image, tag):
                self.tags[tag] = image
            case ("image", "rm", *tags):
                for tag in tags:
                    del self.tags[tag]
            case ("image", "inspect", "--format", "{{.Id}}", tag) if tag.startswith("prosaas/"):
                return Done(0, self.tags[tag], "") if tag in self.tags else Done(1, "", "none")
            case ("image", "inspect", "--format", "{{.Id}}", *ids):
                return Done(int(not set(ids) <= set(self.tags.values())), "", "")
            case ("image", "inspect", "--format", _, image):
                return Done(0, image + "\n", "")
        return Done(0, "", "")

    def release(self, version: str) -> Images:
        images = Images(self)
        images.use(dict.fromkeys(("api", "calls", "worker"), version))
        images.settle()
        return images


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.delenv("PROSAAS_TAG", raising=False)
    (tmp_path / ".state").mkdir()
    return Shelf(tmp_path)


def test_a_release_is_tagged_with_its_version(shelf: Shelf) -> None:
    shelf.release("release/1.2-3-gabc")
    assert set(shelf.tags) == {
        f"prosaas/{name}:{tag}" for name in ("api", "calls", "worker") for tag in ("shop", "shop-r1-release-1.2-3-gabc")
    }


def test_the_last_three_can_be_gone_back_to_and_older_ones_are_gone(shelf: Shelf) -> None:
    for number in range(1, 8):
        images = shelf.release(f"v{number}")
    assert [images.earlier(back)["api"] for back in range(1, KEPT_RELEASES + 1)] == ["v6", "v5", "v4"]
    assert {image for tag, image in shelf.tags.items()} == {"v7", "v6", "v5", "v4"}
    with pytest.raises(Usage, match="from 1"):
        images.earlier(KEPT_RELEASES + 1)


def test_where_no_release_came_before_the_way_back_is_told(shelf: Shelf) -> None:
    images = shelf.release("v1")
    for back in (1, KEPT_RELEASES + 4):
        with pytest.raises(Problem, match=rf"(?s)0 earlier releases to go back to, not {back}.*git checkout of the"):
            images.earlier(back)


def test_no_more_releases_are_offered_than_there_are(shelf: Shelf) -> None:
    shelf.release("v1")
    images = shelf.release("v2")
    with pytest.raises(Usage, match=r"N=7: a release from 1 \(the one before\) to 1$"):
        images.earlier(7)


def test_a_release_that_comes_back_is_listed_once_under_its_own_version(shelf: Shelf) -> None:
    """A rollback in a folder of newer code: the images say what they are, not the folder."""
    for version in ("v1", "v2", "v1"):
        images = shelf.release(version)
    assert [release["version"] for release in images.releases()] == ["v1", "v2"]
    assert sorted(tag for tag in shelf.tags if tag.startswith("prosaas/api")) == [
        "prosaas/api:shop", "prosaas/api:shop-r2-v2", "prosaas/api:shop-r3-v1",
    ]  # fmt: skip


def test_the_release_before_is_the_one_that_ran_before(shelf: Shelf) -> None:
    for version in ("v1", "v2", "v1"):
        images = shelf.release(version)
    assert images.earlier(1)["api"] == "v2"


def test_what_development_ran_is_no_release_of_productions(shelf: Shelf) -> None:
    """One folder notes both, and of those images no production starts: none is gone back to, nor counted."""

    def develop(version: str) -> None:
        images = Images(shelf, "dev")
        images.use(dict.fromkeys(("dev", "gateway"), version))
        images.settle()

    develop("d1")
    assert Images(shelf).served(runs=False) == {}
    shelf.release("v1")
    develop("d2")
    images = shelf.release("v2")
    assert images.earlier(1)["api"] == "v1"
    older = {"number": 9, "version": "d0", "tag": "shop-dev-r9-d0", "images": {"dev": "d0", "gateway": "d0"}}
    shelf.tags |= {"prosaas/dev:shop-dev-r9-d0": "d0", "prosaas/gateway:shop-dev-r9-d0": "d0"}
    shelf.remember("releases", [older, *images.releases()])
    assert images.served(runs=False)["api"] == "v2"
    shelf.release("v3")
    assert [release["version"] for release in images.releases()] == ["v3", "v2", "v1"]
    assert not [tag for tag in shelf.tags if "r9" in tag], "an older version noted it"


def test_images_that_are_gone_are_none_to_go_back_to(shelf: Shelf) -> None:
    """Whoever makes room after `make down` takes those that nothing runs from; a folder may come to another machine."""
    images = shelf.release("v1")
    assert images.served(runs=False)["api"] == "v1"
    shelf.tags.clear()
    assert images.served(runs=False) == {}


@pytest.mark.parametrize("typed", [True, False], ids=["typed again", "taken up"])
def test_a_rollback_that_was_killed_and_is_run_again_leads_where_it_led(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, typed: bool
) -> None:
    """Its images have their names by then: one before these is the one that it came from."""

    def killed() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Shelf, "containers", lambda *_: [])
    monkeypatch.setattr(plan, "_renewals", lambda *_: [Step("renew", killed)])
    for version in ("v1", "v2", "v3"):
        images = shelf.release(version)
    with pytest.raises(KeyboardInterrupt):
        run(plan.rollback(shelf, 2), shelf)
    assert images.in_use()["api"] == "v1"
    monkeypatch.setattr(plan, "_renewals", lambda *_: [])
    monkeypatch.setattr(plan.door, "leads_through", lambda _: None)
    monkeypatch.setattr(plan, "_settle", lambda *_: images.settle())
    if typed:
        run(plan.rollback(shelf, 2), shelf)
    else:
        monkeypatch.setattr(unfinished.deploy, "is_swarm", lambda _: False)
        unfinished.resume(shelf)
    assert images.in_use()["api"] == "v1"
    assert [release["version"] for release in images.releases()] == ["v1", "v3", "v2"]
    assert shelf.remembered("journal") is None


@pytest.mark.parametrize(("at_its_end", "typed", "leads_to"), [(True, 2, "v1"), (False, 2, "v1"), (False, 1, "v2")])
def test_a_rollback_that_was_killed_leads_where_it_led_though_that_may_be_a_release_by_then(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, at_its_end: bool, typed: int, leads_to: str
) -> None:
    """Counted from there two before would be another; who types another number wants that, also when it is killed."""

    def killed(*_: object) -> None:
        if at_its_end:
            images.settle()
        raise KeyboardInterrupt

    monkeypatch.setattr(Shelf, "containers", lambda *_: [])
    monkeypatch.setattr(plan, "_renewals", lambda *_: [])
    monkeypatch.setattr(plan.door, "leads_through", lambda _: None)
    for version in ("v1", "v2", "v3"):
        images = shelf.release(version)
    monkeypatch.setattr(plan, "_settle", killed)
    for back in (2, typed):
        with pytest.raises(KeyboardInterrupt):
            run(plan.rollback(shelf, back), shelf)
    assert images.in_use()["api"] == leads_to
    monkeypatch.setattr(unfinished.deploy, "is_swarm", lambda _: False)
    with pytest.raises(KeyboardInterrupt):
        unfinished.resume(shelf)
    assert shelf.remembered("journal")["memory"]["back"] == typed, "who types it after that is led there as well"
    monkeypatch.setattr(plan, "_settle", lambda *_: images.settle())
    unfinished.resume(shelf)
    assert images.in_use()["api"] == leads_to


@pytest.mark.parametrize("in_use", ["v2", "v3"], ids=["before the images had their names", "after it"])
def test_a_rollback_over_a_deploy_that_was_killed_leads_to_the_last_release_that_served(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, in_use: str
) -> None:
    """And so does its own way back: what the deploy has built may never have run."""
    monkeypatch.setattr(Shelf, "containers", lambda *_: [Container("w", "worker", "w", "running", "", "")])
    names = ("api", "calls", "worker")
    for version in ("v1", "v2"):
        images = shelf.release(version)
    shelf.tags |= {f"prosaas/{name}:shop-next": "v3" for name in names}
    images.use(dict.fromkeys(names, in_use))
    shelf.remember("journal", {"plan": "up-prod", "step": "x", "memory": {"images": dict.fromkeys(names, "v2")}})
    way = plan.rollback(shelf, 1)
    assert (way.goal["wanted"]["calls"], way.memory["images"]["calls"]) == ("v2", "v2")
    assert plan.rollback(shelf, 2).goal["wanted"]["calls"] == "v1"


@pytest.mark.parametrize(
    ("built", "step", "leads_to"),
    [
        ("v2", "database", "v2"),
        ("v2", "renew worker", "v2"),
        ("v2", "settle", "v2"),
        ("v3", "renew worker", "v2"),
        ("v1", "renew worker", "v2"),
        ("v3", "settle", "v2"),
    ],
)
def test_what_a_killed_deploy_has_built_hides_no_release_that_served(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, built: str, step: str, leads_to: str
) -> None:
    """Of a change of settings alone it is the very release that serves; at its end it may be a release by now."""
    monkeypatch.setattr(Shelf, "containers", lambda *_: [])
    names = ("api", "calls", "worker")
    for version in ("v1", "v2"):
        images = shelf.release(version)
    shelf.tags |= {f"prosaas/{name}:shop-next": built for name in names}
    images.use(dict.fromkeys(names, built))
    if step == "settle":
        images.settle()
    shelf.remember("journal", {"plan": "up-prod", "step": step, "memory": {"images": dict.fromkeys(names, "v2")}})
    assert plan.rollback(shelf, 1).goal["wanted"]["calls"] == leads_to


def test_a_deploy_that_was_killed_as_it_built_is_no_matter_to_a_rollback(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shelf, "containers", lambda *_: [])
    for version in ("v1", "v2"):
        shelf.release(version)
    shelf.remember("journal", {"plan": "up-prod", "step": "build", "changed": False, "memory": {"images": {}}})
    assert plan.rollback(shelf, 1).goal["wanted"]["calls"] == "v1"


@pytest.mark.docker
def test_the_version_is_what_env_says_or_else_git(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROSAAS_VERSION", raising=False)
    assert shelf.version == "unknown"
    monkeypatch.setenv("PROSAAS_DESCRIBED", "1a2b3c4-dirty")
    assert shelf.version == "1a2b3c4-dirty"
    shelf.env.path.write_text("PROSAAS_VERSION=2.0\n")
    assert Shelf(shelf.root).version == "2.0"
