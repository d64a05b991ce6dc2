"""Why a booking was refused, in words that the model can say."""

from prosaas_calls.tools.base import Answer, ToolContext
from prosaas_core.booking import BookingError, OutsideHours, SlotTaken


def explain(context: ToolContext, error: BookingError) -> Answer:
    """The answer for a time that cannot be had; it is an answer, not a failure."""
    match error:
        case SlotTaken():
            words = context.speak(he="השעה הזאת תפוסה", en="That time is taken")
        case OutsideHours():
            words = context.speak(he="העסק סגור בשעה הזאת או שהיא עברה", en="Closed at that time, or it has passed")
        case _:
            words = context.speak(he="לא נמצא תור כזה", en="There is no such appointment")
    advice = context.speak(he="הצע זמן אחר.", en="Offer another time.")
    return Answer(f"{words}. {advice}", words, refused=True)


def nothing_booked(context: ToolContext) -> Answer:
    """The answer for a caller who has no appointment to move or to cancel."""
    words = context.speak(he="אין ללקוח תור עתידי", en="The caller has no coming appointment")
    return Answer(f"{words}.", words, refused=True)
