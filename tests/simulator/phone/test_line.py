"""The caller's end of a stream, in a time that passes only while nobody has anything to do."""

import asyncio
import json
import selectors
import time
from collections.abc import Callable
from typing import Any

import pytest

from clocks import Clock
from simulator.live import LiveCall, Registry
from simulator.phone.line import PhoneLine
from simulator.phone.media_stream import Stream
from simulator.scenario import parse

FRAME_S = 0.02
SCENARIO = parse("x", "description: d\ngreeting: g\n")


class Waits(selectors.SelectSelector):
    """Nothing comes from outside, so that who waits has waited at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for somebody else"
        self._clock.now += max(0.0, timeout)
        return []


class Service:
    """The other end: knows when each frame came and which it was, says nothing, and closes in the end."""

    def __init__(self, clock: Clock, seconds: float, busy: Callable[[int], float]) -> None:
        self._clock, self._busy = clock, busy
        self._over = asyncio.Event()
        self.close_code = 1000
        self.came_at: list[float] = []
        self.timestamps: list[int] = []
        asyncio.get_running_loop().call_later(seconds, self._over.set)

    async def send_str(self, text: str) -> None:
        message = json.loads(text)
        if message["event"] == "media":
            self.came_at.append(self._clock.now)
            self.timestamps.append(int(message["media"]["timestamp"]))
            self._clock.now += self._busy(len(self.timestamps))

    def __aiter__(self) -> "Service":
        return self

    async def __anext__(self) -> Any:
        await self._over.wait()
        raise StopAsyncIteration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The machine's own, while a line runs."""
    standing = Clock()
    monkeypatch.setattr(time, "monotonic", standing)
    return standing


def run(clock: Clock, speed: float, audio_s: float, busy: Callable[[int], float] = lambda frame: 0.0) -> Any:
    """A line of so many seconds of audio; the service and the call when it is over."""

    async def talk() -> tuple[Service, LiveCall]:
        live = Registry().open(SCENARIO, speed=speed, listener=lambda note: None)
        live.began = clock.now
        service = Service(clock, audio_s / speed, busy)
        assert await PhoneLine(live, Stream("MZ1", "CA1", "AC1")).run(service, {}) == "service"  # type: ignore[arg-type]
        return service, live

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Waits(clock))) as runner:
        return runner.run(talk())


@pytest.mark.parametrize("speed", [1.0, 6.0, 15.0])
def test_each_frame_goes_out_when_it_is_due_at_any_speed(clock: Clock, speed: float) -> None:
    """A faster line leaves no frame out, and is over so much sooner."""
    began = clock.now
    service, live = run(clock, speed, audio_s=5.0)
    assert service.timestamps == list(range(0, len(service.timestamps) * 20, 20))
    assert len(service.timestamps) in (250, 251)
    due = [began + number * FRAME_S / speed for number in range(len(service.came_at))]
    assert service.came_at == pytest.approx(due, abs=1e-6)
    assert clock.now - began == pytest.approx(5.0 / speed, abs=FRAME_S / speed)
    assert live.now_ms() == pytest.approx(5000, abs=21)


def test_what_is_a_little_late_is_caught_up_with(clock: Clock) -> None:
    """A tenth of a second at once, and not a frame is missing in the end."""
    service, live = run(clock, 1.0, audio_s=5.0, busy=lambda frame: 0.1 if frame == 100 else 0.0)
    assert len(service.timestamps) in (250, 251)
    assert live.slipped_ms == 0


def test_the_clock_of_a_call_waits_for_a_machine_that_cannot_keep_up(clock: Clock) -> None:
    """Frames that are a second late in a burst would outrun the rest of the call."""
    service, live = run(clock, 1.0, audio_s=5.0, busy=lambda frame: 1.0 if frame == 100 else 0.0)
    assert live.slipped_ms == pytest.approx(980, abs=1)
    assert len(service.timestamps) in (200, 201, 202)
    assert live.now_ms() - service.timestamps[-1] <= 40
