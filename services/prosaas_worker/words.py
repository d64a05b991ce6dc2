"""What the worker says and asks for, in the business's language."""

from collections.abc import Mapping

REMINDER = {
    "he": "שלום {customer}, תזכורת לתור שלך ב{business} ביום {day} בשעה {time}.",
    "en": "Hello {customer}, a reminder of your appointment at {business} on {day} at {time}.",
}
URGENT = {"he": "דחוף! ", "en": "Urgent! "}
LEFT_MESSAGE = {"he": "הודעה מ-{who}: {text}", "en": "A message from {who}: {text}"}
SENT_AWAY = {
    "he": "שיחה מ-{who} הסתיימה בלי מענה ({why}). כדאי לחזור.",
    "en": "A call from {who} was not served ({why}). Please call back.",
}
NOBODY_SPOKE = {"he": "השיחה הסתיימה בלי שנאמר בה דבר.", "en": "The call ended without anything being said."}
SUMMARISE = {
    "he": "סכם בשניים או שלושה משפטים את שיחת הטלפון שלפניך עבור בעל העסק: מה הלקוח ביקש, מה סוכם ומה נשאר לטפל בו. "
    "כתוב עברית, בלי כותרת ובלי להמציא פרטים.",
    "en": "Summarise the phone call below for the owner of the business in two or three sentences: what the customer "
    "wanted, what was agreed and what remains to be done. Write English, no heading, invent nothing.",
}
REPLY = {
    "he": "אתה נציג השירות של {name} בוואטסאפ. ענה בעברית, בקצרה ובנימוס, תשובה אחת לכל מה שטרם נענה. אל תמציא מחירים, "
    "שעות או תורים; מה שאינך יודע, אמור שבעל העסק יחזור עם תשובה. בסוגריים מרובעים מתואר מה שהלקוח שלח ואינו טקסט: "
    "הודעות קוליות ותמונות אינך שומע ואינך רואה, אמור זאת ובקש לכתוב.",
    "en": "You answer WhatsApp messages for {name}. Reply in English, briefly and politely, with one answer to "
    "all that is unanswered. Invent no prices, hours or appointments; what you do not know, say that the owner will "
    "answer. "
    "Square brackets describe what the customer sent that is no text: you cannot hear voice messages or see pictures, "
    "so say that, and ask them to write.",
}


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in the business's language, in Hebrew where there is none in it."""
    return texts.get(language, texts["he"])
