"""The words of what is checked and counted: checklist, log-budget, errors, levels."""

from typing import Final

from prosaas_ops.texts import Text

# make checklist: the points are the guide's own.
CHECKLIST: Final = Text(
    "צ'קליסט של {project}: שיחה אחת, והלוג מאז {since} UTC",
    "checklist of {project}: one call, and the log since {since} UTC",
)
FIX: Final = Text("תיקון: {remedy}", "fix: {remedy}")
HOLD: Final = Text("תקינות {good} מתוך {all}", "{good} of {all} hold")
NOT_RENDERED: Final = Text(
    "אי אפשר לקרוא את קובצי הפרודקשן. הסיבה: docker compose config",
    "the production files do not render: `docker compose config` says why",
)
UNSET: Final = Text("(לא מוגדר)", "(unset)")
IS_SET: Final = Text("הוגדר {setting}", "{setting} is set")
IN_FORCE: Final = Text(" אבל בפועל {level}", " but {level} in force")
SET_LEVEL: Final = Text(
    "להגדיר LOG_LEVEL=INFO ב-env/prod.env ואז make up-prod; מצב דיבוג מסיימים עם make quiet-calls",
    "LOG_LEVEL=INFO in env/prod.env, then make up-prod; make quiet-calls ends a debug session",
)
SET_UNBUFFERED: Final = Text(
    "להגדיר PYTHONUNBUFFERED=1 ב-env/prod.env ואז make up-prod", "PYTHONUNBUFFERED=1 in env/prod.env, then make up-prod"
)
FILE_CURRENT: Final = Text("הקובץ docker-compose.prod.yml מעודכן", "docker-compose.prod.yml is up to date")
RENDERS: Final = Text("LOG_LEVEL לפי הקבצים: {levels}", "renders LOG_LEVEL {levels}")
MADE_WITHOUT: Final = Text("; נוצרו בלעדיו: {stale}", "; made without it: {stale}")
MADE_FROM: Final = Text("; הקונטיינרים שרצים נוצרו ממנו", "; the running containers were made from it")
ONE_CALL: Final = Text("שיחה אחת = 10–30 שורות", "one call = 10–30 lines")
ROWS: Final = Text(
    "שורות בכל השירותים: {rows}, בשיחה המדומה {call_sid}",
    "{rows} lines in all services for the simulated call {call_sid}",
)
REAL_ROWS: Final = Text(
    "שורות בכל השירותים: {rows}, בשיחה האחרונה שהסתיימה, {call_sid}",
    "{rows} lines in all services for the call that ended last, {call_sid}",
)
NO_CALL: Final = Text(
    "הסימולטור לא רץ, ובלוג אין שיחה שלמה ללא דיבוג",
    "the simulator does not run, and no whole call without debugging is in the log",
)
CALL_FIRST: Final = Text(
    "להתקשר לאחד המספרים ולהריץ שוב, או ללכת אחורה: SINCE=1d",
    "call one of the numbers, then again; or go further back: SINCE=1d",
)
WHICH_EVENTS: Final = Text(
    "אילו אירועים: make log-budget; השיחה עצמה: make trace CALL={call_sid}",
    "make log-budget shows which events they are; make trace CALL={call_sid}",
)
NO_FOUND: Final = Text('אין ספאם של "Found 0"', 'no "Found 0" spam')
NO_FRAMES: Final = Text("אין ספאם של frame-by-frame", "no frame-by-frame spam")
LOOKED: Final = Text(
    "{count}, מתוך {lines} שורות ב-{window}{left_out}", "{count} in {lines} lines of {window}{left_out}"
)
LEFT_OUT: Final = Text(", בלי {count} שנכתבו בזמן דיבוג", ", {count} written while an operator debugged not counted")
WHO_WRITES: Final = Text(
    "LOG_LEVEL=INFO בשירות שכותב אותן: make logs GREP='{pattern}' SINCE=1h",
    "LOG_LEVEL=INFO for the service that writes them: make logs GREP='{pattern}' SINCE=1h",
)
STACKS: Final = Text("שגיאות נרשמות עם stacktrace מלא", "errors are logged with their full stack trace")
WHOLE: Final = Text("מלא", "whole")
WITHOUT: Final = Text("בלי {words}", "without {words}")
RAISED: Final = Text("שגיאה מכוונת בכל קונטיינר: {found}", "a deliberate error inside each container: {found}")
START_WITH: Final = Text(
    "על השירות להתחיל ב-prosaas_logging.bootstrap() ולכתוב שגיאות עם log.exception()",
    "the service must start with prosaas_logging.bootstrap() and log with log.exception()",
)

# make log-budget
BUDGET_CALLS: Final = Text(
    "שיחות {count} של התרחיש {scenario} ב-INFO, ואז אותן ב-DEBUG (speed {speed})",
    "{count} calls of scenario {scenario} at INFO, then the same at DEBUG (speed {speed})",
)
BUDGET_ALONE: Final = Text(
    "הרמה DEBUG מופעלת ב-api, ב-calls וב-worker לשיחות האלה בלבד: שום שיחה אחרת לא רועשת יותר",
    "DEBUG is switched in api, calls and worker for these calls alone: no other call is louder",
)
MEASURED: Final = Text(
    "{level} {number}/{count}: שורות {rows}, {seconds}s, CALL={call_sid}",
    "{level} {number}/{count}: {rows} lines, {seconds}s, CALL={call_sid}",
)
LINES_OF_ONE: Final = Text("שורות של שיחה אחת", "lines of one call")
LINES_OF_ALL: Final = Text("שורות של השיחות האלה, כל השירותים", "lines of these calls, all services")
BYTES_OF_ALL: Final = Text("בתים של השיחות האלה, כל השירותים", "bytes of these calls, all services")
LINES_OF: Final = Text("שורות, {service}", "lines, {service}")
IS_LINES: Final = Text(
    "שורות בשיחה אחת ב-INFO: {each} (ההבטחה: 10–30)", "one call at INFO is {each} lines (10–30 promised)"
)
IS_FEWER: Final = Text("פחות שורות: {saved}% (ההבטחה: 90–95%)", "{saved}% fewer lines (90–95% promised)")
WENT_WRONG: Final = Text("שיחות שהשתבשו: {count}", "calls that went wrong: {count}")

