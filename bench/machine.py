"""The machine that a measurement was made on, in one line."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, kernel, Python and how busy it was."""
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(row.split(":", 1)[1].strip() for row in rows if row.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return f"{model}, {cores} cores, Linux {platform.release()}, Python {platform.python_version()}, load {load:.1f}"
