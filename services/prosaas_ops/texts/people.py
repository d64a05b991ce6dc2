"""The words of the commands about people: forget, export, retention, audit."""

from typing import Final

from prosaas_ops.texts import Text

# make forget, make export: whom it is about
UNKNOWN: Final = Text("{command}: לא ידוע דבר על האדם הזה", "{command}: nothing is known of that person")
WHOM: Final = Text(
    "על מי מדובר? make {command} PHONE=+972501234567, או CUSTOMER= עם מספר הלקוח במערכת",
    "whom? make {command} PHONE=+972501234567, or CUSTOMER= and the customer's number here",
)
NO_CUSTOMER: Final = Text(
    "CUSTOMER={customer} אינו מספר לקוח; דוגמה: CUSTOMER=7",
    "CUSTOMER={customer} is not a customer: one looks like CUSTOMER=7",
)
# By the kind of the refusal.
NOT_A_PERSON: Final = {
    "part": Text(
        "{given} אינו מספר טלפון מלא: לכתוב גם את המדינה, כמו +972501234567",
        "{given} is not the whole of a telephone number: write its country too, as in +972501234567",
    ),
    "unknown": Text("אין לקוח שמספרו {given}", "there is no customer {given}"),
    "business": Text(
        "זה המספר של העסק {given}, ולא של אדם שמתקשר אליו",
        "that is the number of the business {given}, not of a person who calls one",
    ),
}
FILES_UNREAD: Final = Text("אי אפשר לקרוא את קובצי המערכת: {why}", "the files of the stack could not be read: {why}")

