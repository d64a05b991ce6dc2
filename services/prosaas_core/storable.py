"""What Postgres can hold of a text: neither NUL nor half of a surrogate pair."""

import re
from typing import TypeVar

Value = TypeVar("Value")

# What would begin a line, move a cursor or turn the direction of reading wherever somebody's name is shown: a range for
# Python's expressions, pydantic's and JSON Schema's.
UNFIT_FOR_A_NAME = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNFIT = re.compile(f"[{UNFIT_FOR_A_NAME}]+")


def storable_text(text: str) -> str:
    """Return *text* without NUL, and with a replacement mark for each half surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_name(text: str, longest: int) -> str:
    """Return *text* as one line that shows as it reads, at most *longest* characters of it."""
    return _UNFIT.sub(" ", storable_text(text[:longest])).strip()


def storable(value: Value) -> Value:
    """The same for every text in a value that came from JSON, keys included."""
    if isinstance(value, str):
        return storable_text(value)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [storable(item) for item in value]  # type: ignore[return-value]
    return value
