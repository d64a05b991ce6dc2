"""A record in words: the line for people, in Hebrew or in English."""

from __future__ import annotations

import re
from typing import Final

from .events import AnyEvent, Event
from .levels import level_name
from .record import Context, Record
from .redact import hide, redact
from .settings import LogSettings
from .values import cut_middle, dump, plain

LONGEST_LINE: Final = 15 * 1024
# What could end a line, move the cursor, or turn the reading direction of what follows.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SHORT_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_STACK_INDENT: Final = "    "


class TextRenderer:
    """The words of a record, and the human line around them."""

    def __init__(self, settings: LogSettings) -> None:
        self._hebrew = settings.lang == "he"
        self._transcripts = settings.transcripts

    def line(self, record: Record, context: Context) -> bytes:
        """``[LEVEL] emoji [EVENT] text · call_sid=…``, with a stack indented below it."""
        _, level, _, what, _, error = record
        text = self.text(record, context)
        head = f"[{level_name(level)}] "
        if isinstance(what, Event):
            head += f"{what.emoji} [{what.tag}] " if what.emoji else f"[{what.tag}] "
        tail = "".join(f" · {part}" for part in context.tail if part not in text)
        line = redact(escape(head + text + tail))
        if len(line) > LONGEST_LINE // 4:
            line = cut_to_bytes(line, LONGEST_LINE)
        if error is not None:
            stack = redact("\n".join(_STACK_INDENT + escape(row) for row in error.stack.split("\n")))
            line = f"{line}\n{stack}"
        return line.encode("utf-8", "backslashreplace") + b"\n"

    def text(self, record: Record, context: Context) -> str:
        """The record in words, unescaped and with its patterns unredacted, but with its named secrets hidden."""
        _, _, logger, what, fields, _ = record
        if logger.fields:
            fields = {**logger.fields, **fields}
        if not isinstance(what, Event):
            return with_fields(what, [f"{name}={self.show(name, value)}" for name, value in fields.items()])
        shown = {name: self._show_event(what, name, value) for name, value in fields.items()}
        for name in what.fields:
            if name not in shown and name in context.fields:
                shown[name] = self.show(name, context.fields[name])
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

    def entry(self, record: Record, context: Context) -> str:
        """The record in words, ready to be kept in a database."""
        return redact(escape(self.text(record, context)))

    def show(self, name: str, value: object) -> str:
        """A field's value for a human reader."""
        value = hide(name, value)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return f"{value:.3f}".rstrip("0").rstrip(".")
        if isinstance(value, int | None):
            return str(value)
        return dump(plain(value, name)).decode()

    def _show_event(self, event: AnyEvent, name: str, value: object) -> str:
        if name in event.speech and not self._transcripts:
            return self.muted(value)
        label = event.labels.get(name)
        if label is not None and isinstance(value, str) and value in label:
            return label[value][0 if self._hebrew else 1]
        return self.show(name, value)

    def muted(self, value: object) -> str:
        """What stands for spoken words when transcripts are off."""
        return f"<{len(str(value))} תווים>" if self._hebrew else f"<{len(str(value))} characters>"

    def without_speech(self, what: AnyEvent | str, fields: dict[str, object]) -> dict[str, object]:
        """An event's *fields*, with spoken words muted if transcripts are off."""
        if self._transcripts or not isinstance(what, Event) or not what.speech:
            return fields
        return {name: self.muted(value) if name in what.speech else value for name, value in fields.items()}


def with_fields(text: str, parts: list[str]) -> str:
    """A free text and the fields that came with it."""
    return f"{text}: {', '.join(parts)}" if parts else text


def escape(text: str) -> str:
    """*text* with nothing in it that could forge, break or turn around a line."""
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
        text = cut_middle(text, len(text) * limit // size - 48)
        size = len(text.encode("utf-8", "backslashreplace"))
    return text
