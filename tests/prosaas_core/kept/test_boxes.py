"""Black boxes outlive the node and the container that wrote them, and stay bounded."""

import asyncio
import json
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ports import free_port
from postgres_world import as_role
from prosaas_core.database import DatabaseUnavailable, make_engine
from prosaas_core.kept import boxes
from prosaas_core.kept.boxes import Keeper, keeping
from prosaas_core.postgres import address
from prosaas_core.postgres.roles import CALLS
from prosaas_core.settings import load_settings
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

HEAD = json.dumps({"blackbox": "CA1", "kind": "call", "reason": "error", "records": 1, "place": "2@north"})


def write(folder: Path, name: str, text: str, *, age_s: float = 5) -> None:
    """A recorder's file, written so long ago."""
    path = folder / f"{name}.jsonl"
    path.write_text(text)
    os.utime(path, (time.time() - age_s,) * 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
async def as_calls(database_url: str) -> Any:
    """A pool with the rights of prosaas-calls."""
    made = make_engine(load_settings({"DATABASE_URL": as_role(database_url, CALLS), "OPENAI_API_KEY": "none"}))
    yield made
    await made.dispose()


@pytest.fixture
async def connection(database_url: str) -> Any:
    opened = await asyncpg.connect(**address.arguments(database_url))
    yield opened
    await opened.close()


async def kept(connection: Any) -> list[tuple[str, str, str]]:
    rows = await connection.fetch("SELECT node, name, content FROM black_boxes ORDER BY node, name")
    return [tuple(row) for row in rows]


async def test_a_file_is_kept_under_its_node_whoever_wrote_it_and_anew_once_there_is_more(
    as_calls: AsyncEngine, connection: Any, folder: Path
) -> None:
    """Two nodes may have one of the same call; the file stays where it is."""
    north, south = Keeper(as_calls, folder, "north"), Keeper(as_calls, folder, "south")
    write(folder, "CA1", f"{HEAD}\n")
    await north.look()
    write(folder, "CA1", f"{HEAD}\n{HEAD}\n", age_s=3)
    await north.look()
    await south.look()
    assert await kept(connection) == [(node, "CA1", f"{HEAD}\n{HEAD}\n") for node in ("north", "south")]
    assert (folder / "CA1.jsonl").exists()


async def test_what_a_row_has_is_read_no_more_by_those_who_share_the_folder(
    as_calls: AsyncEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by the process that comes after this one."""
    read: list[Path] = []
    real = boxes._content
    monkeypatch.setattr(boxes, "_content", lambda path: read.append(path) or real(path))
    write(folder, "CA1", HEAD)
    first = Keeper(as_calls, folder, "")
    for keeper in (first, first, Keeper(as_calls, folder, "")):
        await keeper.look()
    assert len(read) == 1


async def test_one_that_is_being_written_waits_and_other_files_are_nobodys(
    as_calls: AsyncEngine, connection: Any, folder: Path
) -> None:
    write(folder, "CA1", HEAD, age_s=0)
    (folder / "folded").mkdir()
    (folder / "notes.txt").write_text("x")
    os.utime(folder / "notes.txt", (1, 1))
    await Keeper(as_calls, folder, "").look()
    await Keeper(as_calls, folder / "not there", "").look()
    assert await kept(connection) == []


async def test_rows_are_bounded_in_bytes_and_number_and_the_newest_stay(
    as_calls: AsyncEngine, connection: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long file its head and its end, in whole lines. What was too old is not brought in again and again."""
    monkeypatch.setattr(boxes, "LONGEST_BYTES", 300)
    monkeypatch.setattr(boxes, "MOST", 3)
    for number in range(5):
        lines = [f"line {line} שלום\0\n" for line in range(number * 20)]
        write(folder, f"CA{number}", f"{HEAD}\n{''.join(lines)}", age_s=100 - number)
    await Keeper(as_calls, folder, "").look()
    rows = await kept(connection)
    assert [name for _, name, _ in rows] == ["CA2", "CA3", "CA4"]
    for number, (_, _, content) in zip((2, 3, 4), rows, strict=True):
        head, *rest = content.splitlines()
        assert head == HEAD
        assert rest[-1] == f"line {number * 20 - 1} שלום"
        assert all(line.startswith("line ") for line in rest)
        assert len(content.encode()) <= 300 + len(HEAD) + 1
    inserted = await connection.fetchval("SELECT last_value FROM black_boxes_id_seq")
    await Keeper(as_calls, folder, "").look()
    write(folder, "new", HEAD)
    await Keeper(as_calls, folder, "").look()
    assert [name for _, name, _ in await kept(connection)] == ["CA3", "CA4", "new"]
    assert await connection.fetchval("SELECT last_value FROM black_boxes_id_seq") == inserted + 1


async def test_while_the_database_is_away_files_wait(as_calls: AsyncEngine, connection: Any, folder: Path) -> None:
    away = make_engine(
        load_settings({"DATABASE_URL": f"postgresql://x:y@127.0.0.1:{free_port()}/none", "OPENAI_API_KEY": "none"})
    )
    keeper = Keeper(away, folder, "")
    write(folder, "CA1", HEAD)
    with pytest.raises(DatabaseUnavailable):
        await keeper.look()
    keeper._engine = as_calls
    await keeper.look()
    assert [name for _, name, _ in await kept(connection)] == ["CA1"]


async def test_a_service_keeps_them_where_its_settings_say_and_a_defect_ends_nothing(
    engine: AsyncEngine, connection: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_BLACKBOX", str(folder))
    monkeypatch.setenv("LOG_PLACE", "2@north")
    monkeypatch.setattr(boxes, "EVERY_S", 0.05)
    await connection.execute("ALTER TABLE black_boxes RENAME TO elsewhere")
    write(folder, "CA1", HEAD)
    with capture_events() as said:
        async with keeping("prosaas-calls", engine, 0):
            deadline = time.monotonic() + 10
            while not said and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await connection.execute("ALTER TABLE elsewhere RENAME TO black_boxes")
            while not (found := await kept(connection)) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert said[0].text.startswith("black boxes are on this node's disk alone")
    assert [(node, name) for node, name, _ in found] == [("north", "CA1")]


async def test_a_file_that_cannot_be_read_or_named_keeps_no_other_one_out(
    as_calls: AsyncEngine, connection: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest come first, so that the others are behind it; it is told once, and tried again when it changes."""
    real = boxes._content

    def content(path: Path) -> str:
        if path.stem == "CA0":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(boxes, "_content", content)
    for number in range(3):
        write(folder, f"CA{number}", HEAD, age_s=10 + number)
    write(folder, os.fsdecode(b"bad\xff"), HEAD)
    keeper = Keeper(as_calls, folder, "")
    with capture_events() as said:
        await keeper.look()
        await keeper.look()
    assert [name for _, name, _ in await kept(connection)] == ["CA1", "CA2"]
    assert [event.fields["name"] for event in said] == ["CA0"]
    monkeypatch.setattr(boxes, "_content", real)
    write(folder, "CA0", HEAD)
    await keeper.look()
    assert [name for _, name, _ in await kept(connection)] == ["CA0", "CA1", "CA2"]


async def test_what_was_ended_does_not_come_back_with_a_start(
    as_calls: AsyncEngine, connection: Any, folder: Path
) -> None:
    """Nor with a node that was away: neither what is too old, nor what is of a caller who was forgotten."""
    for name, days in {"CAold": 15, "CAgone": 1, "CAnew": 1}.items():
        write(folder, name, HEAD, age_s=days * 86_400)
    for name, number in {"CAgone": "", "CAnew": "+97239990000"}.items():
        await connection.execute("INSERT INTO calls (call_sid, to_number) VALUES ($1, $2)", name, number)
    await Keeper(as_calls, folder, "", 14).look()
    assert [name for _, name, _ in await kept(connection)] == ["CAnew"]
    await Keeper(as_calls, folder, "", 0).look()
    assert [name for _, name, _ in await kept(connection)] == ["CAnew", "CAold"]


@pytest.mark.parametrize("error", [None, RuntimeError, asyncio.CancelledError])
async def test_as_a_service_ends_it_looks_once_more(
    engine: AsyncEngine,
    connection: Any,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException] | None,
) -> None:
    monkeypatch.setenv("LOG_BLACKBOX", str(folder))
    monkeypatch.setattr(boxes, "EVERY_S", 3_600)
    looked = asyncio.Event()
    real = Keeper.look

    async def look(keeper: Keeper, *still: float) -> None:
        await real(keeper, *still)
        looked.set()

    monkeypatch.setattr(Keeper, "look", look)
    with nullcontext() if error is None else pytest.raises(error):
        async with keeping("prosaas-calls", engine, 14):
            await asyncio.wait_for(looked.wait(), 10)
            write(folder, "CAlast", HEAD, age_s=0)
            if error is not None:
                raise error
    assert [name for _, name, _ in await kept(connection)] == ["CAlast"]


async def test_the_last_look_holds_nobody_up(
    engine: AsyncEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_BLACKBOX", str(folder))
    monkeypatch.setattr(boxes, "LAST_S", 0.05)

    async def look(keeper: Keeper, *still: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Keeper, "look", look)
    async with asyncio.timeout(10), keeping("prosaas-calls", engine, 14):
        pass
