"""The kinds of values that the REST takes, as strict as the database is."""

from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Annotated, Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from prosaas_api.problems import in_words
from prosaas_core.booking import DAYS_END
from prosaas_core.phones import has_trunk
from prosaas_core.storable import UNFIT_FOR_A_NAME

# As far as every reader of JSON counts whole numbers; a row has never come near.
MAX_ID = 2**53 - 1
# What Postgres cannot keep: NUL.
CLEAN = in_words(r"^[^\x00]*$", "text without NUL characters")
ONE_LINE = in_words(f"^[^{UNFIT_FOR_A_NAME}]*$", "one line of text, without control characters")
_PHONE = in_words(r"^\+[1-9][0-9]{6,14}$", "a number like +97235550142, with its country and without spaces")
_META_ID = in_words(r"^[0-9]{1,32}$", "the number that Meta names it by: digits alone")
_CLOCK = in_words(rf"^(([01][0-9]|2[0-3]):[0-5][0-9]|{DAYS_END})$", "a time like 09:00")
NO_SUCH_ZONE = "no such time zone; an example is Asia/Jerusalem"
_ZONE = in_words(r"^[A-Za-z0-9_+/-]+$", "the name of a time zone, like Asia/Jerusalem")


def _as_carriers_write(number: str) -> str:
    if has_trunk(number):
        raise ValueError("a number like +97235550142, with its country and without a 0 after that")
    return number


Id: TypeAlias = Annotated[int, Path(ge=1, le=MAX_ID)]
BusinessId: TypeAlias = Annotated[int, Path(ge=1, le=MAX_ID)]

ShortText = Annotated[str, StringConstraints(max_length=200, pattern=ONE_LINE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE)]
Sentence = Annotated[str, StringConstraints(max_length=1000, pattern=CLEAN)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=CLEAN)]
Phone = Annotated[
    str, StringConstraints(pattern=_PHONE), AfterValidator(_as_carriers_write), Field(examples=["+97235550100"])
]
# How Meta names a phone number of ours; it becomes part of an address.
MetaId = Annotated[str, StringConstraints(pattern=_META_ID)]
Language = Literal["he", "en"]
ClockTime = Annotated[str, StringConstraints(pattern=_CLOCK), Field(examples=["09:00"])]
Day = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(NO_SUCH_ZONE) from None
    return name


def _hours(hours: dict[Day, list[list[str]]]) -> dict[Day, list[list[str]]]:
    for day, windows in hours.items():
        edges = chain.from_iterable(windows)
        if any(later <= earlier for earlier, later in pairwise(edges)):
            raise ValueError(f"{day}: each window must end after it begins, and before the next one begins")
    return hours


def _near(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("a time between the years 2000 and 2100")
    return moment.astimezone(UTC)


def _whole(moment: datetime) -> datetime:
    if moment.second or moment.microsecond:
        raise ValueError("a whole minute")
    return moment


def _few_days(hours: Any) -> Any:
    if isinstance(hours, dict) and len(hours) > len(get_args(Day)):
        raise ValueError("more days than a week has")
    return hours


TimeZone = Annotated[str, StringConstraints(max_length=64, pattern=_ZONE), AfterValidator(_time_zone)]
# A list of two, not a tuple: OpenAPI can say the one and FastAPI not the other.
Window: TypeAlias = Annotated[list[ClockTime], Field(min_length=2, max_length=2)]
OpeningHours = Annotated[
    dict[Day, Annotated[list[Window], Field(max_length=8)]], BeforeValidator(_few_days), AfterValidator(_hours)
]
Moment = Annotated[AwareDatetime, AfterValidator(_near)]
Minute = Annotated[Moment, AfterValidator(_whole)]
