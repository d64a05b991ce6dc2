"""Recorded sentences, for the moments in which there is no model to speak."""

from functools import cache
from importlib.resources import files
from typing import Literal

PromptName = Literal["comfort", "failure", "drained", "busy", "idle", "limit"]

_FALLBACK = "en"


@cache
def prompt(name: PromptName, language: str) -> bytes:
    """The sentence as mu-law at 8 kHz, in the caller's language where it was recorded."""
    folder = files(__name__)
    recorded = folder / language / f"{name}.ulaw"
    return (recorded if recorded.is_file() else folder / _FALLBACK / f"{name}.ulaw").read_bytes()
