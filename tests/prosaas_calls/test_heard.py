"""The stories that hear what was once done wrong: each is well as we are, and tells when its remedy is taken out."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.world import business, calls_world
from prosaas_calls import profile
from prosaas_calls.call import interruption
from prosaas_calls.call.greetings import Greetings
from prosaas_calls.call.interruption import Floor
from prosaas_calls.caller.playback import Playback
from prosaas_calls.model import events
from prosaas_calls.profile import Profile
from prosaas_calls.store import Store
from prosaas_core.outward import twilio_calls
from simulator.phone import behaviour

# What a person hears in a second takes a sixth of it here.
HASTY: dict[str, Any] = {"doubt": 0.02, "interruption": 0.4, "words": 0.3, "patience": 0.4}

Without = Callable[[pytest.MonkeyPatch], Any]


def one_cut(patch: pytest.MonkeyPatch) -> None:
    """Of what was still to be heard, the model is told of the first sentence alone."""
    interrupt = Playback.interrupt
    patch.setattr(Playback, "interrupt", lambda self: interrupt(self)[:1])


def deaf(patch: pytest.MonkeyPatch) -> None:
    """A response begins whoever speaks."""
    patch.setattr(Floor, "listening", property(lambda self: False))


def forgetful(patch: pytest.MonkeyPatch) -> None:
    """Each greeting is asked of the model."""
    patch.setattr(Greetings, "get", lambda self, key: None)


def endless(patch: pytest.MonkeyPatch) -> None:
    """The session sets no end to an answer."""
    patch.setattr(events, "_LONGEST_ANSWER", "inf")


def patient(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """However often no word is understood, the call goes on."""
    return {"unintelligible": 1000}


def unshielded(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The caller is listened to from the first moment on."""
    return {"disclosure_shield": 0.01}


def without_a_shield(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The greeting's first words are cut off as any others."""
    return {"greeting_shield": 0.01}


def hasty(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Whoever makes a sound interrupts."""
    patch.setattr(interruption, "assents", lambda words: False)
    return {"interruption": 0.0, "doubt": 0.0}


def talkative(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Nobody who spells or gives a number in groups is let finish."""
    patch.setattr(interruption, "unfinished", lambda words: False)
    patch.setattr(interruption, "asks_to_spell", lambda words: False)
    return {}


def endless_turns(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Who does not stop is not answered; a second of theirs is a sixth of one here."""
    patch.setattr(behaviour, "_LONGEST_TURN_MS", 2_000)
    return {"speech": 1000.0}


def without_keys(patch: pytest.MonkeyPatch) -> None:
    """A key is a word to the model, and no more."""
    patch.setattr(Floor, "take", lambda self: None)


def without_hours(patch: pytest.MonkeyPatch) -> None:
    """The diary alone knows when the business is open."""
    patch.setattr(Profile, "_hours", lambda self: "")


def of_one_language(patch: pytest.MonkeyPatch) -> None:
    """Nothing is said of other languages."""
    rules = profile._RULES.replace("whole sentence in another language", "")
    patch.setattr(profile, "_RULES", rules)


def trusting(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A model that says nothing is waited for."""
    return {"model_silence": 1000.0, "comfort": 1000.0}


def unattended(patch: pytest.MonkeyPatch) -> None:
    """Twilio is not told where to ask when nobody takes the transfer."""
    dial = twilio_calls.dial
    patch.setattr(twilio_calls, "dial", lambda *args: re.sub(r' action="[^"]*"', "", dial(*args)))


# Those that are played as they are elsewhere.
ELSEWHERE = [
    ("another_language", 6.0, of_one_language, "the model was not told"),
    ("backchannel", 6.0, hasty, "lost to a word of assent"),
    ("digits", 6.0, talkative, "in the middle of turn"),
    ("hello_first", 6.0, without_a_shield, "though nobody interrupted"),
    ("keys_over_speech", 6.0, without_keys, "spoke on"),
    ("model_stops", 6.0, trusting, "dead air"),
    ("noise", 6.0, endless_turns, "of noise"),
    ("opening_hours", 6.0, without_hours, "the model was not told"),
    ("transfer_busy", 6.0, unattended, "nobody took the transfer"),
]
STORIES = [
    ("unheard_answer", 6.0, one_cut, "the model believes"),
    ("impatient", 6.0, deaf, "the agent began to speak while the caller did"),
    ("greets_at_once", 3.0, forgetful, "without hearing anything"),
    ("runs_on", 12.0, endless, "without a pause"),
    ("music_on_hold", 6.0, patient, "the service did not end the call"),
    ("disclosure", 6.0, unshielded, "the caller did not hear"),
]


@pytest.mark.parametrize("taken_out", [False, True], ids=["as we are", "without"])
@pytest.mark.parametrize(("scenario", "speed", "without", "problem"), STORIES, ids=[each[0] for each in STORIES])
async def test_a_story_is_well_and_fails_without_what_keeps_it_so(
    scenario: str, speed: float, without: Without, problem: str, taken_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = without(monkeypatch) if taken_out else {}
    async with calls_world(**HASTY, **(limits or {})) as world:
        told = "השיחה נרשמת. במה אפשר לעזור?"
        world.store.known = Profile(business(disclosure=told, transfer_number=None), 7, "דוד")
        result = await world.call(scenario=scenario, speed=speed)
    if taken_out:
        assert any(problem in each for each in result["problems"]), result["problems"]
    else:
        assert result["ok"], result["problems"]


@pytest.mark.parametrize(("scenario", "speed", "without", "problem"), ELSEWHERE, ids=[each[0] for each in ELSEWHERE])
async def test_a_story_tells_when_its_remedy_is_taken_out(
    scenario: str, speed: float, without: Without, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {**HASTY, **(without(monkeypatch) or {})}
    async with calls_world(**limits) as world:
        result = await world.call(scenario=scenario, speed=speed)
    assert any(problem in each for each in result["problems"]), result["problems"]


@pytest.mark.postgres
@pytest.mark.parametrize("settle", [5.0, 0.0])
async def test_a_booking_is_made_for_who_hangs_up_at_yes_because_it_is_waited_for(
    settle: float, engine: AsyncEngine
) -> None:
    """They ring again, and ask; without the wait there is no appointment of theirs."""
    store = Store(engine, timeout=5, record_timeout=10)
    async with calls_world(store=store, settle=settle) as world:
        result = await world.call(scenario="hangs_up_at_yes", speed=6.0)
    assert result["ok"] is (settle > 0), result["problems"]
