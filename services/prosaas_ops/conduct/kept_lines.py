"""What a generation that is gone wrote: it stays readable, beside the lines of those that went before it."""

import gzip
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from prosaas_core.privacy import ledger
from prosaas_ops.conduct.world import World
from prosaas_ops.files import replace, turn
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.lines import seconds

# Of each service, the newest first: about as much disk as the one that runs may fill, and no more files than a listing
# should have.
KEPT_BYTES, KEPT_LINES = 50_000_000, 100
# As the engine stamps a line: anything else is its client's word. A line ends with a newline and nothing else, for in
# JSON the other ends that Unicode knows stand as they are.
_STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\S+ ")
# Calls and messages, as lines name them.
_IDS = re.compile(r"(?:CA|SM|MM)[0-9a-f]{32}|wamid\.[\w…+/=-]+")
# What the engine answers where there is nothing to wait for: no later command would read more.
_NEVER = ("does not support reading", "no such container", "dead or marked for removal")


def keep(world: World, container: Container) -> None:
    """Its lines with their time stamps, as the engine has them; the oldest of the service's go for them.

    A drain's watcher and a command may both keep one container's, and somebody take a person out of them meanwhile.
    OSError where they are not kept, and may be by another command.
    """
    folder = world.state / "lines"
    folder.mkdir(mode=0o700, exist_ok=True)
    with turn(folder):
        _write(world, container, folder / f"{container.service}.{container.id[:12]}.gz")
        kept = sorted(_sized(folder.glob(f"{container.service}.*.gz")), reverse=True)
        for _, _, path in kept[_within(KEPT_BYTES, [size for _, size, _ in kept[:KEPT_LINES]]) :]:
            path.unlink(missing_ok=True)


def _write(world: World, container: Container, path: Path) -> None:
    done = world.docker("logs", "--timestamps", container.id, check=False)
    # Of a log that is damaged the engine tells what comes before the damage, and then ends with an error.
    lines = sorted(filter(_STAMPED.match, f"{done.out}\n{done.err}".split("\n")))
    if done.code and not (lines or path.exists() or any(why in done.err.lower() for why in _NEVER)):
        raise OSError(done.err.strip()[-200:])
    lines = list(_of_others(lines, _forgotten(world)))
    # A part takes no whole one's place.
    if lines and (done.code == 0 or not path.exists()):
        replace(path, gzip.compress("\n".join([*lines, ""]).encode()))
        # As old as its last line: who looks for later ones need not open it.
        last = seconds(lines[-1].partition(" ")[0])
        os.utime(path, (last, last))


def _forgotten(world: World) -> Collection[str]:
    """The hashes of what lines may name of those who were forgotten while the engine had these."""
    try:
        return {key for one in ledger.noted(world.root / "backups") for key in one.named}
    except ValueError as error:
        raise OSError(str(error)) from None


def _of_others(lines: Iterable[str], forgotten: Collection[str]) -> Iterator[str]:
    """Without theirs; one that is indented belongs to the line above it."""
    theirs = False
    for line in lines:
        if not line.partition(" ")[2].startswith(" "):
            theirs = bool(forgotten) and any(ledger.hashed(id) in forgotten for id in _IDS.findall(line))
        if not theirs:
            yield line


def _sized(paths: Iterable[Path]) -> Iterator[tuple[float, int, Path]]:
    """When each was written last, and its size; not of those that somebody else has removed."""
    for path in paths:
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path


def _within(most: int, sizes: list[int]) -> int:
    """How many of these, from the first on, come to no more than that; one in any case."""
    return max(1, sum(total <= most for total in accumulate(sizes)))
