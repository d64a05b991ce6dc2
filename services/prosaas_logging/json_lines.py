"""A record as one line of JSON, in the schema that was asked for and never longer than Docker keeps in one piece."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import orjson

from .events import Event
from .levels import LEVEL_TO_NAME, level_name
from .record import Context, Record
from .redact import clean, harmless, redact, rule_of
from .render import LONGEST_LINE, TextRenderer
from .schemas import RENAMES
from .settings import LogSettings
from .values import cut_middle, dump

_MOST_CUTS: Final = 64
_RESERVED: Final = frozenset({
    "timestamp", "severity", "message", "event", "service", "env", "version", "logger", "error", "truncated",
})  # fmt: skip
_MOST_REMEMBERED: Final = 4096
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
        ordinary, known = self._ordinary, harmless
        for name, value in own.items():
            if name not in ordinary or (type(value) is str and value not in known and redact(value) != value):
                return self._whole(record, context)
        if isinstance(what, str):
            text, event = what if what in known else redact(what), b""
        elif what.speech:
            return self._whole(record, context)
        else:
            text, event = redact(self._text.text(record, context)), b',"event":"%b"' % what.name.encode()
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
        own_part = fields[1:] if own else b"}"
        comma = b"," if own else b""
        line = b"".join(
            (
                b'{"timestamp":"',
                second,
                millis,
                micros,
                severity,
                message,
                event,
                source,
                shared,
                comma,
                own_part,
                b"\n",
            )
        )
        return line if len(line) <= LONGEST_LINE else self._whole(record, context)

    def _severity(self, level: int) -> bytes:
        encoded = self._severities[level] = b'Z","severity":"%b","message":' % level_name(level).encode()
        return encoded

    def _source(self, logger: str) -> bytes:
        encoded = b"," + dump({**self._base, "logger": logger})[1:-1]
        if len(self._sources) < _MOST_REMEMBERED:
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
        ordinary, known = self._ordinary, harmless
        for name, value in more.items():
            if name not in ordinary:
                self._add_carefully(fields, name, value)
            elif type(value) is not str or value in known:
                fields[name] = value
            else:
                fields[name] = redact(value)

    def _add_carefully(self, fields: Fields, name: str, value: object) -> None:
        if name == "error":
            fields["error"] = {"message": redact(self._text.show(name, value))}
        elif name in _RESERVED:
            fields[name + "_"] = clean(name, value)
        else:
            fields[redact(name)] = clean(name, value)
            if rule_of(name) is None and redact(name) == name and len(self._ordinary) < _MOST_REMEMBERED:
                self._ordinary.add(name)

    def _moment(self, moment: float) -> tuple[bytes, bytes, bytes]:
        """A time stamp but for its Z: up to the second, and twice three digits."""
        micros = int((moment - self._second) * 1_000_000)
        if not 0 <= micros < 1_000_000:
            self._second = int(moment)
            self._prefix = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()
            micros = min(999_999, int((moment - self._second) * 1_000_000))
        return self._prefix, _THOUSAND[micros // 1000], _THOUSAND[micros % 1000]

    def _shortened(self, fields: Fields) -> bytes:
        """The line with the middle of its longest texts cut until it fits."""
        small: Fields = {name: dict(value) if isinstance(value, dict) else value for name, value in fields.items()}
        small["truncated"] = True
        for _ in range(_MOST_CUTS):
            line = dump(self._rename(small))
            if len(line) <= LONGEST_LINE:
                return line
            holder, name = _longest(small)
            value = holder[name]
            text = value if isinstance(value, str) else dump(value).decode()
            # What is too long is bytes, and escapes make up to six of one character. Half at most goes at a time, so
            # that two long texts share the loss.
            size = max(1, len(dump(text)))
            wanted = max(size - (len(line) - LONGEST_LINE) - 64, size // 2)
            holder[name] = cut_middle(text, wanted * len(text) // size)
        kept = {name: fields[name] for name in ("timestamp", "severity", "service", "env", "version", "logger")}
        return dump(self._rename({**kept, "message": "<a record that could not be shortened>", "truncated": True}))


def _longest(fields: Fields) -> tuple[Fields, str]:
    """Where the longest value stands: the dict that holds it and its name."""
    candidates: list[tuple[int, Fields, str]] = []
    for name, value in fields.items():
        if name == "error" and isinstance(value, dict):
            candidates += [(_size(item), value, key) for key, item in value.items()]
        else:
            candidates.append((_size(value), fields, name))
    _, holder, name = max(candidates, key=lambda candidate: candidate[0])
    return holder, name


def _size(value: object) -> int:
    return len(dump(value)) if isinstance(value, str | dict | list) else 0
