"""Around a start: what the preflight refuses, what a second start leaves alone, what comes back by itself."""

import fcntl
import re
import socket
import subprocess

import pytest

from bundle_world.checkout import Checkout
from bundle_world.model import OURS
from stack_world.stack import Stack, eventually


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"CALLS_LOG_LEVEL": "VERBOSE"}, ("CALLS_LOG_LEVEL=VERBOSE", "DEBUG, INFO, WARNING, ERROR, CRITICAL")),
        ({"POSTGRES_PASSWORD": ""}, ("not set in .env: POSTGRES_PASSWORD", "env/example.env")),
        ({"DRAIN_SECONDS": "10m"}, ("DRAIN_SECONDS=10m is not a number",)),
        ({"API_PORT": "eighty"}, ("API_PORT=eighty is not a port", "1 to 65535")),
        ({"DEMO": "0", "OPENAI_API_KEY": "sk-real"}, ("Twilio's settings are still the demo's", "TWILIO_AUTH_TOKEN")),
    ],
)
def test_wrong_setting_is_refused_before_anything_starts(
    checkout: Checkout, settings: dict[str, str], told: tuple[str, ...]
) -> None:
    """Exit 1 with what is wrong, the fix and where to read; no container is made."""
    checkout.configure(**settings)
    done = checkout.run("scripts/run", "up-prod", check=False)
    assert done.code == 1
    assert [words for words in told if words not in done.text] == []
    assert "fix:" in done.text
    assert checkout.compose("ps", "--all", "--quiet").out == ""


def test_wrong_level_in_the_env_file_is_refused(checkout: Checkout) -> None:
    """The guide's variable itself, mistyped."""
    (checkout.path / "env/prod.env").write_text("LOG_LEVEL=INFOO\nPYTHONUNBUFFERED=1\n")
    done = checkout.run("scripts/run", "up-prod", check=False)
    assert done.code == 1
    assert "LOG_LEVEL=INFOO in env/prod.env is not a level" in done.text


def test_port_that_is_taken_is_named(checkout: Checkout) -> None:
    """The number and the setting that moves it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        checkout.configure(API_PORT=port)
        done = checkout.run("scripts/run", "up-prod", check=False)
    assert done.code == 1
    assert f"API_PORT={port} is taken by something else" in done.text


def test_refuses_to_set_anything_up_when_told_not_to(checkout: Checkout) -> None:
    """AUTO_SETUP=0 turns the first change to the machine into an error with instructions."""
    checkout.env.unlink()
    done = checkout.run("scripts/run", "setup", check=False, AUTO_SETUP="0")
    assert done.code == 1
    assert "AUTO_SETUP=0" in done.err
    assert "cp env/example.env .env" in done.err
    assert not checkout.env.exists()


def test_fresh_env_file_is_private_and_complete(checkout: Checkout) -> None:
    """Generated passwords differ from one machine to the next; nobody else reads them."""
    first = checkout.setting("ADMIN_API_KEY")
    checkout.env.unlink()
    checkout.run("scripts/run", "setup")
    assert checkout.env.stat().st_mode & 0o777 == 0o600
    assert len(checkout.setting("ADMIN_API_KEY")) == 48
    assert checkout.setting("ADMIN_API_KEY") != first
    assert re.fullmatch("prosaas(-[0-9a-f]{4})?", checkout.setting("COMPOSE_PROJECT_NAME"))


def test_doctor_finds_the_running_stack_well(stack: Stack) -> None:
    """A line a check, all ok, ports known as the stack's own."""
    done = stack.checkout.run("make", "doctor")
    lines = done.out.splitlines()
    assert all(line.startswith("ok ") for line in lines), done.out
    topics = {line.split()[1] for line in lines}
    assert {"engine", "compose", "cgroup", "disk", "memory", "port", "ca", "proxy", "env", "level"} <= topics
    assert done.out.count("is this stack's") == 1


def test_second_start_recreates_nothing(stack: Stack) -> None:
    """`make up-prod` on a running stack that did not change ends no call."""
    before = {service: stack.container(service) for service in OURS}
    stack.checkout.run("make", "up-prod")
    assert {service: stack.container(service) for service in OURS} == before


