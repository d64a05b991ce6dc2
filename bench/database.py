"""The database that a room measures with: that of DATABASE_URL, or a new one, its server off the product's core."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from postgres_world import postgres

PRODUCT_CORE = 0


def other_cores() -> set[int]:
    """Where everything runs that is not measured: with a single core, beside the product."""
    return os.sched_getaffinity(0) - {PRODUCT_CORE} or {PRODUCT_CORE}


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database; DATABASE_URL says it to the processes that are started meanwhile."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    cores = ",".join(map(str, sorted(other_cores())))
    with postgres(f"--cpuset-cpus={cores}") as server:
        name = f"bench_{uuid.uuid4().hex[:8]}"
        server.execute(f"CREATE DATABASE {name}")
        os.environ["DATABASE_URL"] = server.url(name)
        try:
            yield server.url(name)
        finally:
            del os.environ["DATABASE_URL"]
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
