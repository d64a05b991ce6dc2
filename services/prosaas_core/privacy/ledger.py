"""Who was forgotten, without saying who: the file beside the backups from which a restore forgets them again.

A line holds hashes of the keys of rows and of the names of files, and no number: a provider's message id can have one
in it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from prosaas_core.privacy.places import NAMED, PLACES
from prosaas_core.privacy.whole_lines import append

FILE = "forgotten.jsonl"
# Beside the tables: files of the volumes, each by its name without its folder and its ending.
FILES = "files"
# And ids of messages as lines show them, where that is not whole.
SHOWN = "shown"
_HASH = "encode(sha256(convert_to({}::text, 'UTF8')), 'hex')"


class Forgotten(NamedTuple):
    """One forgetting: its receipt, when it was, and the hashes of the keys of the rows that it ended."""

    receipt: str
    at: datetime
    hashes: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, receipt: str, at: datetime, rows: Mapping[str, Sequence[str]]) -> Self:
        return cls(
            receipt,
            at,
            {table: [hashed(key) for key in keys] for table, keys in rows.items()},
        )

    @property
    def calls(self) -> frozenset[str]:
        """The hashes by which a file that is about one of their calls is known."""
        return frozenset([*self.hashes.get("calls", ()), *self.hashes.get(FILES, ())])

    @property
    def named(self) -> frozenset[str]:
        """The hashes of the ids by which a line is known as theirs."""
        return frozenset(key for table in (*NAMED, SHOWN) for key in self.hashes.get(table, ()))


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def note(folder: Path, forgotten: Forgotten) -> None:
    """Add it to the file, on the disk when this returns."""
    line = {"receipt": forgotten.receipt, "at": forgotten.at.isoformat(), "hashes": dict(forgotten.hashes)}
    (folder / FILE).touch(mode=0o600)
    append(folder / FILE, json.dumps(line))


def noted(folder: Path) -> Iterator[Forgotten]:
    """All of them, the oldest first. ValueError for a line that cannot be read: nobody may come back by a damage."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            hashes = {str(table): [bytes.fromhex(key).hex() for key in keys] for table, keys in row["hashes"].items()}
            at = datetime.fromisoformat(row["at"]).astimezone(UTC)
            yield Forgotten(str(row["receipt"]), at, hashes)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"line {number} of {FILE} cannot be read") from None


def again(forgotten: Forgotten, tables: set[str]) -> str:
    """What ends the same rows in a restored database, of which these tables are there: statements for psql.

    A black box that carries the name of one of their calls is theirs too, though it was gone when they were forgotten.
    """
    script = []
    for place in PLACES:
        known = {
            place.key: forgotten.hashes.get(place.table, ()),
            **({place.named: forgotten.calls} if place.named else {}),
        }
        theirs = " OR ".join(
            f"{_HASH.format(column)} = ANY('{{{','.join(sorted(hashes))}}}'::text[])"
            for column, hashes in known.items()
            if hashes
        )
        if theirs and place.table in tables:
            script.append(
                f"{place.erase} WHERE ({theirs}) AND {place.made} <= '{forgotten.at.isoformat()}'::timestamptz;"
            )
    return "\n".join(script)
