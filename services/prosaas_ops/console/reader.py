"""The narrow door to the engine: reads this stack's containers and lines, works its level switch, and nothing else.

The engine's socket is root on the host, so the console, which a browser talks to, has this socket instead. A request is
taken apart and written anew: what reaches the engine is ours to the byte.
"""

import asyncio
import json
import os
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from prosaas_ops.options import FINE, Options, Problem
from prosaas_ops.stack.engine import SOCKET, Engine

OPTIONS = ()

DOOR = Path("/run/engine/docker.sock")
_LONGEST_HEAD, _LONGEST_BODY = 16 * 1024, 16 * 1024
_ASK_SECONDS = 10.0
_CHUNK = 1 << 16
# The project's containers change with deploys alone.
_KNOWN_SECONDS = 1.0
_MOST_RUNS = 256

_CONTAINER = re.compile(r"/containers/([0-9a-f]{12,64})/(json|logs|exec)")
_RUN = re.compile(r"/exec/([0-9a-f]{12,64})/(json|start)")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_LOG_WORDS = {"stdout", "stderr", "timestamps", "follow", "since", "until"}
_TARGET = r"--call CA[0-9A-Za-z]{1,40}"
# What may be run in a container, word for word.
_COMMANDS = (
    re.compile(r"logctl status --json"),
    re.compile(rf"logctl level DEBUG {_TARGET} --for [0-9]{{1,5}}s"),
    re.compile(rf"logctl reset {_TARGET}"),
    re.compile(r"logctl blackbox CA[0-9A-Za-z]{1,40}"),
    re.compile(r"python -m prosaas_worker.admin retry [0-9]{1,18}"),
)


class Refused(Exception):
    """The console may not ask this."""

    status = "403 Forbidden"


class NotOurs(Refused):
    """A container of another project, or one that is gone by now: a reader of its lines goes on without it."""

    status = "404 Not Found"


