"""Signed webhooks from a number of connections at a time, each with the next as soon as the last is answered."""

import asyncio
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

PUBLIC_URL = "https://bench.example"
AUTH_TOKEN = "bench"
TEXT = "שלום, אפשר לקבוע תור ליום ראשון בבוקר?"
CUSTOMERS = 500


@dataclass(frozen=True)
class Measured:
    """One run: what came through, how long each took, and how much processor time the server spent."""

    webhooks_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def prepare(count: int, batch: str) -> list[bytes]:
    """Whole requests, so that the generator only writes them out."""
    validator = RequestValidator(AUTH_TOKEN)
    requests = []
    for number in range(count):
        customer = f"9725{number % CUSTOMERS:08d}"
        form = {
            "MessageSid": f"SM{uuid.uuid5(uuid.NAMESPACE_OID, f'{batch} {number}').hex}",
            "From": f"whatsapp:+{customer}",
            "To": "whatsapp:+97235550100",
            "Body": TEXT,
            "ProfileName": "נועה",
            "WaId": customer,
        }
        body = urlencode(form).encode()
        signature = validator.compute_signature(f"{PUBLIC_URL}/whatsapp/twilio", form)
        head = (
            "POST /whatsapp/twilio HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


async def drive(port: int, pid: int, requests: list[bytes], connections: int) -> Measured:
    """Send them all; every answer must be a 200."""
    left = iter(requests)
    took: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.perf_counter() - started)
        writer.close()

    before, started = _cpu_s(pid), time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    elapsed, cpu = time.perf_counter() - started, _cpu_s(pid) - before
    took.sort()
    return Measured(
        webhooks_s=len(took) / elapsed,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
        cpu_us=cpu / len(took) * 1e6,
    )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
