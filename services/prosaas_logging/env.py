"""The one reader of env files, in Compose's own grammar, and of the durations and sizes that people write in them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Final

_BLANK: Final = " \t\v\f\r\x85\xa0"
_HAS_BLANK: Final = re.compile(f"[{_BLANK}]")
# Empty lines, and those of a comment.
_NOTHING: Final = re.compile(rf"(?:[{_BLANK}\n]+|#[^\n]*)*")
# A name, and what stands behind it: the sign before its value, or the end of a line that is the name alone.
_NAMED: Final = re.compile(rf"(?:export[ \t][{_BLANK}]*)?([\w.\-\[\]{_BLANK}]*)([=:][{_BLANK}]*|\n|\Z)?")
_QUOTED: Final = re.compile(r"""(["'])((?:[^\\]|\\.)*?)\1""", re.DOTALL)
_UNQUOTED: Final = re.compile(r"[^\n]*")
_ESCAPE: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-7]{0,3})')
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOLLAR: Final = re.compile(rf"\$(?:\$|(\{{)|({_NAME.pattern}))?")
_BRACE: Final = re.compile(r"\$\{|\}")
_OTHERWISE: Final = re.compile(r"(:?)([-+?])(.*)", re.DOTALL)
_MOST_NESTED: Final = 20

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|[smhd]))+")
_DURATION_PART: Final = re.compile(r"([0-9.]{1,19})(ms|[smhd])")
_SIZE: Final = re.compile(r"([0-9]{1,15})\s{0,3}(?:([kmgt])i?)?b?")
_SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


class EnvError(ValueError):
    """An env file that Compose would refuse, too; the words begin with the number of the line."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}{words}")
        self.line = line


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
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    place = 0
    while (place := _taken(_NOTHING, text, place).end()) < len(text):
        named = _taken(_NAMED, text, place)
        place = named.end()
        name, sign = named[1].strip(_BLANK), named[2]
        if sign is None:
            raise EnvError(_line(named), f": unexpected {text[place]!r} in the name of a setting")
        if not name or _HAS_BLANK.search(name):
            raise EnvError(_line(named), f": {name!r} cannot be the name of a setting")
        if sign not in ("\n", ""):
            try:
                values[name], place = _value(text, place, known)
            except ValueError as broken:
                raise EnvError(_line(named), f", {name}: {broken}") from None
        elif name in outside:
            values[name] = outside[name]
    return values


def _line(named: re.Match[str]) -> int:
    return named.string.count("\n", 0, named.start(1)) + 1


def _taken(pattern: re.Pattern[str], text: str, place: int) -> re.Match[str]:
    """What a pattern that is content with nothing takes from *place* on."""
    return next(pattern.finditer(text, place))


def _value(text: str, place: int, known: Mapping[str, str]) -> tuple[str, int]:
    """A value, and where it ends."""
    if quoted := _QUOTED.match(text, place):
        quote, inner = quoted.groups()
        # Before its own quotation mark a backslash is gone; before anything else it is still to be looked at.
        value = re.sub(r"\\(.)", lambda pair: pair[1] if pair[1] == quote else pair[0], inner, flags=re.DOTALL)
        return _expand(_ESCAPE.sub(_unescape, value), known) if quote == '"' else value, quoted.end()
    if text.startswith(("'", '"'), place):
        raise ValueError("its quotation mark is never closed")
    end = _taken(_UNQUOTED, text, place).end()
    return _expand(text[place:end].partition(" #")[0].rstrip(_BLANK), known), end


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
    while dollar := _DOLLAR.search(text, place):
        parts.append(text[place : dollar.start()])
        place = dollar.end()
        brace, name = dollar.groups()
        if brace:
            end = _closing(text, place)
            parts.append(_braced(text[place:end], known, depth))
            place = end + 1
        else:
            parts.append(known.get(name, "") if name else "$")
    parts.append(text[place:])
    return "".join(parts)


def _closing(text: str, place: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, place):
        depth += 1 if brace[0] == "${" else -1
        if not depth:
            return brace.start()
    raise ValueError("a ${ that is never closed: write $$ for a dollar, or put the value into single quotes")


def _braced(inner: str, known: Mapping[str, str], depth: int) -> str:
    match = _NAME.match(inner)
    if match is None:
        raise ValueError("a ${ that begins no name: write $$ for a dollar, or put the value into single quotes")
    name, rest = match[0], inner[match.end() :]
    value = known.get(name)
    if not rest:
        return value or ""
    otherwise = _OTHERWISE.fullmatch(rest)
    if otherwise is None:
        raise ValueError(f"${{{name} is followed by {rest[:1]!r}: write $$ for a dollar, or use single quotes")
    colon, sign, other = otherwise.groups()
    there = bool(value) if colon else value is not None
    if sign == "+":
        return _expand(other, known, depth + 1) if there else ""
    if there:
        return value or ""
    told = _expand(other, known, depth + 1)
    if sign == "-":
        return told
    raise ValueError(f"{name} is required: {told}")
