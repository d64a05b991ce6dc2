"""What doctor tells and a start refuses, from what the machine has."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import machine
from prosaas_ops.conduct.machine import DOCTOR, PREFLIGHT, processors
from prosaas_ops.conduct.secrets import write_secrets
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import OWN_SERVICES, Problem
from prosaas_ops.stack.engine import Container, Gone


@pytest.mark.parametrize(("cpus", "bad"), [("2.0", False), ("99", True)])
def test_more_processors_than_the_machine_has_are_told(
    cpus: str, bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"worker": {"deploy": {"resources": {"limits": {"cpus": cpus}}}}, "migrate": {}}
    monkeypatch.setattr(World, "model", lambda *_, **__: {"services": model})
    monkeypatch.setattr(World, "docker", lambda *_, **__: Done(0, "2\n", ""))
    (found,) = processors(World(tmp_path), "prod")
    assert found.bad is bad
    assert ("worker" in found.text) is bad
    assert processors in DOCTOR
    assert processors in PREFLIGHT, "the engine would refuse it in the middle of a start"


class Server(World):
    """A machine whose volume is of PostgreSQL 17, and whose image is of the one that it is told."""

    wanted, volume = "17", True

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[:2] == ("volume", "inspect"):
            return Done(0 if self.volume else 1, "", "")
        return Done(0, f"{self.wanted}\n17\n", "")


def test_a_server_of_another_major_version_is_refused_on_the_volume_that_is_there(tmp_path: Path) -> None:
    """It would end at once, and the way back of a deploy does not bring the database's image back."""
    world = Server(tmp_path)
    assert [finding.bad for finding in machine.server(world, "prod")] == [False]
    world.wanted = "18"
    (finding,) = machine.server(world, "prod")
    assert finding.bad
    assert "is PostgreSQL 18, and the volume prosaas_pgdata is of PostgreSQL 17" in finding.text
    world.volume = False
    assert list(machine.server(world, "prod")) == []


def test_a_service_that_has_ended_is_told_with_what_starts_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a generation that runs, one that has ended is nobody's trouble; of no stack nothing is said."""

    def one(service: str, state: str) -> Container:
        return Container(service, service, service, state, "", state)

    found: list[Container] = []
    monkeypatch.setattr(World, "containers", lambda *_: found)
    assert list(machine.services(World(tmp_path), "prod")) == []
    found += [one(name, "running") for name in ("prosaas-api", "worker", "postgres")]
    found += [one("prosaas-calls", "exited"), one("gateway", "dead")]
    told = {each.text: each.fix for each in machine.services(World(tmp_path), "prod")}
    assert told == {
        "prosaas-calls does not run: exited": "make restart-calls",
        "gateway does not run: dead": "make up-prod",
    }
    found += [one("prosaas-calls", "running"), one("gateway", "running")]
    assert [each.bad for each in machine.services(World(tmp_path), "prod")] == [False]
    found[:] = [
        one(name, "paused" if name == "worker" else "running") for name in (*OWN_SERVICES, "postgres", "gateway")
    ]
    told = {each.text: each.fix for each in machine.services(World(tmp_path), "prod")}
    assert told == {"worker does not run: paused": "docker unpause worker"}


@pytest.mark.docker
def test_a_service_that_has_no_container_beside_some_that_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a late Ctrl-C in `make down` leaves it; the database only where it is a container of the stack."""
    found = [Container(name, name, name, "running", "", "Up") for name in ("prosaas-api", "worker", "gateway")]
    monkeypatch.setattr(World, "containers", lambda *_: found)
    told = {each.text: each.fix for each in machine.services(World(tmp_path), "prod")}
    assert told == {
        "prosaas-calls does not run: it has no container": "make up-prod",
        "postgres does not run: it has no container": "make up-prod",
    }
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://elsewhere/prosaas\n")
    (told_elsewhere,) = machine.services(World(tmp_path), "prod")
    assert told_elsewhere.text.startswith("prosaas-calls")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "prosaas-dev")
    (of_development,) = machine.services(World(tmp_path), "prod")
    assert of_development.fix == "make up-dev"
    found[:] = [Container("worker", "worker", "worker", "exited", "", "exited")]
    assert [each.fix for each in machine.services(World(tmp_path), "prod")] == ["make restart-worker"]


def test_where_all_of_prosaas_calls_drains_nobody_takes_a_call_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop that was broken off, or one that was killed beside an older one: its processes run."""
    found = [Container(name, "prosaas-calls", name, "running", "", "Up") for name in ("calls-1", "calls-2")]
    found += [
        Container(name, name, name, "running", "", "Up") for name in ("prosaas-api", "worker", "gateway", "postgres")
    ]
    drain = {"calls-1"}
    monkeypatch.setattr(World, "containers", lambda *_: found)
    monkeypatch.setattr(machine, "drains", lambda _, one: one.name in drain)
    assert [each.bad for each in machine.services(World(tmp_path), "prod")] == [False]
    drain.add("calls-2")
    (told,) = machine.services(World(tmp_path), "prod")
    assert (told.text, told.fix) == (
        "no prosaas-calls takes new calls: all that runs of it lets its calls come to their end",
        "make restart-calls",
    )


