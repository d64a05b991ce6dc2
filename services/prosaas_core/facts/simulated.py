"""Which calls are simulated: their ids say so, for of a real call Twilio chooses the id, and no caller does."""

import os
import secrets
from collections.abc import Mapping
from typing import Final

# So long that no id of Twilio's, which are random, has it by chance; and in the middle, for calls are shown and named
# by how their ids begin and end.
MARK: Final = b"simulate".hex()
_BEFORE: Final = len("CA") + 8


def new_call_sid() -> str:
    """An id for a simulated call; the simulator makes its own in the same form."""
    return f"CA{secrets.token_hex(4)}{MARK}{secrets.token_hex(4)}"


def is_simulated(call_sid: str) -> bool:
    return call_sid[_BEFORE : _BEFORE + len(MARK)] == MARK


def in_demo(environ: Mapping[str, str] | None = None) -> bool:
    """Whether all calls are simulated, and so are what there is to be shown."""
    asked = (os.environ if environ is None else environ).get("DEMO", "")
    return asked.strip().lower() in ("1", "true", "yes", "on")


def counts(call_sid: str) -> bool:
    """Whether the call is one of those that the figures are about."""
    return in_demo() or not is_simulated(call_sid)


def counted(column: str = "call_sid", *, demo: bool | None = None) -> str:
    """The same in SQL, by DEMO where nobody knows better; what is of no call counts."""
    all_count = in_demo() if demo is None else demo
    return "true" if all_count else f"substr({column}, {_BEFORE + 1}, {len(MARK)}) is distinct from '{MARK}'"


def said_first(call_sid: str, language: str) -> str:
    """What is said of a simulated call before anything else is; nothing of a real one."""
    if not is_simulated(call_sid):
        return ""
    return "שיחה מדומה: " if language == "he" else "simulated: "
