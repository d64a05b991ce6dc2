"""The numbers of a call: what each is called, and from where on it is slow."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Measure(NamedTuple):
    """One number of a call's record, in `unit`; from `slow` and `very_slow` on, people notice."""

    name: str
    he: str
    en: str
    unit: str = ""
    slow: float | None = None
    very_slow: float | None = None


# An answer that takes longer than the first is heard as silence, one that takes longer than the second as a fault.
SLOW_MS, VERY_SLOW_MS = 1500.0, 3000.0
# A pause of both sides that is longer is told of; where the caller's last words were before it, they got no answer.
SILENCE_MS = 5000.0

MEASURES = (
    Measure("turns", "פניות הלקוח", "turns"),
    Measure("barge_ins", "קטיעות", "interruptions"),
    Measure("false_interruptions", "קולות שלא קטעו", "sounds spoken through"),
    Measure("tools", "כלים", "tools"),
    Measure("refused", "סירובים", "tools refused"),
    Measure("errors", "שגיאות", "errors"),
    Measure("reconnects", "חיבורים מחדש", "reconnects"),
    Measure("first_audio_ms", "צליל ראשון", "first sound", "ms", SLOW_MS, VERY_SLOW_MS),
    Measure("response_p50_ms", "תגובה רגילה", "usual answer", "ms", SLOW_MS, VERY_SLOW_MS),
    Measure("response_p95_ms", "תגובה איטית", "slow answer", "ms", SLOW_MS, VERY_SLOW_MS),
    Measure("asking_ms", "בקשת תגובה", "asking for an answer", "ms"),
    Measure("tokens_in", "טוקני קלט", "tokens in"),
    Measure("tokens_out", "טוקני פלט", "tokens out"),
    Measure("cost", "עלות", "cost"),
    Measure("folded", "שורות שפינו מקום", "folded lines"),
)


def shown(metrics: Mapping[str, Any]) -> list[tuple[Measure, str]]:
    """The measures that a record has, each with its value in words."""
    known = [measure for measure in MEASURES if metrics.get(measure.name) is not None]
    return [(row, f"{_value(row, metrics)} {_unit(row, metrics)}".strip()) for row in known]


def _value(measure: Measure, metrics: Mapping[str, Any]) -> str:
    value = metrics[measure.name]
    return f"{value:.3f}" if measure.name == "cost" and isinstance(value, float) else str(value)


def _unit(measure: Measure, metrics: Mapping[str, Any]) -> str:
    return str(metrics.get("currency") or "") if measure.name == "cost" else measure.unit
