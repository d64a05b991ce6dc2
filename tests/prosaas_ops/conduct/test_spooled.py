"""A backup's spool brings back no call of who was forgotten, and none that was live when the backup was made."""

import json
from typing import Any

import pytest

from prosaas_core.privacy.ledger import hashed
from prosaas_ops.conduct.spooled import stays_away

FORGOTTEN = frozenset({hashed("CA1"), hashed("CA9.0a0b0c0d")})


def journal(call_sid: str, reason: str = "customer_hangup") -> bytes:
    """Beginning, words, ending, and the room behind the last line."""
    lines: list[dict[str, Any]] = [
        {"call": {"call_sid": call_sid, "end_reason": "crashed", "from_number": "+972501112222"}},
        {"said": [0, {"who": "customer", "text": "I am ill \ud83d", "at_ms": 5}]},
        {"call": {"call_sid": call_sid, "end_reason": reason}},
        {"process": {"version": "1"}},
    ]
    rows = (json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") for line in lines)
    return b"\n".join(rows) + b"\n" + bytes(100)


@pytest.mark.parametrize(
    ("name", "data", "away"),
    [
        ("prosaas/CA1.0a0b0c0d.journal", journal("CA1"), True),
        ("prosaas/CA1.0a0b0c0d.unreadable", journal("CA1"), True),
        ("prosaas/other.json", b'{"call_sid": "CA1", "end_reason": "customer_hangup"}', True),
        # There was no row of it: its file was found by the number.
        ("prosaas/CA9.0a0b0c0d.journal", journal("CA9"), True),
        ("prosaas/x.unreadable", b"half a li", True),
        ("prosaas/x.unreadable", b"[" * 100_000, True),
        ("prosaas/CA2.0a0b0c0d.journal", journal("CA2"), False),
        ("prosaas/CA2.json", b'{"call_sid": "CA2", "end_reason": "customer_hangup"}', False),
    ],
)
def test_whoever_was_forgotten_stays_forgotten_and_nobody_else(name: str, data: bytes, away: bool) -> None:
    assert stays_away(name, data, FORGOTTEN) is away


def test_a_call_that_was_live_at_the_backup_does_not_come_back_as_one_that_crashed() -> None:
    assert stays_away("prosaas/CA2.0a0b0c0d.journal", journal("CA2", "crashed"), ())


@pytest.mark.parametrize("data", [b"", b"half a li", b"null", b'{"call": 1}'])
def test_where_nobody_was_forgotten_what_cannot_be_read_comes_back(data: bytes) -> None:
    assert not stays_away("prosaas/CA2.unreadable", data, ())
