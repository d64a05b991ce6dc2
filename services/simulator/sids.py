"""The ids of simulated calls, by which whoever keeps them can tell them from real ones."""

import secrets
from typing import Final

_MARK: Final = b"simulate".hex()


def new_call_sid() -> str:
    """Twilio's are random throughout."""
    return f"CA{secrets.token_hex(4)}{_MARK}{secrets.token_hex(4)}"
