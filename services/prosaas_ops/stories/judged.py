"""What a call's story says when it is judged: its facts, its silences, and how long the caller waited at first."""

from typing import NamedTuple

from prosaas_core.facts.measures import counted
from prosaas_core.facts.troubles import CallFacts, false_claim
from prosaas_ops.stack.records import Record
from prosaas_ops.stories.call import Entry, Story, transcript
from prosaas_ops.texts.pages import RECKONED

# A pause of this many seconds, in which neither side speaks, is a row of its own.
SILENCE_SECONDS = 5.0
# Without a recorded end, speech lasts as long as its words take to say.
LETTERS_PER_SECOND = 14.0


class Silence(NamedTuple):
    """Nobody spoke from `at` (seconds since the epoch) on, for so many seconds."""

    at: float
    seconds: float


def facts_of(story: Story) -> CallFacts:
    """The facts that the verdict is made of; the story's own lines stand in for a record that is not there yet."""
    record, entries = story.record, story.entries
    metrics = record.metrics if record is not None else {}
    said = counted({"event": entry.event, "level": entry.level} for entry in entries if entry.kind != "around")
    retries = sum(entry.event == "REALTIME" and entry.level == "WARNING" for entry in entries)
    waits = [entry.wait * 1000 for entry in entries if entry.wait is not None]
    began = any(entry.event == "CALL_START" for entry in entries)
    end = next((entry.reason for entry in reversed(entries) if entry.event == "CALL_END"), "")
    return CallFacts(
        story.call_sid,
        end_reason=(record.end_reason if record is not None else "") or end,
        status=record.status if record is not None else "",
        live=story.live is not False,
        reached=began or bool(record is not None and record.end_reason),
        refused_at_door=next((entry.text for entry in entries if entry.event == "VOICE_REFUSED"), ""),
        first_audio_ms=greeting_wait(story) or metrics.get("first_audio_ms"),
        slowest_ms=max(waits, default=metrics.get("response_p95_ms")),
        usual_ms=record.usual_ms if record is not None else None,
        refused=max(said["refused"], int(metrics.get("refused") or 0)),
        errors=max(said["errors"], int(metrics.get("errors") or 0)),
        reconnects=max(retries, int(metrics.get("reconnects") or 0)),
        turns=metrics.get("turns") if metrics else None,
        false_claim=str(metrics.get("unkept") or "") or false_claim(_after_refusals(entries)),
    )


def paid(record: Record, spoken: str = "") -> str:
    """What the call cost, charge by charge, its summary's among them; empty where nothing was charged."""
    estimated = f" {RECKONED.say(spoken)}"
    parts = [
        f"{each.name} {'?' if each.cost is None else format(each.cost, '.4f')}{estimated if each.estimated else ''}"
        for each in record.paid
    ]
    return f"{' · '.join(parts)} {record.paid[-1].currency}" if parts else ""


def greeting_wait(story: Story) -> float | None:
    """Milliseconds from the webhook, where the caller's wait begins, to the greeting's first sound; None if unknown."""
    first = (story.record.metrics if story.record is not None else {}).get("first_audio_ms")
    webhook = next((entry.at for entry in story.entries if entry.event == "VOICE_WEBHOOK"), None)
    if not isinstance(first, int | float):
        return None
    return float(first) + max(0.0, story.started - webhook) * 1000 if webhook is not None else float(first)


def _after_refusals(entries: list[Entry]) -> list[str]:
    """What the agent said after a tool refused and before another one did what was asked."""
    said, refused = [], False
    for entry in entries:
        if entry.event in ("TOOL_REFUSED", "TOOL_RESULT"):
            refused = entry.event == "TOOL_REFUSED"
        elif refused and entry.kind == "speech" and entry.text.startswith("AI"):
            said.append(entry.text.partition(": ")[2].partition('" · ')[0].strip('"'))
    return said


def silences(story: Story) -> list[Silence]:
    """The pauses between what was said, those before the first and after the last word of the call among them."""
    spans = []
    for turn in transcript(story):
        start = float(turn.get("at_ms") or 0) / 1000
        spoken = start + len(str(turn.get("text", ""))) / LETTERS_PER_SECOND
        spans.append((start, float(turn["until_ms"]) / 1000 if turn.get("until_ms") is not None else spoken))
    ends = [entry.at - story.started for entry in story.entries if entry.event == "CALL_END"]
    heard, found = 0.0, []
    for start, end in [*sorted(spans), *((at, at) for at in ends)]:
        if start - heard >= SILENCE_SECONDS:
            found.append(Silence(story.started + heard, start - heard))
        heard = max(heard, end)
    return found if spans else []
