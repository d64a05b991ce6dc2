"""What the worker measures of what surrounds it, under the names that alerts and dashboards ask for."""

import asyncio
import os
import shutil
import ssl
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest

from clocks import Clock
from prosaas_core.settings import Settings
from prosaas_worker import metrics, surroundings
from prosaas_worker.surroundings import Surroundings, certificate_left, waiting
from tls import localhost

DAYS = 86_400


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost's with its key, good for 30 days."""
    return localhost(tmp_path_factory.mktemp("tls"), days=30)


async def test_a_certificates_time_is_until_it_ends_nought_for_one_of_no_use_and_unknown_where_nobody_is(
    certificate: Path, unused_tcp_port: int
) -> None:
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", unused_tcp_port, ssl=shown):
        left = await certificate_left("localhost", "127.0.0.1", unused_tcp_port, trusting)
        assert left is not None
        assert 29 * DAYS < left <= 30 * DAYS
        assert await certificate_left("another", "127.0.0.1", unused_tcp_port, trusting) == 0
        assert await certificate_left("localhost", "127.0.0.1", unused_tcp_port) == 0
    assert await certificate_left("localhost", "127.0.0.1", unused_tcp_port, trusting) is None


async def test_what_is_measured_has_the_names_that_alerts_ask_for(settings: Settings, tmp_path: Path) -> None:
    held = tmp_path / "CA1.0a0b0c0d.journal"
    held.touch()
    (tmp_path / "CA2.json").touch()
    await Surroundings(settings.model_copy(update={"spool_dir": tmp_path})).look()
    metrics.finished("a.job", "done", 0.5)
    said = generate_latest(metrics.REGISTRY).decode()
    assert "prosaas_spool_calls 1.0" in said
    (free,) = (line for line in said.splitlines() if line.startswith('prosaas_volume_free_ratio{volume="spool"}'))
    assert 0 < float(free.split()[1]) <= 1
    for name in (
        'prosaas_calls_ended_total{reason="crashed"}',
        'prosaas_job_seconds_count{job="a.job"}',
        'prosaas_jobs_total{job="a.job",outcome="done"}',
    ):
        assert name in said
    os.utime(held, (time.time() - 120,) * 2)
    await Surroundings(settings.model_copy(update={"spool_dir": tmp_path})).look()
    assert "prosaas_spool_calls 2.0" in generate_latest(metrics.REGISTRY).decode()


async def test_the_certificate_is_looked_at_every_ten_minutes_however_often_somebody_asks(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, int]] = []
    clock = Clock()

    async def left(host: str, address: str, port: int) -> float:
        asked.append((host, address, port))
        return 5.0

    monkeypatch.setattr(surroundings, "certificate_left", left)
    monkeypatch.setattr(time, "monotonic", clock)
    looking = Surroundings(settings.model_copy(update={"spool_dir": tmp_path, "public_url": "https://calls.example"}))
    for passing, times in ((0, 1), (599, 1), (1, 1), (1, 2), (600, 2)):
        clock.now += passing
        await looking.look()
        assert asked == [("calls.example", "gateway", 8443)] * times
    assert 'prosaas_certificate_seconds{host="calls.example"} 5.0' in generate_latest(metrics.REGISTRY).decode()


@pytest.mark.parametrize(("total", "free", "share"), [(8, 2, 0.25), (0, 0, 1.0)])
async def test_a_disks_free_share_is_of_its_size_and_one_without_a_size_is_not_full(
    total: int, free: int, share: float, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))
    await Surroundings(settings.model_copy(update={"spool_dir": tmp_path})).look()
    assert metrics.REGISTRY.get_sample_value("prosaas_volume_free_ratio", {"volume": "spool"}) == share


def test_a_call_that_is_stored_while_its_spool_is_counted_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, kept = tmp_path / "CA1.0a0b0c0d.journal", tmp_path / "CA2.json"
    monkeypatch.setattr(Path, "glob", lambda *_: [stored, kept])
    assert waiting(tmp_path) == 1


@pytest.mark.parametrize(("silent_s", "count"), [(60, 0), (60.5, 1)])
def test_a_calls_journal_is_nobodys_after_a_minute_without_a_word(
    silent_s: float, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "CA1.0a0b0c0d.journal"
    journal.touch()
    os.utime(journal, (1_700_000_000,) * 2)
    now = 1_700_000_000 + silent_s
    monkeypatch.setattr(time, "time", lambda: now)
    assert waiting(tmp_path) == count


@pytest.mark.parametrize(
    ("address", "left", "told"),
    [("http://calls.example", 5.0, None), ("https://never.example", None, None), ("https://ended.example", 0.0, 0.0)],
)
async def test_a_certificate_is_told_of_where_there_is_one_and_somebody_shows_it(
    address: str, left: float | None, told: float | None, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[object] = []

    async def shown(host: object, *_: object) -> float | None:
        asked.append(host)
        return left

    monkeypatch.setattr(surroundings, "certificate_left", shown)
    metrics.CERTIFICATE.clear()
    await Surroundings(settings.model_copy(update={"spool_dir": tmp_path, "public_url": address})).look()
    scheme, _, host = address.partition("://")
    assert asked == ([host] if scheme == "https" else [])
    assert metrics.REGISTRY.get_sample_value("prosaas_certificate_seconds", {"host": host}) == told


async def test_a_certificate_that_ended_has_no_time_left_and_none_that_it_owes(
    certificate: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certificate)

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    trusting = ssl.create_default_context(cafile=str(certificate))
    later = time.time() + 31 * DAYS
    async with await asyncio.start_server(hold, "127.0.0.1", unused_tcp_port, ssl=shown):
        monkeypatch.setattr(time, "time", lambda: later)
        assert await certificate_left("localhost", "127.0.0.1", unused_tcp_port, trusting) == 0
