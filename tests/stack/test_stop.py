"""The end of a stack. By its name this file is the last of those that share one: nothing runs after it."""

import pytest

from stack_world.stack import Stack
from stack_world.traffic import Traffic

pytestmark = [pytest.mark.docker, pytest.mark.alone]


def test_a_stop_cuts_nobody_who_is_on_the_phone(stack: Stack) -> None:
    """Not those of a generation that drains already either."""
    traffic = Traffic(stack, live=3, every_s=600, rounds=3)
    with traffic.flowing():
        stack.checkout.run("make", "restart-calls")
        newer = Traffic(stack, live=3, every_s=600)
        with newer.flowing():
            done = stack.checkout.run("make", "down", timeout=300)
    assert "calls of the generation before go on" in done.text
    assert (len(traffic.calls), traffic.cut, len(newer.calls), newer.cut) == (3, [], 3, [])
    assert stack.checkout.compose("ps", "--quiet").out == ""
