"""What was said, in the order in which it was said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

Speaker = Literal["customer", "ai", "tool"]
_ROLES = {"customer": "user", "ai": "assistant", "tool": "system"}


@dataclass(slots=True)
class Line:
    who: Speaker
    at_ms: int
    text: str = ""
    interrupted: bool = False
    # The share of it that the caller heard.
    heard: float = 1.0
    # When the last of it was spoken or heard, and how long the caller had waited for its first sound.
    until_ms: int | None = None
    wait_ms: int | None = None


class History:
    """The transcript of one call. A line takes its place when it begins; its words may come later."""

    def __init__(self, elapsed_ms: Callable[[], int]) -> None:
        self._elapsed_ms = elapsed_ms
        self._lines: dict[str, Line] = {}

    def begin(self, item_id: str, who: Speaker) -> None:
        """Somebody starts to speak."""
        if item_id not in self._lines:
            self._lines[item_id] = Line(who, self._elapsed_ms())

    def words(self, item_id: str, who: Speaker, text: str) -> None:
        """The transcript of an item has arrived."""
        self.begin(item_id, who)
        self._lines[item_id].text = text

    def still(self, item_id: str) -> None:
        """The item goes on up to now: its speaker stops, or the caller has heard it thus far."""
        line = self._lines.get(item_id)
        if line is not None:
            line.until_ms = self._elapsed_ms()

    def waited(self, item_id: str, ms: int) -> None:
        """The caller waited so long for this item's first sound."""
        self._lines[item_id].wait_ms = ms

    def interrupted(self, item_id: str, *, heard: float) -> None:
        """The caller heard only so much of this item, as a share of it."""
        line = self._lines.get(item_id)
        if line is not None:
            line.interrupted = True
            line.heard = heard

    def text(self, item_id: str) -> str:
        """The words of an item, as far as they are known."""
        line = self._lines.get(item_id)
        return line.text if line is not None else ""

    def last(self, who: Speaker) -> str:
        """The last words of a speaker."""
        return next((line.text for line in reversed(self._lines.values()) if line.who == who and line.text), "")

    def done(self, call_id: str, what: str) -> None:
        """A tool was called, and answered; the transcript is of words alone, but a new session has to know."""
        self._lines[call_id] = Line("tool", self._elapsed_ms(), what)

    @property
    def empty(self) -> bool:
        """Whether nobody has said or done anything yet."""
        return not any(line.text for line in self._lines.values())

    def told(self) -> Iterator[tuple[str, str]]:
        """Role and words of each line as far as it was heard: so a new session is told of them."""
        for line in self._lines.values():
            words = line.text.split() if line.heard < 1.0 else [line.text]
            heard = " ".join(words[: ceil(len(words) * line.heard)])
            if heard:
                yield _ROLES[line.who], heard + (" (interrupted)" if line.interrupted else "")

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self._lines.values() if line.text and line.who != "tool")

    def to_json(self) -> list[dict[str, Any]]:
        """As the call record keeps it."""
        lines: list[dict[str, Any]] = []
        for line in self:
            entry: dict[str, Any] = {"who": line.who, "text": line.text, "at_ms": line.at_ms}
            if line.until_ms is not None:
                entry["until_ms"] = line.until_ms
            if line.wait_ms is not None:
                entry["wait_ms"] = line.wait_ms
            if line.interrupted:
                entry["interrupted"] = True
            lines.append(entry)
        return lines
