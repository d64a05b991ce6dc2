"""Mu-law at 8 kHz: eight bytes a millisecond, silence, loudness, and the holes in what arrives."""

from binascii import b2a_base64
from math import isqrt

from prosaas_logging import watched

BYTES_PER_MS = 8
MAX_PADDING_MS = 10_000
# While nobody reads along, a flight recorder gets one frame in so many: then it remembers minutes instead of seconds.
_RECORD_EVERY = 25
SILENCE = b"\xff"
_LATE_FRAMES_TO_RESYNC = 50


def _magnitude(code: int) -> int:
    """Linear magnitude of one mu-law byte (G.711), 0 to 32124."""
    inverted = ~code & 0x7F
    return (((inverted & 0x0F) << 3) + 0x84 << (inverted >> 4)) - 0x84


_SQUARES = tuple(_magnitude(code) ** 2 for code in range(256))


def rms(samples: bytes) -> int:
    """Loudness, measured on every eighth sample: a meter, not an instrument, and paid for 50 times a second a call."""
    picked = samples[::8]
    return isqrt(sum([_SQUARES[code] for code in picked]) // len(picked)) if picked else 0


def encode(samples: bytes) -> bytes:
    """Base64 as both protocols want it."""
    return b2a_base64(samples, newline=False)


def silence(ms: int) -> bytes:
    """So much silence, as base64."""
    return encode(SILENCE * (ms * BYTES_PER_MS))


class Sampling:
    """Which frames of a stream a log is told of: all while somebody reads along, which one in so many looks at."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 1

    def takes(self, number: int) -> bool:
        """Whether to tell of the frame of this number."""
        if number < self._next:
            return False
        if watched():
            self._next = number
            return True
        past = number % _RECORD_EVERY
        self._next = number - past + _RECORD_EVERY
        return past == 0


class InboundClock:
    """Follows Twilio's time stamps to tell lost, late and repeated frames from ordinary ones.

    A second of nothing but late frames means that the clock was wrong, not the frames.
    """

    __slots__ = ("_expected", "_late")

    def __init__(self) -> None:
        self._expected: int | None = None
        self._late = 0

    def gap(self, timestamp: int, length: int) -> int:
        """Milliseconds missing before this frame; negative when the frame is late or repeated."""
        expected = self._expected
        end = timestamp + length // BYTES_PER_MS
        if expected is None:
            self._expected = end
            return 0
        if end <= expected:
            self._late += 1
            if self._late < _LATE_FRAMES_TO_RESYNC:
                return -1
            expected = timestamp
        self._late = 0
        self._expected = end
        missing = timestamp - expected
        return min(missing, MAX_PADDING_MS) if missing > 0 else 0
