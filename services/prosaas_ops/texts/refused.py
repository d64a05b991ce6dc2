"""The words of what cannot be meant as it stands, and of what the stack beneath does not give."""

from typing import Final

from prosaas_ops.texts import Text

# What was typed
WHICH_COMMAND: Final = Text("איזו פקודה? {commands}", "which command? {commands}")
NOT_UNDERSTOOD: Final = Text(
    "{word!r} לא מובן: {command} מקבלת {allowed}", "{word!r} is not understood: {command} takes {allowed}"
)
NOT_KNOWN: Final = Text(
    "{command} לא מכירה {name}=: היא מקבלת {allowed}", "{command} does not know {name}=: it takes {allowed}"
)
IN_ENV: Final = Text(". זאת הגדרה: היא נכתבת ב-.env", ". It is a setting, and belongs in .env")
DID_YOU_MEAN: Final = Text("אולי התכוונתם ל-{word}?", "Did you mean {word}?")
NO_LANGUAGE: Final = Text(
    "OPS_LANG={asked} אינה שפה של הפקודות ({known}), ולכן הן בשפה שב-env/prod.env",
    "OPS_LANG={asked} is no language of these commands ({known}): they keep to that of env/prod.env",
)
NO_ZONE: Final = Text(
    "OPS_TZ={zone} אינו אזור זמן; דוגמה: OPS_TZ=Asia/Jerusalem",
    "OPS_TZ={zone} is not a time zone: one is called OPS_TZ=Asia/Jerusalem",
)
NO_OPTIONS: Final = Text("פקודה בלבד, בלי אפשרויות", "no options")
NO_CALL_ID: Final = Text(
    "{name}={value} אינו מזהה שיחה; דוגמה: {name}=CA0123456789abcdef0123456789abcdef",
    "{name}={value} is not a call id: one looks like {name}=CA0123456789abcdef0123456789abcdef",
)
NO_NUMBER: Final = Text(
    "{name}={value} אינו מספר שלם מ-{least} ומעלה; דוגמה: {name}={default}",
    "{name}={value} is not a whole number from {least} up, for example {name}={default}",
)
NO_DECIMAL: Final = Text(
    "{name}={value} אינו מספר בין 0 ל-{most}; דוגמה: {name}=4",
    "{name}={value} is not a number above 0 and below {most}, for example {name}=4",
)
NO_PORT: Final = Text(
    "{name}={value} אינו port: הגדול ביותר הוא {most}", "{name}={value} is not a port: the highest is {most}"
)
NOT_ONE_OF: Final = Text("{name}={value} אינו אחד מאלה: {known}", "{name}={value} is not one of {known}")
NO_MOMENT: Final = Text(
    "{name}={value} אינו מועד: לכתוב {name}=15m (לכל היותר {most} ימים), {name}=14:00, yesterday, last-month"
    " או {name}=2024-01-25T14:00",
    "{name}={value} is not a time: write {name}=15m (at most {most}d), {name}=14:00, yesterday, last-month"
    " or {name}=2024-01-25T14:00",
)
NO_WINDOW: Final = Text(
    "בין {since:%Y-%m-%d %H:%M} ל-{until:%Y-%m-%d %H:%M} UTC אין כלום: לכתוב SINCE= שקודם ל-UNTIL=",
    "nothing is between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC: write a SINCE= before UNTIL=",
)
NO_SERVICE: Final = Text("{name}={word} אינו שירות: {services}", "{name}={word} is not a service: {services}")
NOT_IN_STACK: Final = Text(
    "במערכת ההיא אין שירות {service}: לבחור אחד, S={services}",
    "that stack has no service {service}: say which with S={services}",
)
NO_DURATION: Final = Text(
    "{name}={value} אינו פרק זמן: לכתוב {name}=90s, {name}=15m או {name}=2h",
    "{name}={value} is not a duration: write {name}=90s, {name}=15m or {name}=2h",
)
TOO_LONG: Final = Text(
    "{name}={value} מחוץ לתחום: יותר מאפס ולכל היותר {most} ימים",
    "{name}={value} is out of range: more than nothing and at most {most}d",
)
NO_BUSINESS: Final = Text(
    "BUSINESS={business} אינו מספר עסק; דוגמה: BUSINESS=456",
    "BUSINESS={business} is not a business: one looks like BUSINESS=456",
)
NO_PHONE: Final = Text(
    "PHONE={phone} אינו מספר טלפון; דוגמה: PHONE=+972501234567, או ארבע הספרות האחרונות ויותר: PHONE=4567",
    "PHONE={phone} is not a phone number: one looks like PHONE=+972501234567, or its last four digits or more, "
    "PHONE=4567",
)
LETTER: Final = Text(
    "{name}={value}: {letter} היא אות ולא ספרה; לכתוב אותו כמו +972501234567",
    "{name}={value}: {letter} is a letter and no digit; write it as +972501234567",
)
NO_PATTERN: Final = Text("{name}={value} אינו ביטוי רגולרי: {why}", "{name}={value} is not a regular expression: {why}")
FEWER_CALLS: Final = Text("N={number}, ומספר השיחות הוא {calls}", "N={number}, and the list has {calls}")
AMBIGUOUS: Final = Text(
    "{name}={value} מתאים לכמה: {found}. להוסיף עוד ממנו", "{name}={value} may be {found}: type more of it"
)
HELD_IDS: Final = Text(
    "ID= מקבל מספרים של משימות מוחזקות; הרשימה: make jobs", "ID= takes the numbers of held jobs: make jobs lists them"
)
ONE_OF: Final = Text("רק אחד מאלה: {names}", "give only one of {names}")
ONLY_WITH: Final = Text("{name}= הולך רק עם {other}=", "{name}= goes with {other}= alone")
SWITCH_TOO_LONG: Final = Text(
    "רמה זמנית נקבעת לכל היותר ל-{hours} שעות בכל פעם", "a level is switched for at most {hours}h at a time"
)
NO_LINE: Final = Text("אין שורה בפרק הזמן הזה; להרחבה: SINCE=", "no line in that time; go further back with SINCE=")

