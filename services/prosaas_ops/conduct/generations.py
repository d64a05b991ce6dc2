"""A service changes by a new container beside the old one, which goes when it has nothing left to do."""

import re
import time
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from typing import Any

from prosaas_ops.conduct import kept_lines
from prosaas_ops.conduct.secrets import holds_secrets
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.files import replace, turn
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container, Gone
from prosaas_ops.stack.live_calls import DRAINING, drains
from prosaas_ops.texts import conduct as words

READY_WITHIN_S = 120.0
ASKED_WITHIN_S = 20.0  # A watcher takes a second to begin, and longer where the machine is busy.
_DRAINS_LONG = ("prosaas-calls",)
_LOOK_S = 0.3
_FAREWELL_S = 30.0  # Beyond DRAIN_SECONDS: the last callers are told goodbye, and records are stored.
_KILLED = 137
_DRAINING, _ANSWERED = (DRAINING, "Connection refused"), "/readyz answered 5"  # Refused by who has closed its port.


class Generations:
    """The containers of one stack's services, as a plan changes them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def renew(self, service: str, *, but_not: frozenset[str] = frozenset()) -> None:
        """See to it that one container as the model wants it serves, and that all others of the service go.

        Nothing happens when that is so already. A new container that does not become ready is removed again and never
        got work. `but_not` are containers that must go although they are as they should be (a restart).
        """
        running = self._serving(service)
        fitting = [found for found in running if found.id not in but_not and self._fits(found)]
        fresh = fitting[-1] if fitting else self._create(service)
        if fresh not in running:
            self._world.docker("start", fresh.id)
        self.await_ready(fresh, beside=running)
        self._retire_all_but(fresh)
        self.tidy(service)

    def await_ready(self, container: Container, *, beside: Collection[Container] = ()) -> None:
        """A Problem, below its last words, where it does not become ready; then it does not run."""
        if problem := self._not_ready(container):
            self._remove_failed(container, beside=beside)
            raise Problem(f"{container.service}: {problem}")

    def one_alone(self, service: str, before: Collection[str], *, tell: bool = False) -> None:
        """The way back from a renewal: who served `before` it and still does serves on alone, else the new one does."""
        # Whom somebody meant to ask, and was cut short over it, may serve on.
        watched = self._watched()
        meant = [one for one in self._running(service) if one.id[:12] not in watched and self._says_ready(one)]
        serving = self._serving(service) or meant
        if not serving:
            raise Problem(words.NOT_RUNNING(service=service))
        # One that ends again and again runs too, at times.
        serving = [found for found in serving if self._says_ready(found)] or serving
        kept = ([found for found in serving if found.id in before] or serving)[-1]
        if tell:
            self._world.say((words.OLD_GOES_ON if kept.id in before else words.NEW_GOES_ON)(name=kept.name))
        self._note(self._asked - {kept.id})
        self._retire_all_but(kept)
        self.tidy(service)

    def serving(self, service: str, ids: Collection[str]) -> list[Container]:
        """Those of them that serve, and were not asked to end."""
        return [found for found in self._serving(service) if found.id in ids]

    def changed(self, *services: str) -> list[str]:
        """Those of the services that a deploy would renew."""
        return [name for name in services if not any(self._fits(found) for found in self._serving(name))]

    def stale(self, container: Container) -> bool:
        """Whether it reads a secret that has another value by now, or is nothing that should run."""
        model, service = self._model, container.service
        return service not in model["services"] or not holds_secrets(self._world, container, model)

    def tidy(self, *services: str) -> None:
        """Remove what has ended beside what runs, its lines kept; watch over what still drains."""
        for service in filter(self._running, services):
            self._bury_ended(service)
        self.write_overlay()

    def bury(self, container: Container) -> None:
        """Take an ended container away, and keep what it wrote; where that cannot be kept, it stays."""
        try:
            kept_lines.keep(self._world, container)
        except OSError as error:
            self._world.warn(words.LINES_STAY(name=container.name, why=error))
        else:
            self._world.docker("rm", "--force", container.id, check=False)

    def _bury_ended(self, service: str, *, but: str = "") -> None:
        for found in self._world.containers(service):
            if found.id != but and found.state in ("exited", "dead", "created"):
                self.bury(found)

    def let_drain(self) -> None:
        """Wait until what was asked to end has ended: asked a second time, as by a stop, it would cut its calls."""
        deadline = time.monotonic() + float(self._world.setting("DRAIN_SECONDS", "600")) + _FAREWELL_S
        if self._draining():
            self._world.say(str(words.DRAINS_FIRST))
        while self._draining() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def note_asked(self, container: Container) -> None:
        """Before it is asked to end: no command takes it for one that serves from then on, or asks it twice."""
        self._note(self._asked | {container.id})

    def write_overlay(self) -> None:
        """Tell plain `docker compose` how many containers there are, so that it takes none away while one drains."""
        path = self._world.state / "compose.yml"
        # A watcher writes it too: whoever writes last has counted last.
        with turn(self._world.state):
            scales = {name: max(1, len(self._running(name))) for name in _DRAINS_LONG}
            text = "# Written by make: how many generations of a service run just now.\nservices:\n"
            text += "".join(f"  {name}: {{scale: {scale}}}\n" for name, scale in scales.items())
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                replace(path, text)

    def _running(self, service: str) -> list[Container]:
        """Oldest first."""
        return [found for found in self._world.containers(service) if found.state in ("running", "restarting")]

    def _serving(self, service: str) -> list[Container]:
        """Without those that were asked to end, and have calls still: asked again, they would cut them."""
        running = [found for found in self._running(service) if found.id not in self._asked]
        watched = self._watched() if running and service in _DRAINS_LONG else ()
        return [found for found in running if found.id[:12] not in watched]

    @property
    def _asked(self) -> set[str]:
        return set(self._world.remembered("asked") or ())

    def _note(self, asked: set[str]) -> None:
        self._world.remember("asked", sorted(asked & {found.id for found in self._world.containers()}))

    def _draining(self) -> bool:
        """Whether anybody does whom we asked; or whom somebody stopped by hand, as it says itself."""
        engine, asked = self._world.engine, self._asked
        running = [one for one in self._world.containers(*OURS) if one.state == "running"]
        told = (self._drains(one) is not False if one.id in asked else drains(engine, one) for one in running)
        return bool(self._watched()) or any(told)

    def _watched(self) -> set[str]:
        """How the ids begin of those that have a watcher, which has asked them to end or is about to."""
        names = self._world.docker("ps", "--format={{.Names}}", f"--filter=name=^{self._watcher_of('')}").out.split()
        return {name[-12:] for name in names}

    def _watcher_of(self, container_id: str) -> str:
        return f"{self._world.project}-drains-{container_id[:12]}"

    def _fits(self, container: Container) -> bool:
        """Whether it takes work, and is what the model wants: its definition, image and settings, the secrets it holds.

        Compose itself is asked what it would do: its own hash of a service cannot be had in any other way.
        """
        world, service = self._world, container.service
        scale = f"{service}={len(world.containers(service))}"
        would = world.compose("--progress", "plain", "--dry-run", "create", "--no-build", "--scale", scale, service)
        anew = re.search(rf"Container {re.escape(container.name)} +Recreate", would.out + would.err)
        return not (anew or self.stale(container) or drains(world.engine, container))

    @cached_property
    def _model(self) -> dict[str, Any]:
        """Asked once: no command changes which services there are, or which file is whose secret."""
        return self._world.model()

    def _create(self, service: str) -> Container:
        before = {found.id for found in self._world.containers(service)}
        self._world.compose("create", "--no-build", "--no-recreate", f"--scale={service}={len(before) + 1}", service)
        made = [found for found in self._world.containers(service) if found.id not in before]
        if not made:
            raise Problem(words.NONE_MADE(service=service))
        # For one that drained, and went since they were counted, Compose makes another.
        for one in made[:-1]:
            self.bury(one)
        return made[-1]

    def _not_ready(self, container: Container) -> str:
        """Why it does not serve; nothing when it does. Ready is what it says itself: database, queue, settings."""
        engine, deadline, said = self._world.engine, time.monotonic() + READY_WITHIN_S, str(words.NO_ANSWER)
        while time.monotonic() < deadline:
            state = engine.inspect(container.id)["State"]
            if (not state["Running"] and not state.get("Restarting")) or state.get("ExitCode"):
                if container.service in OURS and (state.get("OOMKilled") or state["ExitCode"] == _KILLED):
                    return words.KILLED(setting=f"{container.service.removeprefix('prosaas-').upper()}_MEMORY")
                return words.ENDED_WITH(code=state["ExitCode"])
            if state.get("Health", {}).get("Status", "healthy") == "healthy":
                if container.service not in OURS:
                    return ""
                with suppress(Problem):
                    # It may end between the two questions: the next look says so.
                    code, out, err = engine.run(container, "healthcheck", "ready")
                    if code == 0:
                        return ""
                    said = (out or err).strip() or said
            time.sleep(_LOOK_S)
        return words.NOT_READY(seconds=f"{READY_WITHIN_S:.0f}", said=said)

    def _remove_failed(self, container: Container, *, beside: Collection[Container]) -> None:
        """Show its last words. Who ran before stays as it is. Who is alone stays, the last one, to be looked at."""
        lines = self._world.docker("logs", "--tail", "20", container.id, check=False)
        if said := (lines.out + lines.err).rstrip():
            self._world.say(words.LAST_LINES(service=container.service))
            print(said, flush=True)
        if not beside:
            self._world.docker("stop", "--time", "5", container.id, check=False)
            self._bury_ended(container.service, but=container.id)
        elif container not in beside:
            self.bury(container)

    def _retire_all_but(self, one: Container) -> None:
        watched = self._watched()
        for old in self._running(one.service):
            if old.id != one.id and old.id[:12] not in watched:
                self._retire(old)

    def _retire(self, old: Container) -> None:
        """Ask it to end. Calls may take long over that, so nobody waits for them: a watcher removes it afterwards."""
        world = self._world
        # Whoever was cut short over it may have asked, and a second time would cut its calls.
        if old.id in self._asked and self._takes_no_more(old):
            return
        self.note_asked(old)
        if old.service in _DRAINS_LONG and old.state == "running":
            self.write_overlay()
            # The watcher is there before anything is asked of it: who comes after a kill in between knows what it does.
            watched = world.docker("run", *self._watcher(old), check=False).code == 0
            if (watched or drains(world.engine, old)) and self._takes_no_more(old):
                return
            # No watcher, or one that ended before it asked: what serves on beside its successor may hold old secrets.
            asked = old.id[:12] in self._watched() or not world.docker("kill", "-s", "TERM", old.id, check=False).code
            # Who hangs says nothing, and is asked all the same: what takes its place does not wait for a word of it.
            if (over := self._takes_no_more(old)) is False or not (over or asked):
                raise Problem((words.NOT_REACHED if over is None else words.SERVES_ON)(name=old.name))
            return
        world.docker("stop", old.id, check=False)
        self.bury(old)

    def _takes_no_more(self, old: Container) -> bool | None:
        """Whether it says so, or is gone, before patience ends. None where it says nothing at all."""
        deadline, over = time.monotonic() + ASKED_WITHIN_S, None
        while not over and time.monotonic() < deadline:
            over = over if (said := self._drains(old)) is None else said
            if not over:
                time.sleep(_LOOK_S)
        return over

    def _drains(self, one: Container) -> bool | None:
        """Whether it says so, or is gone: who is full or unwell is not ready either. None where it is silent."""
        try:
            code, *said = self._world.engine.run(one, "healthcheck", "ready")
        except Problem as error:
            return True if isinstance(error, Gone) else None
        text = "".join(said)
        return any(sign in text for sign in _DRAINING) or (False if code == 0 or _ANSWERED in text else None)

    def _says_ready(self, one: Container) -> bool:
        with suppress(Problem):
            return self._world.engine.run(one, "healthcheck", "ready")[0] == 0
        return False

    def _watcher(self, old: Container) -> list[str]:
        """For as long as the drain lasts: the terminal may be gone by then."""
        return [f"--name={self._watcher_of(old.id)}", *self._world.tools("drained", f"CONTAINER={old.id}")]


def drained(world: World, container_id: str) -> None:
    """Ask this container to end, once each time it is started, wait until it has, and take it away.

    Who says that it drains was asked by hand. A wait that is cut short is taken up again, also where the engine was
    away meanwhile.
    """
    generations, asked = Generations(world), ""
    while True:
        with suppress(Problem, OSError):
            found = [one for one in world.containers() if one.id == container_id]
            if not found or found[0].state not in ("running", "restarting"):
                for one in found:
                    generations.bury(one)
                # Where the disk is full the next command writes it.
                with suppress(OSError):
                    generations.write_overlay()
                return
            started = world.engine.inspect(container_id)["State"]["StartedAt"]
            knows = started == asked or drains(world.engine, found[0])
            # Who was not asked has no end to be waited for.
            if knows or world.docker("kill", "--signal", "TERM", container_id, check=False).code == 0:
                asked = started
                if world.docker("wait", container_id, check=False).code == 0:
                    continue
        time.sleep(_LOOK_S)
