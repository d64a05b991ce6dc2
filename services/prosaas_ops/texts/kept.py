"""The words of backup, restore and restore-drill."""

from typing import Final

from prosaas_ops.texts import Text

# make backup
ENCRYPTED: Final = Text("{name} מוצפן (BACKUP_RECIPIENT)", "{name} is encrypted (BACKUP_RECIPIENT)")
THERE_ALREADY: Final = Text("{name} כבר קיים", "{name} is there already")
OTHER_FILE: Final = Text("FILE= אחר, או FORCE=1 כדי להחליף אותו", "another FILE=, or FORCE=1 to replace it")
NO_FOLDER: Final = Text("אין תיקייה {folder}", "there is no folder {folder}")
MAKE_FOLDER: Final = Text("mkdir -p {folder}, או FILE= אחר", "mkdir -p {folder}, or another FILE=")
NOT_WRITTEN: Final = Text(
    "אי אפשר לכתוב את {file}, דבר לא נשמר: {why}", "{file} cannot be written, nothing was kept: {why}"
)
WRITABLE: Final = Text(
    "תיקייה שאפשר לכתוב בה, למשל FILE=backups/x.dump", "a folder that can be written to, as FILE=backups/x.dump"
)
WRITTEN: Final = Text(
    "{shown}, bytes={size}{files}; לשחזור: make restore FILE={shown}",
    "{shown}, {size} bytes{files}; back again with: make restore FILE={shown}",
)
AND_FILES: Final = Text(", אישורי TLS ורשומות שממתינות: {name}", ", certificates and spool in {name}")
NO_FILES: Final = Text(
    "מסד הנתונים מגובה, והארכיון שלידו לא נכתב: {name}: {why}",
    "the database is backed up; the archive beside it, {name}, could not be made: {why}",
)
FILES_UNREAD: Final = Text(
    "אי אפשר לקרוא את הקבצים של {service}: {why}",
    "the files of {service} could not be read: {why}",
)
CUT_SHORT: Final = Text("docker cp נקטע באמצע", "docker cp was cut short")
FILES_BACK: Final = Text("{count} קבצים חזרו מתוך {name}", "{count} files are back from {name}")
FILES_LEFT_OUT: Final = Text(
    "{count} קבצים מתוך {name} לא הוחזרו: שיחות שהתנהלו בזמן הגיבוי, או של מי שנשכח",
    "{count} files of {name} are left out: of calls that were live at the backup, or of people who were forgotten",
)
FILES_ALL_THERE: Final = Text(
    "כל הקבצים של {name} כבר נמצאים במקומם, ולא הוחזר דבר",
    "every file of {name} is in its place already: none is put back",
)
FILES_STAY: Final = Text(
    "הקבצים שליד הגיבוי לא חזרו אל {service}: {why}", "the files beside the backup did not go back to {service}: {why}"
)
FILES_DAMAGED: Final = Text(
    "אי אפשר לקרוא את {name} עד סופו: {why}", "{name} beside the backup cannot be read to its end: {why}"
)
WITHOUT_FILES: Final = Text(
    "להביא עותק אחר שלו, או להעביר את {name} הצידה כדי לשחזר בלי האישורים והרשומות שבו",
    "bring another copy of it, or move {name} away to restore without its certificates and records",
)
FILES_LATER: Final = Text(
    "{name} עוד לא הוחזר, כי אין מי שיקבל אותו: make up-prod, ואז make restore FILE=…/{file} FILES=1",
    "{name} is not back yet, for nobody runs to take it: make up-prod, then make restore FILE=…/{file} FILES=1",
)
NO_CRON: Final = Text("BACKUP_SCHEDULE={when} אינו מועד של cron", "BACKUP_SCHEDULE={when} is not a cron time")
FIVE_FIELDS: Final = Text(
    "חמישה שדות, למשל BACKUP_SCHEDULE='15 3 * * *'", "five fields, for example BACKUP_SCHEDULE='15 3 * * *'"
)
NOT_FINISHED: Final = Text(
    "הפקודה pg_dump לא הסתיימה, דבר לא נשמר: {why}", "pg_dump did not finish, nothing was kept: {why}"
)
NOT_READ_BACK: Final = Text(
    "אי אפשר לקרוא את הגיבוי חזרה, הוא לא נשמר", "the dump cannot be read back, it was not kept"
)
SPACE: Final = Text("make doctor (מקום פנוי), ואז שוב", "make doctor (free space), then again")
PROVEN: Final = Text("שוחזר בצד כדי להוכיח: {counted}", "restored aside to prove it: {counted}")

