"""What is kept of words without the card and identity numbers in them; telephone numbers are needed, and stay."""

from typing import TypeVar

from prosaas_logging.digits import has_number, hide_private

Value = TypeVar("Value")


def masked(value: Value) -> Value:
    """The value with every text in it masked, however deep; keys are ours. A number over two texts is not seen."""
    if isinstance(value, str):
        return hide_private(value) if has_number(value) else value  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [masked(item) for item in value]  # type: ignore[return-value]
    return value
