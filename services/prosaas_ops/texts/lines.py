"""The words of the commands that show lines and keep them: logs, debug, quiet, blackbox, capture, diff."""

from typing import Final

from prosaas_ops.texts import Text

# make logs
NOTHING_YET: Final = Text(
    "{ago} אחרונות, {services}: אין עדיין שורות, ממשיכים לעקוב (Ctrl-C)",
    "last {ago}, {services}: nothing yet, following (Ctrl-C)",
)
WHAT_WAS: Final = Text("מה שהיה: {command}", "what was: {command}")
NO_LINE: Final = Text(
    "אין שורה מתאימה ב-{services}; להרחבה: SINCE=", "no line matched in {services}; widen it with SINCE="
)
BEFORE_THESE: Final = Text(
    "… שורות שלפני אלה: {more}. מקובצות: make errors; כולן: דרך pipe",
    "… {more} lines before these; make errors groups them, a pipe gets all",
)

# What the front door writes of a webhook
GAVE_UP: Final = Text(
    "שער הכניסה ויתר על בקשה אחרי {seconds} שניות בלי תשובה של prosaas-api:"
    " path={path}, status={status}, error={error}",
    "the front door gave up a request after {seconds} s without an answer of prosaas-api:"
    " path={path}, status={status}, error={error}",
)

# make debug, make quiet
EVERYTHING: Final = Text("הכול", "everything")
# What may be at a level of its own, by the name that logctl has for it.
TARGETS: Final = {
    "call": Text("השיחה", "call"),
    "business": Text("העסק", "business"),
    "phone": Text("הטלפון", "phone"),
}
NOTE: Final = Text("שימו לב: {what}", "note: {what}")
SESSION: Final = Text(
    "טרמינל אחר{whose} מדבג את {target} מאז {since} UTC", "another terminal{whose} debugs {target} since {since} UTC"
)
ENDED_WITH_THIS: Final = Text("{session}; גם זה הסתיים עכשיו", "{session}; that ended with this")
DEBUGGING: Final = Text(
    "רמת DEBUG: {target}, {service}, עד {until} ({length}); Ctrl-C מחזיר את הרמה, "
    "ובלעדיו השירות עצמו, כמה שניות אחר כך",
    "DEBUG for {target} in {service} until {until} ({length}); Ctrl-C takes it back, "
    "or else the service itself, a few seconds later",
)
TO_FILE: Final = Text(
    "כל השורות נכתבות אל {path}; על המסך עד {most} בשנייה",
    "every line goes to {path}; the screen shows up to {most} a second",
)
FILE_ENDS: Final = Text("── סוף הקובץ: {why}", "── end of the file: {why}")
NOT_SHOWN: Final = Text(
    "… שורות שלא הוצגו, כולן בקובץ: {held} (להגדלה: MAX=)",
    "… {held} lines not shown here, all are in the file (raise it with MAX=)",
)
UNKNOWN_TARGET: Final = Text(
    "לא נמצאו שיחה או עסק: {target}. בינתיים לא יופיע דבר",
    "no call and no business is known as {target}: nothing will show until there is one",
)
NOT_WHOLE: Final = Text(
    "PHONE={phone} אינו מספר טלפון מלא; דוגמה: PHONE=+972501234567",
    "PHONE={phone} is not a whole phone number: one looks like PHONE=+972501234567",
)
NOT_LIVE: Final = Text(
    "{call_sid} לא מתנהלת עכשיו; שיחות מתנהלות: {known}. שיחה שהסתיימה: make trace CALL={call_sid}",
    "{call_sid} is not live now; live calls: {known}. One that has ended: make trace CALL={call_sid}",
)
NONE: Final = Text("אין", "none")
LOG_ENDED: Final = Text("הלוג הסתיים", "the log ended")
STOPPED: Final = Text(
    "השירות נעצר, והפעלה מחדש מחזירה את הרמה שהוגדרה",
    "the service stopped, and a restart returns to the configured level",
)
TAKEN_BACK: Final = Text(
    "הרמה הוחזרה ממקום אחר (make quiet, או טרמינל אחר)", "somebody took it back (make quiet, or another terminal)"
)
CALL_ENDED: Final = Text("השיחה הסתיימה", "the call ended")
TIME_OVER: Final = Text("הזמן נגמר", "the time is over")
YOU_LEFT: Final = Text("יצאתם", "you left")
STAYS_ON: Final = Text(
    "{why}. רמת DEBUG נשארת ({target}): {session}, והוא יחזיר אותה",
    "{why}. DEBUG for {target} stays on: {session} and takes it back",
)
CONFIGURED_AGAIN: Final = Text(
    "{why}. הרמה שהוגדרה שוב בתוקף: {service}, {target}",
    "{why}. {service} is at its configured level again for {target}",
)
STARTED_AT: Final = Text(
    "{name} הופעל ברמה {level} ונשאר בה: {fix} מחזירה את הרמה שב-.env",
    "{name} was started at {level} and stays there: {fix} returns it to what .env says",
)
CONFIGURED: Final = Text("הרמה שהוגדרה בתוקף: {service}", "{service} is at its configured level")

