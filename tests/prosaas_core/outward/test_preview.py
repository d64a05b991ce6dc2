"""A payload's preview keeps its shape and none of its words."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_core.outward.preview import preview

_WORDS = st.text(alphabet="אבגדהוזחט", min_size=1)
_PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["input", "content", "Body", "to"]), inner),
)


@given(_PAYLOADS)
def test_no_word_of_a_payload_survives(payload: object) -> None:
    assert not set("אבגדהוזחט") & set(preview(payload))


def test_numbers_are_hidden_too_because_phone_numbers_and_codes_are_numbers() -> None:
    assert json.loads(preview({"wa_id": 972501234567, "ok": True})) == {"wa_id": "<int>", "ok": True}


def test_names_that_a_provider_chose_stay_readable() -> None:
    names = ("model", "type", "role", "object", "messaging_product", "status", "Status")
    chosen = {**dict.fromkeys(names[:4], "theirs"), "inner": dict.fromkeys(names[4:], "theirs")}
    assert json.loads(preview(chosen)) == chosen
    assert json.loads(preview({"name": "Dana", "type": {"name": "Dana"}})) == {"name": "<4>", "type": {"name": "<4>"}}


def test_a_list_of_eight_is_shown_whole() -> None:
    assert json.loads(preview([True] * 8)) == [True] * 8


def test_long_lists_are_cut_short_and_say_so() -> None:
    assert json.loads(preview(["a"] * 11))[-1] == "<3 more>"


@pytest.mark.parametrize("wrapped", [lambda inner: {"content": inner}, lambda inner: [inner]])
def test_what_is_nested_ten_thousand_deep_is_looked_at_in_its_first_levels(wrapped: Callable[[object], object]) -> None:
    payload: object = "x"
    for _ in range(10_000):
        payload = wrapped(payload)
    assert len(preview(payload)) < 100


def test_of_an_object_with_many_names_the_first_are_shown() -> None:
    assert len(json.loads(preview({f"name{number}": number for number in range(1000)}))) == 8
