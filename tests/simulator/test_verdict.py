"""What a finished call amounts to."""

from types import SimpleNamespace
from typing import Any

import pytest

from simulator import verdict
from simulator.live import Note, Registry
from simulator.phone.ear import Ear
from simulator.phone.line import COUNTED
from simulator.scenario import parse

STORY = parse(
    "x", "description: d\ngreeting: g\npatience_ms: 2000\nexpect: {all_answered: false, unknown_audio: true}\n"
)


def line(ear: Ear) -> Any:
    behaviour = SimpleNamespace(
        turns_done=0, spoken_over=[], interrupted=[], longest_monologue_ms=0, longest_silence_ms=0, answer_ms=[]
    )
    return SimpleNamespace(
        ear=ear, behaviour=behaviour, over_caller_ms=0, warnings=[], counts=dict.fromkeys(COUNTED, 0)
    )


@pytest.mark.parametrize(
    ("unknown_bytes", "recognised", "ended_by", "spoke"),
    [
        # A model that is not of this process speaks in a voice that nobody here can know.
        (800, False, "caller", True),
        # Where ours is spoken to, what it did not say is the service's own word of comfort.
        (800, True, "caller", False),
        (0, False, "caller", False),
        # Whoever was hung up on, or put through, has not waited for her.
        (0, True, "service", True),
    ],
)
def test_who_heard_nothing_of_the_agent_says_so(
    unknown_bytes: int, recognised: bool, ended_by: str, spoke: bool
) -> None:
    notes: list[Note] = []
    live, ear = Registry().open(STORY, speed=1.0, listener=notes.append), Ear({})
    ear.unknown_bytes, live.recognised = unknown_bytes, recognised
    told = verdict.reach(live, [line(ear)], ended_by=ended_by, verbs=["Connect"])
    assert ("the agent never spoke" in told["problems"]) is not spoke
