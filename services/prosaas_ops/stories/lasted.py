"""How long a call was, as far as its record knows."""

from prosaas_core.facts.endings import EndReason
from prosaas_ops.options import spoken_duration


def lasted(seconds: float | None, end_reason: str) -> str:
    """As a person says it, nothing where it is not known; ≥ of one that went down with its service.

    Of that the record knows the last sign of life, and not how long the caller went on.
    """
    if seconds is None:
        return ""
    return f"{'≥' if end_reason == EndReason.CRASHED else ''}{spoken_duration(seconds)}"
