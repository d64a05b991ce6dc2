"""The service as a process: its lines, its signals, its exit."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from calls_world.process import SERVICES, service_process
from calls_world.waiting import until
from calls_world.world import ENVIRON, spooled
from otlp_world import Receiver, attributes
from prosaas_calls import service as module
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.service import DEFAULT_PORT, keep_recovering
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.settings import load_settings
from prosaas_logging import capture_events
from simulator.model.realtime import RealtimeSession

HIDDEN = ("AUDIO_DELTA", "TX_RESPONSE", "MEDIA_IN", "RMS", "WATCHDOG", "QUEUE_SIZE", "PAYLOAD_PREVIEW", "HEALTH_PING")
TALK = {
    "turns": [
        {"caller": "שלום, מה שעות הפתיחה שלכם?", "agent": "אנחנו פתוחים מתשע עד חמש."},
        {"caller": "תודה רבה ולהתראות", "agent": "תודה, יום טוב!", "barge_in_ms": 400},
    ]
}
STAYS = {"turns": [], "ending": {"by": "service"}, "patience_ms": 120_000}


async def test_a_call_at_info_is_ten_to_thirty_lines_in_the_guides_words(tmp_path: Path) -> None:
    """The beginning, the middle and the end as the guide prints them, and none of what it hides."""
    async with service_process(tmp_path, LOG_LEVEL="INFO") as service:
        result = await service.call(TALK)
        await until(lambda: any("CALL_RECORD" in line for line in service.lines))

    lines = service.of(result["call_sid"])
    assert 10 <= len(lines) <= 30
    assert lines[0].startswith(
        f"[INFO] 🚀 [CALL_START] call_sid={result['call_sid']}, business_id=456, direction=inbound"
    )
    assert any(re.match(r"\[INFO\] 🔌 \[REALTIME\] התחבר ל-OpenAI ב-\d+ms", line) for line in lines)
    assert any(line.startswith("[INFO] 🎤 [GREETING] מנגן ברכה") for line in lines)
    assert any(line.startswith('[INFO] 💬 [TRANSCRIPT] לקוח: "תודה רבה ולהתראות"') for line in lines)
    (ended,) = [line for line in lines if "CALL_END" in line]
    assert re.match(r"\[INFO\] 🔚 \[CALL_END\] משך=[\d.]+s, סיבה=customer_hangup, turns=2", ended)
    assert not [line for line in service.lines if any(f"[{name}]" in line for name in HIDDEN)]


async def test_a_start_and_an_end_without_a_call_are_six_lines(tmp_path: Path) -> None:
    """The database, which is away, is asked before anybody calls; what was left open would be told of at the end."""
    async with service_process(tmp_path) as service:
        await until(lambda: any("SERVICE_START" in line for line in service.lines))
        service.signal(signal.SIGTERM)
        assert await service.exit() == 0

    said = [re.sub(r"\[(\w+)\] \S+ \[(\w+)\].*", r"\1 \2", line) for line in service.lines]
    assert said == [
        "WARNING DEMO",
        "WARNING DB",
        "INFO SERVICE_START",
        "INFO DRAIN_START",
        "INFO DRAIN_END",
        "INFO SERVICE_STOP",
    ]
    assert f"0.0.0.0:{service.port}, operators 0.0.0.0:" in service.lines[2]


async def test_the_same_call_at_debug_is_five_hundred_lines_and_more(tmp_path: Path) -> None:
    """Frame by frame, with the beginning and the end of each response."""
    async with service_process(tmp_path, CALLS_LOG_LEVEL="DEBUG") as service:
        result = await service.call(TALK)
        await until(lambda: any("CALL_RECORD" in line for line in service.lines))

    lines = service.of(result["call_sid"])
    assert len(lines) >= 500
    assert any(line.startswith("[DEBUG] [TX_RESPONSE] start response_id=resp_") for line in lines)
    assert any(re.match(r"\[DEBUG\] \[AUDIO_DELTA\] response_id=resp_\w+, bytes=\d+", line) for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_running_call_finish(tmp_path: Path, number: signal.Signals) -> None:
    """`docker compose stop`, `restart` and `up -d` cost nobody their conversation; then the exit is clean."""
    async with service_process(tmp_path, DRAIN_SECONDS="60") as service:
        running = asyncio.create_task(service.call(TALK))
        await until(lambda: any("CALL_START" in line for line in service.lines))
        service.signal(number)
        await until(lambda: any("DRAIN_START" in line for line in service.lines))
        assert (await service.ready())["status"] == "draining"

        result = await running
        assert result["ok"], result["problems"]
        assert await service.exit() == 0

    assert [line for line in service.of(result["call_sid"]) if "CALL_END" in line and "customer_hangup" in line]
    assert any(f"[SERVICE_STOP] השירות נעצר: {number.name}" in line for line in service.lines)
    assert spooled(tmp_path / "spool", result["call_sid"]).end_reason


async def test_the_trace_of_the_last_call_is_sent_before_the_process_ends(tmp_path: Path) -> None:
    receiver = Receiver()
    try:
        async with service_process(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url) as service:
            result = await service.call(TALK)
            service.signal(signal.SIGTERM)
            assert await service.exit() == 0
    finally:
        receiver.close()
    assert result["call_sid"] in {attributes(span).get("prosaas.call_sid") for span in receiver.all}


async def test_a_service_that_drains_keeps_no_session_for_calls_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model has places for sessions that somebody talks in; the call that is left has its own."""
    standing: list[RealtimeSession] = []
    run = RealtimeSession.run

    async def seen(session: RealtimeSession) -> None:
        standing.append(session)
        try:
            await run(session)
        finally:
            standing.remove(session)

    monkeypatch.setattr(RealtimeSession, "run", seen)
    async with service_process(tmp_path, DRAIN_SECONDS="600") as service:
        await until(lambda: len(standing) == 1)
        running = asyncio.create_task(service.call(STAYS))
        await until(lambda: len(standing) == 2)
        talking, spare = standing
        service.signal(signal.SIGTERM)
        await until(lambda: spare not in standing)
        assert talking in standing
        service.signal(signal.SIGTERM)
        await running
        assert await service.exit() == 0


