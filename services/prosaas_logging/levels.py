"""The level names that people write, and the numbers that the standard library gave them."""

from __future__ import annotations

from typing import Final

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40
CRITICAL: Final = 50

NAME_TO_LEVEL: Final = {"DEBUG": DEBUG, "INFO": INFO, "WARNING": WARNING, "ERROR": ERROR, "CRITICAL": CRITICAL}
LEVEL_TO_NAME: Final = {number: name for name, number in NAME_TO_LEVEL.items()}


def parse_level(text: str) -> int | None:
    """The level that *text* names, in any case; None when it names none."""
    return NAME_TO_LEVEL.get(text.strip().upper())


def level_name(level: int) -> str:
    """The name of *level*; a number between two names takes the lower one's, as the standard library's own tools do."""
    name = LEVEL_TO_NAME.get(level)
    if name is None:
        name = LEVEL_TO_NAME[max((known for known in LEVEL_TO_NAME if known <= level), default=DEBUG)]
    return name
