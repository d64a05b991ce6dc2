"""Images are built aside, take their names when a deploy uses them, and are kept for going back."""

import time
from typing import Any

from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem

KEPT_RELEASES = 3
_PRODUCTION = ("api", "calls", "worker", "simulator", "gateway")


class Images:
    """The images of one project: `prosaas/NAME:VERSION` is what runs, `…-next` what was built last."""

    def __init__(self, world: World, environment: str = "prod") -> None:
        self._world = world
        self._names = _PRODUCTION if environment == "prod" else ("dev", "gateway")

    def build(self) -> None:
        """Build what changed, beside what runs."""
        world = self._world
        profiles = ",".join({"demo", *world.recorded("COMPOSE_PROFILES").split(",")} - {""})
        world.compose("build", "--quiet", PROSAAS_VERSION=f"{world.version}-next", COMPOSE_PROFILES=profiles)

    def built(self) -> dict[str, str]:
        """The ids of what was built last."""
        return self._ids(f"{self._world.version}-next")

    def in_use(self) -> dict[str, str]:
        """The ids of what the names stand for now."""
        return self._ids(self._world.version)

    def use(self, ids: dict[str, str]) -> None:
        """Let the names stand for these images."""
        for name, image in ids.items():
            self._world.docker("tag", image, f"prosaas/{name}:{self._world.version}")

    def settle(self) -> None:
        """Note what is in use as a release, and give back the room of what nobody can go back to."""
        world, ids = self._world, self.in_use()
        releases = [release for release in self.releases() if release["images"] != ids]
        number = max((release["number"] for release in self.releases()), default=0) + 1
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        for name, image in ids.items():
            world.docker("tag", image, f"prosaas/{name}:{world.version}-r{number}")
        releases = [{"number": number, "at": now, "images": ids}, *releases]
        for gone in releases[KEPT_RELEASES + 1 :]:
            self._untag(gone["number"], gone["images"])
        kept = releases[: KEPT_RELEASES + 1]
        for other in self.releases():
            if other["images"] == ids:
                self._untag(other["number"], ids)
        world.remember("releases", kept)
        world.docker(
            "image", "prune", "--force", f"--filter=label=com.docker.compose.project={world.project}", check=False
        )

    def releases(self) -> list[dict[str, Any]]:
        """What can be gone back to, the one in use first."""
        return list(self._world.remembered("releases") or [])

    def earlier(self, back: int) -> dict[str, str]:
        """The images of the release that many before the one in use."""
        others = [release for release in self.releases() if release["images"] != self.in_use()]
        if not 1 <= back <= KEPT_RELEASES:
            raise Problem(f"N={back}: a release from 1 (the one before) to {KEPT_RELEASES}")
        if len(others) < back:
            raise Problem(f"there are {len(others)} earlier releases to go back to, not {back}")
        images: dict[str, str] = others[back - 1]["images"]
        return images

    def _untag(self, number: int, images: dict[str, str]) -> None:
        tags = [f"prosaas/{name}:{self._world.version}-r{number}" for name in images]
        self._world.docker("image", "rm", *tags, check=False)

    def _ids(self, tag: str) -> dict[str, str]:
        found = {}
        for name in self._names:
            done = self._world.docker("image", "inspect", "--format", "{{.Id}}", f"prosaas/{name}:{tag}", check=False)
            if done.code == 0:
                found[name] = done.out.strip()
        return found
