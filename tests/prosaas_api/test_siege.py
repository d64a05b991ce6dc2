"""Strangers at the door by the thousand, over real sockets: they get answers, and the log stays what it was for."""

import asyncio
import os
import time

import pytest

from api_world import Server, reachable, serving

# Longer for whoever wants to measure: a minute is what an engineer would have to read.
SECONDS = float(os.environ.get("SIEGE_SECONDS", "4"))
CONNECTIONS, AT_ONCE = 32, 24
# What the engine keeps of a container's log before the oldest line goes: five files of 10 MB.
KEPT_BYTES = 50_000_000


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def badness(number: int) -> bytes:
    """One of many kinds, each time another one of its kind."""
    form = "Content-Type: application/x-www-form-urlencoded"
    kinds = (
        request("POST", "/twilio/voice", b"CallSid=CA%d&From=x" % number, form),
        request("POST", "/twilio/voice", b"CallSid=CA%d" % number, form, f"X-Twilio-Signature: {number}"),
        request("POST", "/twilio/status", b"\xff\xfe%d" % number, form),
        request("POST", "/whatsapp/meta", b'{"object":[%d' % number),
        request("POST", "/whatsapp/meta", b"[" * 5_000, f"X-Hub-Signature-256: sha256={number:064x}"),
        request("GET", f"/whatsapp/meta?hub.mode=subscribe&hub.verify_token={number}"),
        request("GET", f"/{number}/../.env"),
        request("GET", f"/v1/businesses/{number}", b"", f"Authorization: Bearer {number}"),
        request("PUT", "/v1/businesses", b"%d" % number),
    )
    return kinds[number % len(kinds)]


async def besiege(port: int, until: float, numbers: range) -> int:
    """One stranger: so many requests at once, and again when they are answered; who is shown out comes again."""
    answered, number = 0, iter(numbers)
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() < until:
                writer.write(b"".join(badness(next(number)) for _ in range(AT_ONCE)))
                for _ in range(AT_ONCE):
                    await answer(reader)
                    answered += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
    return answered


async def answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(length.partition(b":")[2]))


async def listen(server: Server) -> None:
    assert server.process.stdout is not None
    async for line in server.process.stdout:
        server.said.append(line.decode())


@pytest.mark.postgres
@pytest.mark.usefixtures("engine")
async def test_bad_requests_by_the_thousand_leave_the_start_of_the_service_in_its_log(
    environ: dict[str, str], unused_tcp_port: int
) -> None:
    """No kind of badness costs more than a line a second, so that a minute of it takes nothing from what is kept."""
    async with serving(environ, unused_tcp_port) as server:
        reading = asyncio.create_task(listen(server))
        try:
            await (await reachable(server)).aclose()
            until = time.monotonic() + SECONDS
            numbers = (range(10**9 * each, 10**9 * (each + 1)) for each in range(CONNECTIONS))
            answered = sum(await asyncio.gather(*(besiege(unused_tcp_port, until, each) for each in numbers)))
            server.process.terminate()
            await reading
        finally:
            reading.cancel()
    size = sum(map(len, server.said))
    rate = answered / SECONDS
    print(f"{answered:,} requests in {SECONDS:.0f} s ({rate:,.0f}/s): {len(server.said)} lines, {size:,} bytes")
    assert any("[SERVICE_START]" in line for line in server.said)
    assert not [line for line in server.said if "Traceback" in line]
    assert len(server.said) < 40 + 10 * SECONDS
    assert size / SECONDS * 60 < KEPT_BYTES / 100
