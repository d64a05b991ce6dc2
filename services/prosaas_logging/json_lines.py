"""A record as one line of JSON, in the schema that was asked for and never longer than Docker keeps in one piece."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from .events import Event
from .levels import LEVEL_TO_NAME, level_name
from .redact import clean, harmless, redact, rule_of
from .render import LONGEST_LINE, TextRenderer
from .schemas import RENAMES
from .scope import Context, Record
from .settings import LogSettings
from .values import cut_middle, dump

_MOST_CUTS: Final = 64
_RESERVED: Final = frozenset({
    "timestamp", "severity", "message", "event", "service", "env", "version", "logger", "error", "truncated",
})  # fmt: skip
_MOST_REMEMBERED: Final = 4096
# Looking three digits up takes half the time of formatting them, and every line has six.
_THOUSAND: Final = tuple(f"{number:03d}" for number in range(1000))

Fields = dict[str, object]


class JsonRenderer:
    """One object a line."""

    def __init__(self, settings: LogSettings, text: TextRenderer) -> None:
        self._text = text
        self._base: Fields = {"service": settings.service, "env": settings.env, "version": settings.version}
        self._rename = RENAMES[settings.schema] if settings.schema != "default" else None
        self._second = 0
        self._prefix = ""
        # Names of fields that are neither ours nor any reason to hide a value: most of them, most of the time.
        self._ordinary: set[str] = set()

    def line(self, record: Record, context: Context) -> bytes:
        """The record as a line."""
        fields = self.canonical(record, context)
        line = dump(fields if self._rename is None else self._rename(fields))
        if len(line) > LONGEST_LINE:
            line = self._shortened(fields)
        return line + b"\n"

    def canonical(self, record: Record, context: Context) -> Fields:
        """The record under this project's own names, redacted, before any schema renames them."""
        moment, level, logger, what, own, error = record
        fields: Fields = {
            "timestamp": self._timestamp(moment),
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

    def _timestamp(self, moment: float) -> str:
        micros = int((moment - self._second) * 1_000_000)
        if not 0 <= micros < 1_000_000:
            self._second = int(moment)
            self._prefix = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            micros = min(999_999, int((moment - self._second) * 1_000_000))
        return f"{self._prefix}{_THOUSAND[micros // 1000]}{_THOUSAND[micros % 1000]}Z"

    def _shortened(self, fields: Fields) -> bytes:
        """The line with the middle of its longest texts cut until it fits."""
        rename = self._rename or (lambda same: same)
        small: Fields = {name: dict(value) if isinstance(value, dict) else value for name, value in fields.items()}
        small["truncated"] = True
        for _ in range(_MOST_CUTS):
            line = dump(rename(small))
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
        return dump(rename({**kept, "message": "<a record that could not be shortened>", "truncated": True}))


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
