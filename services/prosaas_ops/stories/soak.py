"""What a long run showed, as data: samples of the services' own numbers, and how far each drifted."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

_SAMPLE = re.compile(r"^([a-z_:]+)(?:\{[^}]*\})? ([0-9.eE+-]+|\+Inf|NaN)$", re.MULTILINE)
_MIB = 1024**2


class Drift(NamedTuple):
    """One number over the run: the middle of its first quarter and of its last, and the change in an hour."""

    what: str
    unit: str
    first: float
    last: float
    an_hour: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the run began, and each number by name; what nobody could say is missing."""

    at_s: float
    numbers: Mapping[str, float]


def totals(exposition: str) -> dict[str, float]:
    """A page of metrics as one number a name, summed over its labels."""
    found: dict[str, float] = {}
    for name, value in _SAMPLE.findall(exposition):
        found[name] = found.get(name, 0.0) + float(value)
    return found


def of_process(service: str, now: Mapping[str, float]) -> dict[str, float]:
    """Memory, descriptors and tasks of one service."""
    wanted = {
        f"{service} memory, MiB": now.get("process_resident_memory_bytes", float("nan")) / _MIB,
        f"{service} descriptors": now.get("process_open_fds", float("nan")),
        f"{service} tasks": now.get("prosaas_tasks", float("nan")),
    }
    return {name: value for name, value in wanted.items() if value == value}


def of_calls(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """The mean first sound and the mean number of lines of the calls that ended between two looks."""
    means = {}
    for name, metric, scale in (
        ("first sound, ms", "prosaas_call_first_audio_seconds", 1000.0),
        ("lines a call", "prosaas_call_lines", 1.0),
    ):
        count = now.get(f"{metric}_count", 0.0) - before.get(f"{metric}_count", 0.0)
        total = now.get(f"{metric}_sum", 0.0) - before.get(f"{metric}_sum", 0.0)
        # A service that started anew counts from nothing.
        if count > 0 and total >= 0:
            means[name] = total / count * scale
    return means


def drifts(samples: Sequence[Sample]) -> list[Drift]:
    """How far each number came, in the order in which it was first seen; none from fewer than four samples."""
    names = dict.fromkeys(name for sample in samples for name in sample.numbers)
    found = []
    for whole in names:
        seen = [(sample.at_s, sample.numbers[whole]) for sample in samples if whole in sample.numbers]
        if len(seen) < 4:
            continue
        quarter = len(seen) // 4
        (first_at, first), (last_at, last) = _middle(seen[:quarter]), _middle(seen[-quarter:])
        what, _, unit = whole.partition(", ")
        found.append(Drift(what, unit, first, last, (last - first) / max(last_at - first_at, 1.0) * 3600))
    return found


def _middle(seen: Iterable[tuple[float, float]]) -> tuple[float, float]:
    moments, values = zip(*seen, strict=True)
    return median(moments), median(values)
