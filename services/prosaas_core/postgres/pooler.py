"""Detects a pooler in transaction mode, which gives our connection's session to others between transactions."""

from typing import Any

import asyncpg

_ROUNDS = 3
_TIMEOUT_S = 5.0

REFUSAL = (
    "a pooler that lends connections out by the transaction stands between us and Postgres, and the job queue cannot"
    " listen through one: give the direct address (Neon: without -pooler; Supabase: port 5432; PgBouncer: the server's"
    " own, or pool_mode=session)"
)


async def shares_connections(arguments: dict[str, Any]) -> bool:
    """Ask twice in which server process we are, while somebody else holds the one that had answered first.

    Directly and through a pooler of sessions it stays the same process. A pooler of transactions has lent it out; when
    it has no other, we wait in vain.
    """
    ours, other = [await _connect(arguments) for _ in range(2)]
    try:
        for _ in range(_ROUNDS):
            before = await _process(ours)
            async with other.transaction():
                if await _process(other, inside=True) == before or await _process(ours) != before:
                    return True
    except TimeoutError:
        return True
    finally:
        ours.terminate()
        other.terminate()
    return False


async def _connect(arguments: dict[str, Any]) -> "asyncpg.Connection[asyncpg.Record]":
    # Without names, so that the question itself works through every pooler.
    return await asyncpg.connect(**arguments, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S, statement_cache_size=0)


async def _process(connection: "asyncpg.Connection[asyncpg.Record]", *, inside: bool = False) -> int:
    """The server's process that answers, in a transaction of its own unless *inside* one."""
    if inside:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
    async with connection.transaction():
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
