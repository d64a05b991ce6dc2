"""The database's absence has one name, and its return is noticed at once."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from prosaas_core.database import (
    POOL_TIMEOUT_S,
    DatabaseUnavailable,
    answer_within,
    make_engine,
    raw_connection,
    raw_transaction,
    session,
    transaction,
)
from prosaas_core.settings import load_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_a_server_that_is_not_there_is_an_absence(host: str, unused_tcp_port: int) -> None:
    engine = make_engine(load_settings({"DATABASE_URL": f"postgresql://x:y@{host}:{unused_tcp_port}/none"}))
    for opened in (session(engine), transaction(engine)):
        with pytest.raises(DatabaseUnavailable):
            async with opened as connection:
                await connection.execute(text("SELECT 1"))
    await engine.dispose()


async def test_the_tables_are_mapped_at_the_start_and_not_in_the_first_callers_time() -> None:
    class Base(DeclarativeBase):
        pass

    class Late(Base):
        __tablename__ = "late"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert not Late.__mapper__.configured
    engine = make_engine(load_settings({"DATABASE_URL": "postgresql://x:y@127.0.0.1/none"}))
    assert Late.__mapper__.configured
    await engine.dispose()


@pytest.mark.postgres
async def test_a_connection_cut_in_mid_transaction_is_an_absence_and_the_next_one_is_whole(
    engine: AsyncEngine, postgres_server: Any
) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with transaction(engine) as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


@pytest.mark.postgres
async def test_connections_that_were_cut_while_idle_are_replaced_before_anybody_gets_one(
    engine: AsyncEngine, database_url: str
) -> None:
    async with transaction(engine) as first, transaction(engine) as second:
        pids = [(await c.execute(text("SELECT pg_backend_pid()"))).scalar_one() for c in (first, second)]
    other = await asyncpg.connect(database_url)
    for pid in pids:
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await other.close()
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


@pytest.mark.postgres
async def test_a_connection_to_a_machine_that_is_gone_is_over_before_anybody_gives_up_waiting_on_it(
    engine: AsyncEngine,
) -> None:
    """Also one that waits in the pool: else each of them would cost somebody all the time that they have."""
    async with raw_connection(engine) as raw:
        opened = raw._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, every, silent_ms = (
            opened.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
        )
    silent_s = silent_ms / 1000
    assert silent_s > 0, "which is no bound"
    assert max(idle + every, silent_s) < POOL_TIMEOUT_S
    unanswered = math.ceil((silent_s - idle) / every)
    assert unanswered >= 3, "a lost packet or two would end every connection that waits in the pool"


@pytest.mark.postgres
async def test_an_answer_that_does_not_come_in_time_is_an_absence(engine: AsyncEngine) -> None:
    for opened in (session(engine, within_s=0.1), transaction(engine, within_s=0.1)):
        with pytest.raises(DatabaseUnavailable, match="no answer in time"):
            async with opened as connection:
                await connection.execute(text("SELECT pg_sleep(60)"))


@pytest.mark.postgres
async def test_a_refusal_is_not_an_absence(engine: AsyncEngine, business_id: int) -> None:
    with pytest.raises(IntegrityError):
        async with transaction(engine) as connection:
            await connection.execute(text("INSERT INTO businesses (name, phone) VALUES ('x', '+97235550100')"))


@pytest.mark.postgres
async def test_an_error_of_the_callers_own_passes_through(engine: AsyncEngine) -> None:
    with pytest.raises(KeyError):
        async with session(engine):
            raise KeyError("theirs")


@pytest.mark.postgres
async def test_a_transaction_on_asyncpg_itself_is_committed_or_rolled_back_whole(
    engine: AsyncEngine, business_id: int
) -> None:
    async with raw_transaction(engine) as raw:
        await raw.execute("UPDATE businesses SET name = 'kept'")
    with pytest.raises(DatabaseUnavailable, match="no answer in time"):
        async with raw_transaction(engine, within_s=0.3) as raw:
            await raw.execute("UPDATE businesses SET name = 'lost'; SELECT pg_sleep(60)")
    async with raw_transaction(engine) as raw:
        assert await raw.fetchval("SELECT name FROM businesses") == "kept"


@pytest.mark.postgres
async def test_a_statement_that_was_cut_short_takes_its_connection_with_it(engine: AsyncEngine) -> None:
    """Whoever got that connection next might find the statement still under way on it."""
    async with raw_transaction(engine) as raw:
        before = raw.get_server_pid()
    with pytest.raises(DatabaseUnavailable):
        async with raw_transaction(engine, within_s=0.1) as raw:
            await raw.execute("SELECT pg_sleep(60)")
    async with raw_transaction(engine) as raw:
        assert raw.get_server_pid() != before


@pytest.mark.postgres
async def test_a_connection_is_not_used_again_once_its_server_has_turned_read_only(engine: AsyncEngine) -> None:
    """It reports a setting of the session as it does its own, with the answer to the next statement."""
    async with transaction(engine) as connection:
        before = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await connection.execute(text("SET SESSION default_transaction_read_only = on"))
    async with transaction(engine) as connection:
        after = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await connection.execute(text("CREATE TEMPORARY TABLE written ()"))
        await connection.execute(text("DELETE FROM businesses"))
    assert before != after


@pytest.mark.postgres
async def test_a_server_that_is_read_only_is_not_connected_to(engine: AsyncEngine, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    await other.execute(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET default_transaction_read_only = on")
    await other.close()
    with pytest.raises(DatabaseUnavailable):
        async with transaction(engine):
            pass


@asynccontextmanager
async def freezing(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the server that hands nothing on, either way, while the event is not set."""
    address, going, writers = urlsplit(url), asyncio.Event(), list[asyncio.StreamWriter]()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await going.wait()
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, on = await asyncio.open_connection(address.hostname, address.port)
        writers.extend((writer, on))
        await asyncio.gather(hand_on(reader, on), hand_on(back, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    going.set()
    async with server:
        yield (
            url.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{server.sockets[0].getsockname()[1]}"),
            going,
        )
        going.set()
        for writer in writers:
            writer.close()


@pytest.mark.postgres
@pytest.mark.parametrize("opens", [raw_connection, raw_transaction])
async def test_a_server_that_stands_still_is_waited_for_no_longer_than_was_said(opens: Any, database_url: str) -> None:
    """Nor is its ROLLBACK; the connection goes, and its place in the pool is free."""
    async with freezing(database_url) as (url, going):
        engine = make_engine(load_settings({"DATABASE_URL": url}), command_timeout_s=None)
        async with raw_connection(engine) as raw:
            await raw.execute("SELECT 1")

        async def ask() -> None:
            async with opens(engine, within_s=0.3) as raw:
                going.clear()
                await raw.execute("SELECT 1")

        with pytest.raises(DatabaseUnavailable, match="no answer in time"):
            await asyncio.wait_for(ask(), 20)
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        going.set()
        await engine.dispose()


@pytest.mark.postgres
async def test_who_waits_for_an_answer_does_not_wait_for_its_statement_to_be_cancelled_which_it_is(
    database_url: str,
) -> None:
    """Else what was told as failed would be written later, and a statement under a lock would outlive its webhook."""
    async with freezing(database_url) as (url, going):
        engine = make_engine(load_settings({"DATABASE_URL": url}), command_timeout_s=None)

        async def ask() -> None:
            async with raw_connection(engine) as raw:
                asyncio.get_running_loop().call_later(0.2, going.clear)
                await raw.execute("SELECT pg_sleep(61)")

        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(DatabaseUnavailable, match="no answer in time"):
            await answer_within(ask(), 0.5)
        assert loop.time() - began < 1.5, "SQLAlchemy's farewell takes two seconds more"
        going.set()
        beside = await asyncpg.connect(database_url)
        under_way = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(61)' AND state = 'active'"
        async with asyncio.timeout(20):
            while True:
                # The server is done before whoever asked it has heard so.
                if await beside.fetchval(under_way) == 0 and engine.pool.checkedout() == 0:  # type: ignore[attr-defined]
                    break
                await asyncio.sleep(0.05)
        await beside.close()
        await engine.dispose()


async def test_an_answer_that_comes_in_time_is_given_and_an_error_too() -> None:
    async def of(error: Exception | None) -> str:
        if error is not None:
            raise error
        return "known"

    assert await answer_within(of(None), 5) == "known"
    with pytest.raises(KeyError):
        await answer_within(of(KeyError("theirs")), 5)


async def test_who_hangs_up_takes_what_was_asked_along() -> None:
    ended = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    waiting = asyncio.create_task(answer_within(long(), 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5):
        await ended.wait()