class Asked(NamedTuple):
    """One request, as it was understood."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]


class Reader:
    """Answers on a socket of its own what the engine says, for one project."""

    def __init__(self, engine: Engine, socket: str = SOCKET) -> None:
        self._engine = engine
        self._socket = socket
        self._known: tuple[float, frozenset[str]] = (0.0, frozenset())
        self._runs: deque[str] = deque(maxlen=_MOST_RUNS)

    async def answer(self, client: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        """One request, then everything that the engine answers until either side ends."""
        try:
            asked = await asyncio.wait_for(_heard(client), _ASK_SECONDS)
            await self._hand_on(await asyncio.to_thread(self.allowed, asked), client, out)
        except (Refused, Problem, ValueError, RecursionError) as refused:
            message = json.dumps({"message": f"not through the console's door: {refused}"}).encode()
            status = getattr(refused, "status", Refused.status)
            out.write(f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + message)
        except (OSError, TimeoutError, EOFError):
            pass
        finally:
            with suppress(OSError):
                out.close()
                await out.wait_closed()

    def allowed(self, asked: Asked) -> Asked:
        """The request as the engine gets it; Refused for everything that is not named here."""
        container, run = _CONTAINER.fullmatch(asked.path), _RUN.fullmatch(asked.path)
        if (asked.method, asked.path) in (("GET", "/containers/json"), ("GET", "/events")):
            return asked._replace(query={**asked.query, "filters": self._only_ours(asked.query)}, body={})
        if container and container[1] not in self._ours():
            raise NotOurs(f"{asked.method} {asked.path[:80]}")
        if container:
            if (asked.method, container[2]) == ("GET", "json") and not asked.query:
                return asked._replace(body={})
            if (asked.method, container[2]) == ("GET", "logs") and _fits(asked.query):
                return asked._replace(body={})
            if (asked.method, container[2]) == ("POST", "exec") and not asked.query:
                return asked._replace(body=_command(asked.body))
        if run and run[1] in self._runs and not asked.query:
            if (asked.method, run[2]) == ("GET", "json"):
                return asked._replace(body={})
            if (asked.method, run[2]) == ("POST", "start"):
                return asked._replace(body={"Detach": False, "Tty": False})
        raise Refused(f"{asked.method} {asked.path[:80]}")

    def _only_ours(self, query: Mapping[str, str]) -> str:
        """The filters as we read them, which the engine might do otherwise."""
        filters = json.loads(query.get("filters", "{}"))
        labels = filters.get("label") if isinstance(filters, dict) else None
        if not isinstance(labels, list) or f"com.docker.compose.project={self._engine.project}" not in labels:
            raise Refused("containers of other projects")
        return json.dumps(filters)

    def _ours(self) -> frozenset[str]:
        at, known = self._known
        if time.monotonic() - at > _KNOWN_SECONDS:
            known = frozenset(container.id for container in self._engine.containers())
            self._known = time.monotonic(), known
        return known

    async def _hand_on(self, asked: Asked, client: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        engine, into = await asyncio.open_unix_connection(self._socket, limit=_CHUNK)
        body = json.dumps(asked.body).encode() if asked.body else b""
        head = f"{asked.method} {asked.path}?{urlencode(asked.query)} HTTP/1.0\r\nHost: docker\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        into.write(head.encode() + body)
        try:
            if asked.method == "POST" and asked.path.endswith("/exec"):
                answer = await engine.read()
                self._remember(answer)
                out.write(answer)
                return
            # A follower that goes away is noticed at once, not with the container's next line.
            gone = asyncio.create_task(client.read(1))
            passing = asyncio.create_task(_pass(engine, out))
            await asyncio.wait({gone, passing}, return_when=asyncio.FIRST_COMPLETED)
            for task in (gone, passing):
                task.cancel()
            await asyncio.gather(gone, passing, return_exceptions=True)
        finally:
            into.close()

    def _remember(self, answer: bytes) -> None:
        with suppress(ValueError, KeyError, TypeError):
            self._runs.append(str(json.loads(answer.partition(b"\r\n\r\n")[2])["Id"]))


async def _pass(engine: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
    while chunk := await engine.read(_CHUNK):
        out.write(chunk)
        await out.drain()


async def _heard(client: asyncio.StreamReader) -> Asked:
    """The request that came in, bounded; ValueError for what is none."""
    try:
        head = await client.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ValueError("the request is too long") from None
    first, *rows = head.decode("ascii").split("\r\n")
    method, target, _ = first.split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
    length = int(fields.get("content-length") or 0)
    if not 0 <= length <= _LONGEST_BODY or "transfer-encoding" in fields:
        raise ValueError("the request's body is too long")
    body = json.loads(await client.readexactly(length)) if length else {}
    url = urlsplit(target)
    query = parse_qsl(url.query, keep_blank_values=True)
    if len(dict(query)) != len(query) or not isinstance(body, dict):
        raise ValueError("not a request of the console's")
    return Asked(method, url.path, dict(query), body)


def _fits(query: Mapping[str, str]) -> bool:
    return query.keys() <= _LOG_WORDS and all(_NUMBER.fullmatch(value) for value in query.values())


def _command(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The command to run, if it is one of ours, and nothing else of the body: no user, no privileges."""
    words = body.get("Cmd")
    if not isinstance(words, Sequence) or not all(isinstance(word, str) and " " not in word for word in words):
        raise Refused("a command that is none")
    if not any(command.fullmatch(" ".join(words)) for command in _COMMANDS):
        raise Refused(f"the command {' '.join(words)[:80]}")
    return {"AttachStdout": True, "AttachStderr": True, "Cmd": list(words)}


def run(options: Options) -> int:
    """Serves until it is stopped."""
    DOOR.unlink(missing_ok=True)
    asyncio.run(serve(Reader(Engine()), DOOR))
    return FINE


async def serve(reader: Reader, door: Path) -> None:
    """Answers at the door until cancelled."""
    former = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(reader.answer, door, limit=_LONGEST_HEAD)
    finally:
        os.umask(former)
    async with server:
        await server.serve_forever()
