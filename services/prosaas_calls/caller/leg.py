"""Listens to the caller: voice, keys, marks and the end of the stream, as Twilio sends them."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from prosaas_calls.caller import media_stream
from prosaas_calls.caller.audio import InboundClock, Sampling, encode, rms, silence
from prosaas_calls.caller.keypad import Keypad
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.caller.media_stream import Dtmf, MalformedMessage, Mark, Media, Stop
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.sockets import TextSocket, shown
from prosaas_calls.stats import CallStats
from prosaas_logging import get_logger
from prosaas_logging.catalogue import MARK, MEDIA_IN, MEDIA_MALFORMED, RMS

log = get_logger(__name__)

# A tenth of a second; louder than a quiet line, softer than a voice (of 32,124).
_RECENT_FRAMES = 5
_LOUD = 500


class CallerLeg:
    """The caller's side of one call, reading. What is said back goes through the line."""

    __slots__ = (
        "_clock",
        "_hear",
        "_heard",
        "_key_pressed",
        "_keypad",
        "_line",
        "_malformed_left",
        "_recent",
        "_sampling",
        "_socket",
        "_stats",
        "last_frame_at",
    )

    def __init__(
        self,
        socket: TextSocket,
        line: CallerLine,
        keypad: Keypad,
        stats: CallStats,
        *,
        hear: Callable[[bytes], None],
        heard: Callable[[str], None],
        malformed_limit: int,
        key_pressed: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._line = line
        self._keypad = keypad
        self._stats = stats
        self._hear = hear
        self._heard = heard
        self._key_pressed = key_pressed
        self._malformed_left = malformed_limit
        self._clock = InboundClock()
        self._sampling = Sampling()
        self._recent: deque[bytes] = deque(maxlen=_RECENT_FRAMES)
        self.last_frame_at = monotonic()

    def loud(self) -> bool:
        """Whether the caller could be heard within the last tenth of a second."""
        return any(rms(samples) >= _LOUD for samples in self._recent)

    async def listen(self) -> None:
        """Listen until the stream is over, which CallEnded then says."""
        await self._socket.read(self._take)
        if self._socket.violation:
            log.event(MEDIA_MALFORMED, error=shown(self._socket.violation))
            raise CallEnded(EndReason.PROTOCOL_ERROR)
        # A hang-up may be a close, or a broken connection, without a stop before it.
        raise CallEnded(self._line.parting)

    def _take(self, data: bytes) -> None:
        try:
            message = media_stream.decode(data)
            if type(message) is Media:
                self._media(message)
                return
        except MalformedMessage as error:
            self._malformed(str(error))
            return
        match message:
            case Mark():
                self._mark(message.mark.name)
            case Dtmf():
                if self._keypad.press(message.dtmf.digit):
                    self._key_pressed()
            case Stop():
                raise CallEnded(self._line.parting)

    def _media(self, message: Media) -> None:
        media = message.media
        if media.track == "outbound":
            return
        samples = media.payload
        self.last_frame_at = monotonic()
        missing = self._clock.gap(media.milliseconds(), len(samples))
        if missing < 0:
            return
        if missing:
            # Silence in place of what was lost: the model's voice detection has to see the turn end.
            self._hear(silence(missing))
        self._hear(encode(samples))
        self._recent.append(samples)
        self._stats.frames_in += 1
        if log.tracing and self._sampling.takes(self._stats.frames_in):
            log.event(MEDIA_IN, seq=self._stats.frames_in, bytes=len(samples))
            log.event(RMS, rms=rms(samples))

    def _mark(self, name: str) -> None:
        played = self._line.playback.echoed(name)
        if played:
            self._heard(self._line.playback.hearing)
        if log.tracing:
            log.event(MARK, name=name, action="played" if played else "discarded")

    def _malformed(self, error: str) -> None:
        log.event(MEDIA_MALFORMED, error=error)
        self._malformed_left -= 1
        if self._malformed_left <= 0:
            raise CallEnded(EndReason.PROTOCOL_ERROR)
