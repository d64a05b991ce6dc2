"""The stack of a line of tests: up once, its logs kept when a test failed, everything taken down after."""

from collections.abc import Iterator

import pytest

from bundle_world.checkout import ROOT, Checkout
from stack_world.stack import Stack, prepare, remove


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Production with the demo voice agent, started by the operator's own command."""
    checkout, project = prepare()
    running = Stack(checkout, project)
    try:
        checkout.run("make", "up-prod", timeout=600)
    except BaseException:
        _keep(running)
        remove(checkout)
        raise
    yield running
    if request.session.testsfailed:
        _keep(running)
    remove(checkout)


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    """A checkout whose stack is not running, for what happens before a start."""
    made, _ = prepare()
    yield made
    remove(made)


def _keep(stack: Stack) -> None:
    path = ROOT / "logs" / f"{stack.project}.log"
    text = stack.dump()
    path.write_text(text, encoding="utf-8")
    print(f"\na test failed; the stack's logs are in {path.relative_to(ROOT)}, and end with:\n")
    print("\n".join(text.splitlines()[-60:]))
