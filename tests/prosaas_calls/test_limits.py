"""Bounds that have to fit into one another, and those that a page promises."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from calls_world.world import ENVIRON
from prosaas_calls.caller.audio import BYTES_PER_MS
from prosaas_calls.limits import Limits
from prosaas_calls.model import leg, spare
from prosaas_calls.prompts import PromptName, prompt
from prosaas_core.outward.twilio_calls import POLICY
from prosaas_core.settings import load_settings

# docker-compose.yml waits so long, besides DRAIN_SECONDS, before it kills.
GRACE_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


def told(file: str, words: str) -> float:
    """The number that a file has in the place of the dots."""
    found = re.search(words.replace("…", r"([\d.]+)"), " ".join((ROOT / file).read_text(encoding="utf-8").split()))
    assert found is not None, words
    return float(found[1])


def test_bounds_that_the_page_on_architecture_tells_are_the_calls_own() -> None:
    page, limits = "docs/architecture.md", Limits()
    assert told(page, "makes her fall silent after … ms") == limits.doubt * 1000
    assert told(page, "Who speaks on for … s,") == limits.interruption
    assert told(page, r"\(a disk is given … s\)") == limits.note
    assert limits.watch == 1.0, "the watchdog looks once a second"


def test_nobody_waits_in_silence_for_three_seconds() -> None:
    """Not before a word of comfort; and a database that is away costs no first sound that would be an alert."""
    limits = Limits()
    assert limits.comfort + limits.comfort_look < 3.0
    assert limits.database < told("deploy/monitoring/rules.yml", r"first_audio_seconds_bucket\[5m\]\)\)\) > …")


@pytest.mark.parametrize("part", ["prompt", "prompt_grace", "settle", "hang_up", "note", "record", "spool"])
def test_a_farewell_waits_for_each_of_its_parts(part: str) -> None:
    """The sentence, its echo, the hang-up, the database and then the disk."""
    limits = Limits()
    longer = replace(limits, **{part: getattr(limits, part) + 5.0})
    assert longer.farewell == limits.farewell + 5.0


@pytest.mark.parametrize("part", ["note", "spool", "goodbye"])
def test_who_is_cut_off_is_given_each_of_what_is_left(part: str) -> None:
    limits = Limits()
    assert replace(limits, **{part: getattr(limits, part) + 5.0}).cut_off == limits.cut_off + 5.0


def test_all_is_over_before_the_engine_kills() -> None:
    """The farewell, and for who is cut off even then the disk and the close."""
    limits = Limits()
    assert limits.farewell + limits.cut_off < GRACE_SECONDS


def test_without_a_setting_the_bounds_are_the_settings_own() -> None:
    """A limit that two places name is one."""
    assert Limits.from_settings(load_settings(ENVIRON)) == Limits()


def test_a_session_is_renewed_within_the_models_hour_and_seldom() -> None:
    """It may have stood as a spare before the call, and a renewal may fail and be tried again."""
    limits = Limits()
    assert limits.model_renew > 1800
    assert limits.model_renew + spare._GOOD_FOR_S + leg._RENEW_AGAIN_AFTER + limits.model_connect < 3600


def test_every_sentence_and_every_hang_up_fits_into_its_limit() -> None:
    """What is recorded, and the attempts at Twilio with what lies between them."""
    limits = Limits()
    longest = max(len(prompt(name, language)) for name, language in product(get_args(PromptName), ("he", "en")))
    assert longest / BYTES_PER_MS / 1000 <= limits.prompt
    attempts, waited = 1, 0.0
    while (pause := POLICY.patience.pause(attempts, waited)) is not None:
        attempts, waited = attempts + 1, waited + pause
    assert attempts > 1
    assert attempts * POLICY.timeout_s + POLICY.patience.total_s <= limits.hang_up
