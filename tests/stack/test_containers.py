"""The running containers are what the production model promises: seen from the inside, not from the file."""

import json
import urllib.error
import urllib.request

import pytest
import testinfra
from testinfra.host import Host

from bundle_world.model import LONG_RUNNING, OURS, WATCHING
from stack_world.stack import Stack, docker

IMAGES_OF_OURS = (*OURS, "simulator")
RUNNING = [name for name in LONG_RUNNING if name not in WATCHING]


@pytest.fixture(scope="module", params=RUNNING)
def inside(request: pytest.FixtureRequest, stack: Stack) -> Host:
    return testinfra.get_host(f"docker://{stack.container(request.param)}")


@pytest.fixture(scope="module", params=IMAGES_OF_OURS)
def ours(request: pytest.FixtureRequest, stack: Stack) -> Host:
    return testinfra.get_host(f"docker://{stack.container(request.param)}")


@pytest.mark.parametrize("service", RUNNING)
def test_is_healthy(stack: Stack, service: str) -> None:
    """`make up-prod` returned because this held."""
    assert stack.inspect(service)["State"]["Health"]["Status"] == "healthy"


def test_migration_ended_well(stack: Stack) -> None:
    """The one-shot container did its work and is gone."""
    state = stack.inspect("migrate")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


def test_runs_as_an_ordinary_user(inside: Host) -> None:
    """The process that serves is not root, whatever the compose file says."""
    assert inside.check_output("id -u") in {"10001", "999"}


def test_every_process_has_given_up_root(inside: Host) -> None:
    """Not the service alone: each process in the container, the init among them."""
    assert inside.check_output("cat /proc/[0-9]*/status | grep ^Uid: | cut -f2 | sort -u") in {"10001", "999"}


def test_holds_no_capability(inside: Host) -> None:
    """Effective and bounding sets are empty, and no program can bring one back."""
    status = dict(line.split(":\t") for line in inside.check_output("cat /proc/1/status").splitlines() if ":\t" in line)
    assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")


def test_root_filesystem_refuses_writes(inside: Host) -> None:
    """Neither the code nor anything beside it can be changed."""
    for path in ("/probe", "/app/probe", "/etc/probe", "/opt/venv/probe", "/etc/prosaas/env/probe"):
        assert inside.run(f"touch {path}").rc != 0, path
    assert inside.run("touch /tmp/probe && rm /tmp/probe").rc == 0


def test_init_reaps_orphans(inside: Host) -> None:
    """A process whose parent left is taken by the init, and no zombie stays."""
    assert inside.check_output("cat /proc/1/comm") in {"docker-init", "tini"}
    inside.check_output("sh -c '(true & exec true) & wait'")
    states = inside.check_output("cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | cut -c1")
    assert "Z" not in states.split()


@pytest.mark.parametrize("service", OURS)
def test_environment_carries_the_guides_settings_and_no_secret(stack: Stack, service: str) -> None:
    """What the process really got."""
    environment = {
        entry.partition("=")[0]: entry.partition("=")[2] for entry in stack.inspect(service)["Config"]["Env"]
    }
    assert (environment["LOG_LEVEL"], environment["PYTHONUNBUFFERED"], environment["LOG_JSON"]) == ("INFO", "1", "0")
    secrets = [path.read_text() for path in (stack.checkout.path / "secrets").iterdir()]
    assert [value for value in environment.values() if value in filter(None, secrets)] == []


@pytest.mark.parametrize("service", RUNNING)
def test_limits_hold_in_the_engine(stack: Stack, service: str) -> None:
    """The engine enforces what the file asks for."""
    limits = stack.inspect(service)["HostConfig"]
    assert limits["Memory"] >= 256 * 1024**2
    assert limits["NanoCpus"] == 10**9
    assert 0 < limits["PidsLimit"] <= 200
    assert limits["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "5", "max-size": "10m"}}


def test_image_holds_nothing_to_build_or_install_with(ours: Host) -> None:
    """No compiler, no pip, no cache of it, no tests."""
    for program in ("gcc", "cc", "make", "pip", "uv", "git"):
        assert not ours.exists(program), program
    assert not ours.file("/opt/venv/bin/pip").exists
    found = ours.check_output("find /app /root/.cache /opt -name 'test_*.py' -path '/app/*' -o -name '*.whl'; true")
    assert found == ""


@pytest.mark.parametrize(
    ("service", "packages"),
    [
        ("prosaas-api", {"prosaas_logging", "prosaas_core", "prosaas_api"}),
        ("prosaas-calls", {"prosaas_logging", "prosaas_core", "prosaas_calls"}),
        ("worker", {"prosaas_logging", "prosaas_core", "prosaas_worker"}),
        ("simulator", {"simulator"}),
    ],
)
def test_image_holds_the_packages_it_needs(stack: Stack, service: str, packages: set[str]) -> None:
    """An image that carries another service's code would hide a wrong import."""
    assert set(stack.execute(service, "ls", "/app").split()) == packages


def test_code_is_compiled(ours: Host) -> None:
    """A read-only container cannot keep bytecode: without it, every start would compile everything again."""
    sources = ours.check_output("find /app -name '*.py' | wc -l")
    compiled = ours.check_output("find /app -name '*.cpython-*.pyc' | wc -l")
    assert sources == compiled


@pytest.mark.parametrize("service", [name for name in RUNNING if name != "gateway"])
def test_secret_files_are_readable_inside_and_closed_outside(stack: Stack, service: str) -> None:
    """The container's account reads its secrets; another account of the host does not get into the folder."""
    folder = stack.checkout.path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    model = json.loads(stack.checkout.compose("--profile", "*", "config", "--format", "json").out)
    mounted = {
        secret["target"].rpartition("/")[2]: secret["source"] for secret in model["services"][service]["secrets"]
    }
    assert sorted(mounted) == sorted(stack.execute(service, "ls", "/run/secrets").split())
    for name, source in mounted.items():
        assert stack.execute(service, "cat", f"/run/secrets/{name}") == (folder / source).read_text()


def test_listens_on_loopback_only(stack: Stack) -> None:
    """No other machine reaches the one port there is."""
    ports = docker("ps", "--format", "{{.Ports}}", f"--filter=label=com.docker.compose.project={stack.project}")
    published = [part.strip() for row in ports.splitlines() for part in row.split(",") if "->" in part]
    assert [part.partition("->")[0] for part in published] == [stack.door]


@pytest.mark.parametrize("path", ["metrics", "readyz", "healthz", "calls", "openapi.json", "docs", ""])
def test_operators_pages_are_not_for_the_world(stack: Stack, path: str) -> None:
    """The front door leads to the public paths and to nothing else."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{stack.door}/{path}", timeout=5)
    assert refused.value.code == 404