# make blackbox
NOTHING_RECORDED: Final = Text(
    "אין קופסה שחורה של {call_sid}: השיחה הסתיימה כראוי, התהליך שלה נהרג, או שהיא הייתה לפני זמן רב",
    "nothing was recorded for {call_sid}: it ended well, its process was killed, or it was long ago",
)
NO_RECORDINGS: Final = Text("עדיין אין קופסאות שחורות", "no black boxes yet")
TRACE_TELLS: Final = Text(
    "{missing}. מה שידוע ללוג ולמסד הנתונים: make trace CALL=…",
    "{missing}. `make trace CALL=…` tells what the log and the database know",
)
RECORDED_HEAD: Final = Text("נכתבה (UTC)            בתים   של", "written (UTC)          bytes  of")
RECORDED: Final = Text("{kind} {name}: רשומות {records}, {reason}", "{kind} {name}: {records} records, {reason}")
EACH_FRAME: Final = Text("{command} · כל frame: LEVEL=DEBUG", "{command} · LEVEL=DEBUG shows each frame")
FRAMES: Final = Text("… {told}, בתוך {seconds} שניות", "… {told} in {seconds} s")

# make capture
CHOOSE_ONE: Final = Text(
    "FOR= לוכד מעכשיו, SINCE= את מה שהיה: לבחור אחד מהם", "FOR= captures from now on, SINCE= what has been: choose one"
)
NO_LINE_SINCE: Final = Text(
    "אין שורה{whose} מאז {since} UTC; להרחבה: SINCE=", "no line{whose} since {since} UTC; go further back with SINCE="
)
OF_CALL: Final = Text(" של {call_sid}", " of {call_sid}")
CAPTURED: Final = Text(
    "נכתב הקובץ {target}: שורות {lines}, אירועי קונטיינרים {events}, {size} KiB",
    "wrote {target}: {lines} lines, {events} container events, {size} KiB",
)
MASKED: Final = Text(
    "הסודות מוסתרים ומספרי הטלפון מקוצרים; מה שנאמר בשיחות נמצא בו",
    "secrets are masked, telephone numbers cut; the words of the calls are in it",
)
OPEN_PAGE: Final = Text(
    "tar xzf {target} -C logs, ולפתוח בדפדפן את logs/{page}",
    "tar xzf {target} -C logs, then open logs/{page} in a browser",
)
CAPTURING: Final = Text(
    "לוכדים במשך {length}; Ctrl-C מסיים מוקדם ושומר את מה שהגיע",
    "capturing for {length}; Ctrl-C ends it early and keeps what has come",
)
ENDED_EARLY: Final = Text("הסתיים מוקדם", "ended early")

