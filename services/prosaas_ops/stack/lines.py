"""The one reader of log lines: human and JSON lines alike become the same record, stack traces joined to their line."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from prosaas_logging.levels import NAME_TO_LEVEL
from prosaas_logging.render import read_tail
from prosaas_logging.schemas import CANONICAL, RENAMED
from prosaas_ops.options import OTHERS
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.texts.lines import GAVE_UP

RANK = NAME_TO_LEVEL

_HUMAN = re.compile(rf"\[({'|'.join(RANK)})\] (?:(?:([^\s\[\]]+) )?\[([A-Z][A-Z0-9_]*)\] ?)?(.*)", re.DOTALL)
_OWN_CALL = re.compile(r"call_sid=(CA[0-9A-Za-z]{1,40})(?:,|$)")
# Of what stands at a line's end, the ids; whatever else looks like it is somebody's words.
_IDS = ("call_sid", "request_id", "job_id", "message_id")
_ID = re.compile(r"[\w.:=+/@…-]{1,200}")
_LOUD = tuple(f"[{name}]" for name, rank in RANK.items() if rank >= RANK["WARNING"])
_NO_FIELDS = CANONICAL | RENAMED

# The front door, whose Caddy has names of its own for what every line has, and for levels.
DOOR, DOOR_GAVE_UP = "gateway", "DOOR_GAVE_UP"
_DOORS_NAMES = ("level", "ts", "msg", "event")
# And what it writes of whoever asked.
_STRANGERS = ("request", "resp_headers", "headers")
_DOORS_LEVELS = {"WARN": "WARNING", "DPANIC": "CRITICAL", "PANIC": "CRITICAL", "FATAL": "CRITICAL"}
_WORSE = re.compile("|".join(f'"{name}"' for name in (*(loud[1:-1] for loud in _LOUD), *_DOORS_LEVELS)), re.IGNORECASE)


@dataclass(slots=True)
class Line:
    """One record of a service's log; `text` is what follows the event's tag, `stack` the trace below it."""

    stamp: str
    service: str
    level: str
    event: str
    text: str
    emoji: str = ""
    call_sid: str = ""
    job_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    size: int = 0
    rows: int = 1
    json: bool = False
    place: str = ""
    # Which container wrote it, where that was asked for.
    container: str = field(default="", compare=False)

    @property
    def at(self) -> float:
        return seconds(self.stamp)

    def human(self) -> str:
        """The line as the human format writes it, whichever format it came in."""
        tag = f"[{self.event}] " if self.event else ""
        emoji = f"{self.emoji} " if self.emoji and tag else ""
        tail = f" · call_sid={self.call_sid}" if self.json and self.call_sid and self.call_sid not in self.text else ""
        return f"[{self.level}] {emoji}{tag}{self.text}{tail}"


def seconds(stamp: str) -> float:
    """The engine's time stamp (nanoseconds, UTC) as seconds since the epoch."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp() + float(f"0.{fraction or 0}")
    except ValueError:
        return 0.0


def clock(at: float) -> str:
    """The time of day in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def hour(at: datetime, beside: datetime) -> str:
    """The time of day, with its date where that is another than the one it stands beside."""
    return f"{at:%H:%M}" if at.date() == beside.date() else f"{at:%m-%d %H:%M}"


class Reader:
    """Joins continuation lines to the record they follow; one instance for each container."""

    def __init__(self) -> None:
        self._open: Line | None = None

    def feed(self, raw: RawLine) -> Line | None:
        """The record completed by this line's arrival, if one was."""
        if self._open is not None and is_continuation(raw.text):
            self._open.stack.append(raw.text)
            self._open.size += len(raw.text.encode()) + 1
            self._open.rows += 1
            return None
        done, self._open = self._open, parse(raw)
        return done

    def flush(self) -> Line | None:
        done, self._open = self._open, None
        return done


def read(raws: Iterable[RawLine]) -> Iterator[Line]:
    """The records of one container's lines."""
    reader = Reader()
    for raw in raws:
        if done := reader.feed(raw):
            yield done
    if done := reader.flush():
        yield done


def chosen(raws: Iterable[RawLine], wanted: Callable[[str], bool]) -> Iterator[RawLine]:
    """Those of one container's lines that are wanted, with the stacks below them: of many, few are held."""
    inside = wanted is every
    for raw in raws:
        # What stands below another's line is another's, whatever it names.
        inside = inside if is_continuation(raw.text) else wanted(raw.text)
        if inside:
            yield raw


def every(_text: str) -> bool:
    """Whatever it says."""
    return True


def naming(call_sid: str) -> Callable[[str], bool]:
    """Whether a line has the call's id in it; without a call, whatever it says."""
    return (lambda text: call_sid in text) if call_sid else every


@cache
def perhaps(tags: tuple[str, ...] = ()) -> Callable[[str], bool]:
    """Whether a line may be a warning or worse, or of an event with one of these tags: seen without parsing it."""
    from prosaas_logging import catalogue

    # JSON has an event's own name in it, which may be another than its tag.
    names = {name for name, event in vars(catalogue).items() if getattr(event, "tag", "") in tags}
    told = re.compile("|".join(sorted({*tags, *names})) or "(?!)")

    def may_be(text: str) -> bool:
        if text.startswith("{"):
            return bool(_WORSE.search(text) or told.search(text))
        return text.startswith(_LOUD) or (text.startswith("[") and bool(told.search(text)))

    return may_be


