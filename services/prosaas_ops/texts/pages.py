"""The words of the pages: the story of a call, a capture, the log budget."""

from typing import Final

from prosaas_ops.texts import Text

# The columns and the kinds that several pages share.
SERVICE: Final = Text("שירות", "service")
KIND: Final = Text("סוג", "kind")
LINE: Final = Text("שורה", "line")
LINES: Final = Text("שורות", "lines")
EVENT: Final = Text("אירוע", "event")
KINDS: Final = {
    "call": Text("שיחה", "call"),
    "speech": Text("דיבור", "speech"),
    "model": Text("מודל", "model"),
    "tool": Text("כלי", "tool"),
    "database": Text("מסד נתונים", "database"),
    "job": Text("משימה", "job"),
    "container": Text("קונטיינר", "container"),
    "warning": Text("אזהרה", "warning"),
    "error": Text("שגיאה", "error"),
    "detail": Text("פרטים", "detail"),
    "around": Text("מסביב", "around"),
    "other": Text("אחר", "other"),
}

SECONDS: Final = Text("שנ׳", "s")
AS_TABLE: Final = Text("כטבלה", "as a table")

# The story of a call.
PAID: Final = Text("שולם", "paid")
RECKONED: Final = Text("(משוער)", "estimated")
TIMELINE_NAME: Final = Text(
    "ציר הזמן של השיחה: מתי כל צד דיבר ומה קרה; כל רגע הוא שורה בלוג שלמטה",
    "timeline of the call: when each side spoke and what happened; every moment is a row of the log below",
)
CALL_TITLE: Final = Text("שיחה {call_sid}", "call {call_sid}")
TIMELINE: Final = Text("ציר הזמן", "Timeline")
TRANSCRIPT: Final = Text("תמלול", "Transcript")
LOG: Final = Text("לוג", "Log")
NO_RECORD_YET: Final = Text("עדיין אין רשומה", "no record yet")
DURATION: Final = Text("משך", "duration")
ENDED: Final = Text("סיום", "ended")
LIVE: Final = Text("מתנהלת", "live")
TROUBLES: Final = Text("אזהרות ושגיאות", "warnings and errors")
CUSTOMER: Final = Text("לקוח", "customer")
AGENT: Final = Text("נציגה", "AI")
EVENTS: Final = Text("אירועים", "events")
INTERRUPTED: Final = Text("נקטע", "interrupted")
FROM_RECORD: Final = Text("(מהרשומה)", "(from the record)")
WAITED: Final = Text(
    "הצליל הראשון נשמע {waited} אחרי המילה האחרונה של הלקוח", "first sound {waited} after the caller's last word"
)
ESTIMATED: Final = Text(
    "כשסוף הדיבור לא נרשם, אורך הפס הוא הזמן שלוקח לומר את המילים.",
    "Where the end of speech is not recorded, a bar is as long as its words take to say.",
)
DIRECTIONS: Final = {"inbound": Text("נכנסת", "inbound"), "outbound": Text("יוצאת", "outbound")}

LOUD_NAME: Final = Text("שורות של האירועים התכופים ביותר", "lines of the loudest events")

# A capture.
CAPTURE: Final = Text("תיעוד המערכת", "Capture of the stack")
CALLS: Final = Text("שיחות", "calls")
WARNINGS: Final = Text("אזהרות", "warnings")
ERRORS: Final = Text("שגיאות", "errors")
CONTAINER_EVENTS: Final = Text("אירועי קונטיינרים", "container events")
WINDOW: Final = Text("פרק הזמן", "window")
OVER_TIME: Final = Text("שורות לאורך הזמן", "Lines over time")
CONTAINERS: Final = Text("קונטיינרים", "Containers")
NONE: Final = Text("אין.", "None.")
FIRST_OF: Final = Text(
    "מוצגות {shown} הראשונות מתוך {all}; כולן נמצאות ב-{file}.", "The first {shown} of {all}; {file} has all."
)
NOT_ENDED: Final = Text("(לא הסתיימה בפרק הזמן הזה)", "(not ended in this window)")
FIRST_LINE: Final = Text("שורה ראשונה", "first line")
ENDING: Final = Text("סיום", "ending")
CALL: Final = Text("שיחה", "call")
WHAT: Final = Text("מה קרה", "what")

# The log budget.
BUDGET: Final = Text("תקציב הלוג", "Log budget")
BUDGET_OF: Final = Text(
    "אותן שיחות מדומות, וכל מה ששלושת השירותים כתבו עליהן.",
    "The same simulated calls, everything that the three services wrote of them.",
)
OF_ONE_CALL: Final = Text("שורות של שיחה אחת ב-{level}", "lines of one call at {level}")
FEWER_LINES: Final = Text("פחות שורות", "fewer lines")
FEWER_BYTES: Final = Text("פחות בתים", "fewer bytes")
CALLS_EACH: Final = Text("שיחות בכל רמה", "calls at each level")
BEFORE: Final = Text("לפני (DEBUG)", "before (DEBUG)")
AFTER: Final = Text("אחרי (INFO)", "after (INFO)")
BY_SERVICE: Final = Text("שורות לפי שירות", "Lines by service")
BYTES_BY_SERVICE: Final = Text("בתים לפי שירות", "Bytes by service")
LOUDEST: Final = Text(
    "האירועים התכופים ביותר בפיתוח, ומה נשאר מהם", "The loudest events of development, and what is left of them"
)
EVERY_EVENT: Final = Text("כל האירועים", "Every event")
FEWER_BY: Final = Text("פחות", "fewer by")
