"""What C code and children of a service write is an event of its container, and the last words of a crash are there."""

import pytest

from stack_world.stack import Stack, docker

pytestmark = pytest.mark.docker
CHILD = "import prosaas_logging, subprocess; prosaas_logging.bootstrap('x'); subprocess.run(['echo', 'from a child'])"
CRASH = "import prosaas_logging, os; prosaas_logging.bootstrap('x'); os.write(2, b'terminate called\\n'); os.abort()"


@pytest.mark.parametrize("program", [CHILD, CRASH])
def test_it_is_an_event_also_when_the_container_ends_with_it(stack: Stack, program: str) -> None:
    """Ten of ten: where the first process ends, the engine kills all others."""
    image, said = stack.image("worker"), ("[STDERR] terminate called", "[STDOUT] from a child")[program is CHILD]
    hardened = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--init", "--network=none")
    for number in range(10):
        name = f"{stack.project}-said-{number}"
        try:
            docker("run", "--detach", f"--name={name}", *hardened, image, "python", "-c", program)
            docker("wait", name)
            assert said in "\n".join(stack.lines_of(name))
        finally:
            docker("rm", "--force", name)


def test_each_service_has_a_reader_beside_it(stack: Stack) -> None:
    for service in ("prosaas-api", "prosaas-calls", "worker"):
        assert "prosaas_logging.adopt.relay" in docker("top", stack.container(service), "-eo", "pid,args")
