"""What the caller has heard: audio sent, marks echoed, and where an interruption falls."""

import asyncio
from collections import deque
from dataclasses import dataclass

import msgspec

from prosaas_calls.caller.audio import BYTES_PER_MS

# Often enough to truncate within a word; each mark costs as much as a frame, there and back.
MARK_EVERY_BYTES = 200 * BYTES_PER_MS


class Piece(msgspec.Struct, gc=False):
    """Audio of one item as base64, `length` bytes of it when decoded; `end` is where it ends in what was sent."""

    payload: bytes
    length: int
    item_id: str
    end: int = 0


@dataclass(slots=True)
class _Segment:
    item_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """An interruption: an item that was being heard or still to be, how much of it was heard, and of how much."""

    item_id: str
    heard_ms: int
    total_ms: int = 0

    @property
    def share(self) -> float:
        """How much of it was heard, of 1."""
        return self.heard_ms / max(1, self.total_ms)


class Playback:
    """Counts the bytes of one stream. After a clear, a new generation begins: echoes of older marks mean discarded.

    What was not heard yet is kept, so that it can be said after all when an interruption was none. `quiet` is set while
    nothing is left to be heard; `hearing` is the item that the caller has heard last.
    """

    __slots__ = (
        "_acked",
        "_generation",
        "_marked",
        "_pending",
        "_segments",
        "_sent",
        "_unheard",
        "hearing",
        "held",
        "quiet",
    )

    def __init__(self) -> None:
        self._generation = 0
        self._sent = 0
        self._marked = 0
        self._acked = 0
        self._pending: deque[tuple[str, int]] = deque()
        self._segments: deque[_Segment] = deque()
        self._unheard: deque[Piece] = deque()
        self.hearing = ""
        # Whether what the caller has still to hear waits here instead of at Twilio.
        self.held = False
        self.quiet = asyncio.Event()
        self.quiet.set()

    @property
    def holding(self) -> bool:
        """Whether there is audio of ours that the caller has not heard."""
        return self._acked < self._sent

    @property
    def heard_ms(self) -> int:
        """How much the caller has heard since the last interruption."""
        return self._acked // BYTES_PER_MS

    @property
    def held_bytes(self) -> int:
        """How much of our audio the caller has not heard yet, as far as we know."""
        return self._sent - self._acked

    def share(self, item_id: str) -> float:
        """How much of an item the caller has heard, of 1; all, where nothing of it is to be heard any more."""
        for each in self._segments:
            if each.item_id == item_id and each.end > max(each.start, self._acked):
                return max(0, self._acked - each.start) / (each.end - each.start)
        return 1.0

    def sent(self, piece: Piece) -> str | None:
        """Count audio as sent, or as waiting while it is held; returns the mark to send after it, when one is due."""
        segments = self._segments
        piece.end = end = self._sent + piece.length
        begins = not segments or segments[-1].item_id != piece.item_id
        if begins:
            segments.append(_Segment(piece.item_id, self._sent, end))
        else:
            segments[-1].end = end
        if not self.holding:
            self.quiet.clear()
        self._sent = end
        self._unheard.append(piece)
        if self.held:
            return None
        # The first words of an item have a mark of their own: who interrupts them has heard something, or nothing.
        return self.mark() if begins or end - self._marked >= MARK_EVERY_BYTES else None

    def mark(self) -> str | None:
        """A mark for everything sent so far, unless the last mark already covers it."""
        if self.held or self._marked == self._sent:
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
        while self._unheard and self._unheard[0].end <= position:
            self._unheard.popleft()
        segments = self._segments
        self.hearing = next(segment.item_id for segment in segments if segment.end >= position)
        while len(segments) > 1 and segments[0].end <= position:
            segments.popleft()
        if not self.holding:
            self.quiet.set()
        return True

    def hold(self) -> bool:
        """Keep what the caller has not heard yet to ourselves; False when there is nothing, or it is kept already."""
        if self.held or not self.holding:
            return False
        self.held = True
        self._forget_marks()
        return True

    def release(self) -> list[Piece]:
        """What was held, to be played after all, from the last place that the caller is known to have heard."""
        self.held = False
        pieces = list(self._unheard)
        self._unheard.clear()
        self._sent = self._marked = self._acked
        while self._segments and self._segments[-1].start >= self._acked:
            self._segments.pop()
        if self._segments:
            self._segments[-1].end = self._acked
        return pieces

    def interrupt(self) -> list[Cut]:
        """Forget what was not heard; tells of each item how much was, the one being heard first. Empty when all was."""
        if not self.holding:
            return []
        heard = self._acked
        cuts = [
            Cut(each.item_id, max(0, heard - each.start) // BYTES_PER_MS, (each.end - each.start) // BYTES_PER_MS)
            for each in self._segments
            if each.end > heard
        ]
        self._forget_marks()
        self._segments.clear()
        self._unheard.clear()
        self._sent = self._marked = self._acked = 0
        self.held = False
        self.quiet.set()
        return cuts

    def _forget_marks(self) -> None:
        self._generation += 1
        self._pending.clear()
