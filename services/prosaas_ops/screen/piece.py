"""The one place where a value is escaped for a terminal or an HTML page."""

import re
import unicodedata
from html import escape as _entities

from prosaas_ops.options import harmless

# What the direction of the words around it must not turn round: speech, moments, fields, numbers with their unit.
_ISLANDS = re.compile(
    r'"[^"]*"|\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?|\b[a-z][a-z0-9_]{0,40}=[^\s,]*|\d[\d.,:]*(?:ms|s|%)?'
)
# A page shows the beginning of a monstrous line; events.jsonl and the log have it whole.
_LONGEST = 4000


def piece(value: object, most: int = 0) -> str:
    """The value as part of one row: control and direction characters spelled out, at most `most` long."""
    text = harmless(str(value))
    return text if not most or len(text) <= most else f"{text[: most - 1]}…"


def quoted(value: object) -> str:
    """The value inside a page where no element may stand: a title, an attribute, a drawing."""
    return _entities(piece(value))


def isolated(value: object) -> str:
    """The value in a page as one piece, whatever direction its words and those around it have."""
    return f"<bdi>{quoted(value)}</bdi>"


def prose(text: str) -> str:
    """A log line's text in a page: each quotation, moment, field and number in it is a piece of its own."""
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    parts, end = [], 0
    for found in _ISLANDS.finditer(text):
        speech = found[0].startswith('"')
        ltr = "" if speech else ' dir="ltr"'
        inner = f'"{isolated(found[0][1:-1])}"' if speech else quoted(found[0])
        parts += [quoted(text[end : found.start()]), f"<bdi{ltr}>{inner}</bdi>"]
        end = found.end()
    return f'<bdi dir="auto">{"".join(parts)}{quoted(text[end:])}</bdi>'


def tagged(emoji: str, event: str) -> str:
    """The beginning of a log line in a page."""
    return f'<bdi dir="ltr">{quoted(f"{emoji} [{event}]".strip())}</bdi> ' if event else ""


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(map(columns, text))


def columns(character: str) -> int:
    """How many columns of a terminal the character takes."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
