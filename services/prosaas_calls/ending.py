"""What ends a call: its reason, from the closed list that operators share, and the exception that carries it."""

from time import monotonic

from prosaas_core.facts.endings import ABNORMAL, EXPLAINED, EndReason

__all__ = ["ABNORMAL", "EXPLAINED", "CallEnded", "EndReason"]


class CallEnded(Exception):
    """Raised by whichever part of a call ends it; the first one gives the reason."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.at = monotonic()
