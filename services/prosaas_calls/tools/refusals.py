"""Why a booking was refused, in words that the model can say."""

from prosaas_calls.tools.base import Answer, ToolContext
from prosaas_core.booking import (
    AlreadyTheirs,
    Begun,
    BookingError,
    NotFound,
    OffGrid,
    OutsideHours,
    Past,
    SlotTaken,
    TooFar,
)


def explain(context: ToolContext, error: BookingError) -> Answer:
    """The answer for a time that cannot be had; it is an answer, not a failure."""
    advice = context.speak(he="יש להציע זמן אחר", en="Offer another time")
    match error:
        # Who only says who they are does not learn when that customer comes.
        case AlreadyTheirs(call_sid=booked_in) if not context.profile.claimed or booked_in == context.call_sid:
            words = context.speak(he="הפגישה הזאת כבר קבועה על שם הלקוח", en="The caller has that appointment already")
            advice = context.speak(he="יש לאשר זאת ללקוח ולא לקבוע שוב", en="Tell them so, and do not book again")
        case SlotTaken():
            words = context.speak(he="השעה הזאת תפוסה", en="That time is taken")
        case Past():
            words = context.speak(he="השעה הזאת כבר עברה", en="That time has passed")
            advice = context.speak(he="יש לוודא את התאריך ואת השנה", en="Check the date and its year")
        case TooFar():
            words = context.speak(he="היומן עוד לא פתוח לתאריך כל כך רחוק", en="The diary is not open so far ahead")
            advice = context.speak(he="יש לוודא את התאריך ואת השנה", en="Check the date and its year")
        case OffGrid():
            words = context.speak(he="פגישות לא מתחילות בשעה כזאת", en="Appointments do not begin at such a time")
            advice = context.speak(he=f"יש להציע שעה אחרת: {error}", en=f"Offer one that exists: {error}")
        case OutsideHours():
            words = context.speak(he="העסק סגור במועד הזה", en="The business is closed then")
        case Begun():
            words = context.speak(he="הפגישה הזאת כבר התחילה", en="That appointment has begun")
            advice = context.speak(he="יש להציע לרשום הודעה", en="Offer to take a message")
        case NotFound():
            words = context.speak(he="אין ללקוח פגישה במועד הזה", en="The caller has no appointment then")
            advice = context.speak(he=f"{error}. יש לוודא לאיזו פגישה הכוונה", en=f"{error}. Ask which one they mean")
        case _:
            words = context.speak(he="זה לא אפשרי", en="That is not possible")
    return Answer(f"{words}. {advice}.", words, refused=True)
