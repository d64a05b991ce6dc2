"""Bounds that have to fit into one another."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from prosaas_calls.caller.audio import BYTES_PER_MS
from prosaas_calls.caller.twilio_rest import POLICY
from prosaas_calls.limits import Limits
from prosaas_calls.prompts import PromptName, prompt

# docker-compose.yml waits so long, besides DRAIN_SECONDS, before it kills.
GRACE_SECONDS = 30.0


@pytest.mark.parametrize("part", ["prompt", "prompt_grace", "hang_up", "record", "spool"])
def test_a_farewell_waits_for_each_of_its_parts(part: str) -> None:
    """The sentence, its echo, the hang-up, the database and then the disk."""
    limits = Limits()
    longer = replace(limits, **{part: getattr(limits, part) + 5.0})
    assert longer.farewell == limits.farewell + 5.0


def test_all_is_over_before_the_engine_kills() -> None:
    """The farewell, and for who is cut off even then the disk and the close."""
    limits = Limits()
    assert limits.farewell + limits.cut_off < GRACE_SECONDS


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
