"""The images that the tests of deployments run: those of the session's stack, which are built from this checkout."""

from collections.abc import Callable

import pytest

from stack_world.stack import Stack


@pytest.fixture(scope="session")
def image(stack: Stack) -> Callable[[str], str]:
    """The name of an image by that of its service: api, calls or worker."""
    return lambda name: f"prosaas/{name}:{stack.project}"
