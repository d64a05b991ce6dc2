"""The words of what changes the stack: up, down, restart, rollback, rotate-secret, backup and restore, step by step."""

from typing import Final

from prosaas_ops.texts import Text

FIX, READ = Text("תיקון:", "fix:"), Text("לקריאה:", "read:")
WARNING: Final = Text("אזהרה: {text}", "warning: {text}")

# A command and its steps
INTERRUPTED: Final = Text(
    "make {name} נקטעה בשלב {step!r}: קודם היא מובאת לסופה",
    "make {name} was interrupted at the step {step!r}: that comes to its end first",
)
STAYS: Final = Text(
    "make {name} נקטעה בשלב {step!r}, והמערכת נשארת כפי שהיא מאז: make ps מראה מה רץ",
    "make {name} was interrupted at the step {step!r}, and the stack stays as that left it: make ps shows what runs",
)
HAD_CHANGED_NOTHING: Final = Text(
    "make {name} נקטעה בשלב {step!r}, לפני ששינתה דבר; אם עוד צריך: להריץ אותה שוב",
    "make {name} was interrupted at the step {step!r}, before it changed anything; run it again if it is wanted",
)
STILL_UNFINISHED: Final = Text(
    "make {name} נקטעה בשלב {step!r} ולא הובאה לסופה",
    "make {name} was interrupted at the step {step!r} and has not come to its end",
)
COMES_FIRST: Final = Text(
    "לא התחילה, כי make {name}, שלא הובאה לסופה, קודמת לה: {why}",
    "it has not begun, for make {name}, which had not come to its end, comes first: {why}",
)
AT_STEP: Final = Text("בשלב {step!r}: {why}", "at the step {step!r}: {why}")
UNCHANGED_AT: Final = Text(
    "בשלב {step!r}: {why}; מה שרץ לא השתנה", "at the step {step!r}: {why}; what runs was not changed"
)
NOT_BEGUN: Final = Text("הפקודה נעצרה; מה שרץ לא השתנה", "it was stopped; what runs was not changed")
STOPPED: Final = Text("הפקודה נעצרה", "it was stopped")
GOING_BACK: Final = Text("חוזרים אחורה: {back_to}", "going back: {back_to}")
BACK_FAILED: Final = Text("{plan} נכשלה, וגם הדרך חזרה: {why}", "{plan} failed, and so did the way back: {why}")
DOCTOR_FIRST: Final = Text("make doctor, ואז להריץ שוב", "make doctor, then run it again")
UP_RENEWS: Final = Text(
    "make doctor, ואז make up-prod, שמחדשת את מה שלא עולה",
    "make doctor, then make up-prod, which renews what does not start",
)
FAILED: Final = Text("{plan} נכשלה בשלב {step!r}, ולכן {back_to}", "{plan} failed at the step {step!r}, so {back_to}")
LINES_ABOVE: Final = Text("הסיבה בשורות שלמעלה; אחר כך להריץ שוב", "the lines above say why; then run it again")
NONE_RENEWED: Final = Text(
    "דבר ממה שמשרת לא חודש, ומה שרץ ממשיך לרוץ", "nothing that serves was renewed, and what runs runs on"
)
NONE_SERVED: Final = Text("עוד לא היה דבר שמשרת", "nothing served yet")
UP_GOES_ON: Final = Text(
    "make up-prod ממשיכה משם; אם היא נכשלת שוב: make doctor",
    "make up-prod goes on with it; if it fails again: make doctor",
)
BACK_TO_IMAGES: Final = Text("ה-images הקודמים רצים שוב", "the images that ran before run again")
BACK_TO_NOTHING: Final = Text("שום דבר לא רץ, כמו לפני כן", "nothing runs, as before")
RUN_ON: Final = Text("הישנים ממשיכים לרוץ: {services}", "the old ones run on: {services}")
BACK_TO_VALUE: Final = Text("הערך הישן שוב בתוקף", "the old value is in force again")
BACK_TO_ONE: Final = Text(
    "שוב רק קונטיינר אחד של {service} מקבל עבודה חדשה (make ps מראה איזה ובאיזו רמה)",
    "one container of {service} alone takes new work again (make ps shows which, and its level)",
)
ONE_GOES_ON: Final = Text("קונטיינר אחד של {service} ממשיך לבדו", "one container of {service} goes on alone")
OLD_GOES_ON: Final = Text("{name} ממשיך: הישן", "{name} goes on, the old one")
NEW_GOES_ON: Final = Text(
    "{name} ממשיך: החדש, כי הישן כבר התבקש להסתיים", "{name} goes on, the new one: the old one was asked to end already"
)
ANOTHER_COMMAND: Final = Text(
    "פקודה אחרת משנה עכשיו את המערכת: {which}; להמתין לסיומה ולהריץ שוב",
    "another command changes this stack: {which}; wait for its end, then run this again",
)
UNNAMED: Final = Text("ללא שם", "unnamed")
STATE_DAMAGED: Final = Text(
    "הקובץ .state/{name}.json פגום: להזיז אותו הצידה ולהריץ שוב",
    ".state/{name}.json is damaged: move it aside, then run this again",
)
COMMAND_FAILED: Final = Text("הפקודה {command} נכשלה:\n{told}", "{command} failed:\n{told}")
NO_STACK: Final = Text(
    "אין קובץ .env, ולכן שום מערכת לא הופעלה מהתיקייה הזאת",
    "there is no .env, so no stack was started from this folder",
)
NOT_RUNNING: Final = Text("{service} לא רץ", "{service} is not running")
STACK_NOT_RUNNING: Final = Text("המערכת לא רצה", "the stack is not running")
TOOLS_ONLY: Final = Text(
    "הפקודה הזאת רצה רק בקונטיינר של הכלים: scripts/run", "this must run in the tools' container: scripts/run"
)