def is_continuation(text: str) -> bool:
    """Only the lines below an error are indented: no field can put a line break into a line of its own."""
    return text[:1] in (" ", "\t")


def parse(raw: RawLine) -> Line:
    """One line as a record; what is in neither format is kept as it is, at INFO."""
    text = raw.text
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and "message" in body:
            return _from_json(raw, body)
        if isinstance(body, dict) and "msg" in body and raw.service == DOOR and not OTHERS:
            return _from_door(raw, body)
    size = len(text.encode()) + 1
    match = _HUMAN.fullmatch(text)
    if match is None:
        return Line(raw.stamp, raw.service, "INFO", "", text, size=size, place=raw.place)
    level, emoji, event, rest = match.groups()
    context = {name: value for name, value in read_tail(rest)[1].items() if name in _IDS and _ID.fullmatch(value)}
    if event and "call_sid" not in context and (own := _OWN_CALL.match(rest)) and names_its_call(event):
        context["call_sid"] = own[1]
    return Line(
        raw.stamp,
        raw.service,
        level,
        event or "",
        rest,
        emoji=emoji or "",
        call_sid=_id(context.get("call_sid")),
        job_id=_id(context.get("job_id")),
        fields=dict(context),
        size=size,
        place=raw.place,
    )


def _from_json(raw: RawLine, body: dict[str, Any]) -> Line:
    """A line under the project's own names, or under those that LOG_SCHEMA=ecs or gcp give them."""
    own = {**body, **_object(body, "prosaas")}
    error, event = _object(body, "error"), body.get("event")
    stack = str(error.get("stack") or error.get("stack_trace") or body.get("stack_trace") or "")
    level = str(body.get("severity") or body.get("log.level") or "INFO").upper()
    tag, emoji = dress(str((event.get("action") if isinstance(event, dict) else event) or ""))
    return Line(
        raw.stamp,
        raw.service,
        level if level in RANK else "INFO",
        tag,
        str(body["message"]),
        emoji=emoji,
        call_sid=_id(own.get("call_sid") or _object(own, "cause").get("call_sid")),
        job_id=_id(own.get("job_id")),
        fields={name: value for name, value in own.items() if name not in _NO_FIELDS},
        stack=[f"  {row}" for row in stack.splitlines()],
        size=len(raw.text.encode()) + 1,
        json=True,
        place=raw.place,
    )


def _from_door(raw: RawLine, body: dict[str, Any]) -> Line:
    """A line of the front door's: a request that it gave up in our words, all else in Caddy's, without a stranger's.

    Why no certificate comes stands in objects and in lists.
    """
    names = [name for name in body if name not in (*_DOORS_NAMES, *_STRANGERS) and body[name] is not None]
    said = {name: value if isinstance(value := body[name], str | int | float) else _json(value) for name in names}
    level, event = str(body.get("level") or "").upper(), str(body.get("event") or "")
    level = _DOORS_LEVELS.get(level, level)
    text = ", ".join((str(body["msg"]), *(f"{name}={value}" for name, value in said.items() if value != "")))
    if event == DOOR_GAVE_UP:
        took, words = said.get("duration"), {name: said.get(name, "?") for name in ("path", "status", "error")}
        text = GAVE_UP(seconds="?" if took is None or isinstance(took, str) else f"{took:.1f}", **words)
    return Line(
        raw.stamp,
        raw.service,
        level if level in RANK else "INFO",
        event,
        text,
        fields=said,
        size=len(raw.text.encode()) + 1,
        json=True,
        place=raw.place,
    )


def _id(value: object) -> str:
    """What no id of a call or a job looks like is none, and in no command, address or file name that is made of one."""
    said = str(value or "")
    return said if _ID.fullmatch(said) and "/" not in said else ""


def _json(value: object) -> str:
    """What was read a moment ago can be nested too deep to be written."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "?"


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


@cache
def dress(name: str) -> tuple[str, str]:
    """The tag and the emoji that the human format gives an event of this name."""
    from prosaas_logging import catalogue

    event = getattr(catalogue, name, None) if name.isupper() else None
    return (event.tag, event.emoji) if event is not None and hasattr(event, "tag") else (name, "")


@cache
def debug_tags() -> frozenset[str]:
    """The tags that only events of DEBUG have: frame by frame, and other things that production never says."""
    from prosaas_logging import catalogue

    events = [event for event in vars(catalogue).values() if hasattr(event, "tag")]
    return frozenset(event.tag for event in events if event.level == RANK["DEBUG"]) - frozenset(
        event.tag for event in events if event.level != RANK["DEBUG"]
    )


@cache
def names_its_call(tag: str) -> bool:
    """Whether events of this tag say their call's id themselves, first of all."""
    from prosaas_logging import catalogue

    return any(getattr(event, "tag", "") == tag and "call_sid" in event.fields for event in vars(catalogue).values())
