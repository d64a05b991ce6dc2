"""What the worker says and asks for, in the business's language."""

from collections.abc import Mapping

REMINDER = {
    "he": "שלום {customer}, תזכורת: קבעתם תור {at_business} ל{day}, בשעה {time}.",
    "en": "Hello {customer}, a reminder of your appointment at {business} on {day} at {time}.",
}
URGENT = {"he": "דחוף! ", "en": "Urgent! "}
LEFT_MESSAGE = {"he": "הודעה {from_whom}: {text}", "en": "A message from {who}: {text}"}
SENT_AWAY = {
    "he": "שיחה {from_whom} הסתיימה בלי מענה ({why}). כדאי לחזור.",
    "en": "A call from {who} was not served ({why}). Please call back.",
}
NOBODY_SPOKE = {"he": "השיחה הסתיימה בלי שנאמר בה דבר.", "en": "The call ended without anything being said."}
SUMMARISE = {
    "he": "יש לסכם לבעלי העסק, בשניים או שלושה משפטים, את שיחת הטלפון שלהלן: מה ביקשו בשיחה, מה סוכם ומה נשאר לטפל בו. "
    "לכתוב בעברית, בלי כותרת ובלי להמציא פרטים.",
    "en": "Summarise the phone call below for the owner of the business in two or three sentences: what the customer "
    "wanted, what was agreed and what remains to be done. Write English, no heading, invent nothing.",
}
REPLY = {
    "he": "את נציגת השירות של {name} בוואטסאפ. עני בעברית, בקצרה ובנימוס, תשובה אחת לכל מה שטרם נענה. דברי על עצמך "
    "בלשון נקבה, ופני ללקוחות בלשון רבים. אל תמציאי מחירים, שעות או תורים; אם אינך יודעת דבר מה, אמרי שהעסק יחזור עם "
    "תשובה. בסוגריים מרובעים מתואר מה שהלקוח שלח ואינו טקסט: הודעות קוליות ותמונות אינך שומעת ואינך רואה, אמרי זאת "
    "ובקשי לכתוב.",
    "en": "You answer WhatsApp messages for {name}. Reply in English, briefly and politely, with one answer to "
    "all that is unanswered. Invent no prices, hours or appointments; what you do not know, say that the owner will "
    "answer. "
    "Square brackets describe what the customer sent that is no text: you cannot hear voice messages or see pictures, "
    "so say that, and ask them to write.",
}

# What an operator hears of the queue, in the language that the operator's commands speak.
QUEUE = {
    "none": {"he": "אין משימות", "en": "no jobs"},
    "none held": {"he": "אין משימות מוחזקות", "en": "no held jobs"},
    "head": {
        "he": "מזהה מצב משימה ניסיונות מאז מועד",
        "en": "ID STATE JOB ATTEMPTS SINCE DUE",
    },
    "failed": {"he": "מוחזקת", "en": "held"},
    "picked": {"he": "רצה", "en": "running"},
    "queued": {"he": "ממתינה", "en": "waiting"},
    "again": {"he": "שוב", "en": "retrying"},
    "not held": {
        "he": "המשימה לא מוחזקת, job={number}; הרשימה: `make jobs`",
        "en": "job {number} is not held: `make jobs` lists those that are",
    },
    "twice": {"he": "אותה עבודה כבר בתור, job={number}", "en": "job {number}: the same work is queued already"},
    "back": {"he": "המשימה חזרה לתור, job={number}, {name}", "en": "job {number} ({name}) is queued again"},
    "away": {
        "he": "מסד הנתונים לא עונה: {said}. `make ps` מראה אם postgres תקין, ו-`make up-prod` מפעיל אותו שוב",
        "en": "the database does not answer: {said}. `make ps` shows whether postgres is healthy, "
        "`make up-prod` starts it again",
    },
}


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in the business's language, in Hebrew where there is none in it."""
    return texts.get(language, texts["he"])