# up
PROBLEMS: Final = Text(
    "בעיות לפני ההפעלה: {count}; דבר לא השתנה", "{count} problem(s) before the start; nothing was changed"
)
PROBLEMS_OF_NEW: Final = Text(
    "בעיות לפני ההפעלה: {count}; נוצר .env, ודבר נוסף לא השתנה",
    "{count} problem(s) before the start; .env was made, and nothing else was changed",
)
THEN_AGAIN: Final = Text("לפי השורות שלמעלה, ואז להריץ שוב", "the lines above, then run this again")
STARTING: Final = Text(
    "מפעילים את {project}, וממתינים עד שהמערכת משרתת", "starting {project}, and waiting until it serves"
)
RENEWING: Final = Text(
    "מחדשים את {project}, וממתינים עד שהמערכת משרתת", "renewing {project}, and waiting until it serves"
)
BUILDING: Final = Text("בונים את מה שהשתנה", "building what changed")
NOTHING_RENEWED: Final = Text(
    "דבר לא חודש: מה שרץ הוא מה שיש בתיקייה הזאת", "nothing was renewed: what runs is what this folder has"
)
UP: Final = Text(
    "המערכת עלתה תוך {seconds} שניות, גרסה {version}: {where}", "up in {seconds} s, version {version}: {where}"
)
NEXT: Final = Text(
    "הלאה: make call (שיחה מדומה אחת), make logs, make checklist",
    "next: make call (one simulated call), make logs, make checklist",
)
NEXT_LIVE: Final = Text(
    "הלאה: make status (מה המצב), make doctor, make logs",
    "next: make status (how it stands), make doctor, make logs",
)
IS_DEMO: Final = Text(
    "זאת נציגת הדמו; למערכת אמיתית: DEMO=0 בקובץ .env, עם המפתחות של הספקים, או make go-live",
    "this is the demo voice agent: DEMO=0 in .env, with the providers' keys, is the real thing",
)
DRAINS_FIRST: Final = Text(
    "שיחות של הקונטיינר הקודם עוד נמשכות: ממתינים לסיומן",
    "calls of the generation before go on: waiting for their end",
)
SERVES_ON: Final = Text(
    "{name} אמור להסתיים וממשיך לקבל שיחות חדשות",
    "{name} is to end and goes on taking new calls",
)
NOT_REACHED: Final = Text(
    "{name} לא עונה, ואי אפשר היה לבקש ממנו להסתיים: docker rm --force {name} מסיים אותו, עם שיחותיו",
    "{name} does not answer and could not be asked to end: docker rm --force {name} ends it, with its calls",
)
MUTE: Final = Text(
    "{name} התבקש להסתיים ולא אומר כמה שיחות עוד יש לו: make ps מראה אם הוא עוד כאן",
    "{name} was asked to end, and does not say how many calls it still has: make ps shows whether it is still there",
)
DRAINS: Final = Text(
    "{name} שומר על השיחות שלו עד לסיומן ומסתיים מעצמו, calls={calls}",
    "{name} keeps its {calls} live calls to their end, and goes by itself",
)
NOT_MIGRATED: Final = Text(
    "migrate לא הגיע לסופו ({why}); השורות האחרונות שלו למעלה",
    "migrate did not come to its end ({why}); its last lines are above",
)
UNKNOWN: Final = Text("מספר לא ידוע, prosaas-calls לא עונה", "an unknown number of")
GATEWAY_STAYS: Final = Text(
    "gateway נשאר כפי שהיה: חדש היה מנתק שיחות מתנהלות ({calls}). מאוחר יותר: make up-prod, או YES=1",
    "gateway stays as it was: a new one would cut {calls} live calls. Later: make up-prod, or YES=1",
)
GATEWAY_WAITS: Final = Text(
    "ה-gateway עצמו משתנה, וזה מנתק שיחות מתנהלות ({calls}): ממתינים לסיומן (או YES=1)",
    "the gateway itself changes, which cuts {calls} live calls: waiting for their end (or YES=1)",
)
DOOR_LEADS_NOWHERE: Final = Text(
    "שער הכניסה לא מוביל אל prosaas-api: התשובה ל-/twilio/voice היא {said}",
    "the front door does not lead to prosaas-api: /twilio/voice answered {said}",
)
NONE_MADE: Final = Text("Compose לא יצר קונטיינר חדש של {service}", "Compose made no new container of {service}")
NO_ANSWER: Final = Text("אין תשובה ממנו", "it does not answer")
ENDED_WITH: Final = Text("הוא הסתיים בקוד יציאה {code}", "it ended with exit code {code}")
KILLED: Final = Text(
    "הוא נהרג, כנראה בגלל הזיכרון שלו ({setting} בקובץ .env)", "killed, most likely for its memory ({setting} in .env)"
)
NOT_READY: Final = Text("לא מוכן אחרי {seconds} שניות: {said}", "not ready within {seconds} s: {said}")
LAST_LINES: Final = Text(
    "{service} לא הגיע למצב מוכן; השורות האחרונות שלו:", "{service} did not become ready; its last lines:"
)

