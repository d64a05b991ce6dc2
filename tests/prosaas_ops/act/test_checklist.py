"""Each point of the guide's checklist, when it holds and when it does not."""

from typing import Any

import pytest

from prosaas_ops.act import checklist
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, parse

SERVICES = ("prosaas-api", "prosaas-calls", "worker")


def details(**environment: str) -> dict[str, Any]:
    labels = {"com.docker.compose.project.config_files": "/p/docker-compose.yml,/p/docker-compose.prod.yml"}
    env = [f"{name}={value}" for name, value in environment.items()]
    return {service: {"Config": {"Env": env, "Labels": labels}} for service in SERVICES}


def lines(*texts: str) -> list[Line]:
    return [parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", text)) for text in texts]


@pytest.mark.parametrize(
    ("setting", "in_force", "good"), [("INFO", "INFO", True), ("DEBUG", "DEBUG", False), ("INFO", "DEBUG", False)]
)
def test_the_level_must_be_set_and_in_force(setting: str, in_force: str, good: bool) -> None:
    states = {service: {"level": in_force} for service in SERVICES}
    check = checklist.level_is_info(details(LOG_LEVEL=setting), states)
    assert check.good is good
    assert f"calls {setting}" in check.evidence


def test_output_must_be_unbuffered_everywhere() -> None:
    assert checklist.unbuffered(details(PYTHONUNBUFFERED="1")).good
    assert not checklist.unbuffered(details()).good


def test_the_containers_must_come_from_the_production_file() -> None:
    model = {"services": {service: {"environment": {"LOG_LEVEL": "INFO"}} for service in SERVICES}}
    assert checklist.production_file(model, details()).good
    assert not checklist.production_file({"services": {}}, details()).good
    stale = details()
    stale["worker"]["Config"]["Labels"] = {"com.docker.compose.project.config_files": "/p/docker-compose.dev.yml"}
    check = checklist.production_file(model, stale)
    assert not check.good
    assert "made without it: worker" in check.evidence


@pytest.mark.parametrize(("rows", "good"), [(9, False), (10, True), (30, True), (31, False)])
def test_a_call_is_ten_to_thirty_lines(rows: int, good: bool) -> None:
    assert checklist.budget(rows, "CA1").good is good


def test_a_live_stack_is_judged_by_the_call_that_ended_last_and_was_not_debugged() -> None:
    """Without a simulator: whole calls alone, and every service's lines of that one."""

    def told(call_sid: str, rows: int) -> list[str]:
        begin, end = (
            f"[INFO] 🚀 [CALL_START] call_sid={call_sid}, mode=ai",
            f"[INFO] 🔚 [CALL_END] x · call_sid={call_sid}",
        )
        return [begin, *[f"[INFO] x · call_sid={call_sid}"] * (rows - 2), end]

    half = ["[INFO] 🔚 [CALL_END] x · call_sid=CA0"]
    good = checklist.newest_call(lines(*told("CA1", 40), *told("CA2", 12), *half))
    assert (good.good, "CA2" in good.evidence, "12 lines" in good.evidence) == (True, True, True)
    assert not checklist.newest_call(lines(*told("CA2", 12), *told("CA1", 40))).good
    assert checklist.newest_call(lines(*told("CA2", 4))).good, "a short call has little to tell"
    debugged = [*told("CA3", 12), "[DEBUG] [RMS] rms=3 · call_sid=CA3"]
    assert "CA2" in checklist.newest_call(lines(*told("CA2", 12), *debugged)).evidence
    none = checklist.newest_call(lines(*half))
    assert not none.good
    assert "SINCE=1d" in none.remedy


def test_an_empty_sweep_or_a_frame_in_the_log_is_noise() -> None:
    sweep, frame = checklist.noise(
        lines("[INFO] [WHATSAPP_SESSION] Check #45: Found 0 stale sessions", "[INFO] [RMS] rms=3", "[INFO] x"), "1h"
    )
    assert (sweep.good, frame.good) == (False, False)
    assert sweep.evidence == "1 in 3 lines of 1h"


def test_a_sweep_that_found_something_is_no_noise() -> None:
    sweep, frame = checklist.noise(lines("[INFO] 🧹 [WHATSAPP_SESSION] Check #45: Found 10 stale sessions"), "1h")
    assert (sweep.good, frame.good) == (True, True)


def test_what_an_operator_asked_to_see_is_not_held_against_production() -> None:
    log = lines(
        "[WARNING] 🎚️ [LOG_LEVEL_CHANGED] service: DEBUG",
        "[DEBUG] [RMS] rms=3",
        "[WARNING] 🎚️ [LOG_LEVEL_REVERTED] service",
    )
    _, frame = checklist.noise(log, "1h")
    assert frame.good
    assert "1 written while an operator debugged not counted" in frame.evidence
    _, frame = checklist.noise([*log, *lines("[DEBUG] [RMS] rms=3")], "1h")
    assert not frame.good


def test_a_restart_at_debug_counts_as_debugging_until_the_next_restart() -> None:
    log = lines(
        "[INFO] 🟢 [SERVICE_START] the service is up, service=worker, version=1, level=DEBUG, listen=0.0.0.0:1",
        "[DEBUG] [RMS] rms=3",
        "[INFO] 🟢 [SERVICE_START] the service is up, service=worker, version=1, level=INFO, listen=0.0.0.0:1",
    )
    assert checklist.noise(log, "1h")[1].good
    assert not checklist.noise([*log, *lines("[DEBUG] [RMS] rms=3")], "1h")[1].good


def test_a_stack_trace_must_be_whole() -> None:
    whole = "[ERROR] a deliberate error\n Traceback\n in first\n in second\n in third\n ZeroDivisionError"
    assert checklist.stack_traces({"worker": whole}).good
    check = checklist.stack_traces({"worker": whole.replace("in second", "…")})
    assert not check.good
    assert "worker without in second" in check.evidence


def test_the_deliberate_error_leaves_its_whole_stack(capfd: pytest.CaptureFixture[str]) -> None:
    """The text that runs inside the containers, run here."""
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", checklist._RAISE],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert checklist.stack_traces({"worker": done.stdout + done.stderr}).good
