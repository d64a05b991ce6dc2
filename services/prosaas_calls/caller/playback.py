"""What the caller has heard: audio sent, marks echoed, and where an interruption falls."""

import asyncio
from collections import deque
from dataclasses import dataclass

from prosaas_calls.caller.audio import BYTES_PER_MS

# Often enough to truncate within a word; each mark costs as much as a frame, there and back.
MARK_EVERY_BYTES = 200 * BYTES_PER_MS


@dataclass(slots=True)
class _Segment:
    item_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """An interruption: the item that was being heard, and how much of it was."""

    item_id: str
    heard_ms: int


class Playback:
    """Counts the bytes of one stream. After a clear, a new generation begins: echoes of older marks mean discarded.

    `quiet` is set while Twilio holds none of our audio; `hearing` is the item that the caller has heard last.
    """

    __slots__ = ("_acked", "_generation", "_marked", "_pending", "_segments", "_sent", "hearing", "quiet")

    def __init__(self) -> None:
        self._generation = 0
        self._sent = 0
        self._marked = 0
        self._acked = 0
        self._pending: deque[tuple[str, int]] = deque()
        self._segments: deque[_Segment] = deque()
        self.hearing = ""
        self.quiet = asyncio.Event()
        self.quiet.set()

    @property
    def holding(self) -> bool:
        """Whether Twilio still has audio of ours that it has not played."""
        return self._acked < self._sent

    @property
    def heard_ms(self) -> int:
        """How much the caller has heard since the last interruption."""
        return self._acked // BYTES_PER_MS

    @property
    def held_bytes(self) -> int:
        """How much of our audio Twilio has not played yet, as far as we know."""
        return self._sent - self._acked

    def sent(self, item_id: str, length: int) -> str | None:
        """Count audio as sent; returns the mark to send after it, when one is due."""
        segments = self._segments
        end = self._sent + length
        if segments and segments[-1].item_id == item_id:
            segments[-1].end = end
        else:
            segments.append(_Segment(item_id, self._sent, end))
        self._sent = end
        self.quiet.clear()
        return self.mark() if end - self._marked >= MARK_EVERY_BYTES else None

    def mark(self) -> str | None:
        """A mark for everything sent so far, unless the last mark already covers it."""
        if self._marked == self._sent:
            return None
        self._marked = self._sent
        name = f"{self._generation}.{self._sent}"
        self._pending.append((name, self._sent))
        return name

    def echoed(self, name: str) -> bool:
        """Take a mark's echo; False when it is unknown or belongs to an older generation."""
        pending = self._pending
        if not any(name == known for known, _ in pending):
            return False
        while pending:
            known, position = pending.popleft()
            if known == name:
                break
        self._acked = position
        segments = self._segments
        self.hearing = next(segment.item_id for segment in segments if segment.end >= position)
        while len(segments) > 1 and segments[0].end <= position:
            segments.popleft()
        if not self.holding:
            self.quiet.set()
        return True

    def interrupt(self) -> Cut | None:
        """Begin a new generation; tells what was being heard, or None when Twilio holds nothing."""
        if not self.holding:
            return None
        heard = self._acked
        current = next(segment for segment in self._segments if segment.end > heard)
        cut = Cut(current.item_id, max(0, heard - current.start) // BYTES_PER_MS)
        self._generation += 1
        self._pending.clear()
        self._segments.clear()
        self._sent = self._marked = self._acked = 0
        self.quiet.set()
        return cut
