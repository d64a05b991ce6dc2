"""What the flight recorders of a hundred busy calls keep in memory."""

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from contextlib import ExitStack

CALLS = 100
RECORDS = 500


def measure_here() -> dict[str, float]:
    """Fill the rings; bytes a record, and MiB altogether."""
    from prosaas_logging import bootstrap, get_logger, scope

    bootstrap("bench", environ={"LOG_LEVEL": "INFO", "LOG_RECORDER": str(RECORDS), "LOG_SWITCH_FILE": "/nonexistent/x"})
    log = get_logger("bench")
    response = "resp_123"
    with ExitStack() as stack:
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for call in range(CALLS):
            stack.enter_context(scope(call_sid=f"CA{call}"))
            for number in range(RECORDS):
                log.debug("frame", seq=1000 + number, bytes=320, rms=number * 0.5, response_id=response, late=False)
        after, _ = tracemalloc.get_traced_memory()
    return {"record": (after - before) / (CALLS * RECORDS), "total": (after - before) / 1024**2}


def measure() -> dict[str, float]:
    """The same in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "bench.logging.memory"], stderr=subprocess.PIPE, check=True)
    answer: dict[str, float] = json.loads(done.stderr)
    return answer


if __name__ == "__main__":
    os.write(2, json.dumps(measure_here()).encode())