LINES_STAY: Final = Text(
    "השורות של {name} לא נשמרו ({why}), ולכן הקונטיינר שלהן נשאר: הפקודה הבאה תנסה שוב לשמור ולהסיר אותו."
    " אם הדיסק מלא, לפנות בו מקום; docker rm {name} מוותר עליהן",
    "the lines of {name} could not be kept ({why}), so its container stays: the next command tries again to keep them"
    " and to remove it. Free some disk where it is full; docker rm {name} gives them up",
)

# restart, down, rollback
RUNS_ANEW: Final = Text("{service} הופעל מחדש, גרסה {version}", "{service} runs anew, version {version}")
RUNS_AT: Final = Text(
    "{service} רץ ברמה {level} עד ליצירה מחדש הבאה; make restart-{short} מחזירה את הרמה הקודמת",
    "{service} runs at {level} until it is next recreated; make restart-{short} returns it",
)
WAITING: Final = Text(
    "ממתינים לסיום השיחות המתנהלות: {calls}, לכל היותר {seconds} שניות",
    "waiting for {calls} live calls, at most {seconds} s",
)
HALF_DOWN: Final = Text(
    "ייתכן ש-prosaas-calls כבר לא מקבל שיחות חדשות; שיחות מתנהלות נמשכות עד לסיומן",
    "prosaas-calls may take no new call any more, and calls in progress go on to their end",
)
DOWN_OR_UP: Final = Text(
    "make down ממשיכה בעצירה; make up-prod מחזירה את המענה לשיחות, וכל מה שנעצר",
    "make down goes on with it; make up-prod has calls taken again, and starts whatever has ended",
)
DOWN: Final = Text(
    "המערכת ירדה; הנתונים נשארים ב-volumes, ובהם הרשומה של כל שיחה עם השורות שלה. שאר שורות הלוג הלכו עם הקונטיינרים,"
    " אלא אם collector שמר אותן. make up-prod מעלה אותה שוב",
    "down; the data stays in its volumes, each call's record and its lines with it. The log's other lines went with the"
    " containers, unless a collector has them. make up-prod starts it again",
)
GOES_TO: Final = Text(
    "חוזרים ל-{release}, וממתינים עד שהיא משרתת", "going back to {release}, and waiting until it serves"
)
DEPLOYED: Final = Text(
    "גרסה {version}, שהופעלה ב-{at} UTC (לפני {ago})", "version {version}, deployed at {at} UTC ({ago} ago)"
)
RUNS_AGAIN: Final = Text(
    "גרסה {version} רצה שוב, על ה-schema כפי שהוא", "version {version} runs again, on the schema as it is"
)
BACK_AND_FORTH: Final = Text(
    "make rollback נוסף חוזר לגרסה {version}, ולא אחורה יותר",
    "another make rollback goes to {version} again, and not further back",
)
BUILDS_AGAIN: Final = Text(
    "הלאה: make up-prod בונה שוב את זו של התיקייה הזאת", "next: make up-prod builds this folder's again"
)
NOTHING_BEFORE: Final = Text(
    "אין לאן לחזור: אין כאן images של הפעלה שהצליחה",
    "there is nothing to go back to: no images are here of a start that succeeded",
)
NO_RELEASE: Final = Text(
    "N={back}: מספר גרסה מ-1 (הקודמת) עד {most}", "N={back}: a release from 1 (the one before) to {most}"
)
FEWER_RELEASES: Final = Text(
    "מספר הגרסאות הקודמות שאפשר לחזור אליהן הוא {there}, ולא {back}",
    "there are {there} earlier releases to go back to, not {back}",
)
OLDER_CODE: Final = Text(
    "git checkout של הגרסה הקודמת, ואז make up-prod", "git checkout of the earlier version, then make up-prod"
)