@pytest.mark.parametrize(
    ("project", "policy", "port", "told"),
    [
        ("before", "unless-stopped", "8000", True),
        ("", "always", "8000", True),
        ("prosaas", "unless-stopped", "8000", False),
        ("before", "no", "8000", False),
        ("before", "unless-stopped", "8001", False),
    ],
)
def test_what_stands_still_and_would_take_a_port_at_the_next_reboot_is_named_and_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str, policy: str, port: str, told: bool
) -> None:
    row = {"Id": "1", "Names": ["/before-gateway-1"], "Labels": {"com.docker.compose.project": project}}
    host = {"RestartPolicy": {"Name": policy}, "PortBindings": {"8000/tcp": [{"HostPort": port}], "1/tcp": None}}
    engine = SimpleNamespace(get=lambda *_, **__: [row], inspect=lambda _: {"HostConfig": host})
    monkeypatch.setattr(World, "engine", engine)
    monkeypatch.setattr(World, "containers", lambda *_: [])
    monkeypatch.setattr(World, "project", "prosaas")
    found = [finding for finding in machine.ports(World(tmp_path), "prod") if finding.later]
    assert [finding.fix for finding in found] == ["if nobody needs it: docker rm before-gateway-1"] * told
    assert not any(finding.bad for finding in found)


@pytest.mark.docker
def test_a_port_that_is_none_keeps_nobody_from_looking_at_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is none is told by the check of numbers, and once."""
    (tmp_path / ".env").write_text("MONITORING=1\nAPI_PORT=eighty\nPROMETHEUS_PORT=-5\nALERTMANAGER_PORT=9094\n")
    monkeypatch.setattr(World, "engine", SimpleNamespace(get=lambda *_, **__: []))
    monkeypatch.setattr(World, "containers", lambda *_: [])
    monkeypatch.setattr(machine, "_free", lambda *_: True)
    assert [finding.text for finding in machine.ports(World(tmp_path), "prod")] == ["ALERTMANAGER_PORT=9094 is free"]


def test_what_is_taken_away_while_it_is_looked_at_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: str) -> None:
        raise Gone("no such container")

    rows = [{"Id": "1", "Names": ["/x"], "Labels": {}}]
    monkeypatch.setattr(World, "engine", SimpleNamespace(get=lambda *_, **__: rows, inspect=gone))
    monkeypatch.setattr(World, "project", "prosaas")
    assert list(machine._claimed(World(tmp_path), {8000})) == []


def test_what_may_be_half_of_an_env_file_with_its_passwords_is_told_of_and_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in (".env", ".env.original", ".env.20260125", ".env.x7_k2abq", "secrets/openai_api_key.0abcdefg"):
        (tmp_path / name).touch()
    found, other = machine.left_over(World(tmp_path), "prod")
    assert other.fix == "rm secrets/openai_api_key.0abcdefg, unless it is yours"
    assert found.text.startswith(".env.x7_k2abq may be what an earlier version")
    assert (found.bad, found.fix) == (False, "rm .env.x7_k2abq, unless it is yours")
    assert machine.left_over in machine.DOCTOR
    assert len([*tmp_path.rglob("*")]) == 6


def test_a_copy_of_the_database_that_a_kill_left_is_told_with_what_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses nothing; of a database that does not answer others tell."""
    found: list[Container] = []

    def away(_: World) -> list[str]:
        raise Problem("psql: the database system is starting up")

    monkeypatch.setattr(World, "containers", lambda *_: found)
    monkeypatch.setattr(machine.database, "copies", away)
    assert list(machine.copies(World(tmp_path), "prod")) == []
    found.append(Container("postgres", "postgres", "postgres", "running", "", "running"))
    assert list(machine.copies(World(tmp_path), "prod")) == []
    monkeypatch.setattr(machine.database, "copies", lambda _: ["prosaas_restored"])
    (told,) = machine.copies(World(tmp_path), "prod")
    assert told.later
    assert "prosaas_restored is beside the database" in told.text
    assert "make backup" in told.fix
    assert machine.copies in machine.DOCTOR


