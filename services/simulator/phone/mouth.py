"""What the caller puts on the line: speech when there is something to say, else the line's own quiet noise."""

import random
from base64 import b64decode, b64encode
from collections import deque
from functools import lru_cache

from simulator.audio import watermark
from simulator.audio.mulaw import FRAME_BYTES, TO_LINEAR, encode
from simulator.audio.speech import speak
from simulator.scenario import Line


@lru_cache(maxsize=4096)
def _quiet_payload(number: int, turns_spoken: int) -> str:
    return b64encode(watermark.frame("call", number, turns_spoken)).decode()


class Mouth:
    """Hands out one base64 payload per frame; quiet frames tell the call's number and how many turns are spoken."""

    def __init__(self, number: int, turns_spoken: int = 0) -> None:
        self._number = number
        self._frames: deque[str] = deque()
        self.turns_spoken = turns_spoken
        self._noise = False

    @property
    def in_words(self) -> bool:
        """Whether the caller is saying something; noise says nothing."""
        return self.speaking and not self._noise

    @property
    def speaking(self) -> bool:
        """Whether there is speech left to put on the line."""
        return bool(self._frames)

    def say(self, text: str) -> int:
        """Begin to speak the next turn; return how many milliseconds it takes."""
        self._noise = False
        audio = speak(text, "caller")
        self._frames.extend(
            b64encode(audio[at : at + FRAME_BYTES]).decode() for at in range(0, len(audio), FRAME_BYTES)
        )
        self.turns_spoken += 1
        return len(self._frames) * 20

    def sound(self, ms: int) -> int:
        """Begin a turn of noise: a street, a television."""
        self._noise = True
        noise = random.Random(ms)
        for _ in range(ms // 20):
            self._frames.append(b64encode(noise.randbytes(FRAME_BYTES)).decode())
        self.turns_spoken += 1
        return ms

    def pass_turn(self) -> None:
        """Count a turn that is not spoken: keys pressed, or silence."""
        self.turns_spoken += 1

    def next_payload(self) -> str:
        """Return the next frame."""
        return self._frames.popleft() if self._frames else _quiet_payload(self._number, self.turns_spoken)


class Echo:
    """Gives a share of what the caller hears back through their microphone, a few frames later."""

    _LATE_FRAMES = 4

    def __init__(self, share: float) -> None:
        self._share = share
        self._coming: deque[bytes] = deque([b""] * self._LATE_FRAMES)

    def heard(self, audio: bytes) -> None:
        """The caller hears a frame, or nothing."""
        if self._share:
            self._coming.append(audio)

    def mixed_into(self, payload: str) -> str:
        """Return the caller's own frame with what echoes in it."""
        audio = self._coming.popleft() if self._share and self._coming else b""
        if not audio:
            return payload
        own = b64decode(payload)
        echo = audio.ljust(len(own), b"\xff")
        mixed = [TO_LINEAR[mine] + int(self._share * TO_LINEAR[back]) for mine, back in zip(own, echo, strict=False)]
        return b64encode(encode(mixed)).decode()


class BadLine:
    """Loses, delays and repeats frames, the same ones each time for the same seed."""

    _LATE_FRAMES = 4

    def __init__(self, line: Line) -> None:
        self._line = line
        self._random = random.Random(line.seed)
        self._held: list[tuple[int, str]] = []
        self._release_in = 0

    def carry(self, frame: tuple[int, str]) -> list[tuple[int, str]]:
        """Return the frames that come out of the line at this tick."""
        line = self._line
        if line.lost and self._random.random() < line.lost:
            return []
        if line.late and not self._held and self._random.random() < line.late:
            self._release_in = self._LATE_FRAMES
        if self._release_in:
            self._release_in -= 1
            self._held.append(frame)
            return []
        frames, self._held = [*self._held, frame], []
        if line.duplicated and self._random.random() < line.duplicated:
            frames.append(frame)
        return frames
