"""The words of the commands that watch for hours: soak, alert-test."""

from typing import Final

from prosaas_ops.texts import Text

# make alert-test
A_TEST: Final = Text("ניסיון: הכול תקין", "A test: nothing is wrong")
SENT: Final = Text(
    "ההתרעה נמסרה ל-Alertmanager; הוא מעביר אותה הלאה בתוך עשר שניות",
    "sent to Alertmanager; it hands it on within ten seconds",
)
TOOK_NOT: Final = Text(
    ": לא התקבלה; הסיבה: `docker compose logs alertmanager`",
    ": it did not take it; `docker compose logs alertmanager` says why",
)
NOBODY_TOLD: Final = Text(
    "איש לא קיבל אותה: להגדיר ALERT_WEBHOOK_URL, ALERT_SLACK_URL או ALERT_EMAIL_TO בקובץ .env,",
    "nobody was told: set ALERT_WEBHOOK_URL, ALERT_SLACK_URL or ALERT_EMAIL_TO in .env,",
)
THEN_UP: Final = Text("ואז make up-prod. לקריאה: {page}", "then make up-prod. Read: {page}")

# make soak
BEGINS: Final = Text(
    "שיחות בו-זמנית: {count}, במשך {hours} שעות, ומדי פעם תקלה יזומה; Ctrl-C מסיים ומציג את הטבלה",
    "{count} calls at once for {hours} h, faults now and then; Ctrl-C ends it and shows the table",
)
TAKES_NONE: Final = Text(
    "prosaas-calls לא מקבל שיחות: `make ps` מראה מדוע", "prosaas-calls takes no calls: `make ps` shows why"
)
HOW: Final = {
    "well": Text("כשורה", "well"),
    "with problems": Text("עם תקלות", "with problems"),
    "not placed": Text("לא יצאו לדרך", "not placed"),
}
MINUTES: Final = Text("  דקה {minutes}: {numbers}", "  {minutes} min: {numbers}")
IN_ALL: Final = Text(
    "שיחות בו-זמנית: {count}, במשך {hours} שעות, ובסך הכול שיחות: {calls}. {how}",
    "{count} calls at once for {hours} h: {calls} calls, {how}",
)
ENDED: Final = Text("{how} {number}", "{number} {how}")
# What drifts; of a service stands its name beside it.
WHAT: Final = {
    "memory": Text("זיכרון", "memory"),
    "descriptors": Text("descriptors פתוחים", "descriptors"),
    "tasks": Text("tasks פעילים", "tasks"),
    "first sound": Text("צליל ראשון", "first sound"),
    "lines a call": Text("שורות לשיחה", "lines a call"),
    "dead tuples": Text("שורות מתות במסד הנתונים", "dead tuples"),
}
HEAD: Final = Text(
    "| מה | הרבע הראשון | הרבע האחרון | השינוי בשעה |", "| what | first quarter | last quarter | change an hour |"
)
