"""A record in words: the line for people, in Hebrew or in English, and how its tail is read again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .digits import HIDDEN, is_private
from .events import IDS, AnyEvent, Event
from .levels import level_name
from .record import Context, Record
from .redact import LONGEST_TEXT, MOST_REMEMBERED, cut_middle, hide, is_word, redact
from .settings import LogSettings
from .shapes import Shapes
from .values import dump, number_text, plain, text_of

LONGEST_LINE: Final = 15 * 1024
# Between a line's text and the ids that the renderer, and nobody else, puts behind it.
TAIL: Final = " · "
_TAIL_ESCAPED: Final = r" \xb7 "
_TAIL_PART: Final = re.compile(r"([a-z_]{1,40})=(.{0,400})", re.DOTALL)
# What could end a line, move the cursor, or turn the reading direction of what follows.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SHORT_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_STACK_INDENT: Final = "    "
# Fields of one line, and the bytes of all of them.
MOST_FIELDS: Final = 100
_ROOM: Final = LONGEST_TEXT - 512
LONGEST_NAME: Final = 100
LONGEST_ID: Final = 200
_MOST_IDS: Final = 8


class TextRenderer:
    """The words of a record, and the human line around them."""

    def __init__(self, settings: LogSettings) -> None:
        self._hebrew = settings.lang == "he"
        self._transcripts = settings.transcripts
        self._shapes = Shapes(hebrew=self._hebrew)
        # By a text's level, or by an event, which has one level.
        self._heads: dict[int | AnyEvent, str] = {}

    def line(self, record: Record, context: Context) -> bytes:
        """``[LEVEL] emoji [EVENT] text · call_sid=…``, with a stack indented below it."""
        _, level, logger, what, fields, error = record
        head = self._heads.get(level if type(what) is str else what) or self._head(level, what)  # type: ignore[arg-type]
        tail = context.ending
        if tail is None or (type(what) is not str and what.ids):  # type: ignore[union-attr]
            tail = tail_of(record, context)
        text = self._shapes.words(what, fields) if fields and not logger.fields else None
        if text is None:
            text = escape(redact(self.text(record, context)).replace(TAIL, _TAIL_ESCAPED))
            if len(text) > LONGEST_LINE // 4:
                text = cut_to_bytes(text, LONGEST_LINE - len((head + tail).encode("utf-8", "backslashreplace")))
        line = f"{head}{text}{tail}\n"
        if error is not None:
            line += "".join(f"{_STACK_INDENT}{escape(row)}\n" for row in redact(error.stack).split("\n"))
        return line.encode("utf-8", "backslashreplace")

    def words(self, record: Record, context: Context) -> str:
        """The record in words, unescaped, with nothing in it that nobody is to see."""
        _, _, logger, what, fields, _ = record
        said = self._shapes.words(what, fields) if fields and not logger.fields else None
        return redact(self.text(record, context)) if said is None else said

    def text(self, record: Record, context: Context) -> str:
        """The record in words, unescaped and with its patterns unredacted, but with its named secrets hidden."""
        _, _, logger, what, fields, _ = record
        if logger.fields:
            fields = {**logger.fields, **fields}
        if not isinstance(what, Event):
            if not fields:
                return what
            said = what if len(what) <= LONGEST_TEXT // 2 else cut_middle(redact(what), LONGEST_TEXT // 2)
            shown = _fitting({name: self.show(name, value) for name, value in fields.items()}, _ROOM - len(said))
            return f"{said}: {', '.join(f'{name}={value}' for name, value in shown.items())}"
        shown = {name: self._show_event(what, name, value) for name, value in fields.items()}
        for name in what.fields:
            if name not in shown and name in context.fields:
                shown[name] = self.show(name, context.fields[name])
        shown = _fitting(shown, _ROOM)
        template = what.he if self._hebrew else what.en
        text = "".join(shown.get(part, "") if number % 2 else part for number, part in enumerate(template))
        used = {*template[1::2], *what.hidden}
        rest = [
            f"{name}={shown[name]}"
            for name in what.fields
            if name in shown and name not in used and fields.get(name, "") is not None
        ]
        rest += [f"{name}={value}" for name, value in shown.items() if name not in what.fields and name not in used]
        return ", ".join([text, *rest]) if text else ", ".join(rest)

    def _head(self, level: int, what: AnyEvent | str) -> str:
        head = f"[{level_name(level)}] "
        if isinstance(what, Event):
            head += f"{what.emoji} [{what.tag}] " if what.emoji else f"[{what.tag}] "
        if len(self._heads) < MOST_REMEMBERED:
            self._heads[what if isinstance(what, Event) else level] = head
        return head

    def entry(self, record: Record, context: Context) -> str:
        """The record in words, ready to be kept in a database."""
        return escape(self.words(record, context))

    def show(self, name: str, value: object) -> str:
        """A field's value for a human reader."""
        value = hide(name, value)
        kind = type(value)
        if kind is str:
            return value  # type: ignore[return-value]
        if kind is bool:
            return "true" if value else "false"
        if kind is float:
            return f"{value:.3f}".rstrip("0").rstrip(".")
        if kind is int:
            return HIDDEN if is_private(value) else number_text(value)  # type: ignore[arg-type]
        if value is None:
            return "None"
        shown = plain(value, name)
        return shown if isinstance(shown, str) else dump(shown).decode()

    def _show_event(self, event: AnyEvent, name: str, value: object) -> str:
        if name in event.speech and not self._transcripts:
            return self.muted(value)
        label = event.labels.get(name)
        if label is not None and isinstance(value, str) and value in label:
            return label[value][0 if self._hebrew else 1]
        return self.show(name, value)

    def muted(self, value: object) -> str:
        """What stands for spoken words when transcripts are off."""
        length = len(text_of(value))
        return f"<{length} תווים>" if self._hebrew else f"<{length} characters>"

    def without_speech(self, what: AnyEvent | str, fields: dict[str, object]) -> dict[str, object]:
        """An event's *fields*, with spoken words muted if transcripts are off."""
        if self._transcripts or not isinstance(what, Event) or not what.speech:
            return fields
        return {name: self.muted(value) if name in what.speech else value for name, value in fields.items()}


