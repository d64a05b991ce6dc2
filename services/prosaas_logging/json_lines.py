"""A record as one line of JSON, in the schema that was asked for and never longer than Docker keeps in one piece."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import orjson

from .events import IDS, Event
from .levels import LEVEL_TO_NAME, level_name
from .record import Context, Record
from .redact import LEAST_PRIVATE, MOST_REMEMBERED, clean, is_harmless, redact, rule_of
from .render import LONGEST_ID, LONGEST_LINE, LONGEST_NAME, MOST_FIELDS, TextRenderer, cut_to_bytes, share
from .schemas import CANONICAL, RENAMES
from .settings import LogSettings
from .values import dump, plain

_RESERVED: Final = CANONICAL | {"truncated"}
# What tells a line from another is never left out, and cut only if it is longer than any id.
_KEPT: Final = _RESERVED | IDS
_LEAST_MESSAGE: Final = 1024
_ENDLESS: Final = (float("inf"), float("-inf"))
# Looking three digits up takes half the time of formatting them, and every line has six.
_THOUSAND: Final = tuple(b"%03d" % number for number in range(1000))

Fields = dict[str, object]


class JsonRenderer:
    """One object a line."""

    def __init__(self, settings: LogSettings, text: TextRenderer) -> None:
        self._text = text
        self._base: Fields = {"service": settings.service, "env": settings.env, "version": settings.version}
        self._rename = RENAMES[settings.schema]
        self._second = 0
        self._prefix = b""
        self._severities: dict[int, bytes] = {}
        self._sources: dict[str, bytes] = {}
        # The record as a line; only this project's own names stand still long enough to be spliced.
        self.line = self._spliced if settings.schema == "default" else self._whole
        # Names of fields that are neither ours nor any reason to hide a value: most of them, most of the time.
        self._ordinary: set[str] = set()

    def _whole(self, record: Record, context: Context) -> bytes:
        """The line encoded as one object, whatever is in it."""
        fields = self.canonical(record, context)
        line = dump(self._rename(fields))
        if len(line) > LONGEST_LINE:
            line = self._shortened(fields)
        return line + b"\n"

    def _spliced(self, record: Record, context: Context) -> bytes:
        """The line put together from parts that are already encoded, unless something in it needs a closer look.

        Most lines are like the one before them: the same logger, the same call, ordinary fields. What is left to encode
        of those is a text and a few values, which takes less than half as long as a whole object.
        """
        moment, level, logger, what, own, error = record
        if error is not None or logger.fields or (context.fields and not context.fields.keys().isdisjoint(own)):
            return self._whole(record, context)
        ordinary = self._ordinary
        for name, value in own.items():
            if name not in ordinary:
                return self._whole(record, context)
            kind = type(value)
            if kind is str:
                if not is_harmless(value):  # type: ignore[arg-type]
                    return self._whole(record, context)
            elif kind is int:
                if value >= LEAST_PRIVATE:  # type: ignore[operator]
                    return self._whole(record, context)
            elif kind is float:
                if value != value or value in _ENDLESS:
                    return self._whole(record, context)
            elif kind is not bool and value is not None:
                return self._whole(record, context)
        if isinstance(what, str):
            text, event = redact(what), b""
        elif what.speech:
            return self._whole(record, context)
        else:
            text, event = self._text.words(record, context), b',"event":"%b"' % what.name.encode()
        try:
            message, fields = orjson.dumps(text), orjson.dumps(own)
        except (TypeError, ValueError):
            return self._whole(record, context)
        second, millis, micros = self._moment(moment)
        shared = context.encoded
        if shared is None:
            shared = self._encode_context(context)
        severity = self._severities.get(level) or self._severity(level)
        source = self._sources.get(logger.name) or self._source(logger.name)
        rest = b"," + fields[1:] if own else b"}"
        line = b"".join((
            b'{"timestamp":"', second, millis, micros, severity, message, event, source, shared, rest, b"\n",
        ))  # fmt: skip
        return line if len(line) <= LONGEST_LINE else self._whole(record, context)

    def _severity(self, level: int) -> bytes:
        encoded = self._severities[level] = b'Z","severity":"%b","message":' % level_name(level).encode()
        return encoded

    def _source(self, logger: str) -> bytes:
        encoded = b"," + dump({**self._base, "logger": logger})[1:-1]
        if len(self._sources) < MOST_REMEMBERED:
            self._sources[logger] = encoded
        return encoded

    def _encode_context(self, context: Context) -> bytes:
        fields: Fields = {}
        self._add(fields, context.fields)
        context.encoded = b"," + dump(fields)[1:-1] if fields else b""
        return context.encoded

    def canonical(self, record: Record, context: Context) -> Fields:
        """The record under this project's own names, redacted, before any schema renames them."""
        moment, level, logger, what, own, error = record
        fields: Fields = {
            "timestamp": b"".join(self._moment(moment)).decode() + "Z",
            "severity": LEVEL_TO_NAME.get(level) or level_name(level),
            "message": redact(what) if type(what) is str else redact(self._text.text(record, context)),
        }
        if isinstance(what, Event):
            fields["event"] = what.name
            own = self._text.without_speech(what, own)
        fields |= self._base
        fields["logger"] = logger.name
        for more in (context.fields, logger.fields, own):
            if more:
                self._add(fields, more)
        if error is not None:
            fields["error"] = {"kind": error.kind, "message": redact(error.message), "stack": redact(error.stack)}
        return fields

    def _add(self, fields: Fields, more: Fields) -> None:
        for name, value in list(more.items())[:MOST_FIELDS]:
            value = value if type(value) is str else plain(value, name)
            if name == "error":
                fields["error"] = {"message": redact(self._text.show(name, value))}
            elif name in _RESERVED:
                fields[name + "_"] = clean(name, value)
            else:
                shown = name if name in self._ordinary else redact(name)[:LONGEST_NAME]
                fields[shown] = clean(name, value)
                if rule_of(name) is None and shown == name and len(self._ordinary) < MOST_REMEMBERED:
                    self._ordinary.add(name)
        if len(more) > MOST_FIELDS:
            fields["…"] = f"{len(more) - MOST_FIELDS} more"

    def _moment(self, moment: float) -> tuple[bytes, bytes, bytes]:
        """A time stamp but for its Z: up to the second, and twice three digits."""
        micros = int((moment - self._second) * 1_000_000)
        if not 0 <= micros < 1_000_000:
            self._second = int(moment)
            self._prefix = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()
            micros = min(999_999, int((moment - self._second) * 1_000_000))
        return self._prefix, _THOUSAND[micros // 1000], _THOUSAND[micros % 1000]

    def _shortened(self, fields: Fields) -> bytes:
        """The line with its longest fields cut until it fits; message, event, level and ids stay whatever comes."""
        room = LONGEST_LINE - 256
        for _ in range(3):
            line = dump(self._rename(_cut(fields, room)))
            if len(line) <= LONGEST_LINE:
                return line
            room -= len(line) - LONGEST_LINE + 64
        return dump(self._rename(_cut({name: value for name, value in fields.items() if name in _KEPT}, room)))


def _cut(fields: Fields, room: int) -> Fields:
    """*fields* as at most *room* bytes of JSON, or as near to it as names and ids allow."""
    flat: list[tuple[Fields, str, str]] = []
    small: Fields = {}
    for name, value in fields.items():
        if name == "error" and isinstance(value, dict):
            error: Fields = {}
            small[name] = error
            flat += [(error, key, item) for key, item in value.items()]
        elif isinstance(value, str):
            small[name] = ""
            flat.append((small, name, value))
        elif len(shown := dump(value)) > LONGEST_ID:
            small[name] = ""
            flat.append((small, name, shown.decode()))
        else:
            small[name] = value
    small["truncated"] = True
    sizes = [len(dump(value)) for _, _, value in flat]
    overhead = len(dump(small)) + sum(len(key) + 6 for holder, key, _ in flat if holder is not small)
    cap = share(sizes, room - overhead)
    for (holder, name, value), size in zip(flat, sizes, strict=True):
        least = _LEAST_MESSAGE if name == "message" else LONGEST_ID if name in _KEPT and holder is small else 0
        holder[name] = value if size <= max(cap, least) else _cut_to_json(value, max(cap, least))
    return small


def _cut_to_json(text: str, limit: int) -> str:
    """*text* cut until JSON, whose escapes make up to six bytes of one character, needs at most *limit* for it."""
    size = len(dump(text))
    while size > limit and text:
        text = cut_to_bytes(text, min(len(text.encode("utf-8", "replace")) * limit // size, limit) - 8)
        size = len(dump(text)) if len(text) > 1 else 0
    return text
