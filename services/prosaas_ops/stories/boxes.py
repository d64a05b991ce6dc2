"""The black boxes that the database keeps, of every node and of containers that are gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from prosaas_ops.options import OTHERS, Problem, complain
from prosaas_ops.stack.records import asked

if TYPE_CHECKING:
    import asyncpg

_OF = "select node, content from black_boxes where name = $1 order by written_at"
_ALL = "select node, name, written_at, octet_length(content) from black_boxes order by written_at"


def kept(name: str) -> dict[str, str]:
    """By node the recorder's rows of a call, request or job. Where the database is away, none, and a word of that."""

    async def ask(connection: "asyncpg.Connection[Any]") -> dict[str, str]:
        return dict(await connection.fetch(_OF, name))

    with _perhaps():
        return asked(ask)
    return {}


def listed() -> dict[str, list[str]]:
    """By node a row for each, as logctl lists the files of its own: when it was written (UTC), bytes, name."""

    async def ask(connection: "asyncpg.Connection[Any]") -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node, name, written, size in await connection.fetch(_ALL):
            found.setdefault(node, []).append(f"{written.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}  {size:>9}  {name}")
        return found

    with _perhaps():
        return asked(ask)
    return {}


@contextmanager
def _perhaps() -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        # Another stack has no such table.
        if not OTHERS:
            complain(f"blackbox: {problem}")
