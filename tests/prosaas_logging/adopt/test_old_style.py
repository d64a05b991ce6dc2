"""Services in the old style, as processes: prints, the standard library's loggers and threads, with one scope."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Program = Callable[..., subprocess.CompletedProcess[str]]

CALL = """
import logging, threading
from prosaas_logging import bootstrap, scope
bootstrap("old")
media = logging.getLogger("server.media")

def work():
    for number in range(40):
        print(f"printed {number}")
        media.info("logged %d", number)
    media.warning("a warning")

with scope(call_sid="CA1"):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print("after")
"""


def lines_of(run: Program, source: str = CALL, **environ: str) -> list[dict[str, Any]]:
    done = run(source, LOG_JSON="1", **environ)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_the_call(lines: list[dict[str, Any]], level: str) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("call_sid") == "CA1" and line["severity"] == level]


def test_printed_and_standard_library_lines_share_the_budget_and_none_vanishes_unseen(run_program: Program) -> None:
    lines = lines_of(run_program)
    info = of_the_call(lines, "INFO")
    assert len(info) <= 30
    told = info[-1]
    assert told["event"] == "LINES_FOLDED"
    assert told["count"] == 80 - (len(info) - 1)
    assert len(of_the_call(lines, "WARNING")) == 1
    assert lines[-1]["message"] == "after"
    assert "call_sid" not in lines[-1]


def test_threads_can_be_left_alone(run_program: Program) -> None:
    assert of_the_call(lines_of(run_program, LOG_FOLLOW_THREADS="0"), "INFO") == []


def test_folded_lines_are_in_a_file_if_asked_for(run_program: Program, tmp_path: Path) -> None:
    lines = lines_of(run_program, LOG_FOLDED="file")
    told = of_the_call(lines, "INFO")[-1]
    kept = Path(told["where"]).read_text(encoding="utf-8").splitlines()
    said = {line["message"] for line in of_the_call(lines, "INFO")[:-1]} | {
        json.loads(line)["message"] for line in kept
    }
    assert said == {f"{how} {number}" for how in ("printed", "logged") for number in range(40)}
    assert len(kept) == told["count"]


def test_noisy_places_are_made_quiet_by_name_and_still_recorded(run_program: Program, tmp_path: Path) -> None:
    source = CALL.replace('media.warning("a warning")', 'media.error("broken")')
    lines = lines_of(run_program, source, LOG_LEVELS="server=WARNING,stdout=DEBUG")
    assert of_the_call(lines, "INFO") == []
    assert len(of_the_call(lines, "ERROR")) == 1
    recorded = (tmp_path / "blackbox" / "CA1.jsonl").read_text(encoding="utf-8")
    assert '"logged 39"' in recorded
    assert '"printed 39"' in recorded


def test_a_place_can_be_louder_than_the_rest(run_program: Program) -> None:
    source = """
    import logging
    from prosaas_logging import bootstrap
    bootstrap("old")
    logging.getLogger("server.jobs.mail").debug("heard")
    logging.getLogger("server.other").debug("not heard")
    logging.getLogger("sqlalchemy.engine").info("heard, too")
    logging.getLogger("sqlalchemy.pool").info("not heard")
    """
    lines = lines_of(run_program, source, LOG_LEVELS="server.jobs=DEBUG, sqlalchemy.engine=INFO")
    assert [line["message"] for line in lines] == ["heard", "sqlalchemy.engine: heard, too"]


def test_what_is_not_understood_is_named_and_the_rest_holds(run_program: Program) -> None:
    lines = lines_of(run_program, LOG_LEVELS="server=QUIET,stdout=DEBUG")
    (warned,) = [line for line in lines if line.get("event") == "CONFIG_INVALID"]
    assert "server=QUIET" in warned["message"]
    assert not [line for line in lines if line["message"].startswith("printed")]
