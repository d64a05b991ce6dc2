"""The words of the commands that tell of calls: call, calls, trace."""

from typing import Final

from prosaas_ops.texts import Text

NEXT: Final = Text("הלאה: {commands}", "next: {commands}")
# For SINCE=, UNTIL= and AT= of every command.
MOMENT_IS: Final = Text(
    "{name}={value}: {own} {zone} (ב-UTC: {utc}; OPS_TZ)", "{name}={value}: {own} {zone} ({utc} UTC; OPS_TZ)"
)
TAKEN_AS_UTC: Final = Text(
    "{name}={value} נקרא לפי UTC: {own} {zone} (ב-UTC: {utc}); לפי השעון של {zone}: {name}={value}{offset}",
    "{name}={value} is taken as UTC: {own} {zone} ({utc} UTC); {name}={value}{offset} is that clock of {zone}",
)
WROTE: Final = Text("נכתב הקובץ: {target}", "wrote {target}")

# make trace
PAGE_WROTE: Final = Text(
    "נכתב הקובץ: {target}. לפתוח בדפדפן; הכול נמצא בו, והוא לא פונה לרשת",
    "wrote {target}: open it in a browser; it holds everything and asks the network for nothing",
)
NOBODY_KNOWS: Final = Text(
    "אין שורת לוג ואין רשומה של {call_sid}. חיפוש לפי מספר: make trace PHONE=+972…;"
    " שיחות ששער הכניסה ויתר עליהן: make logs S=gateway SINCE=2h",
    "no log line and no record knows {call_sid}. `make trace PHONE=+972…` finds calls by number;"
    " `make logs S=gateway SINCE=2h` has those that the front door gave up",
)
NO_LINE_KNOWS: Final = Text(
    "אין שורת לוג של {call_sid}, ואי אפשר לשאול את מסד הנתונים. {why}",
    "no log line knows {call_sid}, and the database could not be asked. {why}",
)
NO_LINE_BEGINS: Final = Text(
    "שום שיחה מתנהלת ושום שורת לוג לא מתחילה ב-{typed}, ובלי מסד הנתונים צריך מזהה מלא. {why}",
    "no live call and no log line begins with {typed}; without the database give the whole id. {why}",
)
TOO_SHORT: Final = Text(
    "{name}={typed} קצר מדי: צריך לפחות {least} תווים מתחילת המזהה",
    "{name}={typed} is too short: give the first {least} characters of the id or more",
)
WHICH_CALL: Final = Text(
    "איזו שיחה? CALL=CA… או PHONE=+972…; לסיפור של הודעת WhatsApp: MESSAGE=wamid…",
    "which call? CALL=CA… or PHONE=+972…; MESSAGE=wamid… is the story of a WhatsApp message",
)
NO_PAGE_OF_A_MESSAGE: Final = Text(
    "OUT=html יוצר דף של שיחה; את הסיפור של הודעה מציגים בטרמינל, או בדפדפן עם make console",
    "OUT=html makes the page of a call; a message's story is for the terminal, or for the browser with make console",
)
KEPT_DAMAGED: Final = Text(
    "הקובץ {path} פגום, ושורות מתוכו חסרות כאן: {why}", "{path} is damaged, and lines of it are missing here: {why}"
)
NO_SUCH_MESSAGE: Final = Text("במסד הנתונים אין הודעה {message}", "the database knows no message {message}")
NO_SUCH_NUMBER: Final = Text(
    "במסד הנתונים אין שיחה של {phone}{within}. נדחתה לפני שהייתה לה רשומה?"
    " make logs S=api,gateway LEVEL=WARNING SINCE=2h",
    "the database knows no call from or to {phone}{within}. Turned away before it had a record?"
    " make logs S=api,gateway LEVEL=WARNING SINCE=2h",
)
DIGITS_MISSING: Final = Text(
    "במספר {phone} חסרות ספרות: {count}", "{phone} is no whole number, digits missing: {count}"
)
NEAREST: Final = Text(
    "השיחה הקרובה ביותר ל-{at} היא מ-{started}, הפרש של {apart} ({zone})",
    "the call nearest to {at} is of {started} ({zone}), {apart} apart",
)
NO_BUSINESS: Final = Text("אין עסק {business}", "there is no business {business}")
IN_THAT_TIME: Final = Text(" בפרק הזמן הזה", " in that time")
WITHOUT_DATABASE: Final = Text(
    "{away}. מה שאפשר גם בלעדיו, מתוך השורות: make errors, make logs, make trace CALL=CA… (עם מזהה שיחה שלם)",
    "{away}. What the lines alone can tell works without it: make errors, make logs, make trace CALL=CA… (a whole id)",
)
CALLS_OF: Final = Text(
    "שיחות של {phone}, מהחדשה לישנה; לפי השעון של {zone}",
    "calls from or to {phone}, newest first; times are those of {zone}",
)
AGO: Final = Text("לפני {time}", "{time} ago")
FINDS_AT: Final = Text(
    "{shown} מתוך {all}; שיחה לפי שעה: {again} AT=22:05 ({zone})",
    "{shown} of {all}; {again} AT=22:05 finds the call of a moment ({zone})",
)
CALENDAR: Final = Text("ביומן עכשיו: {row}", "calendar now: {row}")
BY_THIS_CALL: Final = Text(", מהשיחה הזאת", ", by this call")
BY_ANOTHER: Final = Text(
    ", לא מהשיחה הזאת: make trace CALL={call_sid}", ", not by this call: make trace CALL={call_sid}"
)
BY_NO_CALL: Final = Text(", לא מתוך שיחה", ", not by a call")
STATUSES: Final = {"booked": Text("נקבעה", "booked"), "cancelled": Text("בוטלה", "cancelled")}
CHANGED_BEFORE: Final = Text("{ago} לפני השיחה: {what}", "{ago} before the call: {what}")
WITHOUT_RECORD: Final = Text("בלי הרשומה: {why}", "without the record: {why}")
VERSION: Final = Text(" · גרסה {version}", " · version {version}")
LIVE: Final = Text(
    "{words} מאז {since} UTC, משפטים עד כה: {said}", "{words} since {since} UTC, sentences so far: {said}"
)
AS_FAR_AS_KNOWN: Final = Text(
    ", ככל הידוע: prosaas-calls אינו מדווח", ", as far as is known: prosaas-calls does not say"
)
SOURCES: Final = Text("שורות: {known}", "lines: {known}")
RECALLED: Final = Text("מהרשומה בלבד {count}", "from the record only {count}")
HAPPENED: Final = Text("אירועי קונטיינרים {count}", "container events {count}")
FORGOTTEN: Final = Text(
    " (מנוע Docker שומר רק את 256 האירועים האחרונים שלו, והם מתחילים ב-{first} UTC)",
    " (the engine keeps only its last 256 events; these begin at {first} UTC)",
)
BUSINESS: Final = Text("עסק", "business")
CUSTOMER: Final = Text("לקוח", "customer")
WAITED: Final = Text(
    "מהמילה האחרונה של הלקוח עד הצליל הראשון: {ms} מילישניות", "{ms} ms from the caller's last word to its first sound"
)
GREETED: Final = Text(
    "מה-webhook הראשון עד הצליל הראשון של הברכה: {ms} מילישניות",
    "{ms} ms from the first webhook to the greeting's first sound",
)
DECIDED: Final = Text(
    "כאן זה הוכרע; מה שנאמר מופיע במקום שבו התחיל להיאמר", "decided here; what was said stands where it began"
)
NOT_TRANSCRIBED: Final = Text("(לא תומלל)", "(not transcribed)")
SILENCE: Final = Text("שתיקה של שני הצדדים: {seconds} שניות", "{seconds} s nothing said, nothing heard")
HIDDEN: Final = Text(
    "… שורות נוספות מתחת לרמה הזאת: {count}. להצגה: LEVEL=DEBUG",
    "… {count} more below this level: LEVEL=DEBUG shows them",
)
OTHERS: Final = Text(
    "אזהרות של שיחות אחרות באותו הזמן: {count}. להצגה: make errors",
    "warnings of others meanwhile: {count} (make errors tells them)",
)
INTERRUPTED: Final = Text("(נקטע)", "(interrupted)")
RECORD: Final = Text("(רשומה)", "(record)")
NO_SUMMARY: Final = Text(
    "אין סיכום: לא ידועות מילים של הלקוח שאפשר לסכם",
    "no summary: no words of the caller's are known to sum up",
)
SUMMARY: Final = Text("סיכום, במילים של המודל", "Summary, in the model's own words")
NOT_THE_RECORD: Final = Text(
    "לפי הרשומה אף כלי לא קבע, לא הזיז ולא ביטל דבר בשיחה הזאת ולא רשם הודעה; הרשומה קובעת, לא הסיכום",
    "by the record no tool of this call booked, moved or cancelled anything or took a message; the record counts",
)
QUEUED: Final = Text("משימות שעדיין בתור", "Jobs still in the queue")
ATTEMPT: Final = Text("ניסיון {attempt}", "attempt {attempt}")
DUE: Final = Text(", מועד {due} UTC", ", due {due} UTC")

