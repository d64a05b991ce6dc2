"""What was said, in the order in which it was said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

Speaker = Literal["customer", "ai", "tool"]
_ROLES = {"customer": "user", "ai": "assistant", "tool": "system"}


@dataclass(slots=True)
class Line:
    number: int
    who: Speaker
    at_ms: int
    text: str = ""
    interrupted: bool = False
    # The share of it that the caller heard.
    heard: float = 1.0
    # When the last of it was spoken or heard, and how long the caller had waited for its first sound.
    until_ms: int | None = None
    wait_ms: int | None = None
    # Whether it is known what was said, if only that it was no word.
    known: bool = False

    @property
    def spoken(self) -> bool:
        """Whether somebody said something: words, or what the caller said to the end and nobody wrote down."""
        return self.who != "tool" and (bool(self.text) or self.untranscribed)

    @property
    def parts(self) -> tuple[str, str]:
        """The words as far as they were heard, and the rest."""
        return self.split(self.heard)

    def split(self, share: float) -> tuple[str, str]:
        """The words up to that share of them, and the rest."""
        if share >= 1.0:
            return self.text, ""
        words = self.text.split()
        heard = ceil(len(words) * share)
        return " ".join(words[:heard]), " ".join(words[heard:])

    @property
    def untranscribed(self) -> bool:
        return self.who == "customer" and not self.known and self.until_ms is not None

    def to_json(self) -> dict[str, Any]:
        """As the call record keeps it."""
        entry: dict[str, Any] = {"who": self.who, "text": self.text, "at_ms": self.at_ms}
        if self.until_ms is not None:
            entry["until_ms"] = self.until_ms
        if self.wait_ms is not None:
            entry["wait_ms"] = self.wait_ms
        if self.interrupted:
            entry["interrupted"] = True
        if self.untranscribed:
            entry["transcribed"] = False
        return entry


class History:
    """The transcript of one call. A line takes its place when it begins; its words may come later."""

    def __init__(self, elapsed_ms: Callable[[], int]) -> None:
        self._elapsed_ms = elapsed_ms
        self._lines: dict[str, Line] = {}
        # Which lines are not as `changes` told them last. A dict, whose steps another thread cannot come between.
        self._changed: dict[str, None] = {}

    def begin(self, item_id: str, who: Speaker) -> None:
        """Somebody starts to speak."""
        if item_id not in self._lines:
            self._lines[item_id] = Line(len(self._lines), who, self._elapsed_ms())

    def words(self, item_id: str, who: Speaker, text: str) -> None:
        """The transcript of an item has arrived."""
        self.begin(item_id, who)
        self._lines[item_id].text = text
        self._lines[item_id].known = True
        self._changed[item_id] = None

    def still(self, item_id: str) -> None:
        """The item goes on up to now: its speaker stops, or the caller has heard it thus far."""
        line = self._lines.get(item_id)
        if line is not None:
            line.until_ms = self._elapsed_ms()
            self._changed[item_id] = None

    def waited(self, item_id: str, ms: int) -> None:
        """The caller waited so long for this item's first sound."""
        self._lines[item_id].wait_ms = ms
        self._changed[item_id] = None

    def interrupted(self, item_id: str, *, heard: float) -> None:
        """The caller heard only so much of this item, as a share of it."""
        line = self._lines.get(item_id)
        if line is not None:
            line.interrupted = True
            line.heard = heard
            self._changed[item_id] = None

    def text(self, item_id: str) -> str:
        """The words of an item, as far as they are known."""
        line = self._lines.get(item_id)
        return line.text if line is not None else ""

    def heard(self, item_id: str, share: float) -> str:
        """What of an item's words the caller heard, as far as they are known; no more than that share of them."""
        line = self._lines.get(item_id)
        return line.split(min(line.heard, share))[0] if line is not None else ""

    def unheard(self, item_id: str) -> str:
        """What of an item's words the caller did not hear, as far as they are known."""
        line = self._lines.get(item_id)
        return line.parts[1] if line is not None else ""

    def last(self, who: Speaker) -> str:
        """The last words of a speaker."""
        return next((line.text for line in reversed(self._lines.values()) if line.who == who and line.text), "")

    def done(self, call_id: str, what: str) -> None:
        """A tool was called, and answered; the transcript is of words alone, but a new session has to know."""
        self._lines[call_id] = Line(len(self._lines), "tool", self._elapsed_ms(), what)

    @property
    def empty(self) -> bool:
        """Whether nobody has said or done anything yet."""
        return not any(line.text for line in self._lines.values())

    def told(self) -> Iterator[tuple[str, str]]:
        """Role and words of each line as far as it was heard: so a new session is told of them."""
        for line in self._lines.values():
            if heard := line.parts[0]:
                yield _ROLES[line.who], heard + (" (interrupted)" if line.interrupted else "")

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self._lines.values() if line.spoken)

    def to_json(self) -> list[dict[str, Any]]:
        """As the call record keeps it."""
        return [line.to_json() for line in self]

    def changes(self) -> list[tuple[int, dict[str, Any]]]:
        """The lines that are not as they were told last, each with its number; any one thread may ask.

        What turned out to be no word is told without one, for it may have been told of as not transcribed.
        """
        news = []
        while self._changed:
            item_id, _ = self._changed.popitem()
            line = self._lines[item_id]
            if line.spoken or line.who == "customer":
                news.append((line.number, line.to_json()))
        return news
