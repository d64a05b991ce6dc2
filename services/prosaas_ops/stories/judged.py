"""What a call's story says when it is judged: its facts, its silences, and how long the caller waited at first."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.claims import deed_told
from prosaas_core.facts.endings import EndReason
from prosaas_core.facts.hindsight import LETTERS_PER_SECOND, hindsight
from prosaas_core.facts.measures import SILENCE_MS
from prosaas_logging.labels import REFUSALS
from prosaas_ops.options import spoken_duration
from prosaas_ops.stack.lines import DOOR_GAVE_UP, RANK
from prosaas_ops.stack.records import OPEN, Record
from prosaas_ops.stories.call import Story, transcript
from prosaas_ops.stories.moment import Entry
from prosaas_ops.texts.pages import RECKONED
from prosaas_ops.texts.told import CHANGED_BEFORE

_ENDED_BEFORE = "the call has ended, or was answered long ago"
_TOO_LATE = (_ENDED_BEFORE, *REFUSALS[_ENDED_BEFORE])
_CHANGES_SHOWN, _CHANGE_SHOWN = 3, 200
_TAKEN = ("completed", "answered")
_ERROR = re.compile(r"(?:error|message)=(.{1,80}?)(?: · |, \w+=|$)")
_TO_NUMBER = re.compile(r"to_number=(\S{1,40}?)(?:,| |$)")
_WAITED = re.compile(r"waited_ms=(\d{1,6})(?:,| |$)")
_STATUS = re.compile(r"status=([\w-]{1,40})")


class Silence(NamedTuple):
    """Nobody spoke from `at` (seconds since the epoch) on, for so many seconds."""

    at: float
    seconds: float


def facts_of(story: Story) -> CallFacts:
    """The facts that the verdict is made of; the story's own lines stand in for a record that is not there yet."""
    record, entries = story.record, story.entries
    metrics = record.metrics if record is not None else {}
    events = [
        {"event": each.event, "level": each.level, "text": each.text} for each in entries if each.kind != "around"
    ]
    ends = [entry.at for entry in entries if entry.event == "CALL_END"]
    lasted = record.duration_s if record is not None and record.duration_s is not None else None
    told = hindsight(
        events, transcript(story), lasted if lasted is not None else max(ends, default=story.started) - story.started
    )
    # What the record says counts: so do the lists, which know nothing else.
    told |= {name: metrics[name] for name in told if metrics.get(name) is not None}
    retries = sum(entry.event == "REALTIME" and entry.level == "WARNING" for entry in entries)
    end = next((entry.reason for entry in reversed(entries) if entry.event == "CALL_END"), "")
    given_up = sum(entry.event == DOOR_GAVE_UP for entry in entries) if not story.reached else 0
    return CallFacts(
        story.call_sid,
        end_reason=(record.end_reason if record is not None else "") or end,
        status=record.status if record is not None else "",
        live=story.live is not False,
        reached=story.reached,
        lost=_lost(story, end),
        unread=bool(story.without_record),
        killed_after=_ago(story.killed.at - story.started) if story.killed is not None else "",
        killed_how=story.killed.detail if story.killed is not None else "",
        unknown_number=_unknown_number(story),
        refused_at_door=next(_refusals(entries), ""),
        given_up=given_up,
        down_for=_ago(story.started - story.down_since) if story.down_since is not None else "",
        first_audio_ms=greeting_wait(story) or metrics.get("first_audio_ms"),
        slowest_ms=told.get("slowest_ms", metrics.get("response_p95_ms")),
        unanswered_ms=told["unanswered_ms"],
        unmended=told["unmended"],
        errors=told["errors"],
        reconnects=max(retries, told["reconnects"]),
        noisy=told["noisy"],
        database_away=told["database_away"],
        slow_of=_slow_of(story),
        turns=metrics.get("turns") if metrics else None,
        unwritten=int(told["unwritten"]),
        forgotten=record is not None and not (record.from_number or record.to_number),
        false_claim=str(told.get("unkept") or metrics.get("unkept") or ""),
        cause=_cause(entries),
        returned=str(metrics.get("returned") or _untaken(entries)),
    )


def _refusals(entries: list[Entry]) -> Iterator[str]:
    """Why it was turned away; not what an api said that came to a webhook after the front door had given that up."""
    given_up = min((entry.at for entry in entries if entry.event == DOOR_GAVE_UP), default=math.inf)
    for entry in entries:
        late = entry.at > given_up and any(why in entry.text for why in _TOO_LATE)
        if entry.event == "VOICE_REFUSED" and not late:
            yield entry.text


def disputed(story: Story) -> bool:
    """Whether the summary tells of a deed, and no tool of this call did any."""
    record = story.record
    if record is None or record.metrics.get("deeds") or not deed_told(record.summary):
        return False
    return not any(booked.call_sid == story.call_sid for booked in record.appointments)


def changed_before(story: Story, spoken: str = "") -> list[str]:
    """The last changes of the business before the call, which it may have been answered otherwise for."""
    return [
        CHANGED_BEFORE.say(spoken, ago=_ago(story.started - line.at), what=line.text[:_CHANGE_SHOWN])
        for line in story.changed[-_CHANGES_SHOWN:]
    ]


