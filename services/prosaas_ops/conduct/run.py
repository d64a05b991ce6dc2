"""Runs a plan: step by step, noted in a journal, to its end or by its way back."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem, Untouched
from prosaas_ops.texts import conduct as words

# Those that make everything anew, or end it.
ALL_ANEW = frozenset({"up-prod", "up-dev", "up-swarm", "rollback", "down"})
_READ = "docs/troubleshooting.md"


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, a terminal that was closed, an engine that shuts down."""


@dataclass(frozen=True, slots=True)
class Step:
    """One named act that may be done twice: what was interrupted is simply done again."""

    name: str
    do: Callable[[], None]
    # It leaves what runs as it was: where it fails before any other was begun, there is nothing to go back to.
    prepares: bool = False
    # It only brings up what serves: where it fails on a way back, who makes everything anew, or ends it, goes on.
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and what leads back when it cannot be.

    `memory` is what the way back needs to know, noted before the first step. `back` gets it as it was first noted, also
    by a run that was killed since: what was half done then is nothing to go back to.
    """

    name: str
    steps: Sequence[Step]
    memory: dict[str, Any] = field(default_factory=dict)
    back: Callable[[dict[str, Any]], Sequence[Step]] | None = None
    # How things stand then: on the way back, or where there is none and it is left halfway.
    back_to: str = ""
    # How to go on where it is left.
    onward: str = ""
    # What is said as the way back begins, where it is not always one.
    leads: str = ""
    # How things stand, in place of both, where no step was begun that `starts`: nothing that runs is led back.
    early: str = ""
    # It is noted as unfinished also where there is no way back: what it began with is to be known to who goes on.
    stays: bool = False
    # What a run leads to: noted anew by each, for one that was killed may have been asked for something else.
    goal: dict[str, Any] = field(default_factory=dict)
    # The same with another way back, for where nothing failed and somebody stopped it.
    when_stopped: "Plan | None" = None


def run(plan: Plan, world: World) -> None:
    """Every step; where one fails that changed what runs, the way back, and the Problem that it failed with.

    The journal outlives a kill: `unfinished` then tells the next command. That of another plan, which may hold the only
    copy of a new password, is neither replaced nor removed unless overtaken: a Problem, before anything is done.
    """
    world.acted = True
    journal = unfinished(world) or {}
    if not overtaken(killed := journal.get("plan", plan.name), plan.name):
        told = words.STILL_UNFINISHED(name=killed, step=journal.get("step"))
        raise problem(told, str(words.DOCTOR_FIRST), _READ)
    again = journal if killed == plan.name else {}
    memory = {**plan.memory, **again.get("memory", {}), **plan.goal}
    # Also by the run that was killed.
    changed = bool(again.get("changed"))
    at = next((step.name for step in plan.steps), "")
    # All of it within, the way back too: what is heard between two steps would have none of it walked.
    early = not changed
    with asking_to_stop():
        try:
            for step in plan.steps:
                at, changed, early = step.name, changed or not step.prepares, early and not step.starts
                # What was killed stays noted until something is done in its place.
                if changed or killed == plan.name:
                    _note(world, plan, at, memory, changed)
                step.do()
        except (Problem, Stopped, OSError) as reason:
            if not changed:
                raise _left(plan, at, world, reason) from None
            if early and plan.early:
                plan = replace(plan, leads=plan.early, back_to=plan.early)
            raise _failed(plan, at, memory, world, reason) from None
    world.remember("journal", None)


def overtaken(killed: str, by: str) -> bool:
    """Whether nothing of what was killed is left to be done where this plan runs to its end."""
    return killed == by or (by in ALL_ANEW and (killed in ALL_ANEW or killed.startswith("restart-")))


def unfinished(world: World) -> dict[str, Any] | None:
    """The journal of a command that was killed: its plan, the step it stood at, and its memory."""
    journal = world.remembered("journal")
    return journal if isinstance(journal, dict) else None


def go_back(plan: Plan, memory: dict[str, Any], world: World, *, all_anew: bool = False) -> None:
    """The way back, walked to its end: a Ctrl-C would only leave half of it. `end_killed` takes up one that failed."""
    assert plan.back is not None
    world.acted = True
    fix = words.DOCTOR_FIRST
    with _handling(signal.SIG_IGN):
        with suppress(OSError):
            world.say(plan.leads or words.GOING_BACK(back_to=plan.back_to))
        try:
            for undo in plan.back(memory):
                fix = words.UP_RENEWS if undo.starts else words.DOCTOR_FIRST
                try:
                    undo.do()
                except Problem as reason:
                    if not (all_anew and undo.starts):
                        raise
                    world.warn(words.AT_STEP(step=undo.name, why=reason))
        except (Problem, OSError) as second:
            raise problem(words.BACK_FAILED(plan=plan.name, why=second), str(fix), _READ) from None
        world.remember("journal", None)


def _note(world: World, plan: Plan, step: str, memory: dict[str, Any], changed: bool, **more: bool) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    noted = {"plan": plan.name, "step": step, "at": at, "changed": changed, "memory": memory, **more}
    world.remember("journal", noted)


def _left(plan: Plan, step: str, world: World, reason: BaseException) -> Problem:
    """There is nothing to go back to; what is to be raised then."""
    with _handling(signal.SIG_IGN):
        if (unfinished(world) or {}).get("plan") == plan.name:
            world.remember("journal", None)
    return _told(plan, words.UNCHANGED_AT(step=step, why=_why(reason)))


def _told(plan: Plan, what: str) -> Problem:
    return problem(what, plan.onward) if plan.onward else Problem(what)


def _why(reason: BaseException) -> str:
    return str(words.STOPPED) if isinstance(reason, Stopped) else str(reason)


def _failed(plan: Plan, step: str, memory: dict[str, Any], world: World, reason: BaseException) -> Problem:
    """Back to what was; what is to be raised then."""
    why = _why(reason)
    if isinstance(reason, Stopped):
        plan = plan.when_stopped or plan
    with _handling(signal.SIG_IGN):
        if plan.back is None:
            if not plan.stays:
                world.remember("journal", None)
            told = words.AT_STEP(step=step, why=why)
            return _told(plan, f"{told}; {plan.back_to}" if plan.back_to else told)
        # Where the disk is full, what is noted leads on instead; the way back is walked all the same.
        with suppress(OSError):
            _note(world, plan, step, memory, changed=True, goes_back=True)
        # Whoever reads may be gone, with whom this began.
        with suppress(OSError):
            world.warn(words.AT_STEP(step=step, why=why))
        go_back(plan, memory, world)
    failed = words.FAILED(plan=plan.name, step=step, back_to=plan.back_to)
    return problem(failed, str(words.LINES_ABOVE), _READ)


@contextmanager
def telling_of_an_early_end(world: World) -> Iterator[None]:
    """Who ends a command before any plan has begun hears that what runs is as it was."""
    try:
        yield
    except KeyboardInterrupt as end:
        if world.acted or isinstance(end, Untouched):
            raise
        world.say(str(words.NOT_BEGUN))
        raise Untouched from None


@contextmanager
def asking_to_stop() -> Iterator[None]:
    """INT, TERM and HUP become Stopped, wherever the plan stands; once, for a closed terminal may send two of them."""
    heard = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal heard
        if not heard:
            heard = True
            raise Stopped

    with _handling(stop):
        yield


@contextmanager
def _handling(handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
