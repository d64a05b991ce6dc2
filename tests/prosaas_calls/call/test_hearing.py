"""How the model is told to listen, and what a business's own settings of it are to its callers."""

from typing import Any

import pytest

from calls_world.waiting import until
from calls_world.world import ENVIRON, business, calls_world
from prosaas_calls.call.hearing import Hearing
from prosaas_calls.profile import Profile
from prosaas_core.settings import load_settings

SETTINGS = load_settings({**ENVIRON, "OPENAI_NOISE_REDUCTION": "near_field", "OPENAI_VAD_SILENCE_MS": "700"})
THINKS = [
    {"caller": "שלום, אני רוצה לקבוע תור", "goes_on": True},
    {"caller": "ליום שלישי בבוקר", "pause_ms": 900, "agent": "בשמחה, באיזו שעה?"},
]


def test_the_settings_hold_for_a_business_that_says_nothing() -> None:
    hearing = Hearing.of(SETTINGS, business(hearing={}))
    assert hearing == Hearing.of(SETTINGS, None)
    assert hearing.noise_reduction == "near_field"
    assert (hearing.detection["type"], hearing.detection["silence_duration_ms"]) == ("server_vad", 700)
    assert hearing.detection["threshold"] == SETTINGS.openai_vad_threshold


def test_what_a_business_says_goes_over_the_settings_and_the_rest_of_them_holds() -> None:
    """A workshop is louder than an office, and its callers are let finish for longer."""
    own = {"noise_reduction": "off", "threshold": 0.8, "silence_ms": 1200}
    hearing = Hearing.of(SETTINGS, business(hearing=own))
    assert hearing.noise_reduction is None
    assert (hearing.detection["threshold"], hearing.detection["silence_duration_ms"]) == (0.8, 1200)
    semantic = Hearing.of(SETTINGS, business(hearing={"turn_detection": "semantic_vad"}))
    assert semantic.detection == {"type": "semantic_vad", "create_response": False, "interrupt_response": False}


@pytest.mark.parametrize(("hearing", "talked_into"), [({}, True), ({"silence_ms": 1300}, False)])
async def test_a_business_whose_callers_think_in_the_middle_of_a_sentence_lets_them_finish(
    hearing: dict[str, Any], talked_into: bool
) -> None:
    """Of two callers who pause for nine tenths of a second, who rang the other business is answered in the pause."""
    async with calls_world() as world:
        world.store.known = Profile(business(hearing=hearing), 7, "דוד")
        result = await world.call({"turns": THINKS}, speed=6.0)
        await until(lambda: world.store.records)

    assert any("in the middle" in problem for problem in result["problems"]) is talked_into, result["problems"]