# rotate-secret, update-bases
NAMES: Final = Text("NAME= הוא אחד מאלה: {names}", "NAME= is one of: {names}")
NEW_VALUE: Final = Text(
    "ל-{name} יש ערך חדש, בקובץ .env ובכל מה שמשתמש בו; הישן חסר ערך{meanwhile}",
    "{name} has a new value, in .env and in what uses it; the old one is worthless{meanwhile}",
)
ONCE_ANSWERED: Final = Text(" אחרי שייענו השיחות שמצלצלות עכשיו", " once the calls that ring now are answered")
ASKED: Final = Text("הערך החדש של {name}, לא יוצג: ", "the new {name}, not shown: ")
SECRETS_STAY: Final = Text(
    "{names}: הערכים החדשים מ-.env כבר שם, ומה שרץ עוד מחזיק את הקודמים. קונטיינר שיעלה מחדש מעצמו, אחרי קריסה או "
    "אתחול, יקרא את החדשים: לתקן ולהריץ make up-prod שוב, או להחזיר את הערכים הקודמים ל-.env ואז make setup",
    "{names}: the new values of .env are there already, and what runs holds those of before. A container that starts "
    "again by itself, after a crash or a reboot, reads the new ones: mend it and make up-prod again, or put those of "
    "before back into .env and make setup",
)
STARTS_WITH_TODAYS: Final = Text(
    "{services}: מה שכתוב עכשיו ב-.env אינו מה שהם רצים איתו; הם עולים עם ההגדרות שכתובות בו עכשיו, ועם הסודות "
    "שב-secrets/",
    "{services}: what .env says now is not what they run with; they start with the settings that it has now, and the "
    "secrets of secrets/",
)
LEVEL_IS_NEW: Final = Text(
    "{service} רץ עם {setting}; הוא עולה ברמת הלוג שכתובה ב-.env ובתיקייה env, ושום דבר אחר לא משתנה",
    "{service} runs with {setting}; it starts at the log level of .env and of the folder env, and nothing else changes",
)
NOT_WRITTEN_YET: Final = Text(
    "{service} לא היה עולה: הערך שב-.env עוד לא הגיע ל-secrets/, שממנו הוא קורא: {names}; דבר לא השתנה",
    "{service} would not start: secrets/, which it reads, does not have what .env says yet of {names}; nothing was "
    "changed",
)
OTHER_DEFINITION: Final = Text(
    "קובצי Compose בתיקייה הזאת אינם אלה שמהם הופעלה המערכת; דבר לא השתנה",
    "this folder's Compose files are not those that the stack was started from; nothing was changed",
)
UP_FIRST: Final = Text("make up-prod, ואז שוב", "make up-prod, then this again")
NO_VALUE: Final = Text("אין בקלט ערך שאפשר להשתמש בו עבור {name}", "no usable value for {name} on standard input")
PASTE: Final = Text(
    "make rotate-secret NAME={name}, ואז להדביק אותו בשורה אחת",
    "make rotate-secret NAME={name}, then paste it, on one line",
)
NOT_PROVEN: Final = Text(
    "המפתח הישן נענה ב-{old} והחדש ב-{new}, ולא ב-401 וב-200",
    "the old key is answered with {old} and the new one with {new}, not 401 and 200",
)
BASES: Final = Text("הלאה: make up-prod בונה עליהם", "next: make up-prod builds on them")
SAME_BASES: Final = Text("כמו קודם; הלאה: make up-prod", "the same as before; next: make up-prod")

