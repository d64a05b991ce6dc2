"""A stack of which the engine tells what a sample needs: three services, a call that went badly, a night of errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prosaas_core.facts.simulated import MARK
from prosaas_logging import catalogue
from prosaas_logging.events import AnyEvent
from prosaas_logging.logger import get_logger
from prosaas_logging.record import Context
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.frames import RawLine

CALL = "CA1c3f9a2be7704b6f8d0f3a1b5e9cc3c5"
# As the simulator names one.
SIMULATED = f"CA5e21c0b4{MARK}93509aca"
BEGAN = datetime(2026, 11, 25, 21, 5, 22, tzinfo=UTC)
VERSION = "v1.4-2-g1a2b3c4"
_UP = "Up 2 hours (healthy)"
_STATE = {"StartedAt": "2026-11-20T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0, "OOMKilled": False}
_RENDERER = TextRenderer(LogSettings("prosaas-calls", lang="he"))


def line(event: AnyEvent, of: str = CALL, **fields: object) -> str:
    """As the service writes it, rendered by what renders its lines."""
    context = Context({"call_sid": of}, (f"call_sid={of}",)) if of else Context({}, ())
    return _RENDERER.line((0.0, event.level, get_logger("sample"), event, fields, None), context).decode().rstrip("\n")


def stamp(after: float) -> str:
    """The engine's stamp of a moment so many seconds after the call began."""
    return datetime.fromtimestamp(BEGAN.timestamp() + after, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


@dataclass
class Stack:
    """Answers as the engine does."""

    project: str = "prosaas"
    written: dict[str, list[RawLine]] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    on_run: Callable[[str, tuple[str, ...]], tuple[int, str, str]] = lambda _service, _command: (0, "{}", "")

    def write(self, service: str, after: float, *texts: str) -> None:
        """Lines of a service, so many seconds after the call began."""
        self.written.setdefault(service, []).extend(RawLine(stamp(after), service, text) for text in texts)

    def containers(self, *services: str) -> list[Container]:
        names = ("prosaas-api", "prosaas-calls", "worker", "gateway")
        found = [Container(name, name, f"prosaas-{name}-1", "running", "", _UP, version=VERSION) for name in names]
        return [one for one in found if not services or one.service in services]

    generations = require = current = containers
    log_driver, with_kept, environment = Engine.log_driver, Engine.with_kept, Engine.environment

    def running(self, service: str) -> Container:
        return self.containers(service)[0]

    def serving(self, service: str) -> list[Container]:
        return [self.running(service)]

    def kept(self, *_services: str) -> list[Container]:
        return []

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> list[RawLine]:
        first, last = (stamp(at - BEGAN.timestamp()) if at else "" for at in (since, until))
        told = self.written.get(container.service, [])
        return [raw for raw in told if first <= raw.stamp <= (last or "9")]

    def events(self, *_window: float | None) -> list[dict[str, Any]]:
        return []

    def remembers_since(self) -> None:
        return None

    def inspect(self, container: str) -> dict[str, Any]:
        return {"State": _STATE, **self.details.get(container, {})}

    def life(self, container: str) -> dict[str, Any]:
        state: dict[str, Any] = self.inspect(container)["State"]
        return state

    def get(self, path: str, **_query: object) -> Any:
        return self.answers[path]

    def run(self, container: Container, *command: str, **_environment: str) -> tuple[int, str, str]:
        return self.on_run(container.service, command)


def with_a_bad_call() -> Stack:
    """The model's connection broke six times, and could not be reached again."""
    stack = Stack()
    known: dict[str, Any] = {"call_sid": CALL, "business_id": 456}
    stack.write("prosaas-api", -0.2, line(catalogue.VOICE_WEBHOOK, **known, from_number="+972..."))
    stack.write("prosaas-calls", 0.0, line(catalogue.CALL_START, **known, direction="inbound", mode="ai"))
    stack.write("prosaas-calls", 0.021, line(catalogue.REALTIME_CONNECTED, ms=9))
    stack.write("prosaas-calls", 0.1, line(catalogue.TRANSCRIPT_AI, text="שלום, הגעתם למספרת דנה. במה אפשר לעזור?"))
    stack.write("prosaas-calls", 1.36, line(catalogue.REALTIME_RETRY, attempt=1, error="1011"))
    stack.write("prosaas-calls", 2.56, line(catalogue.CALL_END, duration_s=2.6, reason="model_unreachable", turns=1))
    stack.write("worker", 2.7, "[WARNING] another call's · call_sid=CA77d0e1")
    return stack
