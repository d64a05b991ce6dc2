"""Days, numbers and names as people say them, in the languages in which we speak to callers ourselves."""

from datetime import date, datetime, time
from typing import Final

_DAYS: Final = {
    "he": ("יום שני", "יום שלישי", "יום רביעי", "יום חמישי", "יום שישי", "שבת", "יום ראשון"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "he": (
        "ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני", "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר", "דצמבר",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
}  # fmt: skip


def weekday(day: date, language: str) -> str:
    """The day of the week: "יום שלישי", "Tuesday"; in English where a language is not known."""
    return _DAYS.get(language, _DAYS["en"])[day.weekday()]


def day_in_words(day: date, language: str) -> str:
    """With its weekday, so that a day computed wrong is heard: "יום שלישי, 1 בדצמבר", "Tuesday, 1 December"."""
    month = _MONTHS.get(language, _MONTHS["en"])[day.month - 1]
    return f"{weekday(day, language)}, {day.day} {'ב' if language == 'he' else ''}{month}"


def moment_in_words(moment: datetime, language: str) -> str:
    """A day and an hour of it, on the clock that the moment is given by: "יום שלישי, 1 בדצמבר, 10:00"."""
    return f"{day_in_words(moment, language)}, {hour(moment)}"


def counted(number: int, one: str, many: str) -> str:
    """A number with what it counts, for one thing in the words for one: "זמן פנוי אחד", "3 זמנים פנויים"."""
    return one if number == 1 else many.format(number)


def prefixed(letter: str, name: str) -> str:
    """A name behind a Hebrew prefix, with a hyphen where it does not begin in Hebrew: "בדנה", "ב-Dana"."""
    return f"{letter}{name}" if "\u05d0" <= name[:1] <= "\u05ea" else f"{letter}-{name}"


def hour(moment: datetime | time) -> str:
    return f"{moment:%H:%M}"
