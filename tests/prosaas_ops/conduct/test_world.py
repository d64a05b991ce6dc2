"""How Docker's own client is asked."""

import fcntl
import os
import signal
import threading
from pathlib import Path

import pytest

from full_disk import room_for
from prosaas_ops.conduct import world as module
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem

CLIENT = """#!/bin/sh
echo "$*" >> asked
[ "$(wc -l < asked)" -gt {failing} ] && exit 0
echo "Error response from daemon: {error}" >&2
exit 1
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(module, "_PAUSE_S", 0.0)
    return World(tmp_path)


def client(world: World, failing: int, error: str) -> None:
    path = world.root / "docker"
    path.write_text(CLIENT.format(failing=failing, error=error))
    path.chmod(0o755)


def asked(world: World) -> int:
    return len((world.root / "asked").read_text().splitlines())


def test_a_container_that_went_while_compose_looked_is_no_reason_to_go_back(world: World) -> None:
    """Its calls had ended, and its watcher took it away."""
    client(world, 2, "No such container: 8c184ca22754")
    assert world.compose("create", "--no-build", "--no-recreate").code == 0
    assert asked(world) == 3


@pytest.mark.parametrize(
    ("words", "error", "times"),
    [
        (("create", "--no-build"), "No such container: 8c184ca22754", 4),
        (("create", "--no-build"), "no space left on device", 1),
        (("exec", "-T", "postgres", "psql"), "No such container: 8c184ca22754", 1),
    ],
)
def test_what_stays_wrong_is_told_and_what_may_have_acted_is_not_asked_again(
    world: World, words: tuple[str, ...], error: str, times: int
) -> None:
    client(world, 9, error)
    with pytest.raises(Problem, match=error):
        world.compose(*words)
    assert asked(world) == times


@pytest.mark.parametrize("deaf", [True, False])
def test_docker_is_out_of_a_terminals_reach_while_we_do_not_hear_it_ourselves(world: World, deaf: bool) -> None:
    """A second Ctrl-C on the way back would end Docker's client, and with it the way back."""
    path = world.root / "docker"
    path.write_text("#!/bin/sh\ncut -d ' ' -f 6 /proc/$$/stat\n")
    path.chmod(0o755)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if deaf else signal.default_int_handler)
    try:
        session = int(world.docker("ps").out)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (session != os.getsid(0)) is deaf


def test_a_full_disk_keeps_no_command_from_its_turn(tmp_path: Path) -> None:
    """Somebody has to mend it; a second command is refused all the same."""
    world = World(tmp_path)
    world.state.mkdir()
    lock = world.state / "lock"
    lock.touch()
    assert world.at_work() == ""
    with room_for(lock, 0), world.locked("down"), pytest.raises(Problem, match="another command"), world.locked("up"):
        pytest.fail("two at once")


def test_who_changes_the_stack_is_known_to_who_asks_for_as_long_as_they_do(tmp_path: Path) -> None:
    """A kill leaves the words behind, and nobody at work; to ask keeps nobody from their turn."""
    world = World(tmp_path)
    assert world.at_work() == ""
    with world.locked("restore"):
        assert world.at_work().startswith("make restore, since ")
    assert (world.state / "lock").read_text().startswith("make restore")
    assert world.at_work() == ""
    with world.locked("down"):
        assert world.at_work().startswith("make down, since ")


def test_who_only_looks_keeps_no_command_from_beginning(tmp_path: Path) -> None:
    """The doctor's look takes a moment, and what begins in it is nobody's second command."""
    world = World(tmp_path)
    with world.locked("down"):
        pass
    with (world.state / "lock").open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        threading.Timer(0.03, lambda: fcntl.flock(look, fcntl.LOCK_UN)).start()
        with world.locked("restart-calls"):
            assert world.at_work().startswith("make restart-calls, since ")
            with pytest.raises(Problem, match="make restart-calls, since"), world.locked("down"):
                pass
