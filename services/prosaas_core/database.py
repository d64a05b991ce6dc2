"""The connection pool and the transaction: how every service reaches Postgres, and one error for when it cannot."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import event, func, select
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import configure_mappers

from prosaas_core import tracing
from prosaas_core.after_commit import committing
from prosaas_core.postgres import address, refusal, roles
from prosaas_core.settings import Settings

# Postgres chose one of two transactions that waited for each other, or could not put them in an order.
RACED = ("40P01", "40001")
# What is wrong is what we gave it: its data, a constraint, a size. The classes of the other codes are the server's, its
# schema's or its rights', which change.
_OF_THE_DATA = ("22", "23", "54")
# A statement waited for a lock for longer than lock_timeout says.
LOCK_NOT_AVAILABLE = "55P03"

CONNECT_TIMEOUT_S = 5.0
# A machine that died, or a way to one that is gone, does not say so; a server's kernel says that it got what was sent,
# whatever the server does. After so long without a word a connection is over, also one that waits in the pool. It is
# less than anybody waits for one, and outlasts two lost packets, or a machine that stands still for two seconds.
SILENT_S = 4
COMMAND_TIMEOUT_S = 30.0
# Shorter than the five seconds that a webhook gives the database: where it is the line that is too long, that is told.
POOL_TIMEOUT_S = 4.5

# The SQLSTATEs by which a server is of no use, whatever is asked: it says so, is read-only, or refuses the login.
AWAY = (*refusal.CANNOT_SERVE, "25006", "28P01", "28000", "3D000")

_NO_CONNECTION = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    PoolTimeoutError,
    # A connection that breaks between two steps of its protocol.
    asyncpg.InternalClientError,
)

T = TypeVar("T")

# asyncio itself holds a task that nobody waits for by a thread.
_ending: set[asyncio.Task[Any]] = set()


class DatabaseUnavailable(Exception):
    """Postgres cannot be reached, or went away in mid-transaction; the text says how."""


def make_engine(
    settings: Settings, *, pool_size: int = 10, command_timeout_s: float | None = COMMAND_TIMEOUT_S
) -> AsyncEngine:
    """A pool that survives a restart of the database, and leaves a server that has turned read-only."""
    arguments = address.arguments(settings.database_url)

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        try:
            made: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                **arguments, timeout=CONNECT_TIMEOUT_S, command_timeout=command_timeout_s
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # Whatever keeps us out, a right that was taken away too: without a connection nobody is served.
            raise DatabaseUnavailable((str(error) or type(error).__name__).splitlines()[0]) from error
        _end_when_silent(made)
        tracing.watch_connection(made)
        return made

    # At the start: the first caller would wait for it, and a DEBUG session would have it in their story.
    configure_mappers()
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        # The connection used last has its statements prepared.
        pool_use_lifo=True,
        # An error's text reaches the log, and what people wrote must not come with it.
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_useless)
    tracing.watch_queries(engine)
    return engine


@asynccontextmanager
async def session(engine: AsyncEngine, *, within_s: float | None = None) -> AsyncIterator[AsyncSession]:
    """One transaction: committed when the block ends well, rolled back when not or not within `within_s`.

    Raises DatabaseUnavailable.
    """
    with committing(), _naming_absence():
        async with (
            asyncio.timeout(within_s),
            AsyncSession(engine, expire_on_commit=False) as opened,
            opened.begin(),
        ):
            yield opened


async def bind_to_tenant(session: AsyncSession, business_id: int) -> None:
    """Let Postgres itself refuse other businesses' rows until this transaction ends, whatever we ask it for."""
    await session.execute(
        select(
            func.set_config("role", roles.TENANT, True),
            func.set_config("prosaas.business_id", str(business_id), True),
        )
    )


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, within_s: float | None = None) -> AsyncIterator[AsyncConnection]:
    """The same without the object mapper, for the paths where speed counts."""
    with committing(), _naming_absence():
        async with asyncio.timeout(within_s), engine.begin() as connection:
            yield connection