@pytest.mark.parametrize(("drain", "signals"), [("1", 1), ("600", 2)])
async def test_after_the_drain_time_or_a_second_signal_the_caller_is_told(
    tmp_path: Path, drain: str, signals: int
) -> None:
    """A sentence, CALL_END drained, the record kept, exit 0."""
    async with service_process(tmp_path, DRAIN_SECONDS=drain) as service:
        running = asyncio.create_task(service.call(STAYS))
        await until(lambda: [note for note in service.notes if note["what"] == "hearing"])
        for _ in range(signals):
            service.signal(signal.SIGTERM)
            await until(lambda: any("DRAIN_START" in line for line in service.lines))

        result = await running
        assert await service.exit() == 0

    assert result["verbs"] == ["Connect"]
    assert [line for line in service.of(result["call_sid"]) if "CALL_END" in line and "סיבה=drained" in line]
    assert spooled(tmp_path / "spool", result["call_sid"]).end_reason == "drained"


def test_the_port_that_it_takes_by_itself_is_the_one_that_its_image_opens() -> None:
    dockerfile = (SERVICES / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(rf"^EXPOSE {DEFAULT_PORT} ", dockerfile, re.MULTILINE)


async def test_a_look_for_lost_calls_that_fails_is_an_error_and_the_next_comes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a database that is away whoever asks it says so."""
    looks = iter((DatabaseUnavailable("away"), OSError("a volume that cannot be read"), asyncio.CancelledError()))
    waits: list[float] = []

    async def look(*_: object, **__: object) -> None:
        raise next(looks)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(module, "recover", look)
    monkeypatch.setattr("prosaas_calls.service.asyncio.sleep", sleep)
    nobody: Any = None
    with capture_events() as events, pytest.raises(asyncio.CancelledError):
        await keep_recovering(nobody, load_settings(ENVIRON), CallMetrics())
    assert waits == [15.0, 15.0]
    assert [(event.level, event.exc and event.exc.kind) for event in events] == [("ERROR", "OSError")]


@pytest.mark.parametrize(
    ("missing", "level"), [("DATABASE_URL", "INFO"), ("OPENAI_API_KEY", "INFO"), ("TWILIO_AUTH_TOKEN", "CRITICAL")]
)
async def test_without_what_it_needs_the_service_says_so_at_any_level_and_exits(missing: str, level: str) -> None:
    """Exit 2, and one line, as at the others, that names the setting and where to put it."""
    needed = {"DATABASE_URL": "postgresql://x@127.0.0.1:9/x", "OPENAI_API_KEY": "k", "TWILIO_AUTH_TOKEN": "t"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "prosaas_calls"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES), "LOG_LEVEL": level, **needed, missing: ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 2
    assert f"[CRITICAL] {missing} is missing: set it in .env (env/example.env" in output.decode()
