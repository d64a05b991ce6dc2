"""Whatever Python value comes in, plain and bounded data goes out."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from uuid import UUID

import orjson
import pytest

from prosaas_logging.values import (
    MOST_CHARACTERS,
    MOST_NODES,
    dump,
    freeze,
    message_of,
    number_text,
    plain,
    text_of,
)


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    password: str = "hunter2"


class Nest(Enum):
    DEEP = ((((((("end",),),),),),),)


class Broken:
    def __str__(self) -> str:
        raise KeyboardInterrupt


BROKEN = "<unserialisable Broken: KeyboardInterrupt>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((value, value) for value in (None, True, False, 0, 1.5, "x", -(2**63), 2**64 - 1)),
        *((value, str(value)) for value in (-(2**63) - 1, 2**64, math.inf, -math.inf)),
        (math.nan, "nan"),
        (b"abc", "<3 bytes>"),
        (bytearray(2), "<2 bytes>"),
        (memoryview(b"a"), "<1 bytes>"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (time(3, 4), "03:04:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Point(1), {"x": 1, "password": "[redacted]"}),
        (Point, str(Point)),
        (ValueError("no"), "ValueError: no"),
        ((1, "a"), [1, "a"]),
        ({1}, [1]),
        (frozenset({2}), [2]),
        ({1: {"token": "secret-value"}}, {"1": {"token": "[redacted]"}}),
        (Broken(), BROKEN),
        ({"a": [Broken()]}, {"a": [BROKEN]}),
    ],
)
def test_each_kind_of_value_has_a_plain_form(value: object, shown: object) -> None:
    assert plain(value) == shown
    assert type(plain(value)) is type(shown)
    assert orjson.loads(dump({"a": plain(value)})) == {"a": shown}


def test_a_value_is_followed_six_steps_into_itself() -> None:
    value: object = "end"
    for _ in range(6):
        value = [value]
    assert plain(value) == [[[[[["end"]]]]]]
    assert plain([value]) == [[[[[["<list>"]]]]]]
    assert freeze({"a": value}) == {"a": plain(value)}
    assert plain(Nest.DEEP) == [[[[["<tuple>"]]]]]
    assert plain([[[[[[Nest.DEEP]]]]]]) == [[[[[["<Nest>"]]]]]]
    assert plain({"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}) == {"a": {"b": {"c": {"d": {"e": {"f": "<dict>"}}}}}}


@pytest.mark.parametrize("more", [0, 1])
def test_of_a_hundred_items_all_are_shown_and_of_more_their_number(more: int) -> None:
    items = list(range(100 + more))
    assert plain(items) == [*range(100), *([f"… {more} more"] if more else [])]
    assert plain({str(item): item for item in items}) == {
        **{str(item): item for item in range(100)},
        **({"…": f"{more} more"} if more else {}),
    }


def test_all_fields_of_a_record_share_its_bounds() -> None:
    """As many values and characters as one record may take, whichever fields they are in."""
    frozen = freeze({f"field{number}": [1] * 100 for number in range(20)})
    shown = [item for items in frozen.values() if isinstance(items, list) for item in items]
    assert shown.count(1) + sum(isinstance(items, list) for items in frozen.values()) == MOST_NODES
    texts = freeze({f"field{number}": ["a b " * 2000] for number in range(20)})
    kept = [items[0] for items in texts.values() if isinstance(items, list)]
    assert MOST_CHARACTERS <= sum(map(len, kept)) <= MOST_CHARACTERS + len(kept)
    assert kept[0] == "a b " * 2000
    assert kept[-1] == "…"


def test_what_cannot_change_is_handed_on_and_anything_else_is_copied() -> None:
    fields: dict[str, object] = {"a": 1, "b": "x"}
    assert freeze(fields) is fields
    items = [1]
    frozen = freeze({**fields, "items": items})
    items.append(2)
    assert frozen == {"a": 1, "b": "x", "items": [1]}


def test_a_long_name_in_a_value_is_cut() -> None:
    assert plain({"n" * 201: 1}) == {"n" * 200: 1}


@pytest.mark.parametrize(("bits", "whole"), [(1024, True), (1025, False)])
def test_a_number_that_nobody_reads_is_told_by_its_size(bits: int, whole: bool) -> None:
    number = 2 ** (bits - 1)
    assert number_text(number) == (str(number) if whole else f"<an integer of {bits} bits>")


class Cents(int):
    """A number with a unit, as libraries for money, databases and units have."""


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("number", "shown"), [(3, 3), (-(2**63), -(2**63)), (2**64, str(2**64))])
def test_a_number_of_a_library_s_own_kind_is_a_number(number: int, shown: object) -> None:
    """It stood still for ever, with all calls of the process."""
    assert plain(Cents(number)) == shown
    assert freeze({"amount": Cents(number)}) == {"amount": shown}
    assert orjson.loads(dump({"amount": Cents(number)})) == {"amount": shown}


def test_whatever_a_value_raises_there_are_words_for_it() -> None:
    assert text_of(Broken()) == BROKEN
    assert message_of("%s of %d", ("a", 2)) == "a of 2"
    assert message_of("100%", ()) == "100%"
    assert message_of("%d", ("x",)) == "%d ['x']"


def test_what_no_json_can_hold_costs_nothing_else() -> None:
    value = {"half": "\ud800", "big": 2**70, "list": ["\udc00", 1.5, None, True], Broken: 1, "set": {1}}
    told = orjson.loads(dump(value))
    assert (told["half"], told["big"], told["set"]) == ("\\ud800", str(2**70), "[1]")
    assert told["list"] == ["\\udc00", 1.5, None, True]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([("X-Api-Key", "abcd1234"), ("Accept", "*/*")], [["X-Api-Key", "[redacted]"], ["Accept", "*/*"]]),
        (["authorization", "Basic dXNlcjpwYXNz"], ["authorization", "[redacted]"]),
        (["psql", "--password", "hunter22", "-q"], ["psql", "--password", "[redacted]", "-q"]),
        ([["Cookie", ["sid=1; a=2"]]], [["Cookie", "[redacted]"]]),
        ((("From", "+972501234567"), ("to", "nobody")), [["From", "+972..."], ["to", "nobody"]]),
        (["password", None, "monkey", "a"], ["password", None, "monkey", "a"]),
        (["no password is set", "no port is set"], ["no password is set", "no port is set"]),
        (["--password=hunter22", "-q"], ["--password=[redacted]", "-q"]),
        (["secretary@clinic.example", "dana"], ["secretary@clinic.example", "dana"]),
    ],
)
def test_a_secret_in_a_list_is_known_by_the_name_before_it(value: object, shown: object) -> None:
    """Headers and commands come as lists, and a line of JSON shows each of their words by itself."""
    assert plain(value) == shown
