"""Which files of a backup's spool are put back: none about who was forgotten since, none of a call live then."""

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from prosaas_core.facts.endings import EndReason
from prosaas_core.privacy.ledger import hashed

_JOURNAL = ".journal"


def stays_away(name: str, data: bytes, forgotten: Collection[str]) -> bool:
    """Whether the file must not go back; `forgotten` are the hashes of calls and files that the ledger knows.

    A journal says that its call crashed until it says how it ended: such a call went on, and its record is elsewhere.
    Of what says nothing nobody knows whose it is: it goes back only where nobody was forgotten.
    """
    call = _call(data)
    sid = str(call.get("call_sid") or "")
    if Path(name).suffix == _JOURNAL and sid and call.get("end_reason") == EndReason.CRASHED:
        return True
    return bool(forgotten) and (not sid or hashed(sid) in forgotten or hashed(Path(name).stem) in forgotten)


def _call(data: bytes) -> dict[str, Any]:
    """What a journal's lines, or the whole record of an older release, say of their call in the end."""
    known: dict[str, Any] = {}
    for line in data.split(b"\n"):
        with suppress(ValueError, RecursionError):
            entry = json.loads(line.strip(b"\0").decode("utf-8", "surrogatepass"))
            call = entry.get("call", entry) if isinstance(entry, dict) else None
            known |= call if isinstance(call, dict) else {}
    return known