# make calls
WITHHELD: Final = Text("חסוי", "hidden")
ERASED: Final = Text("נמחק", "erased")
NO_CALL: Final = Text(
    "אין שיחה מתאימה בין {since} ל-{until} UTC. שיחות שנדחו לפני שהייתה להן רשומה:"
    " make logs S=api LEVEL=WARNING {window}{lines}",
    "no call from {since} to {until} UTC fits. Calls that were turned away before they had a record:"
    " make logs S=api LEVEL=WARNING {window}{lines}",
)
LINES_FROM: Final = Text(" (השורות כאן מתחילות ב-{first} UTC)", " (the lines that are here begin at {first} UTC)")
COUNTED: Final = Text(
    "{window}: שיחות {calls}, מהן השתבשו {bad}, לא הגיעו לנציגה {unreached}",
    "{window}: calls {calls}, went badly {bad}, never reached the agent {unreached}",
)
AND_SIMULATED: Final = Text("; מלבדן שיחות מדומות {count}", "; beside them {count} simulated")
CALLS_HEAD: Final = Text(
    "מתי          שיחה      ממספר   משך     צליל ראשון   איטית   סיום, תקלה",
    "when         call      from     lasted  first sound  slowest  ended, trouble",
)
MORE: Final = Text("{shown} מתוך {all}; כולן: MAX={all}", "{shown} of {all}: MAX={all} shows all")

