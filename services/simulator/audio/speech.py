"""Speech-like audio: text becomes syllables of formants and noise, the same ones each time."""

import math
import random
from functools import lru_cache
from typing import Final, Literal

from simulator.audio.mulaw import FRAME_BYTES, SAMPLE_RATE, SILENCE, encode

Voice = Literal["caller", "agent"]

_PITCH: Final[dict[Voice, float]] = {"caller": 118.0, "agent": 205.0}
_VOWELS: Final = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_SYLLABLES: Final = 20
_WORD_GAP: Final = bytes([SILENCE]) * (SAMPLE_RATE * 45 // 1000)
_LETTERS_A_SYLLABLE: Final = 2


class _Resonator:
    """A two-pole filter that rings at one formant."""

    def __init__(self, frequency: float, bandwidth: float) -> None:
        radius = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
        self._b = 2 * radius * math.cos(2 * math.pi * frequency / SAMPLE_RATE)
        self._c = -radius * radius
        self._gain = 1 - radius
        self._last = self._before_last = 0.0

    def __call__(self, sample: float) -> float:
        out = self._gain * sample + self._b * self._last + self._c * self._before_last
        self._before_last, self._last = self._last, out
        return out


def _syllable(voice: Voice, number: int) -> bytes:
    rng = random.Random(f"{voice}-{number}")
    formants = [_Resonator(frequency, 60 + 40 * i) for i, frequency in enumerate(rng.choice(_VOWELS))]
    length = rng.randrange(150, 230) * SAMPLE_RATE // 1000
    consonant = rng.randrange(20, 50) * SAMPLE_RATE // 1000
    pitch, phase, samples = _PITCH[voice] * rng.uniform(0.9, 1.15), 0.0, []
    for i in range(length):
        phase += pitch * (1 - 0.12 * i / length) / SAMPLE_RATE
        pulse = 0.0
        if phase >= 1:
            phase, pulse = phase - 1, 1.0
        voiced = sum(formant(pulse) for formant in formants)
        noise = rng.uniform(-1, 1) if i < consonant else 0.0
        swell = min(1.0, i / (0.15 * length), (length - i) / (0.25 * length))
        samples.append(int(swell * (52_000 * voiced + 2_500 * noise)))
    return encode(samples)


@lru_cache(maxsize=2)
def _bank(voice: Voice) -> tuple[bytes, ...]:
    return tuple(_syllable(voice, number) for number in range(_SYLLABLES))


def warm_up() -> None:
    """Make both voices now, rather than in the middle of a call."""
    for voice in _PITCH:
        _bank(voice)


@lru_cache(maxsize=512)
def speak(text: str, voice: Voice) -> bytes:
    """Return the text as mu-law audio of whole frames, about as long as a person takes to say it."""
    bank, rng, audio = _bank(voice), random.Random(f"{voice}-{text}"), bytearray()
    for word in text.split():
        letters = sum(character.isalnum() for character in word)
        for _ in range(max(1, round(letters / _LETTERS_A_SYLLABLE))):
            audio += rng.choice(bank)
        audio += _WORD_GAP
    audio += bytes([SILENCE]) * (-len(audio) % FRAME_BYTES)
    return bytes(audio)
