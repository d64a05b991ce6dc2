"""Field values made safe to keep and to serialise: whatever Python value comes in, plain and bounded data goes out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Final
from uuid import UUID

import orjson

from .redact import hide, redact

Fields = dict[str, object]

LONGEST_STRING: Final = 16 * 1024
_DEEPEST: Final = 6
_MOST_ITEMS: Final = 100
UNCHANGING: Final = frozenset({str, int, float, bool, type(None)})
_INT64: Final = range(-(2**63), 2**64)


def freeze(fields: Fields) -> Fields:
    """*fields* as they are at this moment, for a record that another thread renders later.

    Numbers and texts cannot change and pass as they are; anything else is copied into plain data now.
    """
    if UNCHANGING.issuperset(map(type, fields.values())):
        return fields
    return {name: plain(value, name) for name, value in fields.items()}


def plain(value: object, name: str = "", depth: int = 0) -> object:
    """*value* as strings, numbers, lists and string-keyed dicts; never raises, never returns anything unbounded."""
    try:
        return _plain(value, name, depth)
    except Exception as broken:
        return f"<unserialisable {type(value).__name__}: {type(broken).__name__}>"


def _plain(value: object, name: str, depth: int) -> object:
    if name and (hidden := hide(name, value)) is not value:
        return hidden
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value, name, depth + 1) if depth < _DEEPEST else str(value)
        case int():
            return int(value) if value in _INT64 else str(value)
        case float():
            return float(value) if math.isfinite(value) else str(value)
        case str():
            return redact(shorten(str(value)))
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case BaseException():
            return redact(shorten(f"{type(value).__name__}: {value}"))
    if depth >= _DEEPEST:
        return f"<{type(value).__name__}>"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {item.name: getattr(value, item.name, None) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _plain_items(value, len(value), depth)
    return redact(shorten(str(value)))


def _plain_mapping(value: Mapping[object, object], depth: int) -> Fields:
    result: Fields = {}
    for number, (key, item) in enumerate(list(value.items())):
        if number == _MOST_ITEMS:
            result["…"] = f"{len(value) - _MOST_ITEMS} more"
            break
        text = redact(shorten(key if isinstance(key, str) else str(plain(key, "", depth + 1))))
        result[text] = plain(item, text, depth + 1)
    return result


def _plain_items(value: Iterable[object], count: int, depth: int) -> list[object]:
    items = [plain(item, "", depth + 1) for _, item in zip(range(_MOST_ITEMS), list(value), strict=False)]
    if count > _MOST_ITEMS:
        items.append(f"… {count - _MOST_ITEMS} more")
    return items


def shorten(text: str, limit: int = LONGEST_STRING) -> str:
    """*text* without its middle if it is longer than *limit*; redacted first, for a cut could hide half a secret."""
    if len(text) <= limit:
        return text
    return cut_middle(redact(text), limit)


def cut_middle(text: str, limit: int) -> str:
    """The beginning and the end of *text* in at most *limit* characters, with a mark that says how much is gone."""
    if len(text) <= limit:
        return text
    mark = f" …[{len(text) - limit} characters cut]… "
    kept = max(0, limit - len(mark))
    head = kept - kept // 2
    return text[:head] + mark + (text[-(kept // 2) :] if kept // 2 else "")


def dump(value: object) -> bytes:
    """*value* as JSON whatever it is: what orjson refuses is made plain first."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(_without_surrogates(plain(value)))


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
