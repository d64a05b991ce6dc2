"""Call records on disk."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prosaas_calls.spool import spool
from prosaas_core.records import CallRecord


def record(call_sid: str = "CA1") -> CallRecord:
    moment = datetime(2026, 1, 25, 14, tzinfo=UTC)
    return CallRecord(
        call_sid=call_sid,
        started_at=moment,
        ended_at=moment,
        duration_s=1.5,
        end_reason="customer_hangup",
        transcript=[{"who": "ai", "text": "שלום", "at_ms": 0}],
    )


def test_a_spooled_record_is_read_back_whole(tmp_path: Path) -> None:
    """What the worker imports is what the call wrote."""
    path = spool(tmp_path, record())

    assert path == tmp_path / "CA1.json"
    assert CallRecord.from_json(path.read_text("utf-8")) == record()
    assert list(tmp_path.glob("*.json")) == list(tmp_path.iterdir())


def test_a_record_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker never sees a file before it is complete, and a full disk is not filled with halves."""

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="space"):
        spool(tmp_path, record())

    assert not list(tmp_path.iterdir())


def test_a_record_is_on_the_disk_before_anybody_relies_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut it is there: first its bytes, then its name, then the folder that has the name."""
    steps = list[str]()
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noting_replace(self: Path, target: Path) -> Path:
        steps.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    spool(tmp_path, record())

    assert steps == [".CA1.partial", "renamed", tmp_path.name]


def test_a_strange_call_sid_stays_in_the_folder(tmp_path: Path) -> None:
    """A name from outside is not a path."""
    assert spool(tmp_path, record("../../etc/CA1")).parent == tmp_path
