"""What the scripted model says next: a scenario's story, wherever in it the conversation stands."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.days import business_day, fill, first_time, words
from simulator.scenario import Scenario, ToolCall, Turn

_DICTATED: Final = re.compile(r"exactly[^:]*:\s*(.+)", re.IGNORECASE | re.DOTALL)


# What an agent says that it has done, and what the result of the tool that does it says.
_CLAIMS: Final = {"קבעתי": "נקבע", "ביטלתי": "בוטל", "העברתי לשעה": "הועבר"}


@dataclass(frozen=True)
class Reply:
    """One response of the model: something spoken, a function call, or first one and then the other."""

    text: str = ""
    tool: str = ""
    arguments: str = ""
    turn: int = 0
    # Whether the service told the model what to say, word by word: then it may keep the sound and play it again.
    dictated: bool = False
    # What the answer to the function call has to contain.
    expected: str = ""


class Script:
    """The model's side of one call; it outlives a session, so a renewed session goes on where the old one stopped."""

    def __init__(self, scenario: Scenario, number: int = 0) -> None:
        self.scenario = scenario
        self.turns = scenario.all_turns
        self.heard_turns = 0
        # Whether the caller is in the middle of what they have to say.
        self.mid_sentence = False
        self._known = words(business_day(scenario.day + number % scenario.day_spread)) | {"free": "14:00"}
        self._outputs = self._all_outputs = ""
        # The function that was called last, and what its answer has to contain.
        self._called = ("", "")
        self._greeted = False
        self._waiting: deque[ToolCall | Turn | Reply | str] = deque()

    @property
    def busy(self) -> bool:
        """Whether the model still has something to say or do about what it heard."""
        return bool(self._waiting)

    def hear(self, turns_spoken: int) -> str:
        """Take in that the caller's speech ended, `turns_spoken` turns into the story; return its transcript."""
        new = turns_spoken > self.heard_turns
        self._greeted = True
        if new and turns_spoken <= len(self.turns) and self.turns[turns_spoken - 1].backchannel:
            self.heard_turns = turns_spoken
            return str(self.fill(self.turns[turns_spoken - 1].caller))
        if not new and self.scenario.line.echo:
            # The model hears itself, and makes nothing of it.
            return ""
        self._waiting.clear()
        if not new or turns_spoken > len(self.turns):
            self._waiting.append(self.scenario.unclear)
            return ""
        self.heard_turns = turns_spoken
        turn = self.turns[turns_spoken - 1]
        self.mid_sentence = turn.goes_on
        if turn.goes_on:
            return str(self.fill(turn.caller))
        self._waiting.extend(turn.tools)
        self._waiting.append(turn)
        self._outputs = ""
        return str(self.fill(turn.caller))

    def read_keys(self) -> None:
        """Take in that the caller pressed keys, which reach the model as text; they count only as a turn of keys."""
        following = self.turns[self.heard_turns : self.heard_turns + 1]
        if following and following[0].dtmf:
            self.hear(self.heard_turns + 1)

    def tool_output(self, output: str) -> str:
        """Take in a tool's result; return what is wrong with it, or "".

        `{free}` is the first time of day that it mentions, `{asked}` the hour that the last call of a tool named.
        """
        (tool, expected), self._called = self._called, ("", "")
        self._outputs += output
        self._all_outputs += output
        if free := first_time(output):
            self._known["free"] = free
        return "" if expected in output else f"{tool} answered {output!r}, expected {expected!r} in it"

    def wind_up(self) -> None:
        """The caller has one thing more to say, after what they may be saying now, and no more than that."""
        self.turns = self.turns[: self.heard_turns + 2]

    def recall(self, earlier: "Script") -> None:
        """Know the dates and times of the same caller's earlier call."""
        self._known = dict(earlier._known)

    def call_tool(self, reply: Reply) -> None:
        """Take in that the reply's function was called, whole."""
        self._called = (reply.tool, reply.expected)

    def next_reply(self, instructions: str | None = None) -> Reply:
        """Return the next response; its own instructions may dictate the words ("say exactly: …")."""
        if dictated := _DICTATED.search(instructions or ""):
            self._greeted = True
            return Reply(dictated.group(1).strip(' "“”'), turn=self.heard_turns, dictated=True)
        if not self._waiting:
            text = self.scenario.filler if self._greeted else self.scenario.greeting
            self._greeted = True
            return Reply(self.fill(text), turn=self.heard_turns)
        planned = self._waiting.popleft()
        if isinstance(planned, Reply):
            return planned
        if isinstance(planned, ToolCall):
            arguments = self.fill(planned.arguments)
            if "time" in arguments:
                self._known["asked"] = arguments["time"]
            written = json.dumps(arguments, ensure_ascii=False) if planned.raw is None else planned.raw
            expected = str(self.fill(planned.result))
            return Reply(self.fill(planned.say), planned.name, written, self.heard_turns, expected=expected)
        text = planned if isinstance(planned, str) else self._answer(planned)
        return Reply(self.fill(text), turn=self.heard_turns)

    def unkept(self, words: str) -> str:
        """What these words claim to have done though no tool's result in this call says so; empty where none does."""
        return next((claim for claim, done in _CLAIMS.items() if claim in words and done not in self._all_outputs), "")

    def unsaid(self, reply: Reply) -> None:
        """Take back a reply that the caller did not get to hear; it comes first when the model is asked again."""
        self._waiting.appendleft(reply)

    def fill(self, value: Any) -> Any:
        """Return the value with the dates and times of this call in place of their placeholders."""
        return fill(value, self._known)

    def _answer(self, turn: Turn) -> str:
        return _first_match(turn.agent_when, self._outputs) or turn.agent


def _first_match(choices: Mapping[str, str], text: str) -> str | None:
    return next((choice for part, choice in choices.items() if part in text), None)
