"""Images are built aside, take their names when a deploy uses them, and are kept for going back."""

import calendar
import re
import time
from typing import Any

from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Usage, spoken_duration
from prosaas_ops.texts import conduct as words

KEPT_RELEASES = 3
# What no build has used for so long is no cache any more.
_CACHE_HOURS = 240
_LONGEST_TAG = 128
_AT = "%Y-%m-%d %H:%M:%S"
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_.-]")
_PRODUCTION = ("api", "calls", "worker", "simulator", "gateway")


class Images:
    """The images of one project: `prosaas/NAME:TAG` is what runs, `…-next` what was built last."""

    def __init__(self, world: World, environment: str = "prod") -> None:
        self._world = world
        self._names = _PRODUCTION if environment == "prod" else ("dev", "gateway")

    def build(self) -> None:
        """Build what changed, beside what runs."""
        world = self._world
        world.say(str(words.BUILDING))
        profiles = ",".join({"demo", *world.recorded("COMPOSE_PROFILES").split(",")} - {""})
        world.compose(
            "build", "--quiet", PROSAAS_TAG=f"{world.tag}-next", PROSAAS_VERSION=world.version,
            COMPOSE_PROFILES=profiles,
        )  # fmt: skip

    def built(self) -> dict[str, str]:
        """The ids of what was built last."""
        return self._ids(f"{self._world.tag}-next")

    def in_use(self) -> dict[str, str]:
        """The ids of what the names stand for now."""
        return self._ids(self._world.tag)

    def served(self, *, runs: bool) -> dict[str, str]:
        """The ids of what ran last, {} where nothing ever did, or it is here no more. Once it is down, the names may be
        those of a start that was stopped, and a release is what came to its end.
        """
        if runs:
            return self.in_use()
        return next((release["images"] for release in self.releases() if self._are_here(release["images"])), {})

    def use(self, ids: dict[str, str]) -> None:
        """Let the names stand for these images."""
        for name, image in ids.items():
            self._world.docker("tag", image, f"prosaas/{name}:{self._world.tag}")

    def settle(self) -> None:
        """Note what is in use as a release, where it is production's, and give back the room of what none needs."""
        world = self._world
        if self._names == _PRODUCTION:
            self._note(self.in_use())
        world.docker(
            "image", "prune", "--force", f"--filter=label=com.docker.compose.project={world.project}", check=False
        )
        world.docker("builder", "prune", "--force", f"--filter=unused-for={_CACHE_HOURS}h", check=False)

    def releases(self) -> list[dict[str, Any]]:
        """What can be gone back to, the one in use first. Development's, which older versions noted too, is nothing."""
        return [release for release in self._noted() if "dev" not in release["images"]]

    def _noted(self) -> list[dict[str, Any]]:
        return list(self._world.remembered("releases") or [])

    def _note(self, ids: dict[str, str]) -> None:
        world, noted = self._world, self._noted()
        number = max((release["number"] for release in noted), default=0) + 1
        now, version = time.strftime(_AT, time.gmtime()), self.version(ids)
        tag = f"{world.tag}-r{number}-{_NOT_IN_A_TAG.sub('-', version)}"[:_LONGEST_TAG]
        for name, image in ids.items():
            world.docker("tag", image, f"prosaas/{name}:{tag}")
        others = [release for release in self.releases() if release["images"] != ids][:KEPT_RELEASES]
        newest = {"number": number, "version": version, "tag": tag, "at": now, "images": ids}
        world.remember("releases", [newest, *others])
        for release in noted:
            if release not in others:
                self._untag(release)

    def version(self, ids: dict[str, str]) -> str:
        """What these images say that they are."""
        form = '{{index .Config.Labels "org.opencontainers.image.version"}}'
        newest = next((ids[name] for name in ("calls", "dev") if name in ids), "")
        return self._world.docker("image", "inspect", "--format", form, newest, check=False).out.strip() or "unknown"

    def told(self, ids: dict[str, str]) -> str:
        """Which version these images are and, of a release, since when it is one."""
        version = self.version(ids)
        at = next((release.get("at", "") for release in self.releases() if release["images"] == ids), "")
        if not at:
            return version
        ago = spoken_duration(time.time() - calendar.timegm(time.strptime(at, _AT)))
        return words.DEPLOYED(version=version, at=at, ago=ago)

    def earlier(self, back: int, now: dict[str, str] | None = None) -> dict[str, str]:
        """The images of the release that many before these, or before the one in use; with {} of all that there are."""
        now = self.in_use() if now is None else now
        if not self.releases():
            raise problem(str(words.NOTHING_BEFORE), "make up-prod")
        others = [release for release in self.releases() if release["images"] != now]
        if others and not 1 <= back <= KEPT_RELEASES:
            raise Usage(words.NO_RELEASE(back=back, most=min(len(others), KEPT_RELEASES)))
        if len(others) < back:
            fewer = words.FEWER_RELEASES(there=len(others), back=back)
            raise problem(fewer, str(words.OLDER_CODE), "docs/operations.md")
        images: dict[str, str] = others[back - 1]["images"]
        return images

    def _are_here(self, ids: dict[str, str]) -> bool:
        return not self._world.docker("image", "inspect", "--format", "{{.Id}}", *ids.values(), check=False).code

    def _untag(self, release: dict[str, Any]) -> None:
        # Releases of before had no tag of their own in the list.
        tag = release.get("tag", f"{self._world.tag}-r{release['number']}")
        tags = [f"prosaas/{name}:{tag}" for name in release["images"]]
        self._world.docker("image", "rm", *tags, check=False)

    def _ids(self, tag: str) -> dict[str, str]:
        found = {}
        for name in self._names:
            done = self._world.docker("image", "inspect", "--format", "{{.Id}}", f"prosaas/{name}:{tag}", check=False)
            if done.code == 0:
                found[name] = done.out.strip()
        return found