def _slow_of(story: Story) -> str:
    """Whose time the longest wait for an answer was: "tool" where one was called in it, else "model"."""
    waits = [turn for turn in transcript(story) if turn.get("wait_ms") is not None]
    if not waits:
        return ""
    slowest = max(waits, key=lambda turn: float(turn["wait_ms"]))
    heard = story.started + float(slowest.get("at_ms") or 0) / 1000
    asked = heard - float(slowest["wait_ms"]) / 1000
    ran = any(each.event == "TOOL_CALL" and asked <= each.at <= heard for each in story.entries)
    return "tool" if ran else "model"


def _unknown_number(story: Story) -> str:
    """The number that was called, where no business has it: the record's own, for a line shows the beginning alone."""
    said = next((each.text for each in story.entries if each.event == "UNKNOWN_BUSINESS"), "")
    if story.record is not None and story.record.to_number and (said or not story.record.business):
        return story.record.to_number if story.record.direction == "inbound" else ""
    return found[1] if (found := _TO_NUMBER.search(said)) else ""


def _lost(story: Story, end: str) -> bool:
    """Whether it is over and nothing says how: it had begun, or its record is open and no line of ours knows it."""
    if story.live is not False or end or (story.record is not None and story.record.end_reason):
        return False
    told = ("VOICE_WEBHOOK", "VOICE_REFUSED", "UNKNOWN_BUSINESS", DOOR_GAVE_UP)
    known = any(entry.event in told for entry in story.entries)
    return story.reached or (story.record is not None and story.record.status in OPEN and not known)


def _cause(entries: list[Entry]) -> str:
    """What the last of the call's lines about a lost connection to the model gives as its error."""
    lost = [each.text for each in entries if each.event.startswith("REALTIME") and RANK[each.level] >= RANK["WARNING"]]
    found = [told[1] for text in lost if (told := _ERROR.search(text))]
    return found[-1] if found else ""


def _ago(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 60 else spoken_duration(seconds)


def _untaken(entries: list[Entry]) -> str:
    """What became of a transfer that no person took, as Twilio says it."""
    told = [found[1] for each in entries if each.event == "TRANSFER_RESULT" and (found := _STATUS.search(each.text))]
    return next((status for status in reversed(told) if status not in _TAKEN), "")


def paid(record: Record, spoken: str = "") -> str:
    """What the call cost, charge by charge, its summary's among them; empty where nothing was charged."""
    estimated = f" {RECKONED.say(spoken)}"
    parts = [
        f"{each.name} {'?' if each.cost is None else format(each.cost, '.4f')}{estimated if each.estimated else ''}"
        for each in record.paid
    ]
    return f"{' · '.join(parts)} {record.paid[-1].currency}" if parts else ""


def greeting_wait(story: Story) -> float | None:
    """Milliseconds from the webhook, where the caller's wait begins, to the greeting's first sound; None if unknown.

    A caller who was asked to wait had a webhook for each time: the first of the api's lines is of the first of them.
    One that the front door asked for again, of an api that had fallen silent, says how long it had waited there.
    """
    first = (story.record.metrics if story.record is not None else {}).get("first_audio_ms")
    api = [entry for entry in story.entries if entry.source == "prosaas-api" and entry.kind != "around"]
    rang = any(entry.event == "VOICE_WEBHOOK" for entry in api)
    webhook = min((entry.at - _waited_s(entry) for entry in api if rang), default=None)
    if not isinstance(first, int | float):
        return None
    return float(first) + max(0.0, story.started - webhook) * 1000 if webhook is not None else float(first)


def _waited_s(entry: Entry) -> float:
    found = _WAITED.search(entry.text) if entry.event == "VOICE_WEBHOOK" else None
    return int(found[1]) / 1000 if found else 0.0


def silences(story: Story) -> list[Silence]:
    """The pauses between what was said, those before the first and after the last word of the call among them.

    Of lines alone there are none: they say when words were written down, not when they were spoken. A call that went
    down with its service ends with its last sign of life, and not where its end was found out.
    """
    if story.record is None or not story.record.transcript:
        return []
    spans = []
    for turn in transcript(story):
        start = float(turn.get("at_ms") or 0) / 1000
        spoken = start + len(str(turn.get("text", ""))) / LETTERS_PER_SECOND
        spans.append((start, float(turn["until_ms"]) / 1000 if turn.get("until_ms") is not None else spoken))
    ends = [each.at - story.started for each in story.entries if each.event == "CALL_END" and each.source != "worker"]
    if story.record is not None and story.record.end_reason == EndReason.CRASHED:
        ends = [story.record.duration_s or 0.0]
    heard, found = 0.0, []
    for start, end in [*sorted(spans), *((at, at) for at in ends)]:
        if (start - heard) * 1000 >= SILENCE_MS:
            found.append(Silence(story.started + heard, start - heard))
        heard = max(heard, end)
    return found if spans else []
