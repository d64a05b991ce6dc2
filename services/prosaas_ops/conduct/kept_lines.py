"""What a generation that is gone wrote: it stays readable, beside the lines of those that went before it."""

import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from prosaas_ops.conduct.files import replace
from prosaas_ops.conduct.world import World
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.lines import seconds

# Of each service, the newest first: about as much disk as the one that runs may fill, and no more files than a listing
# should have.
KEPT_BYTES, KEPT_LINES = 50_000_000, 100


def keep(world: World, container: Container) -> None:
    """Its lines with their time stamps, as the engine has them; the oldest of the service's go for them."""
    folder = world.state / "lines"
    folder.mkdir(mode=0o700, exist_ok=True)
    done = world.docker("logs", "--timestamps", container.id, check=False)
    lines = sorted((done.out + done.err).splitlines())
    if done.code == 0 and lines:
        path = folder / f"{container.service}.{container.id[:12]}.gz"
        # Whole or not there: whoever looks for a call meanwhile finds all of it, or it is still with the engine. And a
        # drain's watcher and a command may both keep one container's.
        replace(path, gzip.compress("\n".join([*lines, ""]).encode()))
        # As old as its last line: who looks for later ones need not open it.
        last = seconds(lines[-1].partition(" ")[0])
        with suppress(FileNotFoundError):
            os.utime(path, (last, last))
    kept = sorted(_sized(folder.glob(f"{container.service}.*.gz")), reverse=True)
    for _, _, path in kept[_within(KEPT_BYTES, [size for _, size, _ in kept[:KEPT_LINES]]) :]:
        path.unlink(missing_ok=True)


def _sized(paths: Iterable[Path]) -> Iterator[tuple[float, int, Path]]:
    """When each was written last, and its size; not of those that somebody else has removed."""
    for path in paths:
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path


def _within(most: int, sizes: list[int]) -> int:
    """How many of these, from the first on, come to no more than that; one in any case."""
    return max(1, sum(total <= most for total in accumulate(sizes)))
