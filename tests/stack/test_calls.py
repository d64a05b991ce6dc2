"""Real calls through the running stack: 10 to 30 lines at INFO, everything at DEBUG, one call_sid on all of it."""

import re
from typing import Any

import pytest

from bundle_world.model import OURS
from stack_world.stack import Stack

# What the guide silences at INFO.
SILENCED = re.compile(
    r"TX_RESPONSE|AUDIO_DELTA|MEDIA_IN|\bRMS\b|WATCHDOG|QUEUE_SIZE|PAYLOAD_PREVIEW|HEALTH_PING|Found 0 stale|\[DEBUG\]"
)
# What the guide keeps, in the order of a call.
KEPT = (
    "CALL_START",
    "DB",
    "REALTIME",
    "GREETING",
    "RESPONSE_CREATED",
    "TRANSCRIPT",
    "TOOL_CALL",
    "TOOL_RESULT",
    "CALL_END",
)


@pytest.fixture(scope="module")
def call(stack: Stack) -> dict[str, Any]:
    result = stack.call()
    stack.wait_for_line("worker", result["call_sid"], "JOB_DONE")
    return result


def test_caller_got_what_the_scenario_asks_for(call: dict[str, Any]) -> None:
    """The simulator heard a greeting, answers and a booking, and hung up by itself."""
    assert call["ok"], call


def test_call_takes_ten_to_thirty_lines(stack: Stack, call: dict[str, Any]) -> None:
    """The guide's number, counted in what the engine stored of all services."""
    lines = [line for service in OURS for line in stack.lines_of_call(service, call["call_sid"])]
    assert 10 <= len(lines) <= 30, "\n".join(lines)


def test_nothing_that_the_guide_silences_is_written(stack: Stack, call: dict[str, Any]) -> None:
    """In no service, not during the call and not beside it."""
    for service in OURS:
        assert [line for line in stack.lines(service) if SILENCED.search(line)] == []


def test_everything_that_the_guide_keeps_is_written(stack: Stack, call: dict[str, Any]) -> None:
    """The call's story can be read from start to end."""
    lines = stack.lines_of_call("prosaas-calls", call["call_sid"])
    assert [tag for tag in KEPT if not any(f"[{tag}]" in line for line in lines)] == []
    assert "[CALL_START]" in lines[0]
    # The job that keeps the call comes after it.
    assert any("[CALL_END]" in line for line in lines[-2:])


def test_all_three_services_name_the_call(stack: Stack, call: dict[str, Any]) -> None:
    """One grep tells the whole story: webhook, call, job."""
    for service in OURS:
        assert stack.lines_of_call(service, call["call_sid"]), service


def test_call_is_in_the_database_with_its_summary(stack: Stack, call: dict[str, Any]) -> None:
    """The job that the call's end enqueued has been done."""
    query = f"SELECT status, end_reason, summary IS NOT NULL FROM calls WHERE call_sid = '{call['call_sid']}'"
    row = stack.execute("postgres", "psql", "-U", "prosaas", "-At", "-c", query).strip()
    assert row.endswith("|customer_hangup|t"), row


def test_no_secret_and_no_whole_number_is_written(stack: Stack, call: dict[str, Any]) -> None:
    """Neither a key nor the caller's number appears in any line of any service."""
    secrets = [path.read_text() for path in (stack.checkout.path / "secrets").iterdir()]
    for service in (*OURS, "migrate"):
        text = "\n".join(stack.lines(service))
        assert "972501234567" not in text
        assert [secret for secret in secrets if secret and secret in text] == []


def test_a_transfer_that_is_forwarded_back_to_the_agent_is_not_taken_by_her(stack: Stack) -> None:
    """The business's line forwards to us when nobody answers: the caller is not connected with themselves."""
    result = stack.call("--scenario", "transfer_forwarded")
    assert result["ok"], result["problems"]
    assert result["verbs"] == ["Connect", "Dial", "Connect"]