# The engine
NOT_RUNNING: Final = Text(
    "{service} לא רץ במערכת {project}: `make ps` מציג אותו, `make up-prod` מפעיל אותו",
    "{service} is not running in the stack {project!r}: `make ps` shows it, `make up-prod` starts it",
)
STACK_DOWN: Final = Text(
    "המערכת {project} לא רצה: `make up-prod` מפעיל אותה",
    "the stack {project!r} is not running: `make up-prod` starts it",
)
LOG_UNREAD: Final = Text(
    "Docker לא הצליח לקרוא את הלוג של {name}: {why}", "Docker could not read the log of {name}: {why}"
)
DOCKER_REFUSED: Final = Text("Docker סירב ל-{path}: {why}", "Docker refused {path}: {why}")
NOT_ENDED: Final = Text(
    "{command} ב-{name} לא הסתיימה: `make ps` מראה אם הוא תקין",
    "{command} in {name} did not end: `make ps` shows whether it is healthy",
)
DOCKER_CLOSED: Final = Text("Docker סגר את החיבור בזמן {path}", "Docker closed the connection on {path}")
DOCKER_SLOW: Final = Text(
    "Docker לא ענה ל-{path} בזמן: אולי הוא עמוס? `make doctor`",
    "Docker did not answer {path} in time: is it overloaded? `make doctor`",
)
DOCKER_AWAY: Final = Text(
    "Docker לא עונה ב-{socket}: {why}. האם ה-engine פועל? `make doctor`",
    "Docker does not answer on {socket}: {why}. Is the engine up? `make doctor`",
)
EVENTS_END: Final = Text(
    "זרם האירועים של ה-engine מסתיים שוב ושוב: אולי הוא מופעל מחדש? `make doctor`",
    "the engine keeps ending its stream of events: is it being restarted? `make doctor`",
)
EXIT_CODE: Final = Text("קוד יציאה {code}", "exit code {code}")
NO_REASON: Final = Text("בלי סיבה", "no reason given")
SIGNAL: Final = Text("אות {number}", "signal {number}")
OUT_OF_MEMORY: Final = Text("נגמר הזיכרון", "out of memory")
LOGCTL_FAILED: Final = Text("logctl נכשל, קוד יציאה {code}", "logctl failed with exit code {code}")
LOGCTL_SAYS: Final = Text("logctl ב-{name}: {why}", "logctl in {name}: {why}")
NO_LOGCTL: Final = Text(
    "ב-{name} אין logctl ואין python3: הוא לא רושם דרך prosaas_logging",
    "{name} has neither logctl nor python3: it does not log through prosaas_logging",
)
NUL_BYTE: Final = Text(
    "בקובץ {name}, בשורה {line}, יש בית NUL, ושום תוכנית לא יכולה לקבל ערך כזה. למחוק אותו: לכתוב את השורה מחדש",
    "{name}, line {line}: there is a NUL byte, which no program can be given. Remove it: write that line anew",
)
NOT_TEXT: Final = Text(
    "אי אפשר לקרוא את {name}: {why}; נדרש קובץ טקסט שלכם",
    "{name} cannot be read: {why}; it must be a text file of yours",
)
COMPOSE_CANNOT: Final = Text(
    "Compose לא מצליח לקרוא את {name}: `docker compose config --quiet` מראה היכן",
    "Compose cannot read {name}: `docker compose config --quiet` shows where",
)
LINES_MIX: Final = Text(
    "בקובץ .env יש שורה שמשפיעה על שורה אחרת: להוסיף לשם ידנית את {names}",
    ".env has a line that takes part in another: put {names} into it by hand",
)
NOT_HELD: Final = Text(
    "ב-{name} יש גרש או מעבר שורה, וזה לא נכנס לקובץ .env",
    "{name} has a quote or a line break in it, which .env cannot hold",
)
# What Compose complains about it quotes, and that may be a secret.
COMPOSE_CANNOT_AT: Final = Text(
    "{name}, שורה {line}: Compose לא מצליח לקרוא אותה; `docker compose config --quiet` מראה למה",
    "{name}, line {line}: Compose cannot read it; `docker compose config --quiet` shows why",
)

