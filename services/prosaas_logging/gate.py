"""The one place that says what is in force in this process: level, overrides, and where records go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .levels import INFO
from .logger import choose_methods
from .scope import Context, Record, Scope, Wiring, rewire


def _nowhere(record: Record, context: Context) -> None:
    pass


@dataclass(frozen=True)
class Force:
    """Everything that decides what becomes of a record."""

    threshold: int = INFO
    ring: int = 0
    budget: int = 0
    submit: Callable[[Record, Context], None] = _nowhere
    dump: Callable[[Scope, str], object] = lambda scope, reason: None
    render_entry: Callable[[Record, Context], str] = lambda record, context: ""
    level_for: Callable[[dict[str, object]], int | None] | None = None
    listeners: tuple[Callable[[int], None], ...] = field(default=())


_in_force = Force()


def in_force() -> Force:
    """What is in force now."""
    return _in_force


def enabled(level: int) -> bool:
    """Whether the process as a whole emits *level*."""
    return level >= _in_force.threshold


def put_in_force(force: Force) -> None:
    """Choose the loggers' methods, the scopes' ways and the libraries' levels for *force*."""
    global _in_force
    _in_force = force
    rewire(
        Wiring(
            submit=force.submit,
            threshold=force.threshold,
            ring=force.ring,
            budget=force.budget,
            level_for=force.level_for or (lambda fields: None),
            dump=force.dump,
            render_entry=force.render_entry,
        )
    )
    choose_methods(force.threshold, recording=force.ring > 0 or force.level_for is not None)
    for listener in force.listeners:
        listener(force.threshold)


def change(**differences: object) -> None:
    """Put what is in force, but for *differences*, in force."""
    put_in_force(replace(_in_force, **differences))  # type: ignore[arg-type]
