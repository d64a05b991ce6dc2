"""What is in force, and who is told of it."""

import pytest

from prosaas_logging import policy as module
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.policy import LIBRARIES, Policy, apply, follow, in_force
from prosaas_logging.switch_state import Change


def test_who_follows_is_told_what_is_in_force_and_then_of_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that is made after the start has its level at once."""
    monkeypatch.setattr(module, "_followers", [])
    before = in_force()
    told: list[Policy] = []
    follow(told.append)
    assert told == [before]
    changed = Policy(threshold=DEBUG)
    apply(changed)
    assert told == [before, changed]


def test_a_policy_that_is_applied_while_others_are_told_is_the_last_one_that_all_hear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_followers", [])
    last: list[int] = []

    def meddles(told: Policy) -> None:
        if told.threshold == DEBUG:
            apply(Policy(threshold=INFO))

    follow(meddles)
    follow(lambda told: last.append(told.threshold))
    apply(Policy(threshold=DEBUG))
    assert last[-1] == INFO == in_force().threshold


@pytest.mark.parametrize(
    ("threshold", "library", "ours"),
    [(DEBUG, INFO, DEBUG), (INFO, WARNING, INFO), (WARNING, WARNING, WARNING), (ERROR, ERROR, ERROR)],
)
def test_a_library_is_quieter_than_the_service_and_never_tells_its_frames(
    threshold: int, library: int, ours: int
) -> None:
    policy = Policy(threshold=threshold)
    assert [policy.level_of(name) for name in ("websockets.client", "json", "pytest")] == [library] * 3
    assert [policy.level_of(name) for name in ("prosaas_calls.call", "__main__", "shop.orders")] == [ours] * 3


def test_a_level_by_name_is_stronger_and_the_nearest_name_is_the_strongest() -> None:
    policy = Policy(names=(("shop", ERROR), ("shop.orders", DEBUG), ("websockets", INFO)))
    expected = {"shop": ERROR, "shop.till": ERROR, "shop.orders": DEBUG, "shop.orders.new": DEBUG, "shopping": INFO}
    assert {name: policy.level_of(name) for name in expected} == expected
    assert policy.level_of("websockets.client") == INFO


def test_what_a_service_calls_its_own_is_no_library_wherever_it_lies() -> None:
    assert Policy(packages=frozenset({"pytest"})).level_of("pytest.plugin") == INFO


def test_something_is_recorded_for_a_flight_recorder_or_for_somebody_who_watches() -> None:
    change = Change("call", "CA1", "DEBUG", 1.0)
    assert not Policy().recording
    assert Policy(ring=1).recording
    assert Policy(targets=(change,)).recording
    watching = Policy(threshold=WARNING, targets=(change,))
    assert [watching.level_for({"call_sid": sid}) for sid in ("CA1", "CA2")] == [DEBUG, WARNING]


def test_the_libraries_that_are_known_by_name_lose_none_unnoticed() -> None:
    """Where one is installed its place would tell, too; a logger may come before its package, or have another name."""
    assert sorted(LIBRARIES) == [
        "PIL", "aiohttp", "aiosqlite", "alembic", "amqp", "anyio", "apscheduler", "asyncio", "asyncpg", "billiard",
        "boto3", "botocore", "celery", "charset_normalizer", "concurrent", "dns", "engineio", "fastapi", "flask_cors",
        "gunicorn", "h11", "h2", "hpack", "httpcore", "httpx", "huey", "hypercorn", "kafka", "kombu", "multipart",
        "openai", "opentelemetry", "parso", "passlib", "pgqueuer", "picows", "psycopg", "psycopg2", "pymongo",
        "python_multipart", "redis", "requests", "rq", "s3transfer", "socketio", "sqlalchemy", "starlette",
        "tenacity", "twilio", "urllib3", "uvicorn", "uvloop", "watchfiles", "websocket", "websockets", "werkzeug",
    ]  # fmt: skip
