"""Field values made safe to keep and to serialise: whatever Python value comes in, plain and bounded data goes out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from itertools import islice
from typing import Final
from uuid import UUID

import orjson

from .redact import LONGEST_TEXT, clean, hide, names_next, redact

Fields = dict[str, object]

UNCHANGING: Final = frozenset({str, int, float, bool, type(None)})
MOST_NODES: Final = 1000
MOST_CHARACTERS: Final = 4 * LONGEST_TEXT
_DEEPEST: Final = 6
_MOST_ITEMS: Final = 100
_LONGEST_NAME: Final = 200
# Python refuses to write longer integers in decimal digits, and nobody reads them.
_LONGEST_INT_BITS: Final = 1024


@dataclasses.dataclass(slots=True)
class _Budget:
    """What one record may still take: values, and characters of text."""

    nodes: int = MOST_NODES
    characters: int = MOST_CHARACTERS

    def text(self, text: str) -> str:
        """*text* redacted, as far as there is room for it."""
        if self.characters <= 0:
            return "…"
        shown = redact(text)
        if len(shown) > self.characters:
            shown = shown[: self.characters] + "…"
        self.characters -= len(shown)
        return shown


def freeze(fields: Fields) -> Fields:
    """*fields* as they are at this moment, for a record that another thread renders later; never raises.

    Numbers and texts cannot change and pass as they are; anything else is copied into plain data now, and all of it
    together is at most ``MOST_NODES`` values and ``MOST_CHARACTERS`` characters.
    """
    for value in fields.values():
        if type(value) not in UNCHANGING:
            budget = _Budget()
            return {
                name: value if type(value) in UNCHANGING else _safe(value, name, 0, budget)
                for name, value in fields.items()
            }
    return fields


def plain(value: object, name: str = "") -> object:
    """*value* as strings, numbers, lists and string-keyed dicts, bounded and redacted; never raises."""
    return _safe(value, name, 0, _Budget())


def text_of(value: object) -> str:
    """``str(value)``, whatever that raises: an object's own KeyboardInterrupt is nobody's wish to stop."""
    try:
        return str.__str__(value) if isinstance(value, str) else str.__str__(str(value))
    except BaseException as broken:
        return f"<unserialisable {type(value).__name__}: {type(broken).__name__}>"


def message_of(message: object, arguments: object) -> str:
    """What a stdlib record says, as ``getMessage`` puts it together, whatever its arguments raise."""
    text = text_of(message)
    try:
        return text % arguments if arguments else text
    except BaseException:
        return f"{text} {plain(arguments)}"


def number_text(value: int) -> str:
    """*value* in digits, unless there are too many of them."""
    bits = value.bit_length()
    return str(int(value)) if bits <= _LONGEST_INT_BITS else f"<an integer of {bits} bits>"


def _safe(value: object, name: str, depth: int, budget: _Budget) -> object:
    budget.nodes -= 1
    if budget.nodes < 0:
        return "…"
    try:
        return _plain(value, name, depth, budget)
    except BaseException as broken:
        return f"<unserialisable {type(value).__name__}: {type(broken).__name__}>"


def _plain(value: object, name: str, depth: int, budget: _Budget) -> object:
    if name and (hidden := hide(name, value)) is not value:
        return hidden
    match value:
        case None | bool():
            return value
        case Enum():
            return _safe(value.value, name, depth + 1, budget) if depth < _DEEPEST else f"<{type(value).__name__}>"
        case int():
            return clean("", int(value)) if _is_sane(value) else number_text(value)
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case str():
            return budget.text(str.__str__(value))
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case BaseException():
            return budget.text(f"{type(value).__name__}: {text_of(value)}")
    if depth >= _DEEPEST:
        return f"<{type(value).__name__}>"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {item.name: getattr(value, item.name, None) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth, budget)
    if isinstance(value, list | tuple | set | frozenset):
        return _plain_items(value, len(value), depth, budget)
    return budget.text(text_of(value))


def _plain_mapping(value: Mapping[object, object], depth: int, budget: _Budget) -> Fields:
    result: Fields = {}
    for key, item in list(islice(value.items(), _MOST_ITEMS)):
        text = budget.text((key if isinstance(key, str) else str(_safe(key, "", depth + 1, budget)))[:_LONGEST_NAME])
        result[text] = _safe(item, text, depth + 1, budget)
    if len(value) > _MOST_ITEMS:
        result["…"] = f"{len(value) - _MOST_ITEMS} more"
    return result


def _plain_items(value: Iterable[object], count: int, depth: int, budget: _Budget) -> list[object]:
    items, name = list[object](), ""
    for item in list(islice(value, _MOST_ITEMS)):
        items.append(_safe(item, name, depth + 1, budget))
        # Headers and commands are lists: a name, and behind it what it names.
        name = item.lstrip("-") if type(item) is str and names_next(item) else ""
    if count > _MOST_ITEMS:
        items.append(f"… {count - _MOST_ITEMS} more")
    return items


def _is_sane(number: int) -> bool:
    """Whether it is of a size that JSON's readers hold; asked for a subclass of int, a range would count up to it."""
    return -(2**63) <= int(number) < 2**64


def dump(value: object) -> bytes:
    """*value* as JSON whatever it is: what orjson refuses is made plain first."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(_encodable(value))


def _encodable(value: object) -> object:
    """*value* without what no JSON can hold: lone surrogates, and anything but plain data of a size that is sane."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {str(_encodable(text_of(key))): _encodable(item) for key, item in value.items()}
        case list():
            return [_encodable(item) for item in value]
        case None | bool() | float():
            return value
        case int() if _is_sane(value):
            return int(value)
    return _encodable(str(plain(value))) if not isinstance(value, int) else number_text(value)
