"""Who else is debugging, as the engine knows it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from prosaas_ops.stack import sessions
from prosaas_ops.stack.switch import Target


def test_other_terminals_are_found_with_their_targets_and_this_one_is_not(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTNAME", "own123456789")
    asked: dict[str, Any] = {}

    def get(path: str, **query: Any) -> Any:
        asked.update(query)
        return [{"Id": "own1234567890", "Created": 1706191200}, {"Id": "other", "Created": 1706191200}]

    monkeypatch.setattr(engine, "get", get)
    engine.details["other"] = {"Config": {"Env": ["CALL=CA1", "PHONE=+9725", "FOR=5m", "PROSAAS_TYPED=CALL FOR"]}}
    (found,) = sessions.others(engine, "debug-calls")
    assert found == sessions.Session(Target(call_sid="CA1"), datetime(2024, 1, 25, 14, 0, tzinfo=UTC))
    assert json.loads(asked["filters"]) == {"label": ["prosaas.ops.project=prosaas", "prosaas.ops.command=debug-calls"]}
