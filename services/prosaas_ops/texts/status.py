"""The words of the commands that say how it stands and what it costs: status, costs."""

from typing import Final

from prosaas_ops.texts import Text

# make status: a name in fifteen columns, then what it is.
SERVICE, CONTAINER = Text("שירות", "service"), Text("קונטיינר", "container")
VERSION: Final = Text("גרסה", "version")
LEVEL, STATE = Text("רמה", "level"), Text("מצב", "state")
LIVE: Final = Text("שיחות עכשיו", "live calls")
# In brackets after the engine's own "Up 3 minutes", in place of its "healthy".
DRAINS: Final = Text("מסיים שיחות", "draining")
NO_CONTAINER: Final = Text("אין קונטיינר", "no container")
NOT_UP: Final = Text("לא הכול משרת; הלאה: {commands}", "not everything serves; next: {commands}")
AWAIT: Final = Text("להמתין לסיום של {which}", "wait for the end of {which}")
NOBODY_SAYS: Final = Text("לא ידוע: make logs S=calls", "nobody could say: make logs S=calls")
CALLS_TODAY: Final = Text("שיחות היום", "calls today")
AGAINST: Final = Text("{today}, אתמול עד השעה הזאת {before}", "{today}, yesterday until now {before}")
FIRST_SOUND: Final = Text("צליל ראשון", "first sound")
ANSWERS: Final = Text("תגובות", "answers")
LINES_A_CALL: Final = Text("שורות לשיחה", "lines a call")
OWN_LINES: Final = Text(
    "{lines} ב-INFO ב-prosaas-calls; כל השירותים: make trace",
    "{lines} at INFO in prosaas-calls; make trace counts all services",
)
JOBS: Final = Text("משימות", "jobs")
SPENT_TODAY: Final = Text("הוצאה היום", "spent today")
SPENT_UNTIL_NOW: Final = Text("{today}; אתמול עד השעה הזאת {yesterday}", "{today}, yesterday until now {yesterday}")
JOBS_ARE: Final = Text("ממתינות {waiting}, מוחזקות {held}", "{waiting} wait, {held} held")
ALERTS, ALERT = Text("התרעות", "alerts"), Text("התרעה", "alert")
NO_ALERTS: Final = Text("אין", "none")
NOBODY_WATCHES: Final = Text(
    "אין ניטור: MONITORING=1 בקובץ .env, ואז make up-prod", "nobody watches: MONITORING=1 in .env, then make up-prod"
)
SINCE: Final = Text("{name} מאז {since}", "{name} since {since}")
READ: Final = Text("הלאה: {next} · לקריאה: {page}", "next: {next} · read: {page}")
SWITCHED: Final = Text("רמה זמנית", "switched")
SWITCH_IS: Final = Text("{service}, {target}: {level}, נותרו {left}{by}", "{service}, {target}: {level} for {left}{by}")
BY: Final = Text(", על ידי {who}", ", by {who}")

# make costs
NOTHING_PAID: Final = Text(
    "לא היו עלויות בין {since} ל-{until} UTC", "nothing was paid for from {since} to {until} UTC"
)
OWN_DAYS: Final = Text(
    "כל שורה היא לפי שעון העסק שלה, ולכן הראשונה והאחרונה יכולות להיות חלקיות",
    "a row goes by the clock of its business, so that the first and the last may be parts of one",
)
WITHOUT_CALL: Final = Text(
    "לא משיחה: תשובות ב-WhatsApp, ושיחות שעוד לא הסתיימו",
    "no call: answers on WhatsApp, and calls that have not ended yet",
)
UNPRICED: Final = Text(
    "חיובים ללא מחיר, ולכן ללא עלות: {count}. המחיר נקבע ב-env/prices.toml",
    "{count} charges have no price, so no cost: put it into env/prices.toml",
)
ESTIMATED: Final = Text(
    "חיובים משוערים, של תגובות שהמודל לא הודיע על סופן: {count}",
    "{count} charges are estimated: of answers whose end the model never told",
)
SIMULATED: Final = Text("לא כולל שיחות מדומות: {count}, {paid}", "not in it: {count} simulated calls, {paid}")
SPREADSHEET: Final = Text("{command} · לגיליון אלקטרוני: CSV=1", "{command} · CSV=1 for a spreadsheet")
GROUPED: Final = {
    "day": Text("יום", "day"),
    "month": Text("חודש", "month"),
    "business": Text("עסק", "business"),
    "model": Text("מודל", "model"),
    "ending": Text("סיום", "ending"),
}
# Charges that belong to no group.
UNGROUPED: Final = {"none": Text("ללא עסק", "none"), "no call": Text("לא משיחה", "no call")}
CALLS, MINUTES = Text("שיחות", "calls"), Text("דקות", "minutes")
TOKENS_IN, CACHED = Text("טוקני קלט", "tokens in"), Text("מטמון", "cached")
OUT, COST = Text("פלט", "out"), Text("עלות", "cost")
