"""How much memory this process uses, and how much its container may: what explains a sudden death."""

import resource
from pathlib import Path

# The kernel's second and first way to say it.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_STATM = Path("/proc/self/statm")
_PAGE = resource.getpagesize()
_MIB = 1024**2
# "No limit", as a number of bytes.
_ENDLESS = 2**50


def memory() -> str:
    """As in "112 of 1024 MiB"; without a limit, or where the kernel does not tell it, as in "112 MiB"."""
    used = int(_STATM.read_text().split()[1]) * _PAGE // _MIB
    limit = _limit()
    return f"{used} MiB" if limit is None else f"{used} of {limit // _MIB} MiB"


def _limit() -> int | None:
    for path in _LIMITS:
        try:
            limit = path.read_text().strip()
        except OSError:
            continue
        return int(limit) if limit.isdecimal() and int(limit) < _ENDLESS else None
    return None