def _fitting(shown: dict[str, str], room: int) -> dict[str, str]:
    """Names and values that fit into a line together: the longest are cut first, the last of too many left out."""
    if len(shown) <= MOST_FIELDS and sum(map(len, shown.values())) < room // 8:
        return shown
    # A secret is hidden before its text is cut, or half of it would not be recognised any more.
    clean = {name[:LONGEST_NAME]: redact(value) for name, value in list(shown.items())[:MOST_FIELDS]}
    cap = share([len(value.encode("utf-8", "replace")) for value in clean.values()], room - 3 * len(clean) - sum(
        len(name.encode("utf-8", "replace")) for name in clean))  # fmt: skip
    result = {name: cut_to_bytes(value, cap) for name, value in clean.items()}
    if len(shown) > MOST_FIELDS:
        result["…"] = f"{len(shown) - MOST_FIELDS} more"
    return result


def tail_of(record: Record, context: Context) -> str:
    """The ids at the end of a line: those of its scope that no declared field of its event says already."""
    what, fields, known = record[3], record[4], context.fields
    if isinstance(what, Event) and what.ids and not known.keys().isdisjoint(what.ids):
        said = {f"{name}={known.get(name)}" for name in what.ids if fields.get(name, "") in ("", known.get(name))}
        return _ending(part for part in context.tail if part not in said)
    if context.ending is None:
        context.ending = _ending(context.tail)
    return context.ending


def _ending(parts: Iterable[str]) -> str:
    ending = ""
    for part in parts:
        name, _, value = part.partition("=")
        if not (name in IDS and is_word(value) and len(part) <= LONGEST_ID):
            part = escape(redact(part[:LONGEST_ID]).replace(TAIL, _TAIL_ESCAPED))
        ending += TAIL + part
    return ending


def read_tail(text: str) -> tuple[str, dict[str, str]]:
    """A human line's text and the ids behind it; only what the renderer put there is taken for one."""
    ids: dict[str, str] = {}
    for _ in range(_MOST_IDS):
        before, found, part = text.rpartition(TAIL)
        match = _TAIL_PART.fullmatch(part) if found else None
        if match is None or match[1] in ids:
            break
        text, ids = before, {match[1]: match[2], **ids}
    return text, ids


def share(sizes: list[int], room: int) -> int:
    """The longest that one of *sizes* may be when all are to fit into *room*: what is shorter keeps what it has."""
    left = max(0, room)
    for number, size in enumerate(sorted(sizes)):
        equal = left // (len(sizes) - number)
        if size > equal:
            return equal
        left -= size
    return max(sizes, default=0)


def escape(text: str) -> str:
    """*text* with nothing in it that could forge, break or turn around a line, on a screen or in a log."""
    return text if text.isprintable() else _UNSAFE.sub(_escape_match, text)


def _escape_match(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT_ESCAPES.get(character) or (
        f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    )


def cut_to_bytes(text: str, limit: int) -> str:
    """*text* with its middle cut until it is at most *limit* bytes of UTF-8."""
    size = len(text.encode("utf-8", "backslashreplace"))
    while size > limit:
        if limit < 160:
            return text.encode("utf-8", "backslashreplace")[: max(0, limit - 3)].decode("utf-8", "ignore") + "…"
        text = cut_middle(text, len(text) * limit // size - 48)
        size = len(text.encode("utf-8", "backslashreplace"))
    return text