# make forget
THERE_IS: Final = Text("מה שקיים על האדם הזה:", "what there is of this person:")
STILL_LIVE: Final = Text(
    "האדם הזה נמצא בשיחה, או היה בה ממש עכשיו, ושיחה נשמרת כשהיא מסתיימת. להריץ שוב בעוד שתי דקות",
    "they are on the phone, or were just now: a call is kept when it ends. Run this again in two minutes",
)
NOTHING_CHANGED: Final = Text("דבר לא השתנה", "nothing was changed")
CAME_MEANWHILE: Final = Text(
    "בזמן הפעולה נוסף משהו, והוא עדיין קיים:", "something came while this ran, and is still there:"
)
AGAIN: Final = Text("להריץ שוב", "run this again")
FORGOTTEN: Final = Text("הכול נמחק. אישור {receipt}, {at} UTC", "forgotten. Receipt {receipt}, {at} UTC")
REMOVED: Final = Text("  נמחקו: {row}", "  removed: {row}")
OUT_OF_REACH: Final = Text("מה שמחוץ להישג ידה של הפקודה:", "out of reach:")
# What of each table is said to be there; a number stands beside each.
TABLES: Final = {
    "log_switches": Text("רמות לוג ששונו לזמן קצוב: {count}", "{count} levels switched for a while"),
    "black_boxes": Text("קופסאות שחורות במסד הנתונים: {count}", "{count} black boxes in the database"),
    "pgqueuer": Text("משימות בתור: {count}", "{count} jobs in the queue"),
    "message_fates": Text("דיווחים של ספקים על הודעות: {count}", "{count} what providers told of messages"),
    "outbound_messages": Text("הודעות יוצאות, שנשלחו או שממתינות: {count}", "{count} messages to send or sent"),
    "messages": Text("הודעות WhatsApp: {count}", "{count} WhatsApp messages"),
    "conversations": Text("שיחות WhatsApp: {count}", "{count} WhatsApp conversations"),
    "call_messages": Text("הודעות שהושארו בשיחות: {count}", "{count} messages left in calls"),
    "appointments": Text("פגישות: {count}", "{count} appointments"),
    "calls": Text(
        "שיחות טלפון, ומהן יישארו רק המשך ואופן הסיום: {count}",
        "{count} calls, of which how long they were and how they ended stays",
    ),
    "customers": Text("לקוחות: {count}", "{count} customers"),
}
RECORDINGS: Final = Text(
    "קופסאות שחורות ורשומות שיחה בדיסק: {count}", "{count} black boxes or records of calls on disk"
)
LINES_IN: Final = Text("שורות בקובץ {path}: {count}", "{count} lines in {path}")
NO_SIZE: Final = Text("נפח ללא הגבלה", "no size")
LOG_OF: Final = Text(
    "הלוג של {names}: עד שיתמלאו {size}, או עד שפריסה או הפעלה מחדש תחליף אותו",
    "log of {names}: until {size} are full, or a deploy or a restart replaces it",
)
LOG_UNSEEN: Final = Text(
    "הלוג של {name}: אי אפשר לשאול עליו ({why})", "log of {name}: it could not be asked about ({why})"
)
WENT_TO: Final = Text(
    "מה שנשלח אל {drivers}: כל עוד המערכת שאוספת את הלוגים שומרת אותו; החיפוש שלה ימצא אותו",
    "what went to {drivers}: as long as the collector keeps it; its own search finds it",
)
BACKUPS: Final = Text(
    "גיבויים: {count}, הישן ביותר {oldest}. נשארים עד BACKUP_KEEP או עד מחיקה ידנית; make restore ישכח את האדם הזה שוב",
    "{count} backups, the oldest {oldest}: until BACKUP_KEEP or you remove them; "
    "make restore forgets this person again",
)
COPIES: Final = Text(
    "עותקים של גיבויים, תיעודים וייצואים במקומות אחרים: בכל מקום שאליו הועתקו",
    "copies of backups, captures and exports elsewhere: wherever you took them",
)
REPLACED: Final = Text(
    "{name}, מסד נתונים ששחזור שמר בצד: עד השחזור הבא, או "
    "docker compose exec postgres dropdb --username=prosaas {name}",
    "{name}, a database that a restore put aside: until the next restore, "
    "or docker compose exec postgres dropdb --username=prosaas {name}",
)
COPIED: Final = Text(
    "לצד מסד הנתונים יש עותק שלו, {names}, של שחזור או של בדיקת גיבוי שנמשכים או נקטעו, והאדם הזה אולי בו",
    "beside the database is a copy of it, {names}, of a restore or a proof of a backup that goes on or was killed: "
    "this person may be in it",
)
FREED: Final = Text(
    "הקבצים של PostgreSQL עצמו: שטח שהתפנה ו-pg_wal. שום שאילתה לא קוראת אותם; עד שנכתב עליהם משהו אחר",
    "PostgreSQL's own files, in space that is free now and in pg_wal, which no query reads: until it is written over",
)
# Where `make backup` is not for it: on a Swarm, and for a provider's.
DROP: Final = Text(
    "DROP DATABASE {names} בשרת של מסד הנתונים, כשאיש לא צריך אותו",
    "DROP DATABASE {names} on the database's server, once nobody needs it",
)
PROVIDERS: Final = Text(
    "OpenAI, Twilio ו-Meta: לפי התנאים שלהן וההגדרות שבחרתם אצלן",
    "OpenAI, Twilio and Meta: as long as their terms and your settings there say",
)
WEBHOOK: Final = Text(
    "המערכת שמאחורי BUSINESS_WEBHOOK_URL, שמקבלת הודעות ושיחות שלא נענו: כל עוד היא שומרת אותן",
    "the system behind BUSINESS_WEBHOOK_URL, which is told of messages and missed calls: as long as it keeps them",
)
NOBODY_THERE: Final = Text(
    "אין טרמינל לשאול בו; אישור מראש: YES=1", "there is no terminal to ask on: YES=1 agrees beforehand"
)
SURE: Final = Text(
    "למחוק את הכול? אי אפשר לשחזר. לאישור יש להקליד yes: ",
    "remove all of it? It cannot be brought back. Type yes: ",
)

# make export
EXPORTED: Final = Text(
    "נכתב הקובץ {target}: שורות {rows}, קופסאות שחורות {recordings}",
    "wrote {target}: {rows} rows and {recordings} black boxes",
)
NOT_MASKED: Final = Text(
    "person.html מיועד לאדם עצמו, person.json לתוכנה; דבר בהם אינו מוסתר",
    "person.html is for the person, person.json for machines; nothing in it is masked",
)
HAND_OVER: Final = Text("הלאה: למסור את הקובץ ואז למחוק אותו", "next: hand it over, then remove it")
NOT_YET_IN_IT: Final = Text(
    "האדם הזה נמצא בשיחה, או היה בה ממש עכשיו, והיא עוד לא בקובץ: היא נשמרת כשהיא מסתיימת. להריץ שוב בעוד שתי דקות",
    "they are on the phone, or were just now, and that call is not in it: it is kept when it ends. "
    "Run this again in two minutes",
)