@asynccontextmanager
async def raw_connection(
    engine: AsyncEngine, *, within_s: float | None = None
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """asyncpg itself, from the same pool: a third of the processor time, and no round trip but the statements'.

    Each statement is a transaction. Raises DatabaseUnavailable.
    """
    with _naming_absence():
        async with asyncio.timeout(within_s), engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert isinstance(raw, asyncpg.Connection)
            try:
                yield raw
            except BaseException:
                # The pool does not see what went on here: a statement cut short may still be under way.
                await connection.invalidate()
                raise


@asynccontextmanager
async def raw_transaction(
    engine: AsyncEngine, *, within_s: float | None = None
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The same in one transaction."""
    with committing():
        async with raw_connection(engine, within_s=within_s) as raw:
            opened = raw.transaction()
            await opened.start()
            yield raw
            # What fails before takes its connection with it, and that rolls back; of a server that stands still a
            # ROLLBACK would be waited for beyond `within_s`.
            await opened.commit()


async def answer_within(asked: Coroutine[Any, Any, T], seconds: float) -> T:
    """What is asked comes to, or DatabaseUnavailable after so long; it is given up then, and ends by itself.

    Its statement is cancelled at the server by a connection more, for which one that stands still is given two seconds:
    who waits for the answer does not wait for that.
    """
    task = asyncio.create_task(asked)
    _ending.add(task)
    task.add_done_callback(_ended)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise DatabaseUnavailable("no answer in time")
        return task.result()
    finally:
        task.cancel()


def _ended(task: asyncio.Task[Any]) -> None:
    _ending.discard(task)
    # Whoever waited was told; asyncio would tell once more of one whom nobody asks.
    if not task.cancelled():
        task.exception()


def is_absence(error: BaseException | None) -> bool:
    """Whether the error means that Postgres is away, rather than that it refused what we asked."""
    if isinstance(error, DatabaseUnavailable):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or error.orig is None:
            return True
        return is_absence(error.orig) or is_absence(error.orig.__cause__)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(AWAY)
    if isinstance(error, asyncpg.InterfaceError):
        # Its other kinds are mistakes of ours.
        return "closed" in str(error) or "closing" in str(error)
    return isinstance(error, _NO_CONNECTION)


def is_race(error: BaseException) -> bool:
    """Whether the transaction would come through if it were tried again."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return getattr(error.orig, "sqlstate", None) in RACED
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in RACED


def is_refusal_for_now(error: BaseException) -> bool:
    """Whether the server refused for a reason that may pass, and not what we gave it."""
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return isinstance(code, str) and not code.startswith(_OF_THE_DATA)


@contextmanager
def _naming_absence() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_absence(error):
            raise DatabaseUnavailable((str(error) or "no answer in time").splitlines()[0]) from error
        raise


def _end_when_silent(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """asyncpg asks for none of it, and has no other way to its socket; a pooler on this machine has none of these."""
    opened: socket.socket = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    if opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, 1),
        (socket.TCP_KEEPINTVL, 1),
        # Where this is set the kernel counts no unanswered probes: the one that is due after so long ends it.
        (socket.TCP_USER_TIMEOUT, SILENT_S * 1000),
    ):
        opened.setsockopt(socket.IPPROTO_TCP, option, value)


def _refuse_useless(dbapi_connection: Any, *_: object) -> None:
    """asyncpg hears the server hang up or turn read-only; asking it is free, where a ping would be a round trip."""
    raw = dbapi_connection.driver_connection
    if raw.is_closed():
        raise InvalidatePoolError("the server closed the connection")
    said = raw.get_settings()
    if "on" in (getattr(said, "default_transaction_read_only", "off"), getattr(said, "in_hot_standby", "off")):
        raise InvalidatePoolError("the server has turned read-only")
