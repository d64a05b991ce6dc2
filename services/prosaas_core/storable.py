"""What Postgres can hold of a text: neither NUL nor half of a surrogate pair."""

from typing import TypeVar

Value = TypeVar("Value")


def storable_text(text: str) -> str:
    """Return *text* without NUL, and with a replacement mark for each half surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable(value: Value) -> Value:
    """The same for every text in a value that came from JSON, keys included."""
    if isinstance(value, str):
        return storable_text(value)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [storable(item) for item in value]  # type: ignore[return-value]
    return value
