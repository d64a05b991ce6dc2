"""The images that the tests of deployments run, built from this checkout."""

from collections.abc import Callable, Iterator

import pytest

from stack_world.fixtures import remove
from stack_world.stack import prepare


@pytest.fixture(scope="session")
def image() -> Iterator[Callable[[str], str]]:
    """The name of an image by that of its service: api, calls or worker."""
    checkout, project = prepare()
    try:
        files = "docker-compose.yml:docker-compose.prod.yml"
        checkout.compose("build", "--quiet", "prosaas-api", "prosaas-calls", "worker", COMPOSE_FILE=files)
        yield lambda name: f"prosaas/{name}:{project}"
    finally:
        remove(checkout)
