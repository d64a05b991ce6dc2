"""What is said or done once a transaction is committed, and never where it was rolled back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("after_commit", default=None)


def after_commit(call: Callable[[], None]) -> None:
    """Call it when the transaction of this task is committed; at once where none of database.py's is open."""
    waiting = _waiting.get()
    if waiting is None:
        call()
    else:
        waiting.append(call)


@contextmanager
def committing() -> Iterator[None]:
    """Stand around a transaction: what was put off within is called when it ends well."""
    outer, waiting = _waiting.get(), list[Callable[[], None]]()
    _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.set(outer)
    for call in waiting:
        call()
