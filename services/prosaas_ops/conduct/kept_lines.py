"""What a generation that is gone wrote: it stays readable, beside the lines of those that went before it."""

import gzip
import os
from itertools import accumulate

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
        # Aside first: whoever looks for a call meanwhile finds all of it there, or still with the engine.
        aside = path.with_suffix(".aside")
        with gzip.open(aside, "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        aside.chmod(0o600)
        # As old as its last line: who looks for later ones need not open it.
        last = seconds(lines[-1].partition(" ")[0])
        os.utime(aside, (last, last))
        aside.replace(path)
    kept = sorted(folder.glob(f"{container.service}.*.gz"), key=lambda path: -path.stat().st_mtime)
    for path in kept[_within(KEPT_BYTES, [path.stat().st_size for path in kept[:KEPT_LINES]]) :]:
        path.unlink()


def _within(most: int, sizes: list[int]) -> int:
    """How many of these, from the first on, come to no more than that; one in any case."""
    return max(1, sum(total <= most for total in accumulate(sizes)))
