"""Lines to many viewers: each from its own place, without loss, and never faster than a page can show them."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from prosaas_ops.console import live
from prosaas_ops.console.live import MOST_A_SECOND, Batch, Tail, Wanted
from prosaas_ops.options import Problem
from prosaas_ops.stack.lines import Line

STAMP = "2024-01-25T14:00:00.000000000Z"


def line(number: int, **values: str) -> Line:
    return Line(
        **{"stamp": STAMP, "service": "worker", "level": "INFO", "event": "MARK", "text": f"{number}", **values}  # type: ignore[arg-type]
    )


@pytest.fixture
def tail() -> Tail:
    return Tail(None, (), ring=1000)  # type: ignore[arg-type]


async def taken(batches: AsyncIterator[Batch], lines: int) -> list[Batch]:
    """Batches until so many lines are shown or counted; those of which nothing is told are left out."""
    found: list[Batch] = []
    async with asyncio.timeout(10):
        async for batch in batches:
            if batch.lines or batch.hidden or batch.lost:
                found.append(batch)
            if sum(len(batch.lines) + batch.hidden for batch in found) >= lines:
                break
    return found


def texts(batches: list[Batch]) -> list[str]:
    return [one.text for batch in batches for one in batch.lines]


async def test_a_page_opens_with_the_last_lines_and_goes_on_with_the_next(tail: Tail) -> None:
    for number in range(150):
        tail.add(line(number))
    viewer = tail.batches(Wanted(), None)
    assert texts(await taken(viewer, 100)) == [str(number) for number in range(50, 150)]
    asyncio.get_running_loop().call_later(0.01, tail.add, line(150))
    viewer = tail.batches(Wanted(), 150)
    assert texts(await taken(viewer, 1)) == ["150"]


async def test_who_pauses_finds_every_line_again(tail: Tail) -> None:
    for number in range(40):
        tail.add(line(number))
    (batch,) = await taken(tail.batches(Wanted(), 0), 40)
    for number in range(40, 80):
        tail.add(line(number))
    assert texts(await taken(tail.batches(Wanted(), batch.last), 40)) == [str(number) for number in range(40, 80)]


async def test_what_left_the_ring_meanwhile_is_counted(tail: Tail) -> None:
    for number in range(1200):
        tail.add(line(number))
    first = (await taken(tail.batches(Wanted(), 100), 1))[0]
    assert (first.lost, first.lines[0].text) == (100, "200")


async def test_a_flood_is_cut_by_the_second_and_the_rest_is_told(tail: Tail) -> None:
    for number in range(900):
        tail.add(line(number))
    found = await taken(tail.batches(Wanted(), 0, second=60), 900)
    assert len(texts(found)) == MOST_A_SECOND
    assert sum(batch.hidden for batch in found) == 900 - MOST_A_SECOND
    assert found[-1].last == 900


async def test_the_next_second_has_room_again(tail: Tail) -> None:
    viewer = tail.batches(Wanted(), 0, second=0.05)
    for number in range(60):
        tail.add(line(number))
    await taken(viewer, 60)
    viewer = tail.batches(Wanted(), 60, second=0.05)
    tail.add(line(60))
    assert texts(await taken(viewer, 1)) == ["60"]


async def test_a_quiet_stream_breathes_so_that_who_has_gone_is_noticed(tail: Tail) -> None:
    async with asyncio.timeout(5):
        assert await anext(tail.batches(Wanted(), 0, second=0.02)) == Batch(0, ())


async def test_ten_viewers_see_the_same_and_leave_nothing_behind(tail: Tail) -> None:
    async def view() -> list[str]:
        viewer = tail.batches(Wanted(), 0)
        found = texts(await taken(viewer, 20))
        await viewer.aclose()  # type: ignore[attr-defined]
        return found

    viewers = [asyncio.create_task(view()) for _ in range(10)]
    for number in range(20):
        tail.add(line(number))
        await asyncio.sleep(0)
    assert await asyncio.gather(*viewers) == [[str(number) for number in range(20)]] * 10
    assert tail._wakers == set()


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (Wanted(), True),
        (Wanted(call_sid="CA1"), True),
        (Wanted(call_sid="CA2"), False),
        (Wanted(service="worker"), True),
        (Wanted(service="prosaas-api"), False),
        (Wanted(level="WARNING"), False),
        (Wanted(event="MAR"), True),
        (Wanted(event="CALL"), False),
        (Wanted(text="שלום"), True),
        (Wanted(text="trace below"), True),
        (Wanted(text="nothing"), False),
    ],
)
def test_a_viewer_gets_what_it_wants(wanted: Wanted, kept: bool) -> None:
    told = line(1, call_sid="CA1", text="שלום")
    told.stack = ["Trace Below"]
    assert wanted.keeps(told) is kept


async def test_what_cannot_be_followed_is_said_and_followed_again(tail: Tail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is a fault of our own: the lines are needed most just then."""
    troubles = iter([KeyError("Actor"), ConnectionResetError("reset"), Problem("no engine")])
    told: list[str] = []

    def follow(*_: object, **__: object) -> Iterator[None]:
        if tail.trouble:
            told.append(tail.trouble)
        if error := next(troubles, None):
            raise error
        tail.stop()
        return (None for _ in range(1))

    monkeypatch.setattr(live, "Follow", follow)
    monkeypatch.setattr(live, "_RETRY_SECONDS", 0.0)
    tail.start()
    assert tail._thread is not None
    await asyncio.to_thread(tail._thread.join, 5)
    assert told == ["KeyError: 'Actor'", "reset", "no engine"]
