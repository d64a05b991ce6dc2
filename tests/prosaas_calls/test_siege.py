"""Ten thousand strangers at the door, and one caller."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from calls_world.process import ServiceProcess, service_process
from calls_world.world import BUSINESS, CALLER, ENVIRON
from prosaas_core.settings import load_settings
from prosaas_core.stream_token import issue

STRANGERS = 10_000
CALLS = 3
# Opens so many connections at once, asks for a stream on every second one, and keeps whatever it is left.
CROWD = """
import resource, socket, sys
count, port = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
request = (b"GET /media-stream HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
crowd = []
for number in range(count):
    stranger = socket.socket()
    stranger.settimeout(10.0)
    try:
        stranger.connect(("127.0.0.1", port))
        if number % 2:
            stranger.sendall(request)
    except OSError:
        pass
    crowd.append(stranger)
print(len(crowd), flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def crowd(port: int) -> AsyncIterator[None]:
    """All of them are there when the block begins."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CROWD, str(STRANGERS), str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 60) == f"{STRANGERS}\n".encode()
        yield
    finally:
        process.kill()
        await process.wait()


async def first_sound(service: ServiceProcess, number: int) -> float:
    """Seconds from dialling to the first sound of the greeting."""
    call_sid = f"CA{number:032d}"
    secret = load_settings(ENVIRON).call_token_secret
    token = issue(secret, call_sid=call_sid, business_id=456, from_number=CALLER, to_number=BUSINESS)
    start = {"streamSid": "MZ1", "callSid": call_sid, "customParameters": {"token": token}}
    dialled = time.monotonic()
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{service.port}/media-stream") as socket,
    ):
        await socket.send_json({"event": "start", "start": start, "streamSid": "MZ1"})
        while (await socket.receive_json(timeout=10))["event"] != "media":
            pass
        return time.monotonic() - dialled


@pytest.mark.alone
async def test_a_caller_gets_through_ten_thousand_strangers(tmp_path: Path) -> None:
    """Each one hears the first sound, the first behind the crowd hardly later, and the log has hardly a line of it."""
    async with service_process(tmp_path) as service, crowd(service.port):
        besieged = [await first_sound(service, number) for number in range(CALLS)]

    print(f"first sound behind {STRANGERS:,} strangers: {', '.join(f'{seconds:.3f} s' for seconds in besieged)}")
    assert len(besieged) == CALLS
    # 50 ms where there is a processor to be had; where the crowd is let in before the caller it is half a second.
    assert besieged[0] - min(besieged[1:]) < 0.4
    told = [line for line in service.lines if "call_sid=" not in line]
    assert not [line for line in told if "[ERROR]" in line]
    assert len([line for line in told if "MEDIA_MALFORMED" in line or "STRANGERS" in line]) < 30
