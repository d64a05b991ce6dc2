"""What a call's own events and words tell of how it went, in numbers that its record keeps."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prosaas_core.facts.troubles import false_claim

# Without a recorded end, speech lasts as long as its words take to say.
LETTERS_PER_SECOND = 14.0
_SPOKEN = re.compile(r'AI: "(.*?)"(?: · |$)', re.DOTALL)


def counted(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Refused tools, those of them that no later answer of the same tool made good, errors, lost connections, how
    often a long noise kept the caller from being understood, and how often the database did not answer.

    An answer does not name its tool: it is put down to the last that was called. A call's own count knows better.
    """
    totals = {"refused": 0, "errors": 0, "reconnects": 0, "noisy": 0, "database_away": 0}
    open_refusals: Counter[str] = Counter()
    tool = ""
    for event in events:
        name = str(event.get("event") or "")
        totals["refused"] += name == "TOOL_REFUSED"
        totals["errors"] += str(event.get("level")) in ("ERROR", "CRITICAL")
        totals["reconnects"] += name == "REALTIME_RETRY"
        # A line has the event's tag.
        totals["database_away"] += name == "DB_UNAVAILABLE" or (name == "DB" and event.get("level") == "WARNING")
        totals["noisy"] += name == "LINE_NOISY"
        if name == "TOOL_CALL":
            tool = str(event.get("text") or "").partition(":")[0]
        elif name == "TOOL_REFUSED":
            open_refusals[tool] += 1
        elif name == "TOOL_RESULT":
            open_refusals.pop(tool, None)
    return totals | {"unmended": open_refusals.total()}


def waited(transcript: Sequence[Mapping[str, Any]], lasted_ms: float) -> dict[str, float]:
    """Milliseconds: the longest wait for an answer, and how long the last words went without one (0: answered)."""
    told: dict[str, float] = {"unanswered_ms": 0}
    if waits := [float(turn["wait_ms"]) for turn in transcript if turn.get("wait_ms") is not None]:
        told["slowest_ms"] = max(waits)
    ends = {who: [_end(turn) for turn in transcript if turn.get("who") == who] for who in ("customer", "ai")}
    asked, answered = max(ends["customer"], default=0.0), max(ends["ai"], default=0.0)
    if asked > answered:
        told["unanswered_ms"] = max(0.0, round(lasted_ms - asked))
    return told


def unwritten(transcript: Sequence[Mapping[str, Any]]) -> int:
    """How many of the caller's turns nobody wrote down.

    The last word of a call whose caller is understood otherwise is none of them: who hangs up waits for no transcript.
    """
    theirs = [turn for turn in transcript if turn.get("who") == "customer"]
    lost = [turn for turn in theirs if turn.get("transcribed") is False]
    return len(lost) - bool(lost and len(lost) < len(theirs) and lost[-1] is transcript[-1])


def _end(turn: Mapping[str, Any]) -> float:
    """When the last of a turn was spoken, milliseconds from the call's beginning."""
    if turn.get("until_ms") is not None:
        return float(turn["until_ms"])
    return float(turn.get("at_ms") or 0) + len(str(turn.get("text") or "")) * 1000 / LETTERS_PER_SECOND


def claimed(events: Iterable[Mapping[str, Any]]) -> str:
    """What the agent said was done after a tool had refused it, and before another did it; empty where nothing was."""
    said, refused = [], False
    for event in events:
        name = str(event.get("event") or "")
        if name in ("TOOL_REFUSED", "TOOL_RESULT"):
            refused = name == "TOOL_REFUSED"
        elif refused and name.startswith("TRANSCRIPT") and (words := _SPOKEN.match(str(event.get("text") or ""))):
            said.append(words[1])
    return false_claim(said)


def hindsight(
    events: Sequence[Mapping[str, Any]], transcript: Sequence[Mapping[str, Any]], lasted_s: float
) -> dict[str, Any]:
    """All of these, as the metrics of a finished call's record keep them."""
    claim = claimed(events)
    told = {**counted(events), **waited(transcript, lasted_s * 1000), "unwritten": unwritten(transcript)}
    return told | ({"unkept": claim} if claim else {})
