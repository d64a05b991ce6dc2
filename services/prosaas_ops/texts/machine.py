"""The words of `make doctor` and of the checks before a start: what was found, and what puts it right."""

from typing import Final

from prosaas_ops.texts import Text

OK, LATER, BAD = Text("תקין", "ok"), Text("אזהרה", "warning"), Text("בעיה", "problem")
FIX, READ = Text("תיקון:", "fix:"), Text("לקריאה:", "read:")

CGROUP: Final = Text("גרסה {version}", "version {version}")
NO_CGROUP: Final = Text(
    "ה-engine לא מדווח על גרסת cgroup: המגבלות לא יחולו", "the engine reports no cgroup version: limits cannot hold"
)
MOUNT_CGROUPS: Final = Text("לבצע mount ל-cgroups ולהפעיל מחדש את dockerd", "mount cgroups, then restart dockerd")
NONE: Final = Text("אין", "none")
ENDED: Final = Text("{service} לא רץ: {status}", "{service} does not run: {status}")
NO_CONTAINER: Final = Text("{service} לא רץ: אין לו קונטיינר", "{service} does not run: it has no container")
COPY_LEFT: Final = Text(
    "{name} לצד מסד הנתונים: עותק של שחזור או של בדיקת גיבוי, שנמשכים או נקטעו, ומי שנשכח מאז עדיין בו",
    "{name} is beside the database: a copy that a restore or a proof of a backup makes, which goes on or was killed; "
    "who was forgotten since is in it still",
)
DROPPED_BY: Final = Text(
    "כששום make restore או restore-drill לא רץ: make backup, שמסיר אותו",
    "once no make restore or restore-drill runs: make backup, which takes it away",
)
LEFT_OVER: Final = Text(
    "{name}: אולי שריד של קובץ שגרסה קודמת לא סיימה לכתוב, עם הסיסמאות שבו",
    "{name} may be what an earlier version, killed as it wrote a file, left of it, with its passwords",
)
REMOVE_HALF: Final = Text("rm {name}, אלא אם הקובץ שלכם", "rm {name}, unless it is yours")
UNWRITTEN: Final = Text(
    "הערך שב-.env שונה מזה שב-secrets/, ושירות שמופעל מחדש עולה עם זה שב-secrets/: {names}",
    ".env has another value than secrets/, and a service that is restarted starts with that of secrets/: {names}",
)
BROUGHT: Final = Text(
    "make up-prod, שמביאה אותו לכל השירותים ולא מנתקת שיחה",
    "make up-prod, which brings it to every service and cuts no call",
)
ROTATED: Final = Text(
    "להחזיר ל-.env את הערך שב-secrets/postgres_password, ואז make rotate-secret NAME=POSTGRES_PASSWORD",
    "put the value of secrets/postgres_password back into .env, then make rotate-secret NAME=POSTGRES_PASSWORD",
)
AT_WORK: Final = Text("פקודה אחרת משנה עכשיו את המערכת: {which}", "another command is at work: {which}")
AWAIT: Final = Text("להמתין לסיומה", "wait for its end")
FINISHED_FIRST: Final = Text(
    "הפקודה הבאה שמשנה את המערכת מביאה אותה קודם לסופה, או חזרה; למשל make backup",
    "the next command that changes the stack brings it to its end first, or back: make backup, for one",
)
NO_NEW_CALLS: Final = Text(
    "אף prosaas-calls לא מקבל שיחות חדשות: כל מה שרץ ממנו מסיים את שיחותיו",
    "no prosaas-calls takes new calls: all that runs of it lets its calls come to their end",
)
ALL_RUN: Final = Text("כולם רצים", "all run")
OLDER: Final = Text("{version} ישן מ-{least}", "{version} is older than {least}")
NEWER_ONE: Final = Text("make setup, או גרסה חדשה יותר של ההפצה שלכם", "make setup, or your distribution's newer one")
FREE_GB: Final = Text("פנויים ל-engine {free} GB", "{free} GB free for the engine")
FREE_MB: Final = Text(
    "פנויים ל-engine {free} MB, ו-images ונתונים צריכים {needed}",
    "{free} MB free for the engine, images and data need {needed}",
)
MORE_DISK: Final = Text("docker image prune, או דיסק גדול יותר", "docker image prune, or a larger disk")
MEMORY: Final = Text("במגה־בייטים: יש {has}, סכום המגבלות {limits}", "{has} MB; the limits add up to {limits}")
LITTLE_MEMORY: Final = Text(
    "במגה־בייטים: יש רק {has}, וסכום המגבלות {limits}", "{has} MB, and the limits add up to {limits}"
)
MORE_MEMORY: Final = Text(
    "להקטין את *_MEMORY בקובץ .env, או מחשב גדול יותר", "lower *_MEMORY in .env, or a larger machine"
)
PROCESSORS: Final = Text(
    "במחשב {has}; הכי הרבה לקונטיינר אחד: {most}", "{has}; the most that one container may use is {most}"
)
FEW_PROCESSORS: Final = Text(
    "במחשב {has}, ופחות ממה שמותר להם: {services}; ה-engine לא ייצור אותם",
    "{has}, fewer than these may use: {services}; the engine would not make them",
)
FEWER_PROCESSORS: Final = Text("להקטין את *_CPUS שלהם בקובץ .env", "lower their *_CPUS in .env")
NOT_PUBLIC: Final = Text(
    "{name}={value} אינה כתובת https שהספקים יכולים להגיע אליה",
    "{name}={value} is no https address that providers could reach",
)
SET_PUBLIC: Final = Text(
    "PUBLIC_HOST בקובץ .env, או הכתובת של ה-TLS proxy שלכם", "PUBLIC_HOST in .env, or the address of your TLS proxy"
)
NO_HOST: Final = Text("PUBLIC_HOST={name} אינו שם בלבד", "PUBLIC_HOST={name} is not a name alone")
A_HOST: Final = Text(
    "שם כמו voice.example.com בקובץ .env, בלי https://, פורט או נתיב",
    "one like voice.example.com in .env, without https://, port or path",
)
DEMO_SECRETS: Final = Text("עדיין של הדמו: {names}", "still the demo's: {names}")
EMPTY_THEM: Final = Text(
    "הערכים מהקונסולה של Meta, או לרוקן אותם בלי WhatsApp",
    "Meta's own, from its console; or empty them without WhatsApp",
)
NO_PORT: Final = Text("{name}={port} אינו פורט", "{name}={port} is not a port")
A_PORT: Final = Text("מספר מ-1 עד 65535 בקובץ .env", "a number from 1 to 65535 in .env")
CALLS_PORT: Final = Text(
    "ל-CALLS_PORT אין עוד משמעות: השיחות מגיעות דרך API_PORT או PUBLIC_HOST",
    "CALLS_PORT means nothing any more: calls come through API_PORT, or PUBLIC_HOST",
)
REMOVE_IT: Final = Text("להסיר אותו מקובץ .env", "remove it from .env")
PORT: Final = Text("פורט {number}", "port {number}")
OURS: Final = Text("{port} שייך למערכת הזאת", "{port} is this stack's")
FREE: Final = Text("{port} פנוי", "{port} is free")
TAKEN: Final = Text("{port} תפוס על ידי משהו אחר", "{port} is taken by something else")
CLAIMED: Final = Text(
    "הקונטיינר {name} של תיקייה אחרת עומד עכשיו, ועשוי לתפוס את פורט {port} כשהמחשב יופעל מחדש",
    "the container {name} of another folder stands still now, and may take port {port} when the machine starts anew",
)
TAKE_AWAY: Final = Text("אם אינה נחוצה עוד: docker rm {name}", "if nobody needs it: docker rm {name}")
FREE_PORT: Final = Text("לעצור אותו, או API_PORT אחר בקובץ .env", "stop it, or set another API_PORT in .env")
TRUSTED: Final = Text("בניית images סומכת על {bundle}", "image builds trust {bundle}")
OWN_BUNDLE: Final = Text("ה-bundle שלה עצמה", "their own bundle")
NO_BUNDLE: Final = Text("CA_BUNDLE={bundle} אינו קובץ", "CA_BUNDLE={bundle} is not a file")
SET_BUNDLE: Final = Text(
    "להגדיר אותו בקובץ .env ל-CA bundle של המחשב הזה, או להסיר אותו",
    "set it in .env to this machine's CA bundle, or remove it",
)
PROXY_PASSED: Final = Text("HTTPS_PROXY עובר לבניית images", "HTTPS_PROXY is passed to image builds")
OWN_ROLES: Final = Text("role נפרד לכל שירות", "a role for each service")
NO_ROLES: Final = Text(
    "אין: השירותים מתחברים במשתמש הזה, docs/privacy.md", "none: services go in as that user, docs/privacy.md"
)
OTHER_SERVER: Final = Text(
    "{image} הוא PostgreSQL {wanted}, וה-volume {volume} הוא של PostgreSQL {held}",
    "{image} is PostgreSQL {wanted}, and the volume {volume} is of PostgreSQL {held}",
)
TAKE_OVER: Final = Text(
    "שוב ה-image של {held}; או להעביר את הנתונים", "the image of {held} again; or take the data over"
)
SERVER: Final = Text("PostgreSQL {wanted}, ב-volume {volume}", "PostgreSQL {wanted}, in the volume {volume}")
URL_READ: Final = Text(
    "אפשר לקרוא את DATABASE_URL; אם השרת משרת, migrate בודק",
    "DATABASE_URL can be read; whether the server serves, migrate asks it",
)
URL_BAD: Final = Text("אי אפשר להשתמש ב-DATABASE_URL: {why}", "DATABASE_URL is not usable: {why}")
CORRECT_IT: Final = Text("לתקן בקובץ .env", "correct it in .env")
NO_ENV: Final = Text("אין קובץ .env", "there is no .env")
NOT_SET: Final = Text("חסרים בקובץ .env: {names}", "not set in .env: {names}")
ADD_EACH: Final = Text("להוסיף כל אחד; למה הוא נועד: {page}", "add each; {page} says what it is for")
ENV_WHOLE: Final = Text("קובץ .env שלם", ".env is complete")
DEMO: Final = Text("דמו: DEMO=1", "demo: DEMO=1")
STILL_DEMO: Final = Text(
    "DEMO אינו 1, אבל ההגדרות של Twilio עדיין של הדמו: שום שיחה אמיתית לא תיענה",
    "DEMO is not 1, but Twilio's settings are still the demo's: no real call would be answered",
)
SET_TWILIO: Final = Text(
    "להגדיר TWILIO_ACCOUNT_SID ו-TWILIO_AUTH_TOKEN בקובץ .env, מהקונסולה של Twilio",
    "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in .env from the Twilio console",
)
LIVE: Final = Text("אמיתי: המודל ו-Twilio מוגדרים", "live: the model and Twilio are set")
NOT_WHOLE: Final = Text("{name}={value} אינו מספר שלם", "{name}={value} is not a whole number")
NOT_A_NUMBER: Final = Text("{name}={value} אינו מספר", "{name}={value} is not a number")
NOT_A_SIZE: Final = Text("{name}={value} אינו גודל", "{name}={value} is not a size")
# By pydantic's words.
BEYOND: Final = {
    "greater than or equal to": Text(
        "{name}={value} קטן מדי: לפחות {bound}", "{name}={value} is too small: {bound} at the least"
    ),
    "greater than": Text("{name}={value} קטן מדי: יותר מ-{bound}", "{name}={value} is too small: more than {bound}"),
    "less than or equal to": Text(
        "{name}={value} גדול מדי: לכל היותר {bound}", "{name}={value} is too large: {bound} at the most"
    ),
}
A_RIGHT_ONE: Final = Text(
    "למשל {name}={example} בקובץ .env, או להסיר את השורה", "for example {name}={example} in .env, or remove the line"
)
NOT_ONE_OF: Final = Text("{name}={value} אינו אחד מאלה: {choices}", "{name}={value} is not one of: {choices}")
ONE_OF_THEM: Final = Text("להגדיר בקובץ .env אחד מהם, או להסיר אותו", "set it in .env to one of them, or remove it")
NOT_READ: Final = Text("אין מי שקורא את {name} ב-{file}", "nobody reads {name} in {file}")
MISPLACED: Final = Text("מקומו של {name} אינו ב-{file}", "{name} does not belong in {file}")
MOVE: Final = Text("להעביר אותו ל-{other}", "move it to {other}")
CORRECT_OR_REMOVE: Final = Text("לתקן את השם, או להסיר את השורה", "correct the name, or remove the line")
NO_VALUE: Final = Text(
    "{name}={value} ב-{file} אינו אחד מאלה: {valid}", "{name}={value} in {file} is not one of: {valid}"
)
ELSE_HOLDS: Final = Text("לתקן אותו שם; עד אז תקף {value}", "correct it there; until then {value} holds")
CORRECT_THERE: Final = Text("לתקן אותו שם", "correct it there")
OWN_PRICES: Final = Text("env/prices.toml גובר על המחירים שבאים עם המערכת", "env/prices.toml before the shipped ones")
NO_AMOUNT: Final = Text("{name}={value} אינו סכום", "{name}={value} is no amount")
AN_AMOUNT: Final = Text("סכום כמו 2.50 בקובץ .env, או להסיר אותו", "one like 2.50 in .env, or remove it")
NO_LEVEL: Final = Text("{name}={value} ב-{file} אינו רמת לוג", "{name}={value} in {file} is not a level")
ONE_OF: Final = Text("אחת מאלה: {choices}", "one of {choices}")
BUFFERED: Final = Text(
    "PYTHONUNBUFFERED=1 חסר ב-{file}: שורות ימתינו ב-buffer",
    "PYTHONUNBUFFERED=1 is missing from {file}: lines would wait in a buffer",
)
ADD_IT: Final = Text("להוסיף אותו", "add it")
OTHER_FOLDER: Final = Text(
    "{project} היא המערכת של תיקייה אחרת: {folders}", "{project} is the stack of another folder: {folders}"
)
NO_STACK_HERE: Final = Text(
    "לתיקייה הזאת אין .env, ולכן אין לה מערכת; {project} היא המערכת של תיקייה אחרת: {folders}",
    "this folder has no .env, and so no stack; {project} is the stack of another folder: {folders}",
)
OTHER_NAME: Final = Text(
    "COMPOSE_PROJECT_NAME אחר בקובץ .env, או make down בתיקייה ההיא",
    "another COMPOSE_PROJECT_NAME in .env; or in that folder: make down",
)
