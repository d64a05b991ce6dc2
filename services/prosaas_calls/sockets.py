"""Closing a WebSocket whose other end may be half dead."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Protocol


class Closable(Protocol):
    """What aiohttp's two WebSocket classes have in common here."""

    async def close(self) -> bool: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


async def close_socket(peer: Closable, seconds: float) -> None:
    """Close politely; a peer that does not even take our close frame is cut off."""
    try:
        async with asyncio.timeout(seconds):
            await peer.close()
    except TimeoutError:
        cut_socket(peer)


def cut_socket(peer: Closable) -> None:
    """End the connection without a word. Whoever waits to send, or to receive, learns of it at once."""
    connected = peer.get_extra_info("socket")
    if connected is not None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
