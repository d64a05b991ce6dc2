"""The process: it serves, says so, stops in an orderly way, and explains why it cannot start."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator

from api_world import AUTH_TOKEN, PUBLIC_URL, reachable, serving
from postgres_world.shared_log import prepare, takes_part

CALL_SID = "CA" + "1" * 32
# For each operation and phase; SCHEMA_EXAMPLES=420 makes 10,000 of it all, in some minutes, with --timeout=1500.
EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "5")
TAKEN = ["2xx", "401", "403", "404", "409", "422", "429"]
MINIMAL = {
    "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/none",
    "DEMO": "1",
    "PUBLIC_URL": PUBLIC_URL,
    "TWILIO_AUTH_TOKEN": "t",
}


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_stops_with_its_last_line_out(signum: signal.Signals, unused_tcp_port: int) -> None:
    async with serving(MINIMAL, unused_tcp_port) as server:
        client = await reachable(server)
        # Who asks is not told what serves, and of which version.
        assert "server" not in (await client.get("/healthz")).headers
        await client.aclose()
        server.process.send_signal(signum)
        assert await server.listen_to("[SERVICE_STOP]")
        assert await server.process.wait() == 0
    assert any("[DEMO]" in line for line in server.said)
    assert any("[SERVICE_START]" in line and f"0.0.0.0:{unused_tcp_port}" in line for line in server.said)


@pytest.mark.postgres
@pytest.mark.usefixtures("engine")
async def test_a_request_that_is_under_way_when_it_is_told_to_stop_gets_its_answer(
    environ: dict[str, str], unused_tcp_port: int
) -> None:
    form = {"CallSid": CALL_SID, "From": "+972501234567", "To": "+97235550100"}
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC_URL}/twilio/voice", form)
    async with serving(environ, unused_tcp_port, LOG_LEVEL="DEBUG") as server:
        client = await reachable(server)
        half_sent = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield f"CallSid={CALL_SID}&From=%2B972501234567".encode()
            half_sent.set()
            assert await server.listen_to("Shutting down")
            yield b"&To=%2B97235550100"

        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        answer = asyncio.create_task(client.post("/twilio/voice", content=slowly(), headers=headers))
        await half_sent.wait()
        server.process.terminate()
        assert (await answer).status_code == 200
        assert await server.process.wait() == 0
        await client.aclose()


@pytest.mark.postgres
@pytest.mark.usefixtures("engine")
async def test_its_log_is_one_with_that_of_its_replicas(
    environ: dict[str, str], unused_tcp_port: int, tmp_path: Path, database_url: str
) -> None:
    prepare(tmp_path)
    files = {"LOG_SWITCH_FILE": str(tmp_path / "switch.json"), "LOG_BLACKBOX": str(tmp_path / "blackbox")}
    async with serving(environ, unused_tcp_port, **files) as server:
        await (await reachable(server)).aclose()
        await takes_part(database_url, "prosaas-api", tmp_path)


@pytest.mark.parametrize("level", ["INFO", "CRITICAL"])
async def test_a_missing_setting_is_a_line_for_each_at_any_level_and_exit_code_2(
    unused_tcp_port: int, level: str
) -> None:
    async with serving({}, unused_tcp_port, LOG_LEVEL=level) as server:
        assert not await server.listen_to("never")
        assert await server.process.wait() == 2
    missing = ["DATABASE_URL", "OPENAI_API_KEY", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"]
    assert sorted(line.split()[1] for line in server.said) == missing
    assert all(line.startswith("[CRITICAL] ") and "set it in .env" in line for line in server.said)


@pytest.mark.parametrize(
    ("level", "kind", "said"), [("INFO", "[ERROR]", "address already in use"), ("CRITICAL", "[CRITICAL]", "not start")]
)
async def test_a_port_that_is_taken_is_told_at_any_level_and_exit_code_1(level: str, kind: str, said: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with serving(MINIMAL, port, LOG_LEVEL=level) as server:
            assert not await server.listen_to("never")
            assert await server.process.wait() == 1
    assert any(line.startswith(kind) and said in line for line in server.said)


@pytest.mark.postgres
@pytest.mark.usefixtures("engine")
async def test_the_rest_does_what_its_openapi_document_says(
    environ: dict[str, str], unused_tcp_port: int, tmp_path: Path
) -> None:
    """Schemathesis makes requests up, within the document and outside of it. What is within and refused all the same is
    refused for what no schema can say, as that a shop opens before it closes: `api_world.refusals` lists all of it."""
    (tmp_path / "schemathesis.toml").write_text(f"checks.positive_data_acceptance.expected-statuses = {TAKEN}\n")
    hooks = {"SCHEMATHESIS_HOOKS": "api_world.refusals", "PYTHONPATH": str(Path(__file__).parents[1])}
    async with serving(environ, unused_tcp_port) as server:
        await (await reachable(server)).aclose()
        run = await asyncio.create_subprocess_exec(
            *("schemathesis", "run", f"{server.url}/openapi.json", "--checks", "all"),
            *("--max-examples", EXAMPLES, "--seed", "1"),
            *("--header", f"Authorization: Bearer {environ['ADMIN_API_KEY']}", "--no-color"),
            *("--generation-database", "none", "--workers", "1"),
            cwd=tmp_path,
            env={**os.environ, **hooks},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        report, _ = await run.communicate()
    print(report.decode())
    assert run.returncode == 0
