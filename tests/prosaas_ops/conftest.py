"""An engine with a stack of three quiet services and their gateway, whose logs, events and answers a test fills in."""

import json
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postgres_world import Fill, fill_database
from prosaas_ops import audited
from prosaas_ops.options import Options, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Container, Engine, Gone
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import seconds

START = datetime(2024, 1, 25, 14, 0, tzinfo=UTC).timestamp()
# A container that has run for long and never ended.
STATE = {"StartedAt": "2023-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0, "OOMKilled": False}
CALL = "CA0123456789abcdef0123456789abcdef"


def stamp(at: float) -> str:
    """The engine's time stamp for a moment so many seconds after START."""
    return datetime.fromtimestamp(START + at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def _within(at: float, since: float | None, until: float | None) -> bool:
    return (since is None or at >= since) and (until is None or at <= until)


@pytest.fixture(autouse=True)
def _audit_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noted of who did what goes nowhere that somebody reads."""
    monkeypatch.setattr(audited, "FOLDER", tmp_path / "audit")


class FakeEngine:
    """Answers as the engine would, from what the test wrote into it and within the window that it is asked for."""

    project = "prosaas"
    log_driver, everywhere, with_kept = Engine.log_driver, Engine.everywhere, Engine.with_kept
    environment = Engine.environment

    def __init__(self) -> None:
        self.written: dict[str, list[RawLine]] = {
            "prosaas-api": [], "prosaas-calls": [], "worker": [], "gateway": [],
        }  # fmt: skip
        self.states: dict[str, str] = {}
        self.happened: list[dict[str, Any]] = []
        self.oldest_event: float | None = None
        self.answers: dict[str, Any] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.executed: list[tuple[str, ...]] = []
        # Generations beside those that each service has, the newest last; and which container ran something.
        self.beside: list[Container] = []
        self.ran_in: list[str] = []
        # Those that are listed, and are not there any more once they are asked.
        self.gone: set[str] = set()
        self.environments: list[dict[str, str]] = []
        self.on_run: Callable[[str, tuple[str, ...]], tuple[int, str, str]] = lambda service, command: (0, "", "")

    def write(self, service: str, at: float, *texts: str) -> None:
        self.written[service] += [RawLine(stamp(at), service, text) for text in texts]

    def happen(self, service: str, at: float, action: str, **attributes: str) -> None:
        self.happened.append(
            {
                "Action": action,
                "timeNano": int((START + at) * 1e9),
                "Actor": {"ID": service, "Attributes": {"com.docker.compose.service": service, **attributes}},
            }
        )

    def kept(self, *_services: str) -> list[Container]:
        return []

    def containers(self, *services: str) -> list[Container]:
        found = [
            Container(
                name, name, f"prosaas-{name}-1", self.states.get(name, "running"), f"prosaas/{name}:local", "Up",
                version="v1.4",
            )
            for name in self.written
        ]  # fmt: skip
        found += self.beside
        if not services:
            return found
        return sorted((one for one in found if one.service in services), key=lambda one: services.index(one.service))

    def begin(self, service: str) -> Container:
        """Another generation, named `new`, beside the one that runs."""
        self.beside.append(Container("new", service, f"prosaas-{service}-2", "running", "", "Up"))
        return self.beside[-1]

    def started_with(self, container: str, *settings: str) -> None:
        """What it has in its environment, each as NAME=value."""
        self.details[container] = {"State": STATE, "Config": {"Env": ["PATH=/bin", *settings]}}

    def require(self, *services: str) -> list[Container]:
        found = self.containers(*services)
        if not found:
            raise Problem("the stack is not running")
        return found

    def current(self) -> list[Container]:
        return self.require()

    def running(self, service: str) -> Container:
        return self.generations(service)[0]

    def generations(self, service: str) -> list[Container]:
        if found := [one for one in reversed(self.containers(service)) if one.state == "running"]:
            return found
        raise Problem(f"{service} is not running")

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> list[RawLine]:
        return [raw for raw in self.written[container.service] if _within(seconds(raw.stamp), since, until)]

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        return [event for event in self.happened if _within(event["timeNano"] / 1e9, since, until)]

    def remembers_since(self) -> float | None:
        return self.oldest_event

    def life(self, container: str) -> dict[str, Any]:
        state: dict[str, Any] = self.inspect(container)["State"]
        return state

    def inspect(self, container: str) -> dict[str, Any]:
        if container in self.gone:
            raise Gone(f"no such container: {container}")
        return self.details.get(container, {"State": STATE})

    def get(self, path: str, **query: object) -> Any:
        if path not in self.answers:
            raise Problem(f"no such thing: {path}")
        return self.answers[path]

    def run(self, container: Container, *command: str, **environment: str) -> tuple[int, str, str]:
        if container.id in self.gone:
            raise Gone(f"no such container: {container.id}")
        self.executed.append((container.service, *command))
        self.ran_in.append(container.id)
        self.environments.append(environment)
        return self.on_run(container.service, command)


class Paper:
    """A stream that is no terminal and remembers what was written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def screen(paper: Paper) -> Screen:
    return Screen(paper, terminal=False)  # type: ignore[arg-type]


@pytest.fixture
def options() -> Callable[..., Options]:
    def make(command: str = "trace", /, **values: str) -> Options:
        return Options(command, tuple(values), values)

    return make


@pytest.fixture
def full_disk(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No file becomes longer than a few bytes, as on a disk that is full; what is printed stays in memory."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, most[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, most)


@pytest.fixture
def json_line() -> Callable[..., str]:
    def make(severity: str, message: str, **fields: object) -> str:
        return json.dumps({"severity": severity, "message": message, **fields}, ensure_ascii=False)

    return make


@pytest.fixture
def call(engine: FakeEngine) -> str:
    """One ordinary call in the logs of all three services; its id."""
    engine.write("prosaas-api", -0.2, f"[INFO] 📞 [VOICE_WEBHOOK] call_sid={CALL}, business_id=456")
    engine.write("prosaas-calls", 0.0, f"[INFO] 🚀 [CALL_START] call_sid={CALL}, business_id=456, direction=inbound")
    engine.write("prosaas-calls", 0.1, f"[INFO] ✅ [DB] נטען הקשר לקוח: name=דוד, phone=+972... · call_sid={CALL}")
    engine.write("prosaas-calls", 0.1, "[INFO] 🚀 [CALL_START] call_sid=CAother, business_id=7, direction=inbound")
    engine.write("prosaas-calls", 3.0, f'[INFO] 💬 [TRANSCRIPT] לקוח: "שלום" · call_sid={CALL}')
    engine.write("prosaas-calls", 4.2, f'[INFO] 💬 [TRANSCRIPT] AI: "יש לי זמינות" · call_sid={CALL}')
    engine.write(
        "prosaas-calls",
        5.0,
        f'[ERROR] ❌ [TOOL_FAILED] הכלי "בדיקת זמינות" נכשל, error=timeout · call_sid={CALL}',
        "  Traceback (most recent call last):",
        "  TimeoutError",
    )
    engine.write("prosaas-calls", 9.0, f"[INFO] 🔚 [CALL_END] משך=9s, סיבה=customer_hangup · call_sid={CALL}")
    engine.write(
        "worker", 9.5, f"[INFO] ✅ [JOB_DONE] המשימה הסתיימה, job=call.summarise, ms=34 · job_id=1 · call_sid={CALL}"
    )
    return CALL


@pytest.fixture
def fill(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Fill:
    """The tools read the test's database, which this fills with whatever it is handed."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    return partial(fill_database, database_url)
