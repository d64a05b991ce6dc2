"""The caller's ear: what was really heard of each piece of the model's speech, and whether every byte was right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.audio import watermark
from simulator.audio.comfort import Comfort
from simulator.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, milliseconds
from simulator.live import Said

# A service that goes on where it stopped knows that place by its last mark.
_RESUMES_BEFORE = 1_000 * BYTES_PER_MS


@dataclass
class Heard:
    """One piece of speech as far as it was played to the caller."""

    said: Said
    heard_bytes: int = 0
    intact: bool = True
    cleared: bool = False

    @property
    def heard_ms(self) -> int:
        """How much of it was played."""
        return milliseconds(self.heard_bytes)

    @property
    def whole(self) -> bool:
        """Whether it was played to its end."""
        return self.heard_bytes >= len(self.said.audio)

    @property
    def cut_short(self) -> bool:
        """Whether some of what the model sent is missing at the end, though nobody asked to clear it."""
        return self.heard_bytes < self.said.sent_bytes and not self.cleared

    def as_note(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "text": self.said.text,
            "heard_ms": self.heard_ms,
            "sent_ms": milliseconds(self.said.sent_bytes),
            "total_ms": milliseconds(len(self.said.audio)),
            "intact": self.intact,
        }


class Ear:
    """Listens to the audio as it is played and recognises the model's speech in it."""

    def __init__(self, said: Mapping[int, Said]) -> None:
        self._said = said
        self._current: Heard | None = None
        self._held = b""
        # Speech that goes on after it was cleared: where it may have begun to, and what was heard of it since.
        self._again: tuple[int, bytearray] | None = None
        # Speech of which nobody has told us yet what it is: its number, and what was heard of it.
        self._strange: tuple[int, bytearray] | None = None
        self.heard: list[Heard] = []
        self._comfort = Comfort()
        self.comfort_bytes = self.unknown_bytes = 0

    @property
    def current(self) -> Heard | None:
        """The piece of speech that is being played, or the last one."""
        return self._current

    def _starts_over(self, said: Said) -> bool:
        """Whether this goes on with the piece that was cleared, so early that no mark tells of a later place."""
        current = self._current
        return bool(current and current.said is said and current.cleared and current.heard_bytes <= _RESUMES_BEFORE)

    def _resumed(self, current: Heard, audio: bytes) -> bool:
        """Whether this goes on with the piece that was cleared, a little before the place where it stopped."""
        start = max(0, current.heard_bytes - _RESUMES_BEFORE)
        at = current.said.audio.find(audio, start, current.heard_bytes + len(audio)) if audio else -1
        if at < 0:
            return False
        current.cleared = False
        current.heard_bytes = at
        self._again = start, bytearray()
        return True

    def _elsewhere(self, current: Heard) -> bool:
        """Whether it went on at a later place, for a pause sounds like the one before it."""
        if self._again is None:
            return False
        start, audio = self._again
        at = current.said.audio.find(audio, start)
        if at >= 0:
            current.heard_bytes = at + len(audio)
        return at >= 0

    def clear(self) -> None:
        """Take note that the rest of what is being played was dropped on demand."""
        self.pause()
        self._again = None
        if self._current:
            self._current.cleared = True

    def listen(self, audio: bytes) -> None:
        """Take in audio that was just played."""
        audio, self._held = self._held + audio, b""
        self._recall()
        while (found := watermark.find("speech", audio)) is not None:
            begins, mark = found
            self._go_on(audio[:begins])
            self._begin(mark.number)
            self._go_on(audio[begins : begins + FRAME_BYTES])
            audio = audio[begins + FRAME_BYTES :]
        # A service's own sentence need not end with a frame: the mark behind it then lies across two of them.
        certain = len(audio) - watermark.unfinished("speech", audio)
        self._go_on(audio[:certain])
        self._held = audio[certain:]

    def pause(self) -> None:
        """Nothing comes behind what was played: it was no beginning of anything."""
        held, self._held = self._held, b""
        self._recall()
        self._go_on(held)

    def end(self) -> None:
        """Nothing comes any more: speech that is strange still was nobody's."""
        self.pause()
        self._give_up()

    def _begin(self, number: int) -> None:
        self._give_up()
        self._again = None
        said = self._said.get(number)
        if said and self._starts_over(said):
            return
        self._current = Heard(said) if said else None
        if self._current:
            self.heard.append(self._current)
        else:
            self._strange = number, bytearray()

    def _recall(self) -> None:
        """Know the speech that was strange, where somebody has said meanwhile what it is."""
        if self._strange is not None and self._strange[0] in self._said:
            (number, audio), self._strange = self._strange, None
            self._begin(number)
            self._go_on(bytes(audio))

    def _give_up(self) -> None:
        if self._strange is not None:
            self.unknown_bytes += len(self._strange[1])
            self._strange = None

    def _go_on(self, audio: bytes) -> None:
        current = self._current
        if self._strange is not None:
            self._strange[1].extend(audio)
            return
        if current is None or (current.cleared and not self._resumed(current, audio)):
            self._not_the_models(audio)
            return
        if self._again is not None:
            self._again[1].extend(audio)
        end = min(current.heard_bytes + len(audio), current.said.sent_bytes)
        expected = current.said.audio[current.heard_bytes : end]
        current.heard_bytes += len(expected)
        if audio[: len(expected)] != expected:
            if self._elsewhere(current):
                return
            current.intact = False
        self._not_the_models(audio[len(expected) :])

    def _not_the_models(self, audio: bytes) -> None:
        comfort = self._comfort.take(audio)
        self.comfort_bytes += comfort
        self.unknown_bytes += len(audio) - comfort
