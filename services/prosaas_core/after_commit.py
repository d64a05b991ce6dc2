"""What is said or done once a transaction is committed, and never where it was rolled back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Handler = Callable[[list[Any]], None]
_waiting: ContextVar[dict[Handler, list[Any]] | None] = ContextVar("after_commit", default=None)


def after_commit(handler: Handler, item: object) -> None:
    """Hand *item* to *handler* when this task's transaction is committed, with all others that the handler has there.

    At once where none of database.py's transactions is open.
    """
    waiting = _waiting.get()
    if waiting is None:
        handler([item])
    else:
        waiting.setdefault(handler, []).append(item)


@contextmanager
def committing() -> Iterator[None]:
    """Stand around a transaction: what was put off within is done when it ends well."""
    outer = _waiting.get()
    waiting: dict[Handler, list[Any]] = {}
    _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.set(outer)
    for handler, items in waiting.items():
        handler(items)
