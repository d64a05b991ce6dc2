"""Any value in any field, in both forms of a line."""

import json
from contextlib import suppress
from typing import Any

from fuzz.logged import lines

SEEDS = (
    b'{"note":"x","n":[1,2,{"a":null}]}',
    b'"-eyJ-eyJ-eyJ-"',
    b"\xff\xfe\x00",
    b'{"token":"Bearer abcdefghijklmnop"}',
)
SECRET = "Bearer sk-proj-0123456789abcdefghijklmnop"


def check(data: bytes) -> None:
    """One line a record, valid JSON, the secret beside the value in none of them."""
    for value in values(data):
        lines("a value", value=value)
    for line in lines("a secret", note=data.decode("utf-8", "replace")[:1000], text=SECRET):
        assert b"0123456789abcdefghijklmnop" not in line


def values(data: bytes) -> list[Any]:
    """What the bytes can be taken for."""
    found: list[Any] = [data, data.decode("utf-8", "surrogateescape"), int.from_bytes(data[:64])]
    with suppress(ValueError, RecursionError):
        found.append(json.loads(data))
    return found
