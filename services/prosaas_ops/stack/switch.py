"""The live level switch of a running service, worked through the `logctl` inside its container."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from prosaas_logging.ctl import LONGEST_SECONDS
from prosaas_ops.options import SERVICES, Options, Problem, Usage
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.texts import lines as words
from prosaas_ops.texts import refused


@dataclass(frozen=True, slots=True)
class Target:
    """What a level is set for: one call, one business, one phone number, or the whole service."""

    call_sid: str = ""
    business: str = ""
    phone: str = ""

    def arguments(self) -> list[str]:
        """As logctl takes it."""
        kind, value = self.key()
        return [f"--{kind}", value] if value else []

    def key(self) -> tuple[str, str]:
        """Kind and value, as logctl lists them."""
        named = (("call", self.call_sid), ("business", self.business), ("phone", self.phone))
        return next(((kind, value) for kind, value in named if value), ("service", ""))

    def __str__(self) -> str:
        kind, value = self.key()
        return f"{words.TARGETS[kind]} {value}" if value else str(words.EVERYTHING)


def target_from(options: Options) -> Target:
    """The operator's CALL=, BUSINESS= or PHONE=, one of them at most."""
    target = Target(options.call_sid(), options.text("BUSINESS"), options.phone())
    if sum(map(bool, (target.call_sid, target.business, target.phone))) > 1:
        raise Usage(refused.ONE_OF(names="CALL=, BUSINESS=, PHONE="))
    return target


# The container's own time limit, should this process die, comes this much after the one promised.
_GRACE_SECONDS = 5.0
_NO_COMMAND = (126, 127)
# What a command inside a container ends with where that is being stopped.
_KILLED = (137, 143)
_GOES_WITHIN_S = 5.0
_LOOK_S = 0.2
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Killed(Problem):
    """The command did not end by itself: its container is about to go."""


@contextmanager
def raised(
    engine: Engine,
    containers: Sequence[Container],
    target: Target,
    seconds: float,
    stays: Callable[[Container], bool] = lambda _: False,
) -> Iterator[Callable[[Container], None]]:
    """DEBUG for the target while the block runs; every container is asked to take it back, however the block ends.

    What is yielded raises it in one that came later, too.

    That holds for a container that refused, and for the others when one does not answer. What `stays` for somebody else
    is left alone. No second Ctrl-C stops what the first one asked for.
    """
    if seconds > LONGEST_SECONDS:
        raise Usage(refused.SWITCH_TOO_LONG(hours=LONGEST_SECONDS // 3600))
    duration = f"{round(min(seconds + _GRACE_SECONDS, LONGEST_SECONDS))}s"
    undo = ExitStack()
    told: set[str] = set()

    def raise_in(container: Container) -> None:
        undo.callback(_take_back, engine, container, target, stays)
        # Another terminal may have asked for longer: setting it anew would shorten its time. And what one replica was
        # told the others of its service know by now; while Postgres is away each is told by itself.
        known = container.service in told or stays(container)

        def raise_there() -> None:
            if not known or seconds_left(engine, container, target) < seconds:
                raise_to_debug(engine, container, target, duration)

        _unless_it_goes(engine, container, raise_there)
        told.add(container.service)

    try:
        for container in containers:
            raise_in(container)
        yield raise_in
    finally:
        with _undisturbed(), undo:
            pass


def _take_back(engine: Engine, container: Container, target: Target, stays: Callable[[Container], bool]) -> None:
    if not stays(container):
        lower(engine, container, target)


@contextmanager
def _undisturbed() -> Iterator[None]:
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def raise_to_debug(engine: Engine, container: Container, target: Target, duration: str) -> None:
    """DEBUG for the target; the container takes it back by itself when the time is over."""
    _logctl(engine, container, "level", "DEBUG", *target.arguments(), "--for", duration)


def lower(engine: Engine, container: Container, target: Target) -> None:
    """Takes the target's level back. A container that is gone has nothing left to take back."""
    _unless_it_goes(engine, container, lambda: _logctl(engine, container, "reset", *target.arguments()))


def lower_all(engine: Engine, container: Container) -> None:
    _unless_it_goes(engine, container, lambda: _logctl(engine, container, "reset"))


def _unless_it_goes(engine: Engine, container: Container, act: Callable[[], object]) -> None:
    """What ends meanwhile has nothing left to switch; one that kills what it is asked has a moment to be gone."""
    deadline = time.monotonic() + _GOES_WITHIN_S
    while True:
        try:
            act()
            return
        except Problem as problem:
            there = engine.containers(container.service)
            if not any(found.id == container.id and found.state == "running" for found in there):
                return
            if not isinstance(problem, _Killed) or time.monotonic() > deadline:
                raise
        time.sleep(_LOOK_S)


def seconds_left(engine: Engine, container: Container, target: Target) -> float:
    """How long the target is still switched; 0 when it is not."""
    switches = status(engine, container)["switches"]
    left = {(switch["target"], switch["value"]): float(switch["left_s"]) for switch in switches}
    return left.get(target.key(), 0.0)


def status(engine: Engine, container: Container) -> dict[str, Any]:
    """What logctl knows: the level in force, where it is from, and what is switched on for now."""
    answer: dict[str, Any] = json.loads(_logctl(engine, container, "status", "--json"))
    return answer


def loud(engine: Engine, call_sid: str) -> list[Container]:
    """The services' containers in which something that may be this call is at DEBUG now."""
    found = (container for name in SERVICES.values() for container in engine.containers(name))
    return [container for container in found if container.state == "running" and _is_loud(engine, container, call_sid)]


def _is_loud(engine: Engine, container: Container, call_sid: str) -> bool:
    try:
        known = status(engine, container)
    except (Problem, ValueError):
        return False
    others = [each for each in known["switches"] if (each["target"], each["value"] == call_sid) != ("call", False)]
    return "DEBUG" in (known["level"], *(each["level"] for each in others))


def logctl(engine: Engine, container: Container, *arguments: str) -> tuple[int, str, str]:
    """What the command inside the container answers; a container that was not made for it has it as a module alone."""
    answer = engine.run(container, "logctl", *arguments)
    if answer[0] in _NO_COMMAND:
        answer = engine.run(container, "python3", "-m", "prosaas_logging.ctl", *arguments)
    if answer[0] in _NO_COMMAND:
        raise Problem(refused.NO_LOGCTL(name=container.service))
    return answer


def _logctl(engine: Engine, container: Container, *arguments: str) -> str:
    code, out, err = logctl(engine, container, *arguments)
    if code:
        reason = (err or out).strip().splitlines()[-1:] or [refused.EXIT_CODE(code=code)]
        if code == 2:
            raise Usage(reason[0])
        raise (_Killed if code in _KILLED else Problem)(refused.LOGCTL_SAYS(name=container.service, why=reason[0]))
    return out
