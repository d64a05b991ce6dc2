"""A record as text: the human line in Hebrew or English, and the line of JSON in the schema that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import orjson

from .events import AnyEvent, Event
from .levels import level_name
from .redact import hide, redact, redact_line
from .schemas import RENAMES
from .scope import Context, Record
from .settings import LogSettings
from .values import cut_middle, plain

LONGEST_LINE: Final = 15 * 1024
_MOST_CUTS: Final = 64
_RESERVED: Final = frozenset({
    "timestamp", "severity", "message", "event", "service", "env", "version", "logger", "error", "truncated",
})  # fmt: skip
# What could end a line, move the cursor, or turn the reading direction of what follows.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SHORT_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_STACK_INDENT: Final = "    "

Renderer = Callable[[Record, Context], bytes]


def make_renderer(settings: LogSettings) -> Renderer:
    """The one function that turns this process's records into lines."""
    text = TextRenderer(settings)
    return JsonRenderer(settings, text).line if settings.json else text.line


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

    def fields(self, record: Record) -> dict[str, object]:
        """The record's own fields with speech muted, for JSON."""
        _, _, logger, what, fields, _ = record
        if logger.fields:
            fields = {**logger.fields, **fields}
        if self._transcripts or not isinstance(what, Event) or not what.speech:
            return fields
        return {name: self.muted(value) if name in what.speech else value for name, value in fields.items()}


class JsonRenderer:
    """One object a line."""

    def __init__(self, settings: LogSettings, text: TextRenderer) -> None:
        self._text = text
        self._base = {"service": settings.service, "env": settings.env, "version": settings.version}
        self._rename = RENAMES[settings.schema]
        self._second = 0
        self._prefix = ""

    def line(self, record: Record, context: Context) -> bytes:
        """The record as JSON, never longer than Docker keeps in one piece."""
        fields = self.canonical(record, context)
        line = redact_line(dump(self._rename(fields)))
        if len(line) > LONGEST_LINE:
            line = self._shortened(fields)
        return line + b"\n"

    def canonical(self, record: Record, context: Context) -> dict[str, object]:
        """The record under this project's own names, before any schema renames them."""
        moment, level, logger, what, _, error = record
        fields: dict[str, object] = {
            "timestamp": self._timestamp(moment),
            "severity": level_name(level),
            "message": self._text.text(record, context) if isinstance(what, Event) else what,
        }
        if isinstance(what, Event):
            fields["event"] = what.name
        fields.update(self._base)
        fields["logger"] = logger.name
        for name, value in context.fields.items():
            fields[name if name not in _RESERVED else name + "_"] = hide(name, value)
        for name, value in self._text.fields(record).items():
            if name in _RESERVED:
                if name == "error":
                    fields["error"] = {"message": self._text.show(name, value)}
                    continue
                name += "_"
            fields[name] = hide(name, value)
        if error is not None:
            fields["error"] = {"kind": error.kind, "message": error.message, "stack": error.stack}
        return fields

    def _timestamp(self, moment: float) -> str:
        second = int(moment)
        if second != self._second:
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second
        return f"{self._prefix}.{int((moment - second) * 1_000_000):06d}Z"

    def _shortened(self, fields: dict[str, object]) -> bytes:
        """The line with the middle of its longest texts cut until it fits."""
        small = {**_redacted(fields), "truncated": True}
        for _ in range(_MOST_CUTS):
            line = redact_line(dump(self._rename(small)))
            if len(line) <= LONGEST_LINE:
                return line
            holder, name = _longest(small)
            value = holder[name]
            text = value if isinstance(value, str) else dump(value).decode("utf-8", "replace")
            # What is too long is bytes, and escapes make up to six of one character. Half at most goes at a time, so
            # that two long texts share the loss.
            size = max(1, len(dump(text)))
            wanted = max(size - (len(line) - LONGEST_LINE) - 64, size // 2)
            holder[name] = cut_middle(text, wanted * len(text) // size)
        kept = {name: fields[name] for name in ("timestamp", "severity", "service", "env", "version", "logger")}
        return dump(self._rename({**kept, "message": "<a record that could not be shortened>", "truncated": True}))


def _redacted(fields: Mapping[str, object]) -> dict[str, object]:
    """Copies of *fields* and of the objects one level below, their texts redacted whole before any of them is cut."""

    def clean(value: object) -> object:
        return redact(value) if isinstance(value, str) else value

    return {
        name: {key: clean(item) for key, item in value.items()} if isinstance(value, dict) else clean(value)
        for name, value in fields.items()
    }


def _longest(fields: dict[str, object]) -> tuple[dict[str, object], str]:
    """Where the longest value stands: the dict that holds it and its name."""
    candidates: list[tuple[int, dict[str, object], str]] = []
    for name, value in fields.items():
        if name == "error" and isinstance(value, dict):
            candidates += [(_size(item), value, key) for key, item in value.items()]
        else:
            candidates.append((_size(value), fields, name))
    _, holder, name = max(candidates, key=lambda candidate: candidate[0])
    return holder, name


def _size(value: object) -> int:
    return len(dump(value)) if isinstance(value, str | dict | list) else 0


def dump(value: object) -> bytes:
    """*value* as JSON whatever it is: what orjson refuses is made plain first."""
    try:
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS)
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