# make errors
NO_ERRORS: Final = Text(
    "{window}  אין אזהרות ואין שגיאות; שורות שנבדקו: {lines}", "{window}  no warning and no error in {lines} lines"
)
ERRORS: Final = Text(
    "{window}  {bars}  אזהרות ושגיאות {total}, סוגים {kinds}, שיחות שנפגעו {hit}",
    "{window}  {bars}  warnings and errors {total}, kinds {kinds}, calls hit {hit}",
)
BESIDE_LINES: Final = Text(
    "מספר השורות של make logs LEVEL=WARNING הוא {lines}: {parts}", "make logs LEVEL=WARNING has {lines} lines: {parts}"
)
FOLDED: Final = Text("ועוד {count} חזרות שקופלו לשורה", "and {count} repeats folded into a line")
ENDS: Final = Text("ועוד {count} קונטיינרים שנהרגו או קרסו", "and {count} containers that were killed, or failed")
AT_DOOR: Final = Text("ועוד {count} של שער הכניסה", "and {count} of the front door's")
HARMLESS: Final = Text(
    "פחות {count} שאינן תקלה (רמת לוג, קופסה שחורה, דמו)",
    "less {count} that are no trouble (log level, black box, demo)",
)
ERRORS_HEAD: Final = Text("  כמה    מ-     עד     שיחות  היכן   מה", "  count  first  last   calls  where   what")
DEMO: Final = Text("המערכת הזאת היא דמו", "this stack is a demo")
WAS_DEMO: Final = Text(
    "חלק מהשורות בטווח הזה הן של הדמו שרץ קודם: {services}",
    "some lines of this time are those of the demo that ran before: {services}",
)
KILLED: Final = Text("הקונטיינר נהרג או קרס: {how}", "the container was killed, or failed: {how}")
MORE_KINDS: Final = Text("… סוגים נוספים: {count}. להצגה: MAX={all}", "… more kinds: {count} (MAX={all})")
SINCE: Final = Text("מאז {what}", "since {what}")
BEFORE: Final = Text("זמן קצר לפני כן ({seconds} שניות): {what}", "shortly before ({seconds} s): {what}")

# make levels
NONE_RUNS: Final = Text("אף שירות לא רץ. מה כן: make ps", "none of the services runs: `make ps`")
IS_AT: Final = Text("{where}: {level}, מקור {source}{until}", "{where} is at {level}, from {source}{until}")
SET_AND_RESTART: Final = Text("להגדיר {name}=INFO ב-env/prod.env ואז {fix}", "{name}=INFO in env/prod.env, then {fix}")
UNSET_AND_RESTART: Final = Text(
    "{fix}, ואם {name} מופיע ב-.env, להסיר אותו משם קודם", "{fix}; where .env has {name}, take it out there first"
)
UNTIL: Final = Text(", עד {moment}", ", until {moment}")
WHERE: Final = Text("היכן", "where")
LEVEL: Final = Text("רמה", "level")
SOURCE: Final = Text("מקור", "from")
UNTIL_HEAD: Final = Text("עד", "until")
BY: Final = Text("מי", "by")
AS_MADE: Final = Text("(מיצירת הקונטיינר)", "(as the container was made)")
LIVE_SWITCH: Final = Text("שינוי בזמן ריצה", "live switch")
TAKES_BACK: Final = Text("הלאה, להחזרת הרמה: {commands}", "next: {commands} takes it back")
OTHER_TERMINAL: Final = Text("טרמינל אחר", "another terminal")
GONE: Final = Text("logctl, או טרמינל שנסגר", "logctl, or a terminal that is gone")
DISK: Final = Text("דיסק", "disk")
SIZE: Final = Text("גודל", "size")
WHAT: Final = Text("מה", "what")
FREES: Final = Text("מה מפנה אותו", "frees it")
VOLUME: Final = Text("volume: {name}", "volume {name}")
IMAGES: Final = Text("images (ללא קונטיינר: {count})", "images ({count} of no container)")
FREES_IMAGES: Final = Text(
    "docker image prune -a (גם אלה ש-make rollback חוזר אליהם)", "docker image prune -a (those of make rollback, too)"
)
CACHE: Final = Text("build cache", "build cache")
FOLDER: Final = Text("logs/ (דפים, תיעוד, דיבוג)", "logs/ (pages, captures, debug sessions)")
KEPT: Final = Text("LOG_MAX_SIZE ו-LOG_MAX_FILES בקובץ .env", "LOG_MAX_SIZE and LOG_MAX_FILES in .env")
SHRINKS: Final = Text("מתפנה מעצמו: הישן נמחק ראשון", "shrinks by itself: oldest first")
HOLDS_DATA: Final = Text("מכיל נתונים: קודם make backup", "holds data: make backup first")
CONTAINER_LOGS: Final = Text("לוגים של קונטיינרים: {limits}", "container logs: {limits}")
EACH: Final = Text("{driver}, {size} × {files} לכל אחד", "{driver}, {size} × {files} each")
NO_LIMIT: Final = Text("ללא הגבלה", "no limit")
