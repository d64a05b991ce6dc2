"""What the story of a WhatsApp conversation says."""

from typing import Final

from prosaas_ops.texts import Text

TOO_LATE: Final = Text("עברו יותר מ-24 שעות מאז שהלקוח כתב", "more than 24 hours since the customer last wrote")
CANNOT_RECEIVE: Final = Text("הטלפון של הלקוח לא יכול לקבל את ההודעה", "the customer's phone cannot receive it")
HELD_BACK: Final = Text("הודעות שיווק למספר הזה נחסמות אצל Meta", "Meta holds marketing messages back from this number")
TOO_MANY: Final = Text("יותר מדי הודעות למספר הזה בזמן קצר", "too many messages to this number in a short time")
CODE: Final = Text("הקוד של הספק הוא {code}", "the provider's code {code}")
NO_REASON: Final = Text("הספק לא ציין סיבה", "no reason given")
NOT_DELIVERED: Final = Text(
    "תשובה שלנו לא הגיעה ({status}): {why}", "an answer of ours did not arrive ({status}): {why}"
)
FATE_UNKNOWN: Final = Text(
    "לא ידוע אם תשובה שלנו הגיעה: הספק לא דיווח, והיא לא תישלח שוב",
    "nobody knows whether an answer of ours arrived: the provider never said, and it is not sent again",
)
WAITING: Final = Text(
    "הודעות שמחכות לתשובה: {count}, מזה {since}. {why}", "messages waiting for an answer: {count}, for {since}: {why}"
)
NO_JOB: Final = Text("אין בתור משימה שתענה ללקוח", "no job is queued for it")
JOB: Final = Text("מצב המשימה: {status}, ניסיונות: {attempts}{due}", "its job is {status}, attempts: {attempts}{due}")
NEXT_TRY: Final = Text(", הבא ב-{at} UTC", ", next at {at} UTC")
ERRORS: Final = Text("שגיאות בדרך: {count}, האחרונה: {last}", "errors on the way: {count}, the last one: {last}")
NOTHING_WRITTEN: Final = Text("עוד לא נכתב דבר", "nobody has written yet")
NO_ANSWER_ASKED: Final = Text("שום דבר ממה שנכתב לא ביקש תשובה", "nothing that was written asked for an answer")
LAST_ASKED_NOTHING: Final = Text("ההודעה האחרונה לא ביקשה תשובה", "the last message asked for no answer")
ANSWERED: Final = Text("נענתה אחרי {took}, מצב התשובה: {status}", "answered after {took}, {status}")
SENT: Final = Text("נשלחה ביוזמתנו, מצב: {status}", "sent of our own accord, {status}")
CUSTOMER: Final = Text("הלקוח", "customer")
US: Final = Text("אנחנו", "us")
NO_WORDS: Final = Text("(בלי מילים)", "(no words)")
WAITS: Final = Text(", מחכה לתשובה", ", waits for an answer")
HEADING: Final = Text(
    "{name}  {channel}, {status} · עסק {business} · לקוח {customer} {number}",
    "{name}  {channel}, {status} · business {business} · customer {customer} {number}",
)
NAME: Final = Text("שיחת WhatsApp {id}", "conversation {id}")
CLOCK: Final = Text("השעות ב-UTC; עכשיו {now} ב-{zone}", "times are UTC; it is {now} in {zone}")
OUTBOX: Final = Text("בין ההודעות היוצאות: {key} {status}", "in the outbox: {key} {status}")
