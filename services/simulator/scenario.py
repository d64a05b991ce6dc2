"""Scenarios: what a caller and the scripted model say and do, read from YAML files that anyone can add to."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from simulator.records import RecordError, build

SHIPPED: Final = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario that cannot be found or understood; the message says where and what would be right."""


@dataclass(frozen=True)
class ToolCall:
    """One function the model calls; `say` is spoken in the same response, before the call.

    `raw` is sent in place of arguments, however little JSON it is; `result` is what the answer has to contain.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    say: str = ""
    raw: str | None = None
    result: str = ""


@dataclass(frozen=True)
class Turn:
    """What the caller does next, and the model's answer to it."""

    caller: str = ""
    dtmf: str = ""
    agent: str = ""
    agent_when: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[ToolCall, ...] = ()
    barge_in_ms: int | None = None
    pause_ms: int = 700
    needs_answer: bool = True
    # Spoken over the agent without wanting the floor; not yet the end of what the caller has to say; no words at all.
    backchannel: bool = False
    goes_on: bool = False
    noise_ms: int = 0
    transcript: Literal["before", "after", "failed", "never"] = "before"

    @property
    def wants_answer(self) -> bool:
        """Whether the caller waits for something to be said to this."""
        return self.needs_answer and not self.backchannel and not self.goes_on


@dataclass(frozen=True)
class Line:
    """How bad the telephone line is: the share of frames lost, late or sent twice, and its echo."""

    # Whether Twilio gets through to the service's media stream at all.
    opens: bool = True
    # What Twilio takes for it, from the answer that names the stream.
    opens_after_ms: int = 0
    lost: float = 0.0
    late: float = 0.0
    duplicated: float = 0.0
    seed: int = 1
    # The share of what the caller hears that comes back through their own microphone: a speaker phone.
    echo: float = 0.0


@dataclass(frozen=True)
class Model:
    """How the scripted model behaves; `close_at_turn` closes its socket in the middle of that turn's answer."""

    # From being asked for a response to beginning it, and from there to its first sound.
    begin_ms: int = 0
    think_ms: int = 350
    generation_speed: float = 6.0
    close_at_turn: int | None = None
    close_code: int = 1011
    close_times: int = 1
    error_at_turn: int | None = None
    error_code: str = "server_error"
    error_times: int = 1
    # What a rate limit says of when to come again.
    error_hint_ms: int | None = None
    # A response without a word, complete or stopped by a filter; and one that stops in the middle and is never done.
    empty_at_turn: int | None = None
    empty_times: int = 1
    empty_status: Literal["completed", "incomplete"] = "completed"
    stops_at_turn: int | None = None
    silent_from_turn: int | None = None
    # The response to this turn is stopped by its limit in the middle of a function call, once.
    cuts_tool_at_turn: int | None = None
    # The answer to this turn is said over and over for minutes, unless the session sets an end to it.
    runs_on_at_turn: int | None = None


@dataclass(frozen=True)
class Ending:
    """Who ends the call, and how: a hang-up with `stop`, a close without it, or a connection that just vanishes."""

    by: Literal["caller", "service"] = "caller"
    how: Literal["stop", "close", "abort"] = "stop"
    after_ms: int = 500
    barge_in_ms: int | None = None
    # Hang up as soon as the model has called this function for the last turn.
    tool: str = ""


@dataclass(frozen=True)
class Dialled:
    """What becomes of a call that is transferred: who takes it, after so much ringing."""

    outcome: Literal["answered", "busy", "no-answer", "failed", "machine", "forwarded"] = "answered"
    after_ms: int = 2_000


@dataclass(frozen=True)
class Expect:
    """What must be true in the end for the call to count as fine, beyond what every call must do."""

    verbs: tuple[str, ...] | None = None
    all_answered: bool = True
    promises_kept: bool = True
    unknown_audio: bool = False
    # Whether every sentence has to be heard to its end: nobody in the story interrupts.
    heard_whole: bool = False
    # What the caller has to have heard, each in a sentence that was played to its end.
    heard: tuple[str, ...] = ()
    # For how long the agent may speak without a pause.
    monologue_ms: int = 90_000
    # Whether the business has to have had a text message about this caller.
    business_told: bool = False
    # What the service has to have told the model in its instructions, once the caller speaks.
    instructed: tuple[str, ...] = ()
    # A service's own time does not shrink with the call's speed: this is real time, however fast the call goes.
    silence_ms: int = 4_000


@dataclass(frozen=True)
class Scenario:
    """One phone call as a story."""

    name: str
    description: str
    greeting: str
    turns: tuple[Turn, ...] = ()
    repeat: int = 1
    filler: str = "אני כאן. במה עוד אפשר לעזור?"
    unclear: str = "סליחה, לא שמעתי טוב. אפשר לחזור על זה?"
    # The caller's, in place of the one that the call was ordered with: "anonymous" hides it.
    from_number: str = ""
    patience_ms: int = 8_000
    max_ms: int = 3_600_000
    day: int = 1
    day_spread: int = 1
    line: Line = Line()
    model: Model = Model()
    ending: Ending = Ending()
    dialled: Dialled = Dialled()
    expect: Expect = Expect()
    # The same caller's next call, which begins when this one is over; what it does not say is as in this one.
    again: "Scenario | None" = None

    @property
    def all_turns(self) -> tuple[Turn, ...]:
        """The turns, repeated as often as the scenario says."""
        return self.turns * self.repeat


class Library:
    """The scenarios in some folders; a later folder's file hides an earlier one of the same name."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders or (SHIPPED,)

    def names(self) -> list[str]:
        """Return the names of all scenarios, sorted."""
        return sorted({path.stem for folder in self._folders for path in folder.glob("*.yaml")})

    def load(self, name: str, overrides: Mapping[str, Any] | None = None) -> Scenario:
        """Return the scenario of this name, with `overrides` laid over what its file says."""
        for folder in reversed(self._folders):
            if name in {path.stem for path in folder.glob("*.yaml")}:
                return parse(name, (folder / f"{name}.yaml").read_text(encoding="utf-8"), overrides)
        if near := difflib.get_close_matches(name, self.names(), n=1):
            raise ScenarioError(f"no scenario {name!r}. Did you mean {near[0]}?")
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(self.names())}")


def parse(name: str, text: str, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Return the scenario that this YAML text describes."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"scenario {name!r} is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ScenarioError(f"scenario {name!r} must be a mapping, see scenarios/README.md")
    whole = _merge({"name": name, **data}, overrides or {})
    next_call = whole.pop("again", None)
    if next_call is not None:
        whole["again"] = _merge(whole, next_call) if isinstance(next_call, dict) else next_call
    try:
        return build(Scenario, whole)
    except RecordError as error:
        raise ScenarioError(f"scenario {name!r}: {error}") from error


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged
