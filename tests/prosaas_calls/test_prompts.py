"""The recorded sentences that ship with the image."""

import json
from importlib.resources import files
from typing import get_args

import pytest

from prosaas_calls.caller.audio import rms
from prosaas_calls.prompts import PromptName, prompt


@pytest.mark.parametrize("language", ["he", "en"])
@pytest.mark.parametrize("name", get_args(PromptName))
def test_every_sentence_is_recorded_in_both_languages(name: PromptName, language: str) -> None:
    """Between one and seven seconds of audible mu-law, and its words are written beside it."""
    recording = prompt(name, language)

    assert 8_000 < len(recording) < 56_000
    assert rms(recording) > 300
    assert json.loads((files("prosaas_calls.prompts") / "sentences.json").read_text("utf-8"))[language][name]["text"]


def test_a_language_without_recordings_gets_english() -> None:
    """Better understood than silence."""
    assert prompt("comfort", "fr") == prompt("comfort", "en")
