"""What was said, in the order in which it was said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Speaker = Literal["customer", "ai"]


@dataclass(slots=True)
class Line:
    who: Speaker
    at_ms: int
    text: str = ""
    interrupted: bool = False
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

    def interrupted(self, item_id: str) -> None:
        """The caller did not hear all of this item."""
        line = self._lines.get(item_id)
        if line is not None:
            line.interrupted = True

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self._lines.values() if line.text)

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
