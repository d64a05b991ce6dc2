"""G.711 mu-law as tables: the telephone's one byte a sample, 8000 samples a second."""

from typing import Final

SAMPLE_RATE: Final = 8000
FRAME_MS: Final = 20
FRAME_BYTES: Final = SAMPLE_RATE * FRAME_MS // 1000
BYTES_PER_MS: Final = SAMPLE_RATE // 1000
SILENCE: Final = 0xFF

_BIAS: Final = 0x84
_CLIP: Final = 32635


def _expand(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)
    return _BIAS - magnitude if code & 0x80 else magnitude - _BIAS


def _compress(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF


TO_LINEAR: Final = tuple(_expand(code) for code in range(256))
_FROM_LINEAR: Final = bytes(_compress(sample) for sample in range(-32768, 32768))
_MAGNITUDE: Final = tuple(abs(sample) for sample in TO_LINEAR)


def encode(samples: list[int]) -> bytes:
    """Encode 16-bit linear samples."""
    return bytes([_FROM_LINEAR[max(-32768, min(32767, sample)) + 32768] for sample in samples])


def loudness(audio: bytes) -> float:
    """Return the mean absolute amplitude, judged on every fourth sample: enough to tell speech from a quiet line."""
    sampled = audio[::4]
    return sum(map(_MAGNITUDE.__getitem__, sampled)) / len(sampled) if sampled else 0.0


def milliseconds(byte_count: int) -> int:
    """Return how long that many bytes play."""
    return byte_count // BYTES_PER_MS
