"""Dates a scenario may mention, always in the future: an Israeli business day some days ahead."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

_WEEKDAYS: Final = ("שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת", "ראשון")
_MONTHS: Final = (
    "ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני", "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר", "דצמבר",
)  # fmt: skip
_CLOSED: Final = (4, 5)
_ISRAEL_SUMMER: Final = timedelta(hours=3)
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_TIME: Final = re.compile(r"(?<![\d:])(?:[01]\d|2[0-3]):[0-5]\d")


def business_day(ahead: int, today: date | None = None) -> date:
    """Return the business day (Sunday to Thursday) that is `ahead` of them after today."""
    day = today or (datetime.now(UTC) + _ISRAEL_SUMMER).date()
    while ahead > 0:
        day += timedelta(days=1)
        ahead -= day.weekday() not in _CLOSED
    return day


def words(day: date) -> dict[str, str]:
    """Return what `{date}`, `{weekday}` and `{spoken_date}` stand for."""
    return {
        "date": day.isoformat(),
        "weekday": _WEEKDAYS[day.weekday()],
        "spoken_date": f"{day.day} ב{_MONTHS[day.month - 1]}",
    }


def first_time(text: str) -> str | None:
    """Return the first time of day that a text mentions, as HH:MM."""
    found = _TIME.search(text)
    return found.group() if found else None


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """Return the value with each `{placeholder}` in its texts replaced; an unknown one stays as it is."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: known.get(found.group(1), found.group()), value)
    if isinstance(value, Mapping):
        return {key: fill(each, known) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fill(each, known) for each in value]
    return value