# .env and secrets/
NO_SETUP: Final = Text("AUTO_SETUP=0 וחסר קובץ: .env", "AUTO_SETUP=0 and something is missing: .env")
MAKING_ENV: Final = Text(
    "יוצרים את .env מתוך env/example.env, עם סיסמאות שהוגרלו ועם נציגת הדמו",
    "making .env from env/example.env, with generated passwords and the demo voice agent",
)
OTHER_STACK: Final = Text(
    "במחשב הזה יש מערכת אחרת בשם prosaas, או נתונים שלה: שם המערכת הזאת {name}",
    "this machine has another stack named prosaas, or its data: this one is {name}",
)
EMPTIED: Final = Text("{name} ריק בקובץ .env, וקודם לא היה ריק", "{name} is empty in .env, and was not")
PUT_BACK: Final = Text(
    "להחזיר את ערכו, שעדיין נמצא ב-secrets/{name}", "put its value back: secrets/{name} still has it"
)
ENV_ALONE: Final = Text(
    "{name} מה-shell הזה אינו בשימוש: רק .env קובע אותו", "{name} of this shell is not used: only .env has a say in it"
)
FROM_SHELL: Final = Text(
    "{name}={value} מה-shell הזה, לפקודה הזאת בלבד; ב-.env כתוב אחרת",
    "{name}={value} from this shell, for this command only; .env says otherwise",
)
ROLES_URL: Final = Text("DATABASE_ROLES=1 ו-DATABASE_URL: {why}", "DATABASE_ROLES=1 and DATABASE_URL: {why}")
