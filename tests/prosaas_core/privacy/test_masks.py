"""Card and identity numbers are taken out of what is kept, wherever they stand in it; nothing else is."""

from typing import Any

import pytest

from prosaas_core.privacy.masks import masked
from prosaas_core.settings import load_settings

CARD, IDENTITY = "4580260000000000", "123456782"


@pytest.mark.parametrize("hidden", [CARD, "4580 2600 0000 0000", "4580-2600-0000-0000", IDENTITY, "12345678-2"])
def test_a_number_is_hidden_however_deep_and_however_spaced(hidden: str) -> None:
    value = [{"text": f"x {hidden} y", "parts": [hidden, {"again": hidden}]}]
    assert masked(value) == [{"text": "x [redacted] y", "parts": ["[redacted]", {"again": "[redacted]"}]}]


@pytest.mark.parametrize(
    "value",
    ["050-1234567", "+972501234567", "4580260000000001", "2026-01-25 14:00", 4580260000000000, 1.5, None, True, ""],
)
def test_what_is_neither_stays(value: Any) -> None:
    assert masked(value) == value
    assert masked({"key": value}) == {"key": value}


def test_they_are_masked_unless_asked_for() -> None:
    for asked, kept in (({}, "[redacted]"), ({"MASK_IN_RECORDS": "1"}, "[redacted]"), ({"MASK_IN_RECORDS": "0"}, CARD)):
        settings = load_settings({"DATABASE_URL": "postgresql://x@y/z", "OPENAI_API_KEY": "none", **asked})
        assert settings.for_record(CARD) == kept
