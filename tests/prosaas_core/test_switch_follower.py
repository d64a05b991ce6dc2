"""One replica's live switch is the others' within a second, ends everywhere, and needs no database to do so."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ports import free_port
from postgres_world import as_role
from prosaas_core import switch_follower
from prosaas_core.postgres import address
from prosaas_core.postgres.roles import CALLS
from prosaas_core.switch_follower import LONGEST, MOST, Follower, following
from prosaas_logging import capture_events
from prosaas_logging.switch_state import Change, read_state, update_state

pytestmark = pytest.mark.postgres

SERVICE = "prosaas-calls"
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def change(target: str = "service", value: str = "", *, level: str = "DEBUG", for_s: float = 60) -> Change:
    return Change(target, value, level, time.time() + for_s, for_s)


def ask(path: Path, *changes: Change) -> None:
    """As `logctl level` does."""
    keys = {(one.target, one.value) for one in changes}
    update_state(
        path,
        lambda state: replace(
            state, changes=(*(one for one in state.changes if (one.target, one.value) not in keys), *changes)
        ),
    )


def take_back(path: Path, target: str, value: str) -> None:
    """As `logctl reset` does."""
    update_state(
        path,
        lambda state: replace(
            state, changes=tuple(one for one in state.changes if (one.target, one.value) != (target, value))
        ),
    )


def switched(path: Path) -> set[Change]:
    return set(read_state(path).at(time.time()).changes)


async def within(seconds: float, so: Callable[[], object]) -> None:
    """Fails unless it becomes so in time."""
    async with asyncio.timeout(seconds):
        while not so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def replicas(url: str, *paths: Path, service: str = SERVICE) -> AsyncIterator[None]:
    """Followers that listen, one for each switch file."""
    async with AsyncExitStack() as stack:
        for path in paths:
            task = asyncio.create_task(Follower(service, path, url).run())
            stack.callback(task.cancel)
        await listening(url, len(paths))
        yield


async def listening(url: str, count: int) -> None:
    connection = await asyncpg.connect(**address.arguments(url))
    try:
        async with asyncio.timeout(5):
            while await connection.fetchval(f"SELECT count(*) {OTHERS} AND state = 'idle'") < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """The switch files of three replicas."""
    return [tmp_path / name / "log-switch.json" for name in "abc"]


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[Callable[[], Any]]:
    connection = await asyncpg.connect(**address.arguments(database_url))
    yield lambda: connection.fetch("SELECT service, target, value FROM log_switches ORDER BY 1, 2, 3")
    await connection.close()


async def test_what_one_replica_is_asked_all_follow_within_a_second_and_what_is_taken_back_too(
    database_url: str, paths: list[Path]
) -> None:
    """With the rights of the service's own role; whole, with its level and its end to the last digit."""
    call, business = change("call", "CA1"), change("business", "456", level="WARNING")
    async with replicas(as_role(database_url, CALLS), *paths):
        ask(paths[0], call)
        await within(1, lambda: all(switched(path) == {call} for path in paths))
        ask(paths[2], business)
        await within(1, lambda: all(switched(path) == {call, business} for path in paths))
        longer = change("call", "CA1", for_s=600)
        ask(paths[1], longer)
        await within(1, lambda: all(switched(path) == {longer, business} for path in paths))
        take_back(paths[2], "call", "CA1")
        await within(1, lambda: all(switched(path) == {business} for path in paths))


async def test_a_replica_that_starts_later_follows_within_a_second(
    database_url: str, paths: list[Path], rows: Callable[[], Any]
) -> None:
    asked = change("phone", "+972501234567")
    async with replicas(database_url, paths[0]):
        ask(paths[0], asked)
        async with asyncio.timeout(5):
            while not await rows():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with replicas(database_url, *paths[1:]):
            await within(1, lambda: switched(paths[1]) == switched(paths[2]) == {asked})


async def test_two_that_are_asked_at_once_both_count(database_url: str, paths: list[Path]) -> None:
    one, other = change("call", "CA1"), change("call", "CA2")
    async with replicas(database_url, *paths):
        ask(paths[0], one)
        ask(paths[1], other)
        await within(1, lambda: all(switched(path) == {one, other} for path in paths))


