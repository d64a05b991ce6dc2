"""The engine's framed stream of what containers write, cut into lines."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

_STDERR = 2
# "Error grabbing logs: …" without a time is a Swarm's manager itself, of a node that it does not reach.
_NO_STAMP = "Error"
# The engine cuts a line into pieces of 16 KiB. One that does not end, a bar of \r for example, is shown by so many.
_LONGEST_UNENDED = 64 * 1024
# The engine writes line by line: only full chunks, and the end, are worth waking up for.
_CHUNK = 1 << 18
# The kind of stream, three zero bytes, the payload's length.
_HEADER = struct.Struct(">BxxxL").unpack_from


class RawLine(NamedTuple):
    """One line a container wrote, with the engine's own time stamp (fixed width, so it sorts as text)."""

    stamp: str
    service: str
    text: str
    # Which of several wrote it, and where; empty on one host.
    place: str = ""


class Demultiplexer:
    """Cuts the engine's framed log stream into whole lines; one instance for each container and stream."""

    def __init__(self, service: str, place: str = "") -> None:
        self._service = service
        self._place = place
        self._pending = bytearray()
        self._partial: dict[int, list[bytes]] = {}

    def feed(self, chunk: bytes) -> Iterator[RawLine]:
        self._pending += chunk
        partial = self._partial
        for kind, payload in _frames(self._pending):
            if kind in partial or payload[-1:] != b"\n":
                # A line above 16 KiB comes in pieces, each with a stamp of its own: the first one counts.
                held = partial.setdefault(kind, [])
                held.append(payload.partition(b" ")[2] if held else payload)
                if payload[-1:] != b"\n" and sum(map(len, held)) < _LONGEST_UNENDED:
                    continue
                payload = b"".join(partial.pop(kind))
            stamp, _, text = payload.decode("utf-8", "replace").partition(" ")
            if stamp == _NO_STAMP:
                continue
            yield RawLine(stamp, self._service, text.removesuffix("\n"), self._place)


def log_query(since: float | None, until: float | None = None) -> dict[str, Any]:
    """What the engine is asked for to get lines with its stamps, from both streams."""
    query: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1}
    if since is not None:
        query["since"] = f"{since:.9f}"
    if until is not None:
        query["until"] = f"{until:.9f}"
    return query


def chunks(connection: socket.socket) -> Iterator[bytes]:
    """What comes until the other side ends it."""
    while chunk := connection.recv(_CHUNK, socket.MSG_WAITALL):
        yield chunk


def separated(body: bytes) -> tuple[str, str]:
    """What a command printed to stdout and to stderr, from the frames of both."""
    out, err = bytearray(), bytearray()
    for kind, payload in _frames(bytearray(body)):
        (err if kind == _STDERR else out).extend(payload)
    return out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes the complete frames off the front of the buffer."""
    start, view, size = 0, bytes(buffer), len(buffer)
    while start + 8 <= size:
        kind, length = _HEADER(view, start)
        end = start + 8 + length
        if end > size:
            break
        yield kind, view[start + 8 : end]
        start = end
    del buffer[:start]
