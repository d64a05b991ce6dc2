"""`python -m prosaas_core.privacy.files find|show|erase`: the spool's and the flight recorder's files about one person.

Runs where the files are, in a service's container. Whom it is about stands in PERSON, which no list of processes and no
event of the engine shows: {"number": digits or null, "ids": [of their calls and messages]}. The answer is one JSON
object on stdout. `sweep` removes old ones, whoever they are about, by KEEP_TRANSCRIPTS_DAYS and KEEP_BLACKBOX_DAYS.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from pathlib import Path

from prosaas_logging.recorder import FOLDED_DIRECTORY
from prosaas_logging.redact import redact
from prosaas_logging.settings import BLACKBOX_DIR, load_settings

DAY_S = 86_400
# Black boxes, and the lines that calls folded away.
RECORDINGS = ("*.jsonl", f"{FOLDED_DIRECTORY}/*.jsonl")
# What in the spool is about calls, live ones too.
_SPOOLED = ("*.journal", "*.json", "*.unreadable")
# Fewer digits than any whole number has would be found by chance.
_LEAST_DIGITS = 8
# What people write between two digits: ASCII's marks, a blank that does not break, and of U+2000 and U+2200 the blanks,
# the dashes and the marks that turn Hebrew around.
_BETWEEN = rb"(?:[\s().\-/]|\xc2\xa0|\xe2[\x80\x81\x88][\x80-\xbf]|\xef\xbb\xbf){0,3}"


def mentions(number: str | None, ids: Iterable[str]) -> "re.Pattern[bytes] | None":
    """What shows that bytes are about the person: their number, its country included, however it is spaced; or an id.

    An id is one whole, or as lines show it. A search takes time by the length of the bytes, with thousands of ids too.
    """
    known = {each.encode() for id in ids if id for each in (id, redact(id))}
    wanted = [_any_of(known)] if known else []
    if number and len(number) >= _LEAST_DIGITS:
        first, *others = (digit.encode() for digit in number)
        # The digit goes before what must not be: what begins with a letter or a digit is looked for ten times faster.
        if number.startswith("972"):
            # Or +972 (0)50…, as people write it, and some store it.
            others[1] += b"(?:%b0)?" % _BETWEEN
        alone = b"(?:(?<![0-9]%b)|(?<=(?<![0-9])00%b))" % (first, first)
        wanted.append(_BETWEEN.join([first + alone, *others]) + rb"(?![0-9])")
    return re.compile(b"|".join(wanted)) if wanted else None


def _any_of(words: Iterable[bytes], forks: int = 3) -> bytes:
    """A pattern of these words by their common beginnings: of a plain list each one is tried at each place."""
    whole = sorted(words)
    common = bytes(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(whole[0], whole[-1], strict=False)))
    left = [word.removeprefix(common) for word in whole]
    if b"" in left:
        return re.escape(common)
    forked = [list(some) for _, some in groupby(left, key=lambda word: word[:1])] if forks else [[one] for one in left]
    return re.escape(common) + b"(?:" + b"|".join(_any_of(some, forks - 1) for some in forked) + b")"


def about(pattern: "re.Pattern[bytes]", folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """The files of the folder that are about the person, by their name or by what is in them."""
    for path in sorted({path for name in names for path in folder.glob(name)}):
        try:
            if pattern.search(path.name.encode()) or pattern.search(path.read_bytes()):
                yield path
        except FileNotFoundError:
            continue


def blackbox_folders() -> list[Path]:
    """Where black boxes are: where LOG_BLACKBOX has them written now, and where they are written without it."""
    chosen = load_settings("worker").blackbox
    return sorted({Path(BLACKBOX_DIR), *([Path(chosen)] if chosen.startswith("/") else [])})


def sweep(folder: Path, names: Sequence[str], days: float, refused: list[OSError], now: float | None = None) -> int:
    """Remove the files that nobody has written to for that many days, 0 for none; how many those were.

    What cannot be removed is told in `refused`, and keeps nothing else from going.
    """
    if not days:
        return 0
    oldest = (time.time() if now is None else now) - days * DAY_S
    removed = 0
    for path in {path for name in names for path in folder.glob(name)}:
        try:
            if path.is_file() and path.lstat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
        except OSError as error:
            refused.append(error)
    return removed


def sweep_recordings(days: float, refused: list[OSError]) -> int:
    """The same for what flight recorders wrote on this machine."""
    return sum(sweep(folder, RECORDINGS, days, refused) for folder in blackbox_folders())


def sweep_unreadable(spool: Path, days: float, refused: list[OSError]) -> int:
    """The same for records of calls that could not be read, and so never became rows."""
    return sweep(spool, ("*.unreadable",), days, refused)


def _theirs(person: dict[str, object]) -> Iterator[tuple[Path, str]]:
    """Each of their files, and its name in its folder."""
    number, ids = person.get("number"), person.get("ids") or []
    assert isinstance(ids, list)
    pattern = mentions(str(number) if number else None, map(str, ids))
    if pattern is None:
        return
    for folder, names in ((_spool(), _SPOOLED), *((folder, RECORDINGS) for folder in blackbox_folders())):
        for path in about(pattern, folder, names):
            yield path, str(path.relative_to(folder))


def _spool() -> Path:
    return Path(os.environ.get("SPOOL_DIR") or "/var/spool/prosaas")


def main(arguments: list[str]) -> int:
    """Exit 0 with an object from each file's name to its text, empty but for `show`; 2 for wrong usage.

    After `sweep` the object is {"removed": how many}, and the exit is 1 where something could not be removed.
    """
    if len(arguments) != 1 or arguments[0] not in ("find", "show", "erase", "sweep"):
        print("find, show, erase or sweep?", file=sys.stderr)
        return 2
    if arguments == ["sweep"]:
        transcripts, recordings = (float(os.environ[f"KEEP_{what}_DAYS"]) for what in ("TRANSCRIPTS", "BLACKBOX"))
        refused: list[OSError] = []
        removed = sweep_unreadable(_spool(), transcripts, refused) + sweep_recordings(recordings, refused)
        print(json.dumps({"removed": removed}))
        print(*refused, sep="\n", end="", file=sys.stderr)
        return int(bool(refused))
    found = {}
    for path, name in _theirs(json.loads(os.environ["PERSON"])):
        # Behind its last line a journal has room for more.
        text = path.read_text("utf-8", "replace").rstrip("\0") if arguments[0] == "show" else ""
        found[name] = text
        if arguments[0] == "erase":
            path.unlink(missing_ok=True)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