@pytest.mark.docker
@pytest.mark.parametrize(
    ("project", "fix"),
    [("prosaas", "make up-prod, which brings it to every service and cuts no call"), ("prosaas-dev", "make up-dev")],
)
def test_a_secret_that_no_service_has_yet_is_told_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str, fix: str
) -> None:
    """It refuses nothing; what a start does not tell the database is another command's."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", project)
    running = [Container("1", "prosaas-api", "1", "running", "", "Up")]
    monkeypatch.setattr(World, "containers", lambda *_: running)
    (tmp_path / ".env").write_text("ADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\n")
    write_secrets(World(tmp_path))
    assert list(machine.secrets(World(tmp_path), "prod")) == []
    (tmp_path / ".env").write_text("ADMIN_API_KEY=b\nPOSTGRES_PASSWORD=q\n")
    found = {each.text.rpartition(": ")[2]: each.fix for each in machine.secrets(World(tmp_path), "prod")}
    assert found["ADMIN_API_KEY"] == fix
    assert found["POSTGRES_PASSWORD"].endswith("make rotate-secret NAME=POSTGRES_PASSWORD")
    assert all(each.later for each in machine.secrets(World(tmp_path), "prod"))
    running.clear()
    assert list(machine.secrets(World(tmp_path), "prod")) == [], "the first start writes them"
    assert machine.secrets in machine.DOCTOR
    assert machine.secrets in machine.RESTART
    assert machine.secrets not in (*machine.PREFLIGHT, *machine.MANAGER), "a start writes them"


def test_while_another_command_is_at_work_nothing_is_offered_that_its_lock_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [Container(name, name, name, "exited", "", "exited") for name in ("prosaas-calls", "gateway")]
    monkeypatch.setattr(World, "containers", lambda *_: there)
    world = World(tmp_path)
    assert list(machine.commands(world, "prod")) == []
    with world.locked("restore"):
        (found,) = machine.commands(world, "prod")
        assert found.text.startswith("another command is at work: make restore, since ")
        assert found.later
        assert {each.fix for each in machine.services(world, "prod")} == {found.fix} == {"wait for its end"}
    assert "make restart-calls" in {each.fix for each in machine.services(world, "prod")}
    assert machine.commands in machine.DOCTOR
    assert machine.commands not in (*machine.PREFLIGHT, *machine.MANAGER), "a start has the lock itself"


@pytest.mark.parametrize(
    ("plan", "fix"),
    [
        ({"plan": "restore"}, "the next command that changes the stack"),
        ({"plan": "up-prod"}, "make up-prod"),
        ({"plan": "down"}, "make down goes on with it; make up-prod has calls taken again"),
        ({"plan": "rollback"}, "the next command that changes the stack"),
        ({"plan": "rollback", "goes_back": True}, "make doctor, then make up-prod"),
    ],
)
def test_a_command_that_was_killed_is_told_with_what_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], fix: str
) -> None:
    """A restart ends it first, and is what brings back a service; one that had changed nothing is no matter."""
    there = [Container("worker", "worker", "worker", "exited", "", "exited")]
    monkeypatch.setattr(World, "containers", lambda *_: there)
    world = World(tmp_path)
    journal = {"step": "stop", "at": "x", "changed": True, "memory": {}, **plan}
    world.state.mkdir()
    world.remember("journal", journal)
    (found,) = machine.commands(world, "prod")
    assert found.text == f"make {plan['plan']} was interrupted at the step 'stop' and has not come to its end"
    assert found.fix.startswith(fix)
    assert {each.fix for each in machine.services(world, "prod")} == {"make restart-worker"}
    world.remember("journal", journal | {"changed": False})
    assert list(machine.commands(world, "prod")) == []
    (world.state / "journal.json").write_text("{")
    (damaged,) = machine.commands(world, "prod")
    assert damaged.bad
    assert "journal.json is damaged" in damaged.text
    # Nobody is told to throw away what may be the only copy of a new password.
    assert damaged.fix == "mv .state/journal.json .state/journal.damaged"
    assert {each.fix for each in machine.services(world, "prod")} == {damaged.fix}


class Second(World):
    """A folder on a machine on which another folder's stack is `prosaas`, and drains, and holds its port."""

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        theirs = "label=com.docker.compose.project=prosaas" in " ".join(words)
        return Done(0, "/srv/first\n" if theirs and words[0] == "ps" else "", "")

    def containers(self, *services: str) -> list[Container]:
        if self.project != "prosaas":
            return []
        return [Container("c", "prosaas-calls", "calls", "exited", "", "Exited (1)", ports=(8000,))]

    @property
    def engine(self) -> Any:
        return SimpleNamespace(get=lambda path, **query: [])

    @property
    def project(self) -> str:
        return self.overrides.get("COMPOSE_PROJECT_NAME", "prosaas")


@pytest.mark.parametrize("own", [False, True], ids=["no .env", "an .env"])
def test_of_a_folder_without_an_env_nothing_of_another_folders_stack_is_told_as_its_own(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second clone, before its first start, which chooses another name. With an .env that name is amiss."""
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    monkeypatch.setattr(machine, "_free", lambda *_: False)
    monkeypatch.setattr(World, "recorded", lambda _world, _name, default="": default)
    if own:
        (tmp_path / ".env").touch()
    world = Second(tmp_path)
    (found,) = machine.project(world, "prod")
    assert found.text.endswith("prosaas is the stack of another folder: /srv/first")
    assert found.text.startswith("this folder has no .env, and so no stack; ") is not own
    assert found.bad is own
    assert ("calls" in "".join(each.text for each in machine.services(world, "prod"))) is own
    (port,) = machine.ports(world, "prod")
    assert port.text == "API_PORT=8000 is taken by something else"
    checks = [*machine.DOCTOR]
    assert checks.index(machine.project) < min(map(checks.index, (machine.ports, machine.services, machine.server)))


def test_a_name_that_the_shell_chose_is_the_one_that_a_first_start_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "prosaas")
    (found,) = machine.project(Second(tmp_path), "prod")
    assert found.bad
