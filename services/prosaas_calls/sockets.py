"""A WebSocket that hands each message over as it arrives: no task, no queue and no await for a frame."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from time import monotonic
from typing import Any, TypeVar

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from prosaas_logging import get_logger

T = TypeVar("T")

log = get_logger(__name__)

_NO_STATUS = 1005
_ABNORMAL = 1006
_TEXT = WSMsgType.TEXT
_CLOSE = WSMsgType.CLOSE
_DATA = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION})
# Messages that arrive before, or between, readers wait; the oldest go first.
_WAITING = 100
# So many frames that arrive in one piece are work enough; what follows is read a little later.
_SLICE = 64
_REST_SECONDS = 0.005
_PINGS_A_SECOND = 5
# What a guest may send in all. A frame counts for no less than its share, however short it is.
_GUEST_BYTES = 32 * 1024
_LEAST_BYTES = 64
# What a peer sends comes into a line no longer than this.
_SHOWN = 100

# What a peer does wrong is told by whoever reads from it, in the name of its call; what we do wrong, by ourselves.
PICOWS_LOG = logging.getLogger("prosaas_calls.picows")
PICOWS_LOG.setLevel(logging.CRITICAL)


def shown(text: object) -> str:
    """The beginning of what somebody out there sent or caused, for a line of the log."""
    return str(text)[:_SHOWN]


class TextSocket(WSListener):
    """Our side of one connection, for one reader at a time.

    Sending never waits: what the peer does not take is kept, for as long as a watchdog that asks `stuck_for` allows.
    A guest, who has not proved who it is, has no watchdog: it may send little, and is cut off when it does not read.
    """

    # With many calls at once a frame waits for memory: what it looks at stands close together, here as in its call.
    __slots__ = (
        "_fragments",
        "_guest",
        "_guest_bytes",
        "_in_one_piece",
        "_max_message",
        "_open",
        "_opened",
        "_paused_since",
        "_pings",
        "_pings_since",
        "_reading",
        "_run",
        "_send",
        "_take",
        "_transport",
        "_waiting",
        "_watched",
        "close_code",
        "close_reason",
        "closing",
        "violation",
    )

    def __init__(
        self, *, max_message: int, opened: Callable[["TextSocket"], None] | None = None, guest: bool = False
    ) -> None:
        self._max_message = max_message
        self._opened = opened
        self._guest = self._watched = guest
        self._guest_bytes = _GUEST_BYTES
        self._waiting: deque[bytes] = deque(maxlen=_WAITING)
        self._fragments = bytearray()
        self._take: Callable[[bytes], Any] | None = None
        self._run = copy_context().run
        self._reading: asyncio.Future[Any] | None = None
        self._paused_since = 0.0
        self._in_one_piece = 0
        self._pings = 0
        self._pings_since = 0.0
        self._open = True
        # Whether it is we who close.
        self.closing = False
        # How the connection ended, once it has, and the rule that the peer broke if that is why.
        self.close_code: int | None = None
        self.close_reason = ""
        self.violation = ""

    def send(self, message: bytes) -> None:
        """Send one text message; ConnectionResetError when the connection is closing or closed."""
        if not self._open:
            raise ConnectionResetError("the connection is closed")
        self._send(_TEXT, message)

    def stuck_for(self, now: float) -> float:
        """Seconds for which the peer has not taken what we sent."""
        return now - self._paused_since if self._paused_since else 0.0

    @property
    def descriptor(self) -> int:
        """Of the connection, as the kernel counts it; -1 when it is closed."""
        number: int = self._transport.underlying_transport.get_extra_info("socket").fileno()
        return number

    def vouch(self) -> None:
        """Let the guest stay: it has proved who it is, and a watchdog looks after it."""
        self._guest = False
        self._watched = not self._open

    async def read(self, take: Callable[[bytes], T | None]) -> T | None:
        """Give each message to `take` until it answers something, which is returned, or the peer is gone: None.

        `take` runs in the reader's context: its lines belong to the reader's call. What it raises is raised here.
        """
        while self._waiting:
            answer = take(self._waiting.popleft())
            if answer is not None:
                return answer
        if self.close_code is not None:
            return None
        self._reading = asyncio.get_running_loop().create_future()
        self._run = copy_context().run
        self._take = take
        try:
            result: T | None = await self._reading
            return result
        finally:
            self._take = None

    async def close(self, seconds: float) -> None:
        """Close politely; a peer that does not answer in time is cut off. Nothing is read any more.

        Whoever comes second does not wait for the first.
        """
        if self.closing:
            return
        self.closing = self._watched = True
        self._open = False
        self._waiting.clear()
        self._finish(None)
        self._transport.send_close(WSCloseCode.OK)
        try:
            # What went wrong before matters no more.
            with suppress(Exception):
                await asyncio.wait_for(self._transport.wait_disconnected(), seconds)
        finally:
            self.cut()

    def cut(self) -> None:
        """End the connection without a word. Whoever reads learns of it at once."""
        self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the way out, and tell who waits for it."""
        self._transport = transport
        self._send = transport.send
        if self._opened is not None:
            self._opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Give a whole message on; put one together that comes in pieces. Nobody gets the loop for long."""
        if not frame.last_in_buffer:
            self._in_one_piece += 1
        elif self._in_one_piece:
            if self._in_one_piece >= _SLICE:
                self._rest()
            self._in_one_piece = 0
        kind = frame.msg_type
        # Only a guest and a closed connection are looked at twice: a call has a hundred frames a second.
        if self._watched and not self._welcome(kind, frame.payload_size):
            return
        try:
            if kind is _TEXT and frame.fin and not self._fragments:
                self._hand_over(frame.get_payload_as_bytes())
            elif kind in _DATA:
                self._piece(frame)
            elif kind == _CLOSE:
                self._ended(frame.get_close_code().value or _NO_STATUS, frame.get_close_reason() or "")
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()
            elif kind == WSMsgType.PING:
                self._pinged(frame.get_payload_as_bytes())
        except Exception:
            log.exception("a frame could not be taken")
            self._break_off("a frame that could not be taken", WSCloseCode.INTERNAL_ERROR)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """There may have been no close frame of the peer's, but one of picows' that says what the peer did wrong."""
        ours = transport.close_handshake.sent if transport.close_handshake else None
        if self._open and ours is not None:
            self.violation = ours.reason or f"closed by us with {ours.code.value}"
        self._ended(_ABNORMAL, self.violation)

    def pause_writing(self) -> None:
        """The peer does not take what we send."""
        self._paused_since = monotonic()
        if self._guest:
            self._break_off("it does not read", WSCloseCode.POLICY_VIOLATION)

    def resume_writing(self) -> None:
        """It does again."""
        self._paused_since = 0.0

    def _rest(self) -> None:
        """Read on when the others had their turn."""
        transport = self._transport.underlying_transport

        def read_on() -> None:
            if not transport.is_closing():
                transport.resume_reading()

        if not transport.is_closing():
            transport.pause_reading()
            asyncio.get_running_loop().call_later(_REST_SECONDS, read_on)

    def _welcome(self, kind: WSMsgType, size: int) -> bool:
        if not self._open:
            return kind == _CLOSE
        self._guest_bytes -= max(size, _LEAST_BYTES)
        if self._guest_bytes < 0:
            self._break_off("too much before its start", WSCloseCode.POLICY_VIOLATION)
        return self._guest_bytes >= 0

    def _pinged(self, payload: bytes) -> None:
        """Answer a few pings a second; nothing is kept for a peer that does not read the answers."""
        now = monotonic()
        if now - self._pings_since >= 1.0:
            self._pings, self._pings_since = 0, now
        self._pings += 1
        if self._pings > _PINGS_A_SECOND:
            self._break_off(f"more than {_PINGS_A_SECOND} pings a second", WSCloseCode.POLICY_VIOLATION)
        elif not self._transport.underlying_transport.get_write_buffer_size():
            self._transport.send_pong(payload)

    def _piece(self, frame: WSFrame) -> None:
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > self._max_message:
            self._fragments.clear()
            self._break_off(f"a message of more than {self._max_message} bytes", WSCloseCode.MESSAGE_TOO_BIG)
        elif frame.fin:
            message, self._fragments = bytes(self._fragments), bytearray()
            self._hand_over(message)

    def _break_off(self, violation: str, code: WSCloseCode) -> None:
        """End the connection because of what the peer did. It is told, and not listened to any more."""
        self.violation = violation
        self._transport.send_close(code, violation)
        self._ended(_ABNORMAL, violation)
        self.cut()

    def _hand_over(self, message: bytes) -> None:
        if self._take is None:
            self._waiting.append(message)
            return
        try:
            answer = self._run(self._take, message)
        except Exception as error:
            self._finish(error)
        else:
            if answer is not None:
                self._finish(answer)

    def _finish(self, result: Any) -> None:
        self._take = None
        if self._reading is None or self._reading.done():
            return
        if isinstance(result, Exception):
            self._reading.set_exception(result)
        else:
            self._reading.set_result(result)

    def _ended(self, code: int, reason: str) -> None:
        self._open, self._watched = False, True
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
            self._finish(None)
