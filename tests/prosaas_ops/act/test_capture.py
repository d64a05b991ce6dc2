"""What leaves the house in a capture, and what never does."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.act import capture
from prosaas_ops.options import FINE, NOTHING, Usage
from prosaas_ops.stack.engine import Engine

SECRET = "planted-secret-value-1234567890"
PASSWORD = "planted-url-password"


@pytest.fixture
def planted(engine: Any, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stack that says its secrets at every opportunity: in lines, stacks, environments, labels and configuration."""
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={SECRET}\nDATABASE_URL=postgresql://u:{PASSWORD}@db/x\n")
    monkeypatch.chdir(tmp_path)
    engine.write("worker", 10.0, f"[ERROR] oh: {SECRET} +972501234567", f"  connect(postgresql://u:{PASSWORD}@db/x)")
    engine.write("worker", 11.0, json.dumps({"severity": "INFO", "message": "x", "api_token": "tok-123", "n": SECRET}))
    engine.happen("worker", 12.0, "die", exitCode="137")
    for service in engine.written:
        engine.details[service] = {
            "Image": "sha256:1234",
            "State": {"Error": SECRET, "StartedAt": "", "FinishedAt": "", "ExitCode": 0, "OOMKilled": False},
            "RestartCount": 0,
            "Config": {"Env": [f"OPENAI_API_KEY={SECRET}", "ADMIN_API_KEY=unknown-value", "A=b"], "User": "10001"},
            "HostConfig": {"LogConfig": {}, "RestartPolicy": {}},
        }
    engine.answers["/version"] = {"Version": "26.1.5", "ApiVersion": "1.45"}
    monkeypatch.setattr(capture, "opened", lambda: engine)
    model = json.dumps({"services": {"x": {"environment": {"WHATSAPP_APP_SECRET": "in-the-model", "U": SECRET}}}})
    monkeypatch.setattr("sys.stdin", io.StringIO(model))
    monkeypatch.setattr("prosaas_ops.stories.call.call_record", lambda call_sid: None)
    return engine


def unpacked(folder: Path) -> dict[str, str]:
    (path,) = (folder / "logs").glob("capture-*.tar.gz")
    with tarfile.open(path) as tar:
        members = {member.name.partition("/")[2]: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read().decode() for name, file in members.items() if file}


@pytest.mark.parametrize("which", [{}, {"CALL": "CA0123456789abcdef0123456789abcdef"}])
def test_no_planted_secret_leaves(planted: Engine, tmp_path: Path, options: Any, which: dict[str, str]) -> None:
    assert capture.run(options("capture", SINCE="2024-01-25", **which)) == FINE
    for name, text in unpacked(tmp_path).items():
        for secret in (SECRET, PASSWORD, "tok-123", "unknown-value", "in-the-model", "501234567"):
            assert secret not in text, name


def test_everything_else_is_in_it(planted: Engine, tmp_path: Path, options: Any) -> None:
    capture.run(options("capture", SINCE="2024-01-25"))
    files = unpacked(tmp_path)
    assert sorted(files) == [
        *("README.txt", "config.json", "containers.jsonl", "events.jsonl"),
        *("inspect.json", "timeline.html", "versions.txt"),
    ]
    lines = [json.loads(row) for row in files["events.jsonl"].splitlines()]
    assert {line["service"] for line in lines} == {"prosaas-api", "prosaas-calls", "worker"}
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert any(line.get("stack") for line in lines)
    assert '"what": "die", "detail": "exit code 137"' in files["containers.jsonl"]
    assert "docker 26.1.5" in files["versions.txt"]
    assert "warnings and errors" in files["timeline.html"]
    assert json.loads(files["inspect.json"])[0]["environment"][2] == "A=b"


def test_a_container_that_goes_meanwhile_is_left_out(planted: Any, tmp_path: Path, options: Any) -> None:
    planted.gone.add(planted.begin("prosaas-calls").id)
    assert capture.run(options("capture", SINCE="2024-01-25")) == FINE
    described = json.loads(unpacked(tmp_path)["inspect.json"])
    assert "prosaas-prosaas-calls-2" not in {one["name"] for one in described}


def test_a_capture_of_one_call_has_only_its_lines(planted: Engine, call: str, tmp_path: Path, options: Any) -> None:
    capture.run(options("capture", SINCE="2024-01-25", CALL=call))
    lines = [json.loads(row) for row in unpacked(tmp_path)["events.jsonl"].splitlines()]
    assert {line["call_sid"] for line in lines} == {call}


def test_nothing_to_capture_is_said_and_leaves_no_file(planted: Engine, tmp_path: Path, options: Any) -> None:
    assert capture.run(options("capture", CALL="CA" + "9" * 32)) == NOTHING
    assert not (tmp_path / "logs").exists()


def test_a_capture_that_the_disk_does_not_hold_is_none(
    planted: Engine, tmp_path: Path, options: Any, full_disk: None
) -> None:
    with pytest.raises(OSError, match="File too large"):
        capture.run(options("capture", SINCE="2024-01-25"))
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_window_is_either_past_or_future(planted: Engine, options: Any) -> None:
    with pytest.raises(Usage, match="choose one"):
        capture.run(options("capture", FOR="1m", SINCE="1h"))


def test_a_page_of_any_length_is_whole(planted: Any, tmp_path: Path, options: Any) -> None:
    """Masking cuts what is long, so it works on lines and never on a page."""
    for number in range(2000):
        planted.write("worker", 20.0 + number / 1000, f"[WARNING] trouble number {number} " + "x" * 80)
    capture.run(options("capture", SINCE="2024-01-25"))
    page = unpacked(tmp_path)["timeline.html"]
    assert len(page) > 3 * 65_536
    assert all(f'trouble number <bdi dir="ltr">{number}</bdi>' in page for number in (0, 999, 1999))
    assert page.rstrip().endswith("</html>")
    assert "<h2>lines</h2>" in page


def test_the_story_of_one_call_is_masked_before_it_becomes_a_page(
    planted: Any, call: str, tmp_path: Path, options: Any
) -> None:
    planted.write("prosaas-calls", 6.0, f"[WARNING] got {SECRET} · call_sid={call}")
    capture.run(options("capture", SINCE="2024-01-25", CALL=call))
    page = unpacked(tmp_path)["timeline.html"]
    assert "got" in page
    assert SECRET not in page
