"""Compares what the model told the caller it had done with what its tools really did."""

from collections import Counter, deque
from typing import Any

from prosaas_calls.call.history import History
from prosaas_calls.caller.playback import Playback
from prosaas_calls.model.turns import Turns
from prosaas_calls.tools.base import Answer
from prosaas_core.facts.claims import own_deed
from prosaas_logging import get_logger
from prosaas_logging.catalogue import PROMISE_UNKEPT

log = get_logger(__name__)


class Promises:
    """Follows one call. A claim counts as kept once any tool of this call has written something.

    It is judged when the response in which it was said is over, the tools that this one called have answered, and the
    caller has heard it or never will: what was cut off before it was heard promised nothing.
    """

    def __init__(self, history: History, turns: Turns, playback: Playback) -> None:
        self._history = history
        self._turns = turns
        self._playback = playback
        self._done = False
        self._under_way = 0
        # What was said and is not judged yet.
        self._said: deque[str] = deque()
        self._refused: Counter[str] = Counter()
        self.deeds: list[dict[str, Any]] = []
        self.unkept = ""

    def begins(self) -> None:
        """A tool was called."""
        self._under_way += 1

    def done(self, tool: str, answer: Answer) -> None:
        """A tool has answered."""
        self._under_way -= 1
        if answer.refused:
            self._refused[tool] += 1
        else:
            self._refused.pop(tool, None)
        if answer.wrote is not None:
            self.deeds.append({"tool": tool, "id": answer.wrote})
        self._done = self._done or answer.wrote is not None or (tool == "remember_caller" and not answer.refused)

    def said(self, item_id: str) -> None:
        """The agent has spoken; the words are in the history."""
        self._said.append(item_id)

    def judge(self, *, at_last: bool = False) -> None:
        """Whatever nothing more comes of. The first promise without a deed is told, and kept for the record."""
        if (self._under_way or self._turns.active is not None) and not at_last:
            return
        while self._said and (at_last or self._playback.share(self._said[0]) >= 1.0):
            item_id = self._said.popleft()
            words = self._history.heard(item_id, self._playback.share(item_id))
            if not (self._done or self.unkept) and (claim := own_deed([words])):
                self.unkept = claim
                log.event(PROMISE_UNKEPT, text=self.unkept)

    def to_json(self) -> dict[str, Any]:
        """As the metrics of the call's record keep it; also how many refusals no answer of that tool made good."""
        told = {"deeds": self.deeds, "unkept": self.unkept}
        return {"unmended": self._refused.total(), **{name: value for name, value in told.items() if value}}
