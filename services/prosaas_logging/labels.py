"""Words for the values of closed lists, such as the reasons why a call ended, in Hebrew and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Labels = Mapping[str, tuple[str, str]]


def _hebrew(words: Mapping[str, str]) -> Labels:
    """Values that are English words themselves, with the Hebrew of each."""
    return {english: (hebrew, english) for english, hebrew in words.items()}


TOOLS: Final[Labels] = {
    "check_availability": ("בדיקת זמינות", "checking availability"),
    "book_appointment": ("קביעת פגישה", "booking an appointment"),
    "reschedule_appointment": ("העברת פגישה", "moving an appointment"),
    "cancel_appointment": ("ביטול פגישה", "cancelling an appointment"),
    "my_appointments": ("פגישות הלקוח", "the caller's appointments"),
    "transfer_to_human": ("העברה לנציג", "transferring to a person"),
    "end_call": ("סיום שיחה", "ending the call"),
    "take_message": ("רישום הודעה", "taking a message"),
    "remember_caller": ("רישום הלקוח", "noting who calls"),
    "stay_on_the_line": ("המשך השיחה", "going on with the call"),
}
# What a call of a tool says of itself, where it is neither a date nor in the model's words.
SUMMARIES: Final = _hebrew({
    "urgent": "דחוף",
    "not urgent": "לא דחוף",
    "name": "שם",
    "number": "מספר",
    "name and number": "שם ומספר",
    "those ahead": "הקרובות",
    "with a goodbye": "עם פרידה",
    "not leaving yet": "עוד לא נפרדים",
    "no reason given": "בלי סיבה",
})  # fmt: skip
TOKENS: Final = _hebrew({
    "malformed": "המבנה שלו לא תקין",
    "forged": "החתימה שלו לא תואמת",
    "expired": "פג תוקפו",
    "of another call": "הוא של שיחה אחרת",
    "used before": "כבר נעשה בו שימוש",
    "too many at once": "הגיעו יותר מדי אסימונים בבת אחת",
})  # fmt: skip
REFUSALS: Final[Labels] = {
    **_hebrew({
        "the call has ended, or was answered long ago": "היא הסתיימה, או נענתה לפני זמן רב",
        "a transfer of ours that was forwarded back to us": "זו העברה שלנו שהופנתה אלינו בחזרה",
    }),
    # Who drains says so; of one that was killed beside it nothing is heard.
    "draining": (
        "אין prosaas-calls שמקבל שיחות חדשות: כל מי שעונה מסיים את שיחותיו",
        "no prosaas-calls takes new calls: all that answer are draining",
    ),
    "full": ("כל הקווים תפוסים", "prosaas-calls is full"),
}  # fmt: skip
SIGNATURES: Final = _hebrew({
    "no signature": "אין בה חתימה",
    "the signature does not match": "החתימה לא תואמת",
    "the signature does not match; is PUBLIC_URL the address that Twilio calls?": (
        "החתימה לא תואמת. אולי הכתובת שאליה פונה Twilio אינה PUBLIC_URL"
    ),
    "WHATSAPP_APP_SECRET is not set": "חסרה ההגדרה WHATSAPP_APP_SECRET",
    "the verify token does not match WHATSAPP_VERIFY_TOKEN": "אסימון האימות אינו זה שבהגדרה WHATSAPP_VERIFY_TOKEN",
    "no API key": "אין בה מפתח API",
    "an unknown or revoked API key": "המפתח לא מוכר או בוטל",
})  # fmt: skip
BODIES: Final = _hebrew({
    "not a form": "הוא אינו טופס",
    "a NUL character": "יש בו תו NUL",
    "not JSON": "הוא אינו JSON",
    "not a JSON object": "הוא אינו אובייקט JSON",
    "not the form of a WhatsApp webhook": "המבנה אינו של webhook מ-WhatsApp",
    "a part of a batch is not of its form": "חלק מההודעות שבו אינן במבנה הנכון",
    "broken off": "הוא נקטע באמצע",
    "the body did not come to its end": "סופו לא הגיע",
    "call is not the id of a call": "השדה call אינו מזהה של שיחה",
})  # fmt: skip
STOPS: Final = _hebrew({
    "drained": "כל העבודה הסתיימה",
    "told to stop": "התקבלה בקשה לעצור",
    "could not start": "הוא לא הצליח לעלות",
})  # fmt: skip
ENDS_OF_LEVELS: Final = _hebrew({"time is over": "הזמן שהוקצב נגמר", "reset": "הזמנית הוסרה לפי בקשה"})
VALUES: Final = _hebrew({
    "a number of lines, 0 for no budget": "מספר שורות, או 0 ללא הגבלה",
    "a number of records, 0 for none": "מספר רשומות, או 0 כדי לא לשמור",
    "an absolute directory, stdout, 0": "נתיב מלא של תיקייה, stdout או 0",
    "bytes, or a size such as 8MiB": "מספר בתים, או גודל כמו 8MiB",
})  # fmt: skip
FOLDED: Final[Labels] = {
    "recorder": (
        "הן נשמרות רק אם הטיפול נכשל. לשמירה תמיד: LOG_FOLDED=file",
        "They are kept only if this fails. To keep them always: LOG_FOLDED=file",
    )
}
