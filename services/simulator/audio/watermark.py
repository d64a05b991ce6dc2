"""Quiet frames that carry a number, so that either end of a call recognises audio by the audio itself.

The line's noise is where the number hides: amplitudes of 0 and 8 out of 32768, far below any voice. A service that
passes audio on needs to know nothing about it, and any single frame that arrives is enough.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from simulator.audio.mulaw import FRAME_BYTES, SILENCE

_ZERO: Final = SILENCE
_ONE: Final = 0xFE
_FROM_BITS: Final = bytes.maketrans(b"01", bytes([_ZERO, _ONE]))
_TO_BITS: Final = bytes.maketrans(bytes([_ZERO, _ONE]), b"01")
_NUMBER_BITS: Final = 32
_COUNT_BITS: Final = 16
_CHECK_BITS: Final = 16


def _bits(value: int, width: int) -> bytes:
    return f"{value:0{width}b}".encode().translate(_FROM_BITS)


_MAGIC: Final = {"call": _bits(0xB5A3C96D, 32), "speech": _bits(0xD2E4A75B, 32)}
_LENGTH: Final = 32 + _NUMBER_BITS + _COUNT_BITS + _CHECK_BITS


@dataclass(frozen=True)
class Mark:
    """What one frame says: the number of a call or of a piece of speech, and a count."""

    number: int
    count: int


def _check(number: int, count: int) -> int:
    return zlib.crc32(f"{number}.{count}".encode()) & 0xFFFF


@lru_cache(maxsize=4096)
def frame(kind: str, number: int, count: int = 0) -> bytes:
    """Return a quiet frame that says `number` and `count`; kind is "call" (the caller's) or "speech" (the model's)."""
    body = _bits(number, _NUMBER_BITS) + _bits(count, _COUNT_BITS) + _bits(_check(number, count), _CHECK_BITS)
    return (_MAGIC[kind] + body).ljust(FRAME_BYTES, bytes([SILENCE]))


def find(kind: str, audio: bytes, start: int = 0) -> tuple[int, Mark] | None:
    """Return the position and the content of the first intact mark of this kind."""
    at = audio.find(_MAGIC[kind], start)
    while at >= 0:
        bits = audio[at + 32 : at + _LENGTH].translate(_TO_BITS)
        if len(bits) == _LENGTH - 32 and not bits.strip(b"01"):
            number, rest = int(bits[:_NUMBER_BITS], 2), bits[_NUMBER_BITS:]
            count, check = int(rest[:_COUNT_BITS], 2), int(rest[_COUNT_BITS:], 2)
            if check == _check(number, count):
                return at, Mark(number, count)
        at = audio.find(_MAGIC[kind], at + 1)
    return None


def unfinished(kind: str, audio: bytes) -> int:
    """How many bytes at the end of the audio may be the beginning of a mark whose rest is still to come."""
    magic = _MAGIC[kind]
    begun = audio.rfind(magic, max(0, len(audio) - _LENGTH + 1))
    if begun >= 0:
        return len(audio) - begun
    return next((length for length in range(len(magic) - 1, 0, -1) if audio.endswith(magic[:length])), 0)
