"""The least of RFC 6455 that load needs, and audio frames that carry the time they were sent.

A general WebSocket library would spend on the load generator the processor time that the service under test should get.
"""

import base64
import hashlib
import struct
import time
from collections.abc import Iterator
from typing import Final

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK: Final = b"\x00\x00\x00\x00"
_STAMP_MAGIC: Final = b"\x7f\xfe\x7d\xfc\x7b\xfa"
_STAMP: Final = struct.Struct("<dI")
_MAGIC_TEXT: Final = base64.b64encode(_STAMP_MAGIC)
_STAMP_TEXT_LENGTH: Final = _STAMP.size * 4 // 3
# Magic and stamp take 18 of the 160 bytes, a whole number of base64 groups, so that the rest never changes.
_REST_TEXT: Final = base64.b64encode(b"\xff" * (160 - len(_STAMP_MAGIC) - _STAMP.size)).decode()


def accept_key(key: bytes) -> str:
    """Return what a server answers to Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()


def pack(payload: bytes, opcode: int = TEXT, *, client: bool) -> bytes:
    """Return one frame; a client's mask is zero, which the protocol allows and which costs nothing."""
    mask_bit, mask = (0x80, _NO_MASK) if client else (0, b"")
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, mask_bit | length))
    elif length < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, mask_bit | 127, length)
    return head + mask + payload


class Unpacker:
    """Cuts received bytes into frames; messages are taken to be unfragmented."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield opcode and payload of every frame that is complete."""
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 2:
            length, body = data[at + 1] & 0x7F, at + 2
            if length == 126:
                length, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            masked = data[at + 1] & 0x80
            start = body + 4 if masked else body
            if start + length > end:
                break
            payload = data[start : start + length]
            yield data[at] & 0x0F, _unmask(payload, data[body:start]) if masked else payload
            at = start + length
        self._rest = data[at:]


def _unmask(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    keys = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")).to_bytes(length, "little")


def stamped_payload(own_us: int = 0) -> str:
    """Return a frame of audio, in base64, that says when it was sent, and what time its sender took for itself."""
    stamp = base64.b64encode(_STAMP_MAGIC + _STAMP.pack(time.monotonic(), own_us)).decode()
    return stamp + _REST_TEXT


def read_stamp(message: bytes) -> tuple[float, float] | None:
    """Return how long ago this message's audio was sent, and its sender's own time; None without stamped audio."""
    at = message.find(_MAGIC_TEXT)
    if at < 0:
        return None
    start = at + len(_MAGIC_TEXT)
    sent, own_us = _STAMP.unpack(base64.b64decode(message[start : start + _STAMP_TEXT_LENGTH]))
    return (time.monotonic() - sent) * 1000, own_us / 1000
