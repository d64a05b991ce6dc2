"""The words of the pages: story, capture, log budget, and what charts and tables share."""

from prosaas_ops.texts import Text

AS_TABLE = Text("כטבלה", "as a table")
SERVICE, KIND, LINE, SECONDS = Text("שירות", "service"), Text("סוג", "kind"), Text("שורה", "line"), Text("שנ׳", "s")
LOG, SUMMARY, TIMELINE = Text("לוג", "Log"), Text("סיכום", "Summary"), Text("ציר הזמן", "Timeline")
TRANSCRIPT = Text("תמליל", "Transcript")
CUSTOMER, AI, EVENTS = Text("לקוח", "customer"), Text("AI", "AI"), Text("אירועים", "events")
NO_RECORD = Text("אין עדיין רשומה", "no record yet")
INTERRUPTED = Text("נקטע", "interrupted")
PAID = Text("שולם", "paid")
DURATION, ENDED = Text("משך", "duration"), Text("סיום", "ended")
TROUBLES, LINES = Text("אזהרות ושגיאות", "warnings and errors"), Text("שורות", "lines")
FROM_RECORD = Text("(מהרשומה)", "(from the record)")
WAITED = Text("צליל ראשון {wait} אחרי המילה האחרונה של הלקוח", "first sound {wait} after the caller's last word")
ESTIMATED = Text(
    "היכן שסוף הדיבור לא נרשם, אורך הפס הוא הזמן שלוקח לומר את המילים.",
    "Where the end of speech is not recorded, a bar is as long as its words take to say.",
)
TIMELINE_NAME = Text(
    "ציר הזמן של השיחה: מתי כל צד דיבר ומה קרה; כל רגע הוא שורה בלוג שלמטה",
    "timeline of the call: when each side spoke and what happened; every moment is a row of the log below",
)
KINDS = {
    "call": Text("שיחה", "call"),
    "speech": Text("דיבור", "speech"),
    "model": Text("מודל", "model"),
    "tool": Text("כלי", "tool"),
    "database": Text("מסד נתונים", "database"),
    "job": Text("משימה", "job"),
    "container": Text("קונטיינר", "container"),
    "warning": Text("אזהרה", "warning"),
    "error": Text("שגיאה", "error"),
    "detail": Text("מסגרות", "frames"),
    "around": Text("סביבה", "services"),
    "other": Text("אחר", "other"),
}