async def test_what_is_asked_while_the_others_are_asked_is_kept_and_told(
    database_url: str, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the file and its replacement an operator asks once more, and takes something back."""
    first, theirs, meanwhile = change("call", "CA1"), change("call", "CA2"), change("call", "CA3")
    ask(paths[0], first)
    async with replicas(database_url, paths[1]):
        ask(paths[1], theirs)
        await asyncio.sleep(0)
        real = switch_follower.update_state

        def late(path: Path, alter: Any) -> Any:
            if path == paths[0] and not switched(path) & {meanwhile}:
                take_back(path, "call", "CA1")
                ask(path, meanwhile)
            return real(path, alter)

        await within(1, lambda: switched(paths[1]) == {theirs})
        monkeypatch.setattr(switch_follower, "update_state", late)
        async with replicas(database_url, paths[0]):
            await within(1.5, lambda: switched(paths[0]) == switched(paths[1]) == {theirs, meanwhile})


async def test_the_switch_of_another_service_is_its_own(database_url: str, paths: list[Path]) -> None:
    here = change()
    async with replicas(database_url, *paths[:2]), replicas(database_url, paths[2], service="worker"):
        ask(paths[0], here)
        await within(1, lambda: switched(paths[1]) == {here})
        assert not switched(paths[2])


async def test_a_row_goes_with_its_end_and_none_lasts_longer_than_a_switch_may(
    database_url: str, paths: list[Path], rows: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that was typed is nowhere any more once its time is over; nor is what a wrong clock left."""
    monkeypatch.setattr(switch_follower, "EVERY_S", 0.1)
    connection = await asyncpg.connect(**address.arguments(database_url))
    for target, until in (("phone", time.time() + 0.5), ("call", time.time() + 90_000)):
        row = "(service, target, value, level, until, for_s) VALUES ('worker', $1, '1', 'DEBUG', $2, 1)"
        await connection.execute(f"INSERT INTO log_switches {row}", target, until)
    await connection.close()
    async with replicas(database_url, paths[0]):
        async with asyncio.timeout(3):
            while await rows():  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_without_a_database_a_switch_holds_ends_by_itself_and_is_told_once_there_is_one(
    database_url: str, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_follower, "RETRY_S", 0.05)
    short, long = change("call", "CA1", for_s=0.3), change("call", "CA2")
    away = f"postgresql://x:y@127.0.0.1:{free_port()}/none"
    follower = Follower(SERVICE, paths[0], away)
    task = asyncio.create_task(follower.run())
    ask(paths[0], short, long)
    assert set(read_state(paths[0]).changes) == {short, long}
    await within(1, lambda: switched(paths[0]) == {long})
    follower._arguments = address.arguments(database_url)
    async with replicas(database_url, paths[1]):
        await within(2, lambda: switched(paths[1]) == {long})
    task.cancel()


async def test_a_connection_that_is_cut_is_made_anew_and_nothing_asked_meanwhile_is_lost(
    database_url: str, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_follower, "RETRY_S", 0.05)
    connection = await asyncpg.connect(**address.arguments(database_url))
    async with replicas(database_url, *paths):
        asked = change("call", "CA1")
        await connection.execute(f"SELECT pg_terminate_backend(pid, 2000) {OTHERS}")
        ask(paths[0], asked)
        await within(2, lambda: all(switched(path) == {asked} for path in paths))
    await connection.close()


async def test_what_no_row_can_hold_stays_where_it_was_asked_and_keeps_nothing_else_back(
    database_url: str, paths: list[Path], rows: Callable[[], Any]
) -> None:
    """Half a character, and a name without an end; a flood of rows is cut to the newest."""
    odd = {change("logger", "\udce9"), change("logger", "x" * (LONGEST + 1))}
    many = {change("call", f"CA{number}") for number in range(MOST + 20)}
    async with replicas(database_url, *paths[:2]):
        ask(paths[0], *odd, *many)
        await within(5, lambda: len(switched(paths[1])) == MOST)
        assert odd <= switched(paths[0])
        assert not odd & switched(paths[1])


async def test_a_defect_is_told_and_the_service_goes_on(database_url: str, paths: list[Path]) -> None:
    """A table that is not there: one line, and no more of them than one in half a minute."""
    connection = await asyncpg.connect(**address.arguments(database_url))
    await connection.execute("ALTER TABLE log_switches RENAME TO elsewhere")
    await connection.close()
    with capture_events() as said:
        async with following(SERVICE, database_url):
            await within(3, lambda: said)
            await asyncio.sleep(0.3)
    assert [record.level for record in said] == ["ERROR"]
