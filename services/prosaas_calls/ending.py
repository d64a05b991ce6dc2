"""How a call can end: a closed list, so that it can be counted."""

from enum import StrEnum
from time import monotonic


class EndReason(StrEnum):
    """Why a call ended. Exactly one of these is on each CALL_END."""

    CUSTOMER_HANGUP = "customer_hangup"
    AGENT_ENDED = "agent_ended"
    TRANSFERRED = "transferred"
    MODEL_FAILED = "model_failed"
    MODEL_UNREACHABLE = "model_unreachable"
    IDLE_TIMEOUT = "idle_timeout"
    MAX_DURATION = "max_duration"
    CALLER_LOST = "caller_lost"
    DRAINED = "drained"
    PROTOCOL_ERROR = "protocol_error"
    OVER_CAPACITY = "over_capacity"
    INTERNAL_ERROR = "internal_error"


# Endings that are nobody's intention: the flight recorder keeps what led to them.
ABNORMAL = frozenset(
    {
        EndReason.MODEL_FAILED,
        EndReason.MODEL_UNREACHABLE,
        EndReason.CALLER_LOST,
        EndReason.PROTOCOL_ERROR,
        EndReason.INTERNAL_ERROR,
    }
)

# The caller has heard why; Twilio is told to hang up, so that the spoken fallback after <Connect> stays unsaid.
EXPLAINED = frozenset(
    {
        EndReason.AGENT_ENDED,
        EndReason.MODEL_FAILED,
        EndReason.MODEL_UNREACHABLE,
        EndReason.IDLE_TIMEOUT,
        EndReason.MAX_DURATION,
        EndReason.DRAINED,
        EndReason.OVER_CAPACITY,
    }
)


class CallEnded(Exception):
    """Raised by whichever part of a call ends it; the first one gives the reason."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.at = monotonic()