# make restore, make restore-drill
WHICH_FILE: Final = Text("איזה גיבוי? FILE=backups/….dump", "which backup? FILE=backups/….dump")
NO_FILE: Final = Text("אין גיבוי {name}", "there is no backup {name}")
MANAGED: Final = Text(
    "DATABASE_URL מוגדר: מסד נתונים מנוהל משוחזר באמצעים של הספק שלו",
    "DATABASE_URL is set: a managed database is restored by its provider's own means",
)
IS_LIVE: Final = Text(
    "מסד הנתונים פעיל: השחזור היה מחליף את כל מה שיש בו: {counted}",
    "the database is live: this would replace all that is in it: {counted}",
)
GOES: Final = Text(
    "מאז הגיבוי ({made}) נוספו {counted}: אלה, וכל שינוי אחר מאז, יוצאים ממסד הנתונים ונשארים בגיבוי שנכתב קודם",
    "since the backup ({made}) came {counted}: they, and whatever else changed since, leave the database "
    "and stay in the backup that is written first",
)
NO_ROW: Final = Text("0 שורות", "no rows")
NOBODY_ANSWERS: Final = Text(
    "מעכשיו ועד הסוף אין מענה למתקשרים", "from now until the end of this nobody answers callers"
)
ENDED_SINCE: Final = Text(
    "שיחות שהתנהלו בזמן הגיבוי והסתיימו מאז: {count}; הרישום שלהן עבר אליו",
    "{count} calls that were live at the backup have ended since: it has their records now",
)
ENDED_MEANWHILE: Final = Text(
    "שיחות שהסתיימו בזמן ההמתנה אינן בגיבוי המשוחזר, ולכן לא במסד הנתונים; הן נמצאות ב-{name}: {calls}",
    "calls that ended while this waited are not in what is restored, so leave the database; {name} has them: {calls}",
)
BY_FORCE: Final = Text(
    "make restore FILE={name} FORCE=1 (קודם נכתב גיבוי שלו)",
    "make restore FILE={name} FORCE=1 (writes a backup of it first)",
)
REMOVED: Final = Text("הוסר {name}: BACKUP_KEEP={keep}", "removed {name}: BACKUP_KEEP={keep}")
EXAMINING: Final = Text("בודקים את {name}; בינתיים דבר לא משתנה", "examining {name}; nothing is changed meanwhile")
UNTOUCHED: Final = Text("נעצר לפני שדבר השתנה", "stopped before anything was changed")
RESTORING: Final = Text("משחזרים את {name}, לצד מסד הנתונים", "restoring {name}, beside the database")
BACK_TO: Final = Text(
    "מסד הנתונים הוא כפי שהיה, והשירותים שרצו רצים שוב",
    "the database is what it was, and the services that ran run again",
)
RESTORED: Final = Text("שוחזר: {counted}", "restored: {counted}")
NO_BACKUP: Final = Text("אין גיבוי לנסות", "there is no backup to try")
CAN_BE: Final = Text("אפשר לשחזר את {name}, seconds={seconds}", "{name} can be restored, in {seconds} s")
IN_BACKUP: Final = Text("בגיבוי: {counted}", "in the backup: {counted}")
LIVE_NOW: Final = Text("עכשיו:  {counted}", "live now:      {counted}")
NOT_RESTORED: Final = Text(
    "אי אפשר לשחזר את הגיבוי; מסד הנתונים הוא כפי שהיה: {why}",
    "the backup could not be restored; the database is as it was: {why}",
)
OTHER_SCHEMA: Final = Text(
    "בגיבוי הזה ה-schema הוא {schema}, והגרסה הזאת לא מכירה אותו; דבר לא השתנה",
    "this backup has the schema {schema}, which this version does not know; nothing was changed",
)
ITS_VERSION: Final = Text("לשחזר אותו בגרסה שכתבה אותו", "restore it with the version that wrote it")
REPAIR: Final = Text(
    "לתקן או להסיר את השורה, ולשכוח שוב את האדם הזה: {path}",
    "repair or remove that line, and forget that person again: {path}",
)
FILES_LEFT: Final = Text(
    "התבקשה עצירה: מסד הנתונים שוחזר, וקבצים שליד הגיבוי לא הוחזרו כולם: make restore FILE=… FILES=1",
    "asked to stop: the database is restored, not every file beside the backup is: make restore FILE=… FILES=1",
)
NO_FILES_BESIDE: Final = Text(
    "ליד {name} אין ארכיון קבצים ({archive}), ואין מה להחזיר; מסד הנתונים לבדו: make restore FILE={name}",
    "there are no files beside {name} ({archive}), so none to put back; the database alone: make restore FILE={name}",
)
WITH_FILES: Final = Text("גיבויים שיש לידם ארכיון:", "backups with an archive beside them:")
WOULD_COME_BACK: Final = Text("השחזור היה מחזיר מי שנשכח: {why}", "who was forgotten would come back: {why}")
STAY_FORGOTTEN: Final = Text(
    "אנשים שנשכחו, והשחזור לא החזיר אותם: {count}", "{count} people who were forgotten stay forgotten"
)
NO_POSTGRES: Final = Text("אין קונטיינר postgres שרץ", "no postgres container runs")
ITS_PROVIDER: Final = Text(
    "make up-prod; מסד נתונים מנוהל מגובה אצל הספק שלו", "make up-prod; a managed database is backed up by its provider"
)
NOT_WHOLE: Final = Text(
    "{name} אינו גיבוי ש-pg_restore יכול לקרוא במלואו", "{name} is not a backup that pg_restore can read whole"
)
ANOTHER: Final = Text("לבחור גיבוי אחר", "choose another backup")

# A backup that is encrypted
NOT_ENCRYPTED: Final = Text(
    "אי אפשר להצפין את הגיבוי, דבר לא נשמר: {why}", "the backup could not be encrypted, nothing was kept: {why}"
)
RECIPIENT: Final = Text("BACKUP_RECIPIENT בקובץ .env", "BACKUP_RECIPIENT in .env")
SEALED: Final = Text("{name} מוצפן{told}", "{name} is encrypted{told}")
NO_KEY: Final = Text(": אין {name}", ": there is no {name}")
KEY_FILE: Final = Text("KEY= והקובץ עם המפתח שכתב age-keygen", "KEY= and the file with the key that age-keygen wrote")
NOT_OPENED: Final = Text("אי אפשר לפתוח את {name}: {why}", "{name} could not be opened: {why}")
ITS_KEY: Final = Text("KEY= והקובץ עם המפתח של הנמען שלו", "KEY= and the file with the key of its recipient")
AGE_ENDED: Final = Text("age הסתיים בקוד {code}", "age ended with {code}")
