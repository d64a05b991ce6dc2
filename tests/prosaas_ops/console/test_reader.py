"""The narrow door: what goes through it to the engine is what the console needs, written anew."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from prosaas_ops.console.reader import Asked, Reader, Refused, serve
from prosaas_ops.options import Problem
from prosaas_ops.stack import switch
from prosaas_ops.stack.engine import Container, Engine

OURS, THEIRS = "a" * 64, "b" * 64
CALL = "CA0123456789abcdef0123456789abcdef"
PROJECT = json.dumps({"label": ["com.docker.compose.project=prosaas", "com.docker.compose.container-number"]})


class Owned:
    """An engine that knows which containers are ours."""

    project = "prosaas"

    def containers(self, *_services: str) -> list[Container]:
        return [Container(OURS, "prosaas-calls", "x", "running", "i", "Up")]


@pytest.fixture
def reader() -> Reader:
    made = Reader(Owned())  # type: ignore[arg-type]
    made._runs.append("c" * 64)
    return made


def asked(method: str, path: str, body: Any = None, /, **query: str) -> Asked:
    return Asked(method, path, query, body or {})


def run(*words: str) -> Asked:
    return asked("POST", f"/containers/{OURS}/exec", {"AttachStdout": True, "Cmd": list(words)})


@pytest.mark.parametrize(
    "request_",
    [
        asked("GET", "/containers/json", all="1", filters=PROJECT),
        asked("GET", "/events", filters=PROJECT, since="0"),
        asked("GET", f"/containers/{OURS}/json"),
        asked("GET", f"/containers/{OURS}/logs", stdout="1", follow="1", since="1700000000.123456789"),
        run("logctl", "status", "--json"),
        run("logctl", "level", "DEBUG", "--call", CALL, "--for", "900s"),
        run("logctl", "reset", "--call", CALL),
        run("logctl", "blackbox", CALL),
        run("python", "-m", "prosaas_worker.admin", "retry", "12"),
        asked("GET", f"/exec/{'c' * 64}/json"),
        asked("POST", f"/exec/{'c' * 64}/start"),
    ],
    ids=lambda one: f"{one.method} {one.path[:24]}",
)
def test_what_the_console_needs_goes_through(reader: Reader, request_: Asked) -> None:
    assert reader.allowed(request_)[:3] == request_[:3]


@pytest.mark.parametrize(
    "request_",
    [
        asked("GET", "/containers/json", all="1"),
        asked("GET", "/containers/json", filters='{"label": ["com.docker.compose.project=other"]}'),
        asked("GET", "/containers/json", filters='{"label": "com.docker.compose.project=prosaas"}'),
        asked("GET", "/events"),
        asked("GET", f"/containers/{THEIRS}/json"),
        asked("GET", f"/containers/{THEIRS}/logs", stdout="1"),
        asked("GET", f"/containers/{OURS}/json", size="1"),
        asked("GET", f"/containers/{OURS}/logs", stdout="1", details="1"),
        asked("GET", f"/containers/{OURS}/logs", since="1 HTTP/1.0"),
        asked("GET", f"/containers/{OURS}/top"),
        asked("GET", f"/containers/{OURS}/archive", path="/"),
        asked("POST", f"/containers/{OURS}/kill"),
        asked("DELETE", f"/containers/{OURS}"),
        asked("POST", f"/containers/{OURS}/logs", stdout="1"),
        asked("GET", f"/containers/{OURS}/json/../../../info"),
        asked("POST", "/containers/create", {"Image": "x"}),
        asked("GET", "/info"),
        asked("POST", f"/exec/{'d' * 64}/start"),
        asked("POST", f"/exec/{'c' * 64}/resize", h="1"),
        run("sh", "-c", "id"),
        run("logctl", "level", "DEBUG"),
        run("logctl", "level", "DEBUG", "--for", "900s"),
        run("logctl", "level", "CRITICAL", "--call", CALL, "--for", "900s"),
        run("logctl", "reset"),
        run("logctl reset", "--call", CALL),
        run("logctl", "status", "--json", "; id"),
        run("python", "-m", "prosaas_worker.admin", "retry", "12", "13"),
        run("python", "-m", "http.server"),
        asked("POST", f"/containers/{OURS}/exec", {"Cmd": "logctl status --json"}),
        asked("POST", f"/containers/{OURS}/exec", {"Cmd": [1]}),
        asked("POST", f"/containers/{OURS}/exec", {}),
    ],
    ids=lambda one: f"{one.method} {one.path[:24]} {one.body.get('Cmd', '')}"[:60],
)
def test_everything_else_is_refused(reader: Reader, request_: Asked) -> None:
    with pytest.raises((Refused, ValueError)):
        reader.allowed(request_)


def test_a_container_that_is_gone_by_now_is_not_there_and_nothing_worse(reader: Reader) -> None:
    """The console goes on without it, as the commands do."""
    with pytest.raises(Refused) as refused:
        reader.allowed(asked("GET", f"/containers/{THEIRS}/logs", stdout="1"))
    assert refused.value.status.startswith("404")


def test_a_command_comes_without_a_user_privileges_or_an_environment(reader: Reader) -> None:
    body = {"Cmd": ["logctl", "status", "--json"], "Privileged": True, "User": "0", "Env": ["X=1"], "Tty": True}
    passed = reader.allowed(asked("POST", f"/containers/{OURS}/exec", body))
    assert passed.body == {"AttachStdout": True, "AttachStderr": True, "Cmd": body["Cmd"]}


class PlayedDocker:
    """The engine's end: remembers what reached it, and answers as Docker does."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.gone = asyncio.Event()
        self.answers = {
            "/containers/json": [
                {"Id": OURS, "Names": ["/x"], "State": "running", "Image": "i", "Status": "Up", "Labels": {
                    "com.docker.compose.service": "prosaas-calls"}},
            ],
            f"/containers/{OURS}/exec": {"Id": "e" * 64},
            f"/exec/{'e' * 64}/json": {"ExitCode": 0},
        }  # fmt: skip

    async def answer(self, client: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        head = (await client.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1].partition("?")[0]
        length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
        self.heard.append(f"{head.split(' ')[0]} {path} {(await client.readexactly(length)).decode()}")
        out.write(b"HTTP/1.0 200 OK\r\n\r\n")
        if path.endswith("/logs"):
            row = b"2024-01-25T14:00:00.000000000Z x\n"
            out.write(bytes([1, 0, 0, 0]) + len(row).to_bytes(4, "big") + row)
            if "follow" in head:
                await client.read()
                self.gone.set()
        elif path.endswith("/start"):
            said = json.dumps({"level": "INFO", "source": "env", "switches": []}).encode()
            out.write(bytes([1, 0, 0, 0]) + len(said).to_bytes(4, "big") + said)
        else:
            out.write(json.dumps(self.answers[path]).encode())
        out.close()


@pytest_asyncio.fixture
async def through(tmp_path: Path) -> AsyncIterator[tuple[PlayedDocker, Engine]]:
    """The commands' own client of the engine, with the door between."""
    docker, socket, door = PlayedDocker(), tmp_path / "docker.sock", tmp_path / "door.sock"
    server = await asyncio.start_unix_server(docker.answer, socket)
    reader = Reader(Engine("prosaas", str(socket)), str(socket))
    serving = asyncio.create_task(serve(reader, door))
    while not door.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert door.stat().st_mode & 0o777 == 0o600
    yield docker, Engine("prosaas", str(door))
    serving.cancel()
    server.close()


async def test_the_commands_own_client_works_through_the_door(through: tuple[PlayedDocker, Engine]) -> None:
    docker, engine = through
    (container,) = await asyncio.to_thread(engine.containers)
    assert container.id == OURS
    (line,) = await asyncio.to_thread(lambda: list(engine.logs(container, 1.0, 2.0)))
    assert line.text == "x"
    assert (await asyncio.to_thread(switch.status, engine, container))["level"] == "INFO"
    assert f'POST /containers/{OURS}/exec {{"AttachStdout": true, "AttachStderr": true,' in "\n".join(docker.heard)


async def test_what_is_refused_never_reaches_the_engine(through: tuple[PlayedDocker, Engine]) -> None:
    docker, engine = through
    with pytest.raises(Problem, match="not through the console's door"):
        await asyncio.to_thread(engine.get, "/info")
    with pytest.raises(Problem, match="not through the console's door"):
        await asyncio.to_thread(engine.post, "/containers/create", {"Image": "x", "HostConfig": {"Privileged": True}})
    assert not any("info" in heard or "create" in heard for heard in docker.heard)


async def test_a_follower_that_leaves_is_left_by_the_engine_too(through: tuple[PlayedDocker, Engine]) -> None:
    docker, engine = through
    connection = await asyncio.to_thread(engine.follow, OURS)
    assert await asyncio.to_thread(connection.recv, 100)
    connection.close()
    await asyncio.wait_for(docker.gone.wait(), 5)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"GET /containers/json\r\n\r\n",
        b"GET / HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n",
        b"GET / HTTP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /containers/json?all=1&all=2 HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]",
        b"GET /containers/json?filters=[] HTTP/1.0\r\n\r\n",
        b"GET /events?filters=" + b"[" * 9000 + b" HTTP/1.0\r\n\r\n",
        b"\xff\xfe HTTP/1.0 x\r\n\r\n",
        b"x" * 40_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_no_trouble(through: tuple[PlayedDocker, Engine], sent: bytes) -> None:
    docker, engine = through
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    client, out = await asyncio.open_unix_connection(engine._path)
    out.write(sent)
    if not sent:
        out.close()
    answer = await asyncio.wait_for(client.read(), 5)
    out.close()
    assert answer[:12] in (b"", b"HTTP/1.0 403")
    assert broken == []
    assert docker.heard == []


def test_filters_reach_the_engine_as_they_were_understood(reader: Reader) -> None:
    """Of a name that stands there twice the engine might take the other one."""
    twice = f'{{"label": ["x"], {PROJECT[1:]}'
    assert reader.allowed(asked("GET", "/events", filters=twice)).query == {"filters": PROJECT}
