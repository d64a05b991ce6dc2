"""Green threads: patched before or after us, nothing is wedged, nothing is lost, and scopes are followed."""

import json
import subprocess
from collections.abc import Callable

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

PATCH = {
    "gevent": "import gevent.monkey; gevent.monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
BEGIN = "from prosaas_logging import bootstrap, flush, scope; bootstrap('green')"
WORK = """
import logging, time
log = logging.getLogger("green")

def work(number):
    for line in range(20):
        log.info("job %d %d", number, line)
        time.sleep(0.001)
"""
JOBS = {
    "gevent": """
import gevent
with scope(request_id="r1"):
    jobs = [gevent.spawn(work, number) for number in range(50)]
    jobs += [gevent.get_hub().threadpool.spawn(work, 50 + number) for number in range(10)]
gevent.wait(jobs)
""",
    "eventlet": """
import eventlet, eventlet.tpool
with scope(request_id="r1"):
    pool = eventlet.GreenPool(60)
    jobs = [pool.spawn(work, number) for number in range(50)]
    jobs += [pool.spawn(eventlet.tpool.execute, work, 50 + number) for number in range(10)]
for job in jobs:
    job.wait()
""",
}
AFTER = """
log.info("outside")
began = time.monotonic()
print(flush(5), time.monotonic() - began < 2)
"""


@pytest.mark.parametrize("library", PATCH)
@pytest.mark.parametrize("first", ["patched first", "patched later"])
def test_greenlets_and_the_threads_of_their_pools_log_together(run_program: Program, library: str, first: str) -> None:
    start = [PATCH[library], BEGIN] if first == "patched first" else [BEGIN, PATCH[library]]
    done = run_program("\n".join([*start, WORK, JOBS[library], AFTER]), LOG_JSON="1", LOG_CALL_BUDGET="0")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    jobs = [line for line in lines if line["message"].startswith("job ")]
    assert len(jobs) == 60 * 20
    assert {line.get("request_id") for line in jobs} == {"r1"}
    (outside,) = [line for line in lines if line["message"] == "outside"]
    assert "request_id" not in outside
    assert lines[-1]["message"] == "True True"