# What the file CONTENTS of a capture says
ABOUT: Final = {
    "events.jsonl": Text("כל שורות הלוג לפי הזמן, כל אחת כ-JSON", "every log line, one JSON object a line, by time"),
    "timeline.html": Text("אותן שורות כדף לדפדפן", "the same as a page to open in a browser"),
    "containers.jsonl": Text(
        "מה קרה לקונטיינרים (ה-engine זוכר רק כמה מאות אירועים)",
        "what happened to the containers (the engine remembers its last few hundred events)",
    ),
    "inspect.json": Text("הקונטיינרים: מצב, מגבלות, משתנים", "the containers: state, limits, environment"),
    "config.json": Text("המודל של Compose, כפי שהוא מפרש אותו", "the rendered Compose model"),
    "versions.txt": Text("גרסאות: engine, images, שירותים", "engine, images, services"),
}
THE_CALL: Final = Text("השיחה {call_sid}", "the call {call_sid}")
THE_STACK: Final = Text("המערכת כולה", "the whole stack")
CONTENTS: Final = Text(
    "תיעוד: {what}, מ-{start} עד {end} UTC, שורות {count}.",
    "A capture of {what} from {start} to {end} UTC, {count} lines.",
)
CONTENTS_MASKED: Final = Text(
    "הסודות מוסתרים לפי שם ולפי ערך, ומספרי הטלפון מקוצרים לקידומת המדינה.",
    "Secrets are masked by name and by value, telephone numbers cut to their country code.",
)

# make diff, live calls
UNCHANGED: Final = Text("ללא שינוי", "unchanged")
ACTIONS: Final = {
    "recreate": Text("ייווצר מחדש", "recreate"),
    "create": Text("ייווצר", "create"),
    "remove": Text("יוסר", "remove"),
    "runs once": Text("רץ פעם אחת", "runs once"),
}
NOTHING_TO_DEPLOY: Final = Text(
    "אין הבדל בין מה שרץ לבין התיקייה הזאת וה-.env שלה: אין מה לפרוס",
    "nothing differs: what runs is what this folder and its .env say; nothing to deploy",
)
NOTHING_BUT_CODE: Final = Text(
    "אין מה לפרוס מלבד קוד, שלא נבדק: make diff בלי BUILD=0 בודק גם אותו",
    "nothing to deploy but code, which was not looked at: make diff without BUILD=0 does",
)
LIVE: Final = Text("שיחות מתנהלות: {calls}", "live calls: {calls}")
TOUCHED: Final = Text("שיחות מתנהלות שיושפעו: {calls}", "live calls touched: {calls}")
NONE_OF: Final = Text("0 מתוך {all}", "0 of {all}")
CUT: Final = Text(
    "{calls}; gateway חדש מנתק אותן: הפריסה ממתינה לסיומן, או ל-YES=1",
    "{calls}; a new gateway cuts them: it waits for their end, or for YES=1",
)
KEPT: Final = Text(
    "{none}; הן נשארות ב-prosaas-calls הישן עד לסיומן",
    "{none}; they stay with the old prosaas-calls to their end",
)
UNKNOWN: Final = Text(
    "לא ידוע: prosaas-calls רץ ולא עונה. אולי הסיבה כאן: make logs S=calls",
    "unknown: prosaas-calls runs and does not answer. `make logs S=calls` may say why",
)
NO_LIVE: Final = Text("אין שיחות מתנהלות", "no live calls")
CALL: Final = Text("שיחה", "call")
BUSINESS: Final = Text("עסק", "business")
STARTED: Final = Text("התחילה", "started")
DEFINITION: Final = Text(
    "ההגדרה שלו ב-Compose (פורטים, מגבלות, volumes, health check …)",
    "its Compose definition (ports, limits, volumes, health check …)",
)
NOT_RUNNING: Final = Text("לא רץ", "not running")
NOT_IN_MODEL: Final = Text("כבר לא מוגדר ({name})", "no longer in the model ({name})")
NOT_HERE: Final = Text("ה-image {image} עדיין לא כאן", "image {image} is not here yet")
BUILT: Final = Text("image {image}: {old} → {new}, נבנה {built}", "image {image}: {old} → {new}, built {built}")
UNSET: Final = Text("(לא מוגדר)", "(unset)")
CHANGED: Final = Text("השתנה", "changed")
SECRET: Final = Text("הסוד {source} השתנה מאז שהקונטיינר נוצר", "secret {source}: changed since the container was made")
