"""Load: many light callers at 50 frames a second each, and how late their frames come through the service."""

import asyncio
import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import orjson

from simulator.audio.mulaw import FRAME_MS
from simulator.load.frames import CLOSE, PING, PONG, TEXT, Unpacker, pack, read_stamp, stamped_payload
from simulator.load.model import LoadModel
from simulator.phone.media_stream import Stream
from simulator.sids import new_call_sid

_FRAME_S: Final = FRAME_MS / 1000
# Callers that fall due within a nap are served together; shorter naps would spend a core on waking up.
_SHORTEST_NAP_S: Final = 0.001
_LONGEST_NAP_S: Final = 0.002
_SETTLE_S: Final = 0.5
_LATE_MS: Final = 20.0

Dial = Callable[[str], Awaitable[dict[str, str]]]


async def without_token(_call_sid: str) -> dict[str, str]:
    """Dial a service that wants no parameters."""
    return {}


@dataclass(frozen=True)
class LoadPlan:
    """How much load, against what. `dial` gives a call's stream parameters, given its call_sid."""

    calls: int
    seconds: float
    url: str = "ws://127.0.0.1:5050/media-stream"
    model_port: int = 9000
    warm_up_s: float = 2.0
    ramp_s: float = 2.0
    turn_seconds: float = 10.0
    # How long the model takes to accept a connection.
    handshake_s: float = 0.0
    account_sid: str = "AC" + "0" * 32
    dial: Dial = without_token


@dataclass
class Tally:
    """What was measured; what belongs to the frames is cleared once the warm-up is over."""

    sent: int = 0
    first_audio: list[float] = field(default_factory=list)
    inbound: list[float] = field(default_factory=list)
    outbound: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def restart(self) -> None:
        """Forget the frames of the warm-up."""
        self.sent = 0
        for series in (self.inbound, self.outbound, self.behind):
            series.clear()


class LightCaller(asyncio.Protocol):
    """One caller: stamps frames, measures the frames that come back, echoes marks at once."""

    def __init__(self, stream: Stream, host: str, path: str, tally: Tally, parameters: dict[str, str]) -> None:
        self._stream = stream
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._tally = tally
        self._parameters = parameters
        self._frames = Unpacker()
        self._head = b""
        self._chunk = 0
        self._over = False
        self._started = 0.0
        self.up = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        """Finish the handshake first, take in frames afterwards."""
        if not self.up.done():
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.up.set_exception(ConnectionError(head.split(b"\r\n")[0].decode()))
                return
            self.up.set_result(None)
            self._send(self._stream.connected())
            self._started = time.monotonic()
            self._send(self._stream.start(self._parameters))
        for opcode, payload in self._frames.feed(data):
            self._take_in(opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an end that nobody asked for."""
        if not self.up.done():
            self.up.set_exception(exc or ConnectionError("closed during the handshake"))
        elif not self._over:
            self._tally.errors.append(f"closed by the service: {exc or 'end of stream'}")
        self._over = True

    def send_frame(self) -> None:
        """Put the next 20 ms on the line."""
        if self._over:
            return
        self._chunk += 1
        self._tally.sent += 1
        self._send(self._stream.media(self._chunk, self._chunk * FRAME_MS, stamped_payload()))

    def hang_up(self) -> None:
        """End the call."""
        if not self._over:
            self._over = True
            self._send(self._stream.stop())
            self._transport.write(pack(b"\x03\xe8", CLOSE, client=True))
            self._transport.close()

    def _take_in(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            stamp = read_stamp(payload)
            if stamp is not None:
                late, models = stamp
                self._tally.outbound.append(late)
                if self._started:
                    self._tally.first_audio.append((time.monotonic() - self._started) * 1000 - models)
                    self._started = 0.0
                return
            message = orjson.loads(payload)
            if message["event"] == "mark":
                self._send(self._stream.mark(message["mark"]["name"]))
        elif opcode == PING:
            self._transport.write(pack(payload, PONG, client=True))
        elif opcode == CLOSE:
            self._transport.close()

    def _send(self, text: str) -> None:
        self._transport.write(pack(text.encode(), client=True))


async def run(plan: LoadPlan) -> dict[str, Any]:
    """Put the load on, and return what was measured."""
    tally, loop = Tally(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: LoadModel(tally.inbound, plan.turn_seconds, plan.handshake_s), port=plan.model_port
    )
    callers: list[LightCaller] = []
    pacing = asyncio.create_task(_pace(callers, tally))
    try:
        for number in range(plan.calls):
            await _join(plan, tally, callers, number)
        await asyncio.sleep(plan.warm_up_s)
        tally.restart()
        began, processor = time.monotonic(), time.process_time()
        await asyncio.sleep(plan.seconds)
        elapsed, processor = time.monotonic() - began, time.process_time() - processor
        report = _report(plan, tally, len(callers), processor / elapsed)
    finally:
        pacing.cancel()
        for caller in callers:
            caller.hang_up()
        await asyncio.sleep(_SETTLE_S)
        server.close()
    return report


async def _join(plan: LoadPlan, tally: Tally, callers: list[LightCaller], number: int) -> None:
    call_sid = new_call_sid()
    address = urlsplit(plan.url)
    stream = Stream(f"MZ{secrets.token_hex(16)}", call_sid, plan.account_sid)
    try:
        parameters = await plan.dial(call_sid)
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: LightCaller(stream, address.netloc, address.path, tally, parameters),
            address.hostname or "127.0.0.1",
            address.port or 80,
        )
        await asyncio.wait_for(caller.up, 5)
        callers.append(caller)
    except (OSError, TimeoutError) as error:
        tally.errors.append(f"call {number}: {type(error).__name__}: {error}")
    await asyncio.sleep(plan.ramp_s / plan.calls)


async def _pace(callers: list[LightCaller], tally: Tally) -> None:
    """Send each caller's frames on time, the callers spread evenly over the 20 ms."""
    began, done = time.monotonic(), 0
    while True:
        count = max(1, len(callers))
        now = time.monotonic()
        due = int((now - began) / _FRAME_S * count)
        for turn in range(done, due):
            if callers:
                callers[turn % count].send_frame()
        if due > done:
            tally.behind.append((now - began - done / count * _FRAME_S) * 1000)
        done = due
        if count != max(1, len(callers)):
            began, done = time.monotonic(), 0
        await asyncio.sleep(max(_SHORTEST_NAP_S, min(_LONGEST_NAP_S, _FRAME_S / count)))


def _report(plan: LoadPlan, tally: Tally, connected: int, processor: float) -> dict[str, Any]:
    return {
        "calls": plan.calls,
        "connected": connected,
        "seconds": plan.seconds,
        "sent": tally.sent,
        "inbound": _summary(tally.inbound),
        "outbound": _summary(tally.outbound),
        "first_audio": _summary(tally.first_audio),
        "generator": {"cores": round(processor, 3), "behind_p99_ms": _percentile(sorted(tally.behind), 0.99)},
        "errors": tally.errors[:20],
        "error_count": len(tally.errors),
    }


def _summary(series: list[float]) -> dict[str, Any]:
    ordered = sorted(series)
    late = sum(1 for value in ordered if value > _LATE_MS)
    return {
        "frames": len(ordered),
        "p50_ms": _percentile(ordered, 0.5),
        "p95_ms": _percentile(ordered, 0.95),
        "p99_ms": _percentile(ordered, 0.99),
        "max_ms": round(ordered[-1], 3) if ordered else None,
        "over_20ms": late,
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None
