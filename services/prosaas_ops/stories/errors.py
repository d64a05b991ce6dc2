"""Warnings and errors, grouped: the same trouble is one row, however often and in however many calls it came."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prosaas_core.facts.endings import ENDINGS, EndReason
from prosaas_logging.trouble import wording
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import RANK, Line
from prosaas_ops.stories.moment import from_line, stamp
from prosaas_ops.texts import checks as words
from prosaas_ops.texts import language

_REPEATED = re.compile(r".{0,60}?count=(\d{1,9}), seconds=\d{1,9}, last=(.*)", re.DOTALL)
# What tells of calls by their number alone.
_UNNAMED = _MISSED, _LOST = ("CALLS_MISSED", "CALLS_LOST")
_COUNT = re.compile(r"\bcount=(\d{1,9})\b")
_LONGEST = 200
_CALLS = "prosaas-calls"


@dataclass(slots=True)
class TroubleGroup:
    """One trouble: where and what, how often, from when to when, in which calls, and one case of it."""

    service: str
    event: str
    example: Line
    first: float
    last: float
    count: int = 0
    calls: set[str] = field(default_factory=set)
    # Calls that it tells of without their ids.
    unnamed: int = 0
    # The start or the database's end that the first case came of, as far as its time and its kind tell.
    since: str = ""
    # What else had changed a moment before it, and how long before: perhaps by chance.
    before: str = ""
    apart: float = 0.0


@dataclass(slots=True)
class Death(Line):
    """A container that ended unasked, as the line that its service had no time for; and the calls it took along."""

    calls: set[str] = field(default_factory=set)


def deaths(lines: Sequence[Line], happened: Iterable[Happening], earlier: Sequence[Line] = ()) -> list[Death]:
    """A row for each container that ended unasked, and for calls whose record alone tells that theirs did.

    Taken along were the calls that this container had, and of which prosaas-calls wrote neither their end nor anything
    later; `earlier` are its lines from before the window.
    """
    failed = [told for told in happened if told.failed]
    found = [Death(f"{stamp(told.at)}Z", told.service, "ERROR", "", words.KILLED(how=told.detail)) for told in failed]
    ours = [(told, death) for told, death in zip(failed, found, strict=True) if told.service == _CALLS]
    said = [line for line in (*earlier, *lines) if line.service == _CALLS and line.call_sid]
    # Who tells of a call's end may be another, once whoever had it is gone.
    had = {
        line.call_sid: line.container for line in sorted(said, key=lambda line: line.stamp) if line.event != "CALL_END"
    }
    for told, death in ours:
        over = {line.call_sid for line in said if line.event == "CALL_END" or line.at > death.at}
        death.calls = {call for call, container in had.items() if told.is_of(container)} - over
    for line in lines:
        if line.event != "CALL_END" or from_line(line).reason != EndReason.CRASHED:
            continue
        its = had.get(line.call_sid)
        before = [death for told, death in ours if death.at <= line.at and (its is None or told.is_of(its))]
        if not before:
            ending = ENDINGS[EndReason.CRASHED]
            how = ending.he if language() == "he" else ending.en
            found.append(Death(line.stamp, _CALLS, "ERROR", "", how, calls={line.call_sid}))
        elif not any(line.call_sid in death.calls for death in before):
            before[-1].calls.add(line.call_sid)
    return found


# What changes a service: a deploy or a restart starts it, a switch makes it say more.
CHANGES = ("SERVICE_START", "WORKER_START", "LOG_LEVEL_CHANGED")

# Those that are shown on the clock of the troubles; the last of them makes no service fail, but answers otherwise.
MARKED = (*CHANGES, "BUSINESS_CHANGED")


def changes(lines: Iterable[Line]) -> list[Line]:
    """The deploys, restarts, switches and changes of a business: what begins just after one may be its doing."""
    return [line for line in lines if line.event in MARKED]


# Of what is no warning, what a list of troubles is made of.
TELLING = (*MARKED, "CALL_START", "CALL_END", "DEMO")

# What is said aloud and is no trouble: a level that is switched and taken back, and which stack this is.
_NO_TROUBLE = ("LOG_LEVEL_CHANGED", "LOG_LEVEL_REVERTED", "DEMO")
_BOX = "BLACKBOX_WRITTEN"

# A trouble that begins later after a change has nothing to do with it; a start's own comes at once.
_JUST_SECONDS, _AT_ONCE_SECONDS = 30.0, 5.0
_STARTS = ("SERVICE_START", "WORKER_START")
# What a service says where it misses the database, by its event or by what was raised.
_MISSES_DATABASE = ("DB", "QUEUE_LOST", "CALL_RECORD_SPOOLED")
_RAISED_BY_DATABASE = re.compile("asyncpg|postgres|sqlalchemy", re.IGNORECASE)


def troubles(lines: Sequence[Line]) -> list[Line]:
    """What is WARNING or worse and is a trouble; a black box is one only where nothing else tells of its call."""
    found = [line for line in lines if RANK[line.level] >= RANK["WARNING"] and line.event not in _NO_TROUBLE]
    told = {line.call_sid for line in found if line.event != _BOX}
    told.update(*(line.calls for line in found if isinstance(line, Death)))
    return [line for line in found if line.event != _BOX or line.call_sid not in told]


def group_errors(lines: Sequence[Line], happened: Sequence[Happening] = ()) -> list[TroubleGroup]:
    """The groups of the troubles, errors first, then by how often; lines come by time.

    What `happened` to the database's container is looked at beside the changes of the service itself.
    """
    groups: dict[tuple[str, str, str], TroubleGroup] = {}
    # Of what service and wording the first group is: a folded line has the event's own no more.
    worded: dict[tuple[str, str], TroubleGroup] = {}
    changed: dict[str, Line] = {}
    wanted = set(map(id, troubles(lines)))
    database = [told for told in happened if told.service == "postgres" and told.what in ("die", "oom", "start")]
    for line in lines:
        if line.event in CHANGES:
            changed[line.service] = line
        if id(line) not in wanted:
            continue
        text, count = line.text, 1
        repeated = _REPEATED.match(text[: _LONGEST * 4]) if line.event == "REPEATED" else None
        if repeated is not None:
            count, text = int(repeated[1]), repeated[2]
        said = wording(text.partition(" · ")[0])
        key = (line.service, line.event, said)
        group = worded.get((line.service, said)) if repeated is not None else groups.get(key)
        if group is None:
            group = groups[key] = TroubleGroup(line.service, line.event, line, line.at, line.at)
            worded.setdefault((line.service, said), group)
            _lay_to(group, [*database, *filter(None, [changed.pop(line.service, None)])])
        group.count += count
        group.last = line.at
        if line.call_sid:
            group.calls.add(line.call_sid)
        if isinstance(line, Death):
            group.calls |= line.calls
        if line.event in _UNNAMED and (told := _COUNT.search(line.text)):
            group.unnamed += int(told[1])
    return sorted(groups.values(), key=lambda group: (-RANK[group.example.level], -group.count))


def calls_hit(groups: Sequence[TroubleGroup], lines: Iterable[Line]) -> int:
    """How many calls there were at the least: one that is counted without its id may be one that others name.

    Of those that began with us none was missed, and none that was missed is lost.
    """
    named = {call for group in groups for call in group.calls}
    had = named & {line.call_sid for line in lines if line.event == "CALL_START"}
    missed, lost = (sum(group.unnamed for group in groups if group.event == event) for event in (_MISSED, _LOST))
    return max(len(had) + max(len(named - had), missed), missed + lost)


def _lay_to(group: TroubleGroup, changed: Sequence[Line | Happening]) -> None:
    """Which of these the trouble came of, if of any; else the one that it came after."""
    lately = sorted((one for one in changed if 0 <= group.first - one.at <= _JUST_SECONDS), key=lambda one: one.at)
    if likely := [one for one in lately if _likely(group, one)]:
        group.since = _named(likely[-1])
    elif lately:
        group.before, group.apart = _named(lately[-1]), group.first - lately[-1].at


def _likely(group: TroubleGroup, change: Line | Happening) -> bool:
    if isinstance(change, Line):
        return change.event in _STARTS and group.first - change.at <= _AT_ONCE_SECONDS
    said = "\n".join([group.example.text, *group.example.stack])
    return group.event in _MISSES_DATABASE or bool(_RAISED_BY_DATABASE.search(said))


def _named(change: Line | Happening) -> str:
    if isinstance(change, Line):
        return f"{change.event} {change.text[:60]}"
    return " ".join(f"{change.service} container {change.what}, {change.detail}".split()).rstrip(",")