# The database, the simulator, Alertmanager
NO_RECORDS: Final = Text(
    "למערכת ההיא אין רשומות שלנו: יש רק מה שבלוג שלה", "that stack has no records of ours: what its log tells is all"
)
NO_URL: Final = Text(
    "DATABASE_URL לא מוגדר לקונטיינר של הכלים: להריץ דרך make",
    "DATABASE_URL is not set for the ops container: run this through make",
)
URL_UNREAD: Final = Text(
    "אי אפשר לקרוא את {path}: {why}. `make setup` כותב אותו", "cannot read {path}: {why}. `make setup` writes it"
)
URL_BAD: Final = Text(
    "אי אפשר להשתמש ב-DATABASE_URL: {why}. להגדיר בקובץ .env",
    "DATABASE_URL is not usable: {why}. Set it in .env",
)
NOT_A_NUMBER: Final = Text(
    "{name}={value} אינו מספר טלפון: לכתוב אותו כמו +972501234567",
    "{name}={value} is no phone number: write it as +972501234567",
)
DATABASE_AWAY: Final = Text(
    "מסד הנתונים לא עונה: {why}. `make ps` מראה אם postgres תקין, ו-`make up-prod` מפעיל אותו שוב",
    "the database does not answer: {why}. `make ps` shows whether postgres is healthy, `make up-prod` starts it again",
)
DATABASE_REFUSES: Final = Text("מסד הנתונים עונה, ומסרב: {why}", "the database answers, and refuses: {why}")
DATABASE_OTHER: Final = Text(
    "מסד הנתונים עונה, ומסרב: {why}. `make up-prod` מביא את הטבלאות ואת ההרשאות שלו לאלה של הגרסה הזאת",
    "the database answers, and refuses: {why}. `make up-prod` brings its tables and rights to those of this version",
)
OLD_PASSWORD: Final = Text(
    "מסד הנתונים עונה, ולא מקבל את הסיסמה שאיתה הפקודה התחילה. אם ההפעלה הראשונה עוד לא הסתיימה: make up-prod; אם"
    " make rotate-secret החליפה אותה בינתיים, הפקודה הבאה תתחיל עם החדשה; אחרת: make doctor",
    "the database answers, and does not take the password that this command began with. If the first start is not over:"
    " make up-prod; if make rotate-secret changed it meanwhile, the next command begins with the new one; else: make"
    " doctor",
)
NAME_UNKNOWN: Final = Text("השם שלו לא מוכר, כלומר הוא לא רץ", "nobody knows its name, so it does not run")
DATABASE_SLOW: Final = Text(
    "מסד הנתונים לא סיים בתוך {seconds} שניות: משהו בו נעול, או שהוא עמוס. להריץ שוב; `make status` מראה מה המצב",
    "the database did not finish within {seconds} s: something in it is locked, or it is busy. Run this again; "
    "`make status` shows how it stands",
)
NO_SIMULATOR: Final = Text(
    "הסימולטור לא רץ: `docker compose --profile demo up --detach simulator` מפעיל אותו "
    "(כשמוגדר OPENAI_API_KEY, השיחות שלו מגיעות למודל האמיתי)",
    "the simulated caller is not running: `docker compose --profile demo up --detach simulator` starts it "
    "(where OPENAI_API_KEY is set, its calls reach the real model)",
)
SIMULATOR_REFUSED: Final = Text("הסימולטור דחה את השיחה: {why}", "the simulator refused the call: {why}")
SIMULATOR_STOPPED: Final = Text(
    "הסימולטור נעצר לפני סוף השיחה: `docker compose logs simulator`",
    "the simulator stopped before the call's end: `docker compose logs simulator`",
)
SIMULATOR_RENEWED: Final = Text(
    "הסימולטור חודש באמצע השיחה (make up-prod, למשל), וזה סיים אותה; שיחות של טלפונים אמיתיים נמשכות: להריץ שוב",
    "the simulator was renewed during the call (by make up-prod, say), which ended it; calls of real telephones go on:"
    " run this again",
)
SIMULATOR_AWAY: Final = Text(
    "הסימולטור לא עונה ({why}): `docker compose logs simulator`",
    "the simulator does not answer ({why}): `docker compose logs simulator`",
)
ALERTS_AWAY: Final = Text(
    "Alertmanager לא עונה ({why}): MONITORING=1 בקובץ .env, ואז `make up-prod`",
    "Alertmanager does not answer ({why}): MONITORING=1 in .env, then `make up-prod`",
)
NO_ROOM: Final = Text(
    "אי אפשר לכתוב לדיסק ({why}); ייתכן שמה שהתחיל נעשה רק בחלקו. make doctor (מקום פנוי), ואז שוב",
    "the disk takes nothing more ({why}); what was begun may be half done. make doctor (free space), then again",
)

IS_PAUSED: Final = Text(
    "{names}: מישהו השהה אותו (docker pause), וכל עוד הוא מושהה אי אפשר להחליף אותו",
    "{names}: somebody paused it (docker pause), and it cannot be renewed while it is",
)

# What has yet to serve for the first time
NEVER_SERVED: Final = Text(
    "make up-prod, ההפעלה הראשונה של המערכת הזאת, נקטעה בשלב {step!r}; עוד שום דבר לא משרת",
    "make up-prod, the first start of this stack, was interrupted at the step {step!r}: nothing serves yet",
)
UP_OR_DOWN: Final = Text(
    "make up-prod ממשיכה משם; make down מוותרת עליה", "make up-prod goes on with it; make down gives it up"
)

# What production alone has
DEV_GOES_NOWHERE: Final = Text(
    "לפיתוח אין גרסאות שאפשר לחזור אליהן: הוא מריץ את מה שבתיקייה",
    "development has no releases to go back to: it runs what is in the folder",
)
OLDER_FOLDER: Final = Text(
    "git checkout של הגרסה הקודמת, ואז make up-dev", "git checkout of the earlier version, then make up-dev"
)
