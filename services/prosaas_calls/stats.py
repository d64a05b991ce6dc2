"""The numbers of one call, for CALL_END, the record and the metrics."""

from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class CallStats:
    started: float = field(default_factory=monotonic)
    ended: float | None = None
    turns: int = 0
    barge_ins: int = 0
    false_interruptions: int = 0
    tools: int = 0
    first_audio_ms: int | None = None
    frames_in: int = 0
    frames_out: int = 0
    response_ms: list[int] = field(default_factory=list)
    # From our asking the model for a response to its beginning one: the round trip that asking costs, and no more.
    asked_ms: list[int] = field(default_factory=list)

    def elapsed_ms(self) -> int:
        """How long the call has lasted, or did."""
        return int(((self.ended or monotonic()) - self.started) * 1000)

    def percentile(self, share: float) -> int | None:
        """Response latency at the given share of all responses (nearest rank)."""
        return _ranked(self.response_ms, share)

    @property
    def asking_ms(self) -> int | None:
        """What asking for a response took, as a rule."""
        return _ranked(self.asked_ms, 0.5)


def _ranked(values: list[int], share: float) -> int | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
