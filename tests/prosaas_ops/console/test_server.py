"""How the console ends."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from ports import free_port
from prosaas_ops import audited
from prosaas_ops.console import server
from prosaas_ops.console.session import Doorkeeper


@pytest.mark.parametrize("begun", [True, False])
async def test_who_ends_a_console_with_a_page_open_sees_no_traceback_of_it(
    begun: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines are followed for as long as a page is open, and a search may be on its way."""
    monkeypatch.setattr(audited, "carry", lambda: None)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "propagate", True)
    asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def page(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a line", "more_body": True})
        asked.set_result(None)
        await asyncio.Event().wait()

    console: Any = SimpleNamespace(app=lambda: page)
    port, served = free_port(), asyncio.Queue[uvicorn.Server]()
    task = asyncio.create_task(server.serve(console, Doorkeeper(), port, started=served.put_nowait))
    ours = await served.get()
    async with asyncio.timeout(10):
        while not ours.started:  # noqa: ASYNC110
            await asyncio.sleep(0)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked
        ours.should_exit = True
        await task
    writer.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert logging.getLogger("uvicorn.error").isEnabledFor(logging.ERROR)
