"""`make console`: serves the pages until nobody looks any more, and tells the ways in."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable

import uvicorn

from prosaas_logging import bootstrap, get_logger
from prosaas_ops import audited
from prosaas_ops.console.reader import DOOR
from prosaas_ops.console.routes import PORT, Console, link_to
from prosaas_ops.console.session import IDLE_SECONDS, Doorkeeper
from prosaas_ops.console.world import World
from prosaas_ops.options import FINE, Options
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Engine
from prosaas_ops.texts import console as texts

OPTIONS = ("CONSOLE_PORT",)
# How long what was noted on this machine waits to be in the database too.
_CARRY_SECONDS = 10.0

log = get_logger(__name__)
_UVICORN = logging.getLogger("uvicorn.error")


def ways_in(port: int, key: str) -> tuple[str, str]:
    """Here, and from another machine."""
    whose = os.environ.get("OPS_OPERATOR") or "USER@HOST"
    return (
        texts.LINK_PRINTED(link=link_to(port, key)),
        texts.FROM_ELSEWHERE(port=port, whose=whose),
    )


def run(options: Options) -> int:
    """Serves until Ctrl-C, or until nobody has looked for IDLE_SECONDS."""
    port = int(os.environ.get("CONSOLE_PORT") or PORT)
    doorkeeper = Doorkeeper()
    screen = Screen()
    screen.say(
        *ways_in(port, doorkeeper.link()),
        texts.ENDS_BY(minutes=f"{IDLE_SECONDS / 60:.0f}"),
    )
    # From here on what is printed is a line of the log.
    bootstrap("prosaas-console")
    asyncio.run(serve(Console(World(Engine(path=str(DOOR))), doorkeeper, port), doorkeeper, PORT))
    return FINE


async def serve(
    console: Console,
    doorkeeper: Doorkeeper,
    port: int,
    idle_seconds: float = IDLE_SECONDS,
    started: Callable[[uvicorn.Server], None] = lambda _: None,
) -> None:
    """Serves on every address of this container until nobody has looked for so long, or it is stopped."""
    config = uvicorn.Config(
        console.app(),
        host="0.0.0.0",
        port=port,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=100,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server, level = _Server(config), _UVICORN.level
    started(server)

    async def end_when_idle() -> None:
        while (left := idle_seconds - doorkeeper.idle_seconds) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)
        log.info("nobody has looked: the console ends", minutes=round(idle_seconds / 60))
        server.should_exit = True

    async def carry() -> None:
        while True:
            await asyncio.sleep(_CARRY_SECONDS)
            await asyncio.to_thread(audited.carry)

    beside = [asyncio.create_task(end_when_idle()), asyncio.create_task(carry())]
    try:
        await server.serve()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.to_thread(audited.carry)
        _UVICORN.setLevel(level)


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Whoever ends it cuts off the pages that are open, and means to: a traceback of each would say no more.
        _UVICORN.setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
