"""The connection to OpenAI Realtime: open it, send, read events, and know which failures are worth another try."""

import asyncio
import ssl
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec
from picows import WSHandshakeError, ws_connect

from prosaas_calls.model.events import ServerEvent, decode
from prosaas_calls.sockets import PICOWS_LOG, TextSocket, shown
from prosaas_core.outward.preview import preview
from prosaas_logging import get_logger
from prosaas_logging.catalogue import PAYLOAD_PREVIEW

_RETRIABLE_CLOSES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015})
_MAX_MESSAGE = 16 * 1024 * 1024
_CLOSE_SECONDS = 1.0
# Each message is kept in outline for DEBUG, but those that come frame by frame: AUDIO_DELTA tells of them.
_PREVIEW = 500
_FRAME = "response.output_audio.delta"
# Reading the machine's certificate authorities takes longer than a frame: once, not for each call.
_TRUSTED = ssl.create_default_context()

log = get_logger(__name__)


class RealtimeLost(Exception):
    """The connection could not be made, or went away."""

    def __init__(self, what: str, *, retriable: bool) -> None:
        super().__init__(what)
        self.retriable = retriable


class RealtimeConnection:
    """One open Realtime socket."""

    __slots__ = ("_given_up", "_socket", "ms", "opened_at", "send_audio", "stuck_for")

    def __init__(self, socket: TextSocket, ms: int = 0) -> None:
        self._socket = socket
        # How long it took to connect, be it before the call.
        self.ms = ms
        # OpenAI counts a session's hour from here on.
        self.opened_at = monotonic()
        self._given_up: str | None = None
        # The caller's voice, frame by frame, goes out as it is: MEDIA_IN tells of it.
        self.send_audio = socket.send
        self.stuck_for = socket.stuck_for

    @classmethod
    async def open(cls, url: str, api_key: str, *, timeout_s: float, ping_s: float) -> Self:
        """Connect, or raise RealtimeLost saying whether another try makes sense.

        A connection on which nothing arrives is asked for a sign of life after `ping_s`; without one it is given up.
        """
        asked, reached, left = monotonic(), list[TextSocket](), False

        def connected(socket: TextSocket) -> None:
            reached.append(socket)
            if left:
                socket.cut()

        try:
            async with asyncio.timeout(timeout_s):
                _, socket = await ws_connect(
                    lambda *_: TextSocket(max_message=_MAX_MESSAGE, opened=connected),
                    url,
                    ssl_context=_TRUSTED,
                    extra_headers={"Authorization": f"Bearer {api_key}"},
                    logger_name=PICOWS_LOG,
                    websocket_handshake_timeout=timeout_s,
                    max_redirects=0,
                    # Its connecting waits for a thread once more, and each caller for it.
                    use_aiofastnet=False,
                    max_frame_size=_MAX_MESSAGE,
                    enable_auto_pong=False,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=ping_s,
                    auto_ping_reply_timeout=ping_s,
                )
        except WSHandshakeError as error:
            if error.response is None:
                raise RealtimeLost(str(error), retriable=True) from error
            status = int(error.response.status)
            raise RealtimeLost(f"HTTP {status}", retriable=status == 429 or status >= 500) from error
        except (OSError, asyncio.CancelledError) as error:
            # picows goes on connecting, and a session that is nobody's would live on by our own pings.
            left = True
            for socket in reached:
                socket.cut()
            if isinstance(error, OSError):
                raise RealtimeLost(str(error) or type(error).__name__, retriable=True) from error
            raise
        if not isinstance(socket, TextSocket):
            # picows returns without a listener when the server hangs up during the handshake.
            raise RealtimeLost("closed during the handshake", retriable=True)
        return cls(socket, round((monotonic() - asked) * 1000))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close our side; the reader of this connection then simply ends."""
        await self._socket.close(_CLOSE_SECONDS)

    def send(self, event: bytes) -> None:
        """Send an event; ConnectionResetError when the connection is closing or closed."""
        self._socket.send(event)
        if log.tracing:
            log.event(PAYLOAD_PREVIEW, type="sent", preview=_preview(event))

    @property
    def stands(self) -> bool:
        """Whether nothing has ended it so far."""
        return self._socket.close_code is None and not self._socket.closing and self._given_up is None

    def give_up(self, why: str) -> None:
        """Treat the connection as lost although it is open: the reader raises RealtimeLost."""
        self._given_up = why
        self._socket.cut()

    async def read(self, handle: Callable[[ServerEvent], None]) -> None:
        """Give each event to `handle` until we close the connection; RealtimeLost when it ends without us."""

        def take(message: bytes) -> None:
            try:
                event = decode(message)
            except msgspec.DecodeError as error:
                log.warning("unreadable event from the model", error=shown(error))
                return
            if log.tracing and event.type != _FRAME:
                log.event(PAYLOAD_PREVIEW, type=event.type, preview=_preview(message))
            handle(event)

        await self._socket.read(take)
        if self._given_up is not None:
            raise RealtimeLost(self._given_up, retriable=True)
        if not self._socket.closing:
            code, reason = self._socket.close_code, self._socket.close_reason
            raise RealtimeLost(f"closed with {code} {reason}".rstrip(), retriable=code in _RETRIABLE_CLOSES)


def _preview(message: bytes) -> str:
    """A message in outline, without anybody's words: the model repeats ours too, and the keys that a caller pressed."""
    try:
        return preview(msgspec.json.decode(message))[:_PREVIEW]
    except (msgspec.DecodeError, RecursionError) as error:
        return f"<{type(error).__name__}>"
