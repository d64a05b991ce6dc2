"""Changing the level of a running stack, by each of the ways that need no new image."""

from collections.abc import Iterator

import pytest

from stack_world.stack import Stack, eventually


@pytest.fixture
def prod_env(stack: Stack) -> Iterator[str]:
    """The text of env/prod.env, put back after the test with the service at its old level."""
    path = stack.checkout.path / "env/prod.env"
    before = path.read_text()
    yield before
    path.write_text(before)
    stack.checkout.run("make", "restart-calls")


def starts(stack: Stack) -> list[str]:
    return [line for line in stack.lines("prosaas-calls") if "SERVICE_START" in line]


def test_guides_own_procedure_works_as_written(stack: Stack, prod_env: str) -> None:
    """Edit LOG_LEVEL, `docker compose restart prosaas-calls`, read DEBUG lines; the same way back."""
    path = stack.checkout.path / "env/prod.env"
    path.write_text(prod_env.replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG"))
    stack.checkout.compose("restart", "prosaas-calls")
    stack.wait_for_line("prosaas-calls", "SERVICE_START", "level=DEBUG")

    stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "prosaas-calls")
    result = stack.call()
    assert result["ok"], result
    assert len(stack.lines_of_call("prosaas-calls", result["call_sid"])) >= 500
    kinds = ("[TX_RESPONSE] start response_id=", "[TX_RESPONSE] end response_id=", "[AUDIO_DELTA] response_id=")
    assert [kind for kind in kinds if not any(kind in line for line in stack.lines("prosaas-calls"))] == []

    path.write_text(prod_env)
    before = len(starts(stack))
    stack.checkout.compose("restart", "prosaas-calls")
    assert "level=INFO" in eventually(lambda: next(iter(starts(stack)[before:]), None), "the start after it", 20)


def test_restart_at_a_level_recreates_and_says_so(stack: Stack) -> None:
    """`make restart-calls LOG_LEVEL=DEBUG` gives a new container at DEBUG, and the plain command returns it to INFO."""
    before = stack.container("prosaas-calls")
    done = stack.checkout.run("make", "restart-calls", "LOG_LEVEL=DEBUG")
    assert "prosaas-calls runs at DEBUG" in done.out
    assert stack.container("prosaas-calls") != before
    stack.wait_for_line("prosaas-calls", "SERVICE_START", "level=DEBUG")
    stack.checkout.run("make", "restart-calls")
    stack.wait_for_line("prosaas-calls", "SERVICE_START", "level=INFO")


def test_level_that_does_not_exist_is_refused(stack: Stack) -> None:
    """Wrong usage: exit 2 from the script, the level and the valid ones named, nothing recreated."""
    before = stack.container("prosaas-calls")
    done = stack.checkout.run("scripts/run", "restart-calls", "LOG_LEVEL=LOUD", check=False)
    assert done.code == 2
    assert "LOUD" in done.err
    assert "DEBUG, INFO, WARNING, ERROR, CRITICAL" in done.err
    assert stack.container("prosaas-calls") == before