# make retention
NOT_REMOVED: Final = Text("קובץ ישן שאי אפשר למחוק: {why}", "an old file could not be removed: {why}")
HEAD: Final = (
    Text("מה נשמר", "kept"),
    Text("למשך", "for"),
    Text("שורות", "rows"),
    Text("הישנה ביותר (UTC)", "the oldest (UTC)"),
    Text("הגדרה", "setting"),
)
# By the name that the rule has.
KEPT: Final = {
    "black boxes": Text("קופסאות שחורות", "black boxes"),
    "message fates": Text("דיווחים על גורל הודעות", "message fates"),
    "sent words": Text("תוכן של הודעות שנשלחו", "sent words"),
    "messages": Text("הודעות", "messages"),
    "conversations": Text("שיחות WhatsApp", "conversations"),
    "messages left by callers": Text("הודעות שהשאירו מתקשרים", "messages left by callers"),
    "appointments": Text("פגישות", "appointments"),
    "recordings of events": Text("אירועים של שיחות", "recordings of events"),
    "transcripts": Text("תמלולים", "transcripts"),
    "summaries": Text("סיכומים", "summaries"),
    "callers of calls": Text("מספרי המתקשרים", "callers of calls"),
    "customers": Text("לקוחות שלא נשאר מהם דבר אחר", "customers of whom nothing else is left"),
}
DAYS: Final = Text("ימים: {days}", "{days} days")
EVER: Final = Text("ללא הגבלה", "ever")
SWEPT: Final = Text("קבצים ישנים שנמחקו במחשב הזה: {removed}", "on this machine: {removed} old files removed")
SWEPT_ON: Final = Text("קבצים ישנים שנמחקו ב-{node}: {removed}", "on {node}: {removed} old files removed")
WORKER_SWEEPS: Final = Text("ה-worker מוחק כל יום ב-02:40 UTC", "the worker sweeps at 02:40 UTC")
NO_DAYS: Final = Text(
    "{name}={value} אינו מספר ימים עד {most}: לתקן בקובץ .env, הערך 0 הוא ללא הגבלה",
    "{name}={value} is not a number of days up to {most}: set it in .env, 0 for ever",
)

# make audit
NO_DATABASE: Final = Text(
    "audit: אי אפשר לשאול את מסד הנתונים. זה רק מה שנרשם במחשב הזה",
    "audit: the database could not be asked: this is what this machine noted alone",
)
NOTHING_SINCE: Final = Text("audit: אין רישומים מאז {since} UTC", "audit: nothing since {since} UTC")
AUDIT_HEAD: Final = (
    Text("מתי (UTC)", "when (UTC)"),
    Text("מי", "who"),
    Text("מה", "what"),
    Text("על מי", "whom"),
    Text("מה יצא", "outcome"),
    Text("למה", "why"),
)
# By the word that is noted.
OUTCOMES: Final = {
    "done": Text("בוצע", "done"),
    "nothing": Text("לא היה על מה", "nothing to act on"),
    "refused": Text("סורב, דבר לא השתנה", "refused, nothing changed"),
    "failed": Text("נכשל", "failed"),
    "stopped": Text("נעצר באמצע", "stopped halfway"),
    "unchanged": Text("נעצר, דבר לא השתנה", "stopped, nothing changed"),
}
NOT_TOLD: Final = Text("לא ידוע: עוד נמשך, או נקטע", "not known: it goes on, or was killed")
CUT_AT: Final = Text(
    "נקראו רק {most} הרישומים החדשים ביותר, מ-{first} UTC ואילך; מה שלפני כן חסר כאן",
    "only the newest {most} entries were read, back to {first} UTC; what was before is missing here",
)
NEWEST: Final = Text("{most} החדשים ביותר; לעוד: MAX=", "the newest {most}: MAX= shows more")
LOOKED_ALIKE: Final = Text(
    "מי שהסתכל כמה פעמים באותו דבר מופיע בשורה אחת (×), בשעה האחרונה; לכל אחת: EACH=1",
    "who looked at the same several times has one row (×), at its last time: EACH=1 shows each",
)
NOT_NOTED: Final = Text(
    "הפעולה לא נרשמה ב-audit: אי אפשר לכתוב אל {folder} ({why})",
    "this is not in the audit: {folder} cannot be written ({why})",
)
