"""How a call can end: a closed list, so that it can be counted, with whose doing it was and the sentence for it."""

from enum import StrEnum
from typing import NamedTuple


class EndReason(StrEnum):
    """Why a call ended. Exactly one of these is on each CALL_END."""

    CUSTOMER_HANGUP = "customer_hangup"
    AGENT_ENDED = "agent_ended"
    TRANSFERRED = "transferred"
    MODEL_FAILED = "model_failed"
    MODEL_UNREACHABLE = "model_unreachable"
    IDLE_TIMEOUT = "idle_timeout"
    MAX_DURATION = "max_duration"
    LIMIT = "limit"
    OVER_BUDGET = "over_budget"
    CALLER_LOST = "caller_lost"
    DRAINED = "drained"
    PROTOCOL_ERROR = "protocol_error"
    OVER_CAPACITY = "over_capacity"
    INTERNAL_ERROR = "internal_error"
    CRASHED = "crashed"
    MISSED = "missed"
    FORWARDED_BACK = "forwarded_back"


class Fault(StrEnum):
    """Whose doing an ending is."""

    NOBODY = "nobody"
    CALLER = "caller"
    OURS = "ours"
    MODEL = "model"
    CARRIER = "carrier"


class Ending(NamedTuple):
    """One row of the table: whose doing it was and the sentence; what was `explained` to the caller by our own voice.

    An `abnormal` ending is nobody's intention: the flight recorder keeps what led to it.
    """

    fault: Fault
    he: str
    en: str
    abnormal: bool = False
    explained: bool = False


ENDINGS = {
    EndReason.CUSTOMER_HANGUP: Ending(Fault.NOBODY, "הלקוח ניתק", "the caller hung up"),
    EndReason.AGENT_ENDED: Ending(Fault.NOBODY, "הנציגה סיימה את השיחה", "the agent ended the call", explained=True),
    EndReason.TRANSFERRED: Ending(Fault.NOBODY, "השיחה הועברה לנציג אנושי", "the call was transferred to a person"),
    EndReason.MODEL_FAILED: Ending(
        Fault.MODEL, "המודל נכשל באמצע השיחה", "the model failed in the middle of the call", True, True
    ),
    EndReason.MODEL_UNREACHABLE: Ending(
        Fault.MODEL, "המודל לא היה זמין", "the model could not be reached", True, True
    ),
    EndReason.IDLE_TIMEOUT: Ending(
        Fault.CALLER, "שני הצדדים שתקו זמן רב מדי", "both sides were silent for too long", explained=True
    ),
    EndReason.MAX_DURATION: Ending(
        Fault.OURS, "השיחה הגיעה לאורך המרבי", "the call reached the longest time allowed", explained=True
    ),
    EndReason.LIMIT: Ending(
        Fault.OURS, "השיחה הגיעה לעלות המרבית", "the call reached the highest cost allowed", explained=True
    ),
    EndReason.OVER_BUDGET: Ending(
        Fault.OURS, "התקציב היומי של העסק נוצל", "the business's budget for the day was spent", explained=True
    ),
    EndReason.CALLER_LOST: Ending(
        Fault.CARRIER, "השמע נפסק בלי פרידה: הרשת או Twilio",
        "the audio stopped without a goodbye: the network or Twilio", True,
    ),
    EndReason.DRAINED: Ending(
        Fault.OURS, "השירות נעצר והזמן להמתנה תם", "the service had to stop and its wait was over", explained=True
    ),
    EndReason.PROTOCOL_ERROR: Ending(
        Fault.CARRIER, "התקבל מ-Twilio מידע לא תקין", "Twilio sent what could not be understood", True
    ),
    EndReason.OVER_CAPACITY: Ending(
        Fault.OURS, "כל הקווים היו תפוסים", "all lines were taken", explained=True
    ),
    EndReason.MISSED: Ending(
        Fault.CARRIER, "השיחה לא הגיעה אל הנציגה", "the call never reached the agent"
    ),
    EndReason.FORWARDED_BACK: Ending(
        Fault.NOBODY, "העברה שלנו חזרה אלינו ולא נענתה", "a transfer of ours was forwarded back to us, and not taken"
    ),
    EndReason.INTERNAL_ERROR: Ending(Fault.OURS, "שגיאה שלנו", "an error of ours", True),
    EndReason.CRASHED: Ending(
        Fault.OURS, "השירות קרס באמצע השיחה", "the service went down in the middle of the call", True
    ),
}  # fmt: skip

ABNORMAL = frozenset(reason for reason, ending in ENDINGS.items() if ending.abnormal)

# The caller has heard why; Twilio is told to hang up, so that the spoken fallback after <Connect> stays unsaid.
EXPLAINED = frozenset(reason for reason, ending in ENDINGS.items() if ending.explained)

# Callers who wanted something and were sent away: the business is told, and a person is rung where there is one.
UNSERVED = frozenset(
    {
        EndReason.MODEL_FAILED,
        EndReason.MODEL_UNREACHABLE,
        EndReason.DRAINED,
        EndReason.OVER_CAPACITY,
        EndReason.CRASHED,
        EndReason.OVER_BUDGET,
        EndReason.MISSED,
    }
)

# After these the caller may have been put through to a person, and may come back to us.
HANDED_OVER = frozenset({EndReason.TRANSFERRED} | (UNSERVED & EXPLAINED))

# Endings that nobody need look at.
FINE = frozenset(reason for reason, ending in ENDINGS.items() if ending.fault is Fault.NOBODY)


def ending_of(reason: str) -> Ending | None:
    """The row of a reason as records and lines write it; None for one that this version does not know."""
    try:
        return ENDINGS[EndReason(reason)]
    except ValueError:
        return None
