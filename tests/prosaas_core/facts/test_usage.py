"""What is read from usage blocks, whatever they hold, and what it costs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_core.facts.prices import (
    PriceError,
    Prices,
    call_charge,
    cost,
    load_prices,
    message_charge,
    model_charge,
    segments,
    shipped,
    total,
)
from prosaas_core.facts.usage import Usage, usage_of

MODEL = "gpt-realtime-2.1"
# The example of OpenAI's reference for response.done, with reasoning.
BLOCK = {
    "total_tokens": 1274,
    "input_tokens": 1132,
    "output_tokens": 142,
    "input_token_details": {
        "text_tokens": 1000,
        "audio_tokens": 130,
        "image_tokens": 2,
        "cached_tokens": 960,
        "cached_tokens_details": {"text_tokens": 896, "audio_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 42, "audio_tokens": 100, "reasoning_tokens": 12},
}
# Of the Responses API, whose details are called otherwise.
TEXT = {
    "input_tokens": 200,
    "input_tokens_details": {"cached_tokens": 128, "cache_write_tokens": 0},
    "output_tokens": 40,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 240,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**BLOCK, **changes}


def test_cached_tokens_are_a_part_of_the_input_and_reasoning_a_part_of_the_text() -> None:
    usage, odd = usage_of(BLOCK)
    assert odd == ""
    assert usage == Usage(text_in=1000, text_cached=896, audio_in=130, audio_cached=64, image_in=2, text_out=42,
                          audio_out=100)  # fmt: skip
    assert (usage.tokens_in, usage.tokens_cached, usage.tokens_out) == (1132, 960, 142)


def test_the_responses_api_tells_of_text_alone() -> None:
    assert usage_of(TEXT) == (Usage(text_in=200, text_cached=128, text_out=40), "")


def test_a_transcription_is_told_in_tokens_or_in_seconds() -> None:
    assert usage_of({"type": "duration", "seconds": 2.5}, rest="audio") == (Usage(seconds=2.5), "")
    tokens = {"type": "tokens", "total_tokens": 26, "input_tokens": 17, "output_tokens": 9}
    assert usage_of(tokens, rest="audio") == (Usage(audio_in=17, text_out=9), "")
    detailed = {**tokens, "input_token_details": {"text_tokens": 3, "audio_tokens": 14}}
    assert usage_of(detailed, rest="audio") == (Usage(audio_in=14, text_in=3, text_out=9), "")


def test_cached_tokens_without_their_kinds_are_text_first_and_never_more_than_the_input() -> None:
    details = {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 120}
    usage, _ = usage_of({"input_tokens": 150, "output_tokens": 0, "input_token_details": details})
    assert (usage.text_cached, usage.audio_cached) == (100, 20)
    details["cached_tokens"] = 10_000
    usage, _ = usage_of({"input_tokens": 150, "output_tokens": 0, "input_token_details": details})
    assert (usage.text_cached, usage.audio_cached) == (100, 50)


@pytest.mark.parametrize(
    ("block", "odd", "tokens_in"),
    [
        (None, "usage is no object", 0),
        ("12 tokens", "usage is no object", 0),
        ([], "usage is no object", 0),
        ({"output_tokens": 3}, "no input_tokens", 0),
        (changed(input_tokens="1132"), "input_tokens is no number of tokens", 1132),
        (changed(input_tokens=-1), "input_tokens is no number of tokens", 1132),
        (changed(input_tokens=True), "input_tokens is no number of tokens", 1132),
        (changed(input_tokens=10**30), "input_tokens is no number of tokens", 1132),
        (changed(input_token_details="none"), "input_token_details is no object", 1132),
        (changed(video_tokens=5), "unknown: video_tokens", 1132),
        (changed(output_token_details={"text_tokens": -4}), "text_tokens is no number of tokens", 1132),
        ({"type": "duration", "seconds": "2"}, "seconds is no time", 0),
        ({"type": "duration", "seconds": float("nan")}, "seconds is no time", 0),
    ],
)
def test_what_is_odd_in_a_block_is_said_and_counts_nothing(block: Any, odd: str, tokens_in: int) -> None:
    usage, said = usage_of(block)
    assert said == odd
    assert usage.tokens_in == tokens_in


names = st.sampled_from([*BLOCK, "seconds", "type", "text_tokens", "cached_tokens", "cached_tokens_details", "x"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


@given(anything)
def test_no_block_raises_and_no_count_is_negative_or_more_cached_than_read(block: Any) -> None:
    usage, _ = usage_of(block)
    for kind in ("text", "audio", "image"):
        assert 0 <= getattr(usage, f"{kind}_cached") <= getattr(usage, f"{kind}_in")
    assert usage.tokens_out >= 0
    assert usage.seconds >= 0
    assert (cost(usage, MODEL, shipped()) or 0) >= 0


def test_each_kind_has_its_own_price_and_what_was_cached_is_not_paid_in_full() -> None:
    usage, _ = usage_of(BLOCK)
    millionths = 104 * 4 + 896 * 0.4 + 66 * 32 + 64 * 0.4 + 2 * 5 + 42 * 24 + 100 * 64
    assert cost(usage, MODEL, shipped()) == pytest.approx(millionths / 1e6)


def test_seconds_are_paid_by_the_minute_to_the_second() -> None:
    assert cost(Usage(seconds=90), "gpt-transcribe", shipped()) == pytest.approx(1.5 * 0.0045)


def test_a_call_is_paid_by_begun_minutes_of_the_line_and_of_its_stream() -> None:
    assert call_charge(60.0, shipped()).cost == pytest.approx(0.0125)
    assert call_charge(60.1, shipped()).cost == pytest.approx(0.0250)
    assert call_charge(60.1, Prices()).cost is None


@pytest.mark.parametrize(
    ("body", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("א" * 70, 1), ("א" * 71, 2), ("א" * 135, 3), ("😀" * 36, 2)]
)
def test_a_long_text_travels_and_is_paid_in_parts(body: str, parts: int) -> None:
    assert segments(body) == parts
    assert message_charge("sms", shipped(), body).cost == pytest.approx(parts * 0.0083)
    assert message_charge("whatsapp", shipped(), body).cost == pytest.approx(0.005)


def test_an_unknown_model_and_an_unpriced_kind_have_tokens_and_no_cost() -> None:
    assert cost(Usage(text_in=5), "gpt-of-tomorrow", shipped()) is None
    assert cost(Usage(audio_in=5), "gpt-5.4-mini", shipped()) is None
    known = model_charge("model", MODEL, Usage(text_in=1000), shipped())
    unknown = model_charge("model", "gpt-of-tomorrow", Usage(text_in=5), shipped())
    assert total([known]) == pytest.approx(0.004)
    assert total([known, unknown]) is None


def test_a_dated_snapshot_costs_what_its_model_does() -> None:
    assert shipped().of(f"{MODEL}-2026-08-01") == shipped().of(MODEL)
    assert shipped().of("gpt-realtime-2.1x") is None


def own(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_of_ones_own_goes_before_the_shipped_one_model_by_model(tmp_path: Path) -> None:
    prices = load_prices(own(tmp_path, f'[models."{MODEL}"]\ntext = {{ in = 1 }}\n[twilio]\nsms = 0.1\n'))
    assert prices.of(MODEL) == {"text.in": 1.0}
    assert prices.of("gpt-transcribe") == shipped().of("gpt-transcribe")
    assert (prices.carrier["sms"], prices.carrier["whatsapp"]) == (0.1, 0.005)
    assert load_prices(tmp_path / "none.toml") == shipped()


def test_a_file_in_another_currency_stands_alone(tmp_path: Path) -> None:
    prices = load_prices(own(tmp_path, 'currency = "ILS"\n[models.mine]\nminute = 0.02\n'))
    assert prices == Prices("ILS", {"mine": {"minute": 0.02}}, {})


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("currency = USD", 1, "Invalid value"),
        ('\ncurrency = "dollars"', 2, "three capital letters"),
        ('currency = "USD"\nmodls = {}', 2, "modls is not one of"),
        ('[models."a"]\nminute = 1\n[models."b"]\ntext = { in = 1, cahced = 2 }', 4, "cahced is not one of"),
        ('[models."a"]\nminute = 1\n[models."b"]\n\nminute = "0,02"', 5, "no price"),
        ("[twilio]\nsms = -1", 2, "no price"),
        ("[twilio]\nsms = nan", 2, "no price"),
        ("[twilio]\nsms = 83000", 2, "no price"),
        ("[twilio]\nfax = 1", 2, "fax is not one of"),
        ("models = 3", 1, "models is no table"),
    ],
)
def test_a_typo_is_refused_with_its_line_and_the_remedy(tmp_path: Path, text: str, line: int, what: str) -> None:
    with pytest.raises(PriceError) as refused:
        load_prices(own(tmp_path, text))
    assert f"line {line}" in str(refused.value)
    assert what in str(refused.value)
    assert "put it right as in" in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PriceError, match="cannot be read"):
        load_prices(tmp_path / "prices.toml")
    with pytest.raises(PriceError, match="larger"):
        load_prices(own(tmp_path, "#" * 300_000))