# make call
NOBODYS_NUMBER: Final = Text(
    "המספר {number} לא שייך לאף עסק: מתקשר היה שומע שהמספר אינו מחובר. לתת אותו לעסק: make go-live PHONE={number}",
    "no business has the number {number}: a caller would hear that it is not in service. "
    "`make go-live PHONE={number}` gives it to one",
)
MEANT_NUMBER: Final = Text(
    "המספר {number} לא שייך לאף עסק: מתקשר היה שומע שהמספר אינו מחובר. מספר של עסק: make call TO={known}",
    "no business has the number {number}: a caller would hear that it is not in service. "
    "`make call TO={known}` calls one that is",
)
CALLING: Final = Text(
    "מתקשרים: scenario={scenario}, speed={speed}, {level}, CALL={call_sid}",
    "calling: scenario {scenario}, speed {speed}, {level}, CALL={call_sid}",
)
STILL_COUNTED: Final = Text(
    "אזהרות שחזרו על עצמן נספרות, והשורה שלהן נכתבת בסוף: ממתינים לכל היותר {seconds} שניות",
    "warnings that came again are counted, and their line comes last: waiting for it, {seconds} s at most",
)
BESIDE: Final = Text(
    "אירועי קונטיינרים בזמן השיחה: {count}; make trace מראה אותם",
    "container events during the call: {count}; make trace tells them",
)
HELD: Final = Text(
    "… שורות שלא הוצגו: {count} (MAX= לשנייה); כולן: make trace CALL={call_sid} LEVEL=DEBUG",
    "… {count} lines not shown (MAX= a second); `make trace CALL={call_sid} LEVEL=DEBUG` has them",
)
AT_DEBUG: Final = Text(
    "שורות: calls {rows} ב-DEBUG, צפויות {least} לפחות · {others}",
    "lines: calls {rows} at DEBUG, {least} or more expected · {others}",
)
AT_INFO: Final = Text(
    "שורות: calls {rows} · {others} · בסך הכול {whole}, לכל היותר {most}",
    "lines: calls {rows} · {others} · in all {whole}, at most {most}",
)
MISSING: Final = Text("; חסרות {events}", "; missing {events}")
LOUD: Final = Text("frame-by-frame ושורות DEBUG אחרות: {said}", "frame by frame and other DEBUG lines: {said}")
NONE: Final = Text("אין", "none")
CALLER_SIDE: Final = Text("הצד של המתקשר: {heard}", "the caller's side: {heard}")
AS_PLANNED: Final = Text("כמו בתרחיש", "as the scenario has it")
NOT_AS_PLANNED: Final = Text("לא כמו בתרחיש: {problems}", "not as the scenario has it: {problems}")
NEVER_SPOKE: Final = Text("הנציגה לא אמרה דבר", "the agent never spoke")
LASTED: Final = Text(
    "זמן התרחיש, כולל הצלצול: {time}, {ending}", "the scenario's own time, ringing included: {time}, {ending}"
)
END_SEEN: Final = Text("השיחה הסתיימה", "ended")
END_UNSEEN: Final = Text("סיום השיחה לא נראה בזמן", "its end was not seen in time")
JOB_DONE: Final = Text("המשימה שלה הושלמה", "its job done")
JOB_FAILED: Final = Text("המשימה שלה נכשלה", "its job failed")
JOB_UNSEEN: Final = Text("סיום המשימה שלה לא נראה בזמן", "the end of its job was not seen in time")
STORED: Final = Text("רשומה: {stored}", "record: {stored}")
NOT_STORED: Final = Text("אין במסד הנתונים", "none in the database")
NOT_ASKED: Final = Text("אי אפשר לשאול את מסד הנתונים. {why}", "the database could not be asked. {why}")
DEBUGGED: Final = Text(
    "הרמה DEBUG מופעלת ב-{names}, ולא מהפקודה הזאת (make levels): לא נבדק כמה שורות יש לה ב-INFO",
    "DEBUG is on in {names}, and not by this command (make levels): how many lines it has at INFO was not judged",
)
