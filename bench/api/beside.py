"""How much longer a caller waits for the voice webhook while one key asks for forty of the heaviest lists at once.

`python -m bench.api.beside PORT` asks for them: in a process of its own, for reading the answers takes time as well.
"""

import asyncio
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable
from typing import Any

import asyncpg
import httpx
from twilio.request_validator import RequestValidator

from bench.api.load import AUTH_TOKEN, PUBLIC_URL

KEY = "bench-key-of-the-administrator"
BUSINESS = "+97235550100"
CALLS = 20_000
LISTS, LIMIT = 40, 200
ROUNDS = 4
_FILL = """
INSERT INTO calls (call_sid, business_id, from_number, to_number, started_at, summary)
    SELECT 'CA' || lpad(n::text, 32, '0'), 456, '+972501112233', $1, now() - n * interval '1 min', repeat('שלום ', 200)
    FROM generate_series(1, $2) AS n ON CONFLICT DO NOTHING
"""


async def added_ms(port: int, url: str) -> tuple[float, float]:
    """Milliseconds of a voice webhook alone, the median, and those that the lists add to it."""
    connection = await asyncpg.connect(url)
    await connection.execute(_FILL, BUSINESS, CALLS)
    await connection.execute("ANALYZE calls")
    await connection.close()
    alone: list[float] = []
    beside: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        await _webhooks(client, asyncio.sleep(0.5), [])
        for _ in range(ROUNDS):
            await _webhooks(client, asyncio.sleep(1), alone)
            somebody = await _somebody_else(port)
            await _webhooks(client, somebody.communicate(b"go\n"), beside)
            assert somebody.returncode == 0
    before = statistics.median(alone)
    return before, statistics.median(beside) - before


async def _somebody_else(port: int) -> asyncio.subprocess.Process:
    """Who is ready, and waits for a word."""
    command, pipe = (sys.executable, "-m", "bench.api.beside", str(port)), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def lists(port: int) -> None:
    """All of them at once, each read whole."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET /v1/businesses/456/calls?limit={LIMIT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        assert answer.count(b'"call_sid"') == LIMIT
        writer.close()

    await asyncio.gather(*(one() for _ in range(LISTS)))


async def _webhooks(client: httpx.AsyncClient, meanwhile: Awaitable[Any], took: list[float]) -> None:
    """One call after the other for as long as the other thing lasts."""
    validator, ending = RequestValidator(AUTH_TOKEN), asyncio.ensure_future(meanwhile)
    while not ending.done():
        form = {"CallSid": f"CA{uuid.uuid4().hex}", "From": "+972501112233", "To": BUSINESS}
        headers = {"X-Twilio-Signature": validator.compute_signature(f"{PUBLIC_URL}/twilio/voice", form)}
        started = time.perf_counter()
        answer = await client.post("/twilio/voice", data=form, headers=headers)
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
        assert "<Stream" in answer.text, answer.text
    await ending


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(lists(int(sys.argv[1])))
