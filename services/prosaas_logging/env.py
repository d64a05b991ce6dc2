"""The one reader of env files, in Compose's own grammar, and of the durations and sizes that people write in them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Final

_BLANK: Final = " \t\v\f\r\x85\xa0"
_HAS_BLANK: Final = re.compile("[" + _BLANK + "]")
_KEY: Final = re.compile(r"[\w.\-\[\]" + _BLANK + "]*")
_ESCAPE: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-7]{0,3})')
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_NESTED: Final = 20

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|[smhd]))+")
_DURATION_PART: Final = re.compile(r"([0-9.]{1,19})(ms|[smhd])")
_SIZE: Final = re.compile(r"([0-9]{1,15})\s{0,3}(?:([kmgt])i?)?b?")
_SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


class EnvError(ValueError):
    """An env file that Compose would refuse, too; the words name the line."""


def duration(text: str) -> float:
    """Seconds in ``90s``, ``15m``, ``1h30m``, ``2d`` or ``500ms``; ValueError for anything else."""
    lowered = text.strip().lower()
    if len(lowered) > 100 or not _DURATION.fullmatch(lowered):
        raise ValueError(f"no duration {text[:100]!r}: write it as 90s, 15m, 1h30m or 2d")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(lowered))


def size(text: str) -> int:
    """Bytes in ``1048576``, ``512k``, ``8MiB`` or ``1 GB`` (in units of 1,024, as Docker); ValueError otherwise."""
    match = _SIZE.fullmatch(text.strip().lower()) if len(text) <= 100 else None
    if match is None:
        raise ValueError(f"no size {text[:100]!r}: write bytes, or a size such as 512k or 8MiB")
    return int(match[1]) * _SIZES[match[2] or ""]


def read_env_file(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The assignments of an env file as Compose reads them; EnvError for what Compose refuses.

    *environ* is what ``$NAME`` finds first, and what a line with a name alone takes over; earlier lines come second.
    """
    outside = dict(environ or {})
    values: dict[str, str] = {}
    known = ChainMap(outside, values)
    rest = text.removeprefix("\ufeff").replace("\r\n", "\n")
    length = len(rest)
    place = counted = 0
    line = 1
    while True:
        while place < length and (rest[place] in _BLANK or rest[place] == "\n"):
            place += 1
        if place >= length:
            return values
        if rest[place] == "#":
            place = _end_of_line(rest, place)
            continue
        line += rest.count("\n", counted, place)
        counted = place
        name, place, alone = _name(rest, place, line)
        if alone:
            if name in outside:
                values[name] = outside[name]
            continue
        try:
            values[name], place = _value(rest, place, known)
        except ValueError as broken:
            raise EnvError(f"line {line}, {name}: {broken}") from None


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _name(text: str, place: int, line: int) -> tuple[str, int, bool]:
    """A name, where its value begins, and whether the line is the name alone."""
    if text.startswith("export", place) and text[place + 6 : place + 7] in (" ", "\t"):
        place += 6
        while text[place : place + 1] and text[place] in _BLANK:
            place += 1
    match = _KEY.match(text, place)
    key, end = (match[0], match.end()) if match else ("", place)
    sign = text[end : end + 1]
    if sign not in ("=", ":", "\n", ""):
        raise EnvError(f"line {line}: unexpected {sign!r} in the name of a setting")
    name = key.strip(_BLANK)
    if not name or _HAS_BLANK.search(name):
        raise EnvError(f"line {line}: {name!r} cannot be the name of a setting")
    end += len(sign)
    while sign in ("=", ":") and sign and end < len(text) and text[end] in _BLANK:
        end += 1
    return name, end, sign in ("\n", "")


def _value(text: str, place: int, known: Mapping[str, str]) -> tuple[str, int]:
    quote = text[place : place + 1]
    if quote not in ("'", '"') or not quote:
        end = _end_of_line(text, place)
        return _expand(text[place:end].partition(" #")[0].rstrip(_BLANK), known), end
    characters: list[str] = []
    escaped = False
    for number in range(place + 1, len(text)):
        character = text[number]
        if escaped:
            characters.append(character if character == quote else "\\" + character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == quote:
            value = "".join(characters)
            return (_expand(_ESCAPE.sub(_unescape, value), known) if quote == '"' else value), number + 1
        else:
            characters.append(character)
    raise ValueError("its quotation mark is never closed")


def _unescape(match: re.Match[str]) -> str:
    code = match[0][1:]
    # A dollar stays one that is not expanded: $$ is how the next step spells it.
    # What begins with a zero loses the zero, as it does in Compose.
    return "$$" if code == "$" else _ESCAPED.get(code) or ("\\" + code[1:] if code[0] == "0" else match[0])


def _expand(text: str, known: Mapping[str, str], depth: int = 0) -> str:
    """*text* with ``$NAME``, ``${NAME}``, ``${NAME:-default}``, ``${NAME:?error}`` and ``${NAME:+other}`` filled in."""
    if depth > _MOST_NESTED:
        raise ValueError("too many defaults inside defaults")
    parts: list[str] = []
    place = 0
    while (dollar := text.find("$", place)) >= 0:
        parts.append(text[place:dollar])
        after = text[dollar + 1 : dollar + 2]
        if after == "$":
            parts.append("$")
            place = dollar + 2
        elif after == "{":
            end = _closing(text, dollar + 2)
            parts.append(_braced(text[dollar + 2 : end], known, depth))
            place = end + 1
        elif match := _NAME.match(text, dollar + 1):
            parts.append(known.get(match[0], ""))
            place = match.end()
        else:
            parts.append("$")
            place = dollar + 1
    parts.append(text[place:])
    return "".join(parts)


def _closing(text: str, place: int) -> int:
    depth = 1
    while place < len(text):
        if text.startswith("${", place):
            depth += 1
            place += 1
        elif text[place] == "}":
            depth -= 1
            if not depth:
                return place
        place += 1
    raise ValueError("a ${ that is never closed: write $$ for a dollar, or put the value into single quotes")


def _braced(inner: str, known: Mapping[str, str], depth: int) -> str:
    match = _NAME.match(inner)
    if match is None:
        raise ValueError("a ${ that begins no name: write $$ for a dollar, or put the value into single quotes")
    name, rest = match[0], inner[match.end() :]
    value = known.get(name)
    if not rest:
        return value or ""
    operator = rest[: 2 if rest[0] == ":" else 1]
    other = rest[len(operator) :]
    there = bool(value) if operator.startswith(":") else value is not None
    match operator.lstrip(":"):
        case "-":
            return value or "" if there else _expand(other, known, depth + 1)
        case "+":
            return _expand(other, known, depth + 1) if there else ""
        case "?":
            if there:
                return value or ""
            raise ValueError(f"{name} is required: {_expand(other, known, depth + 1)}")
    raise ValueError(f"${{{name} is followed by {rest[:1]!r}: write $$ for a dollar, or use single quotes")