@pytest.mark.parametrize("service", OURS)
def test_killed_service_comes_back(stack: Stack, service: str) -> None:
    """The process dies as by the out-of-memory killer; the engine starts it again and it becomes healthy."""
    restarts = stack.inspect(service)["RestartCount"]
    kill = ["sh", "-c", "kill -9 $(cat /proc/1/task/1/children)"]
    # What is run inside may be taken along before it has ended well: that the service starts again is the proof.
    subprocess.run(["docker", "exec", stack.container(service), *kill], capture_output=True, check=False)

    def recovered() -> str | None:
        state = stack.inspect(service)
        back = state["RestartCount"] > restarts and state["State"]["Health"]["Status"] == "healthy"
        return "healthy" if back else None

    eventually(recovered, f"{service} healthy again", 60)


def test_start_that_fails_goes_back_to_what_ran_before(stack: Stack) -> None:
    """A worker that dies at once is shown with its last lines; the worker that ran before runs again, healthy."""
    entry = stack.checkout.path / "services/prosaas_worker/__main__.py"
    before, image = entry.read_text(), stack.inspect("worker")["Image"]
    entry.write_text("raise SystemExit('this worker cannot start')\n")
    try:
        done = stack.checkout.run("scripts/run", "up-prod", check=False)
    finally:
        entry.write_text(before)
    assert done.code == 1
    assert "this worker cannot start" in done.out
    assert "the images that ran before run again" in done.text
    assert stack.inspect("worker")["Image"] == image
    assert stack.inspect("worker")["State"]["Health"]["Status"] == "healthy"


def test_chosen_image_is_never_replaced_behind_ones_back(checkout: Checkout) -> None:
    """Whoever names a base image hears that it cannot be had, instead of getting another."""
    checkout.configure(PYTHON_IMAGE="prosaas-nowhere.invalid/python:3.13")
    done = checkout.run("scripts/base-image.sh", check=False)
    assert done.code == 1
    assert "PYTHON_IMAGE=prosaas-nowhere.invalid/python:3.13 is neither here nor to be pulled" in done.err
    assert checkout.setting("PYTHON_IMAGE") == "prosaas-nowhere.invalid/python:3.13"


def test_second_folder_on_a_machine_leaves_the_first_ones_data_alone(checkout: Checkout) -> None:
    """A new .env has new passwords: a project that another folder's data goes by is not taken over."""
    volume = ("docker", "volume", "create", "--label=com.docker.compose.project=prosaas", f"{checkout.path.name}_taken")
    checkout.run(*volume)
    checkout.env.unlink()
    try:
        done = checkout.run("scripts/run", "setup")
    finally:
        checkout.run("docker", "volume", "rm", volume[-1])
    project = checkout.setting("COMPOSE_PROJECT_NAME")
    assert re.fullmatch("prosaas-[0-9a-f]{4}", project)
    assert f"this one is {project}" in done.text


def test_what_the_shell_says_is_never_written_down(checkout: Checkout) -> None:
    """Another project's name in the shell: a refusal changes nothing, truly, and no start takes it over."""
    checkout.configure(DRAIN_SECONDS="soon")
    before = checkout.env.read_bytes()
    done = checkout.run("scripts/run", "up-prod", check=False, COMPOSE_PROJECT_NAME="other", COMPOSE_FILE="x.yml")
    assert done.code == 1
    assert "COMPOSE_FILE of this shell is not used" in done.text
    assert checkout.env.read_bytes() == before


def test_two_at_once_do_not_meet(checkout: Checkout) -> None:
    """The second is told who is at work, and touches nothing."""
    (checkout.path / ".state").mkdir(exist_ok=True)
    lock = (checkout.path / ".state/lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    done = checkout.run("scripts/run", "up-prod", check=False)
    lock.close()
    assert done.code == 1
    assert "another command changes this stack" in done.text
    assert checkout.compose("ps", "--all", "--quiet").out == ""


def test_stop_of_a_stack_that_does_not_run_is_no_error(checkout: Checkout) -> None:
    """`make down` twice ends as once, and says what stays."""
    for _ in range(2):
        assert "the data stays in its volumes" in checkout.run("make", "down").out
