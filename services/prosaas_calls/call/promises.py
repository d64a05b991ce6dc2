"""Compares what the model told the caller it had done with what its tools really did."""

from collections import Counter
from typing import Any

from prosaas_calls.tools.base import Answer
from prosaas_core.facts.claims import own_deed
from prosaas_logging import get_logger
from prosaas_logging.catalogue import PROMISE_UNKEPT

log = get_logger(__name__)


class Promises:
    """Follows one call. A claim counts as kept once any tool of this call has written something.

    It is judged when the response in which it was said is over, and the tools that this one called have answered.
    """

    def __init__(self) -> None:
        self._done = False
        self._under_way = 0
        self._claim = ""
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

    def said(self, words: str) -> None:
        """The agent has spoken."""
        if not (self._done or self._claim or self.unkept):
            self._claim = own_deed([words])

    def judge(self, *, at_last: bool = False) -> None:
        """Nothing more comes of what was said. The first promise without a deed is told, and kept for the record."""
        if not self._claim or (self._under_way and not at_last):
            return
        if not self._done:
            self.unkept = self._claim
            log.event(PROMISE_UNKEPT, text=self.unkept)
        self._claim = ""

    def to_json(self) -> dict[str, Any]:
        """As the metrics of the call's record keep it; also how many refusals no answer of that tool made good."""
        told = {"deeds": self.deeds, "unkept": self.unkept}
        return {"unmended": self._refused.total(), **{name: value for name, value in told.items() if value}}
