"""`python -m prosaas_worker`: what is set up before the loop runs, and what is seen to when it has ended."""

from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_logging import capture_events
from prosaas_worker import __main__ as worker


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that are taken, with nothing behind them."""
    taken: list[str] = []

    def note(name: str, result: object = None) -> Any:
        def step(*arguments: object) -> object:
            for each in arguments:
                if isinstance(each, Coroutine):
                    each.close()
            taken.append(name)
            return result

        return step

    monkeypatch.setattr(worker, "bootstrap", note("log", SimpleNamespace(version="1.2.3")))
    monkeypatch.setattr(worker, "shutdown", note("log ends"))
    monkeypatch.setattr(worker, "tracing", SimpleNamespace(start=note("traces"), stop=note("traces end")))
    monkeypatch.setattr(worker, "uvloop", SimpleNamespace(run=note("works")))
    monkeypatch.setattr(worker.pgqueuer_log, "install", note("quiet"))
    return taken


@pytest.mark.parametrize(("demo", "key", "said"), [("0", "sk-test", []), ("1", "demo", ["DEMO"])])
def test_the_last_lines_and_traces_are_seen_to_after_the_work_and_a_demo_says_that_it_is_one(
    demo: str, key: str, said: list[str], steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://prosaas@127.0.0.1:1/prosaas")
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("DEMO", demo)
    with capture_events() as events:
        assert worker.main() == 0
    assert steps == ["log", "quiet", "traces", "works", "traces end", "log ends"]
    assert [event.event for event in events if event.event == "DEMO"] == said


def test_each_setting_of_no_use_is_a_line_and_nothing_is_started(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "")
    with capture_events("ERROR") as events:
        assert worker.main() == 2
    assert [event.text.split()[0] for event in events] == ["DATABASE_URL", "OPENAI_API_KEY"]
    assert steps == ["log"]
