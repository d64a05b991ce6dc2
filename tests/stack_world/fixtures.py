"""The stack of a line of tests: up once, its logs kept when a test failed, everything taken down after."""

import shutil
from collections.abc import Iterator

import pytest

from bundle_world.checkout import ROOT, Checkout
from stack_world.stack import Stack, prepare


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


def remove(checkout: Checkout) -> None:
    """The checkout with its containers, volumes and images."""
    checkout.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
    for name in checkout.run("docker", "ps", "--quiet", f"--filter=name=^{checkout.path.name}-drains-").out.split():
        checkout.run("docker", "rm", "--force", name, check=False)
    folder = f"printf %s '{checkout.path}' | cksum | cut -d ' ' -f 1"
    tools = checkout.run("sh", "-c", folder).out.strip()
    # By name: two stacks' images of the same content are one image, and its id stands for the names of both.
    tagged = [
        "docker",
        "image",
        "ls",
        "--format={{.Repository}}:{{.Tag}}",
        "--filter",
        f"reference=prosaas/*:{checkout.path.name}*",
    ]
    tagged += ["--filter", f"reference=prosaas/ops:folder-{tools}"]
    if images := checkout.run(*tagged).out.split():
        checkout.run("docker", "image", "rm", "--force", *images, check=False)
    shutil.rmtree(checkout.path)
