"""The policy: one frozen object that says what becomes of a record, and the one way to put another in its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from .levels import DEBUG, INFO, WARNING
from .record import Context, Record
from .switch_state import Change

# Names whose loggers do not say which package they belong to, and those most worth naming.
LIBRARIES: Final = frozenset({
    "aiohttp", "aiosqlite", "alembic", "amqp", "anyio", "apscheduler", "asyncio", "asyncpg", "billiard", "boto3",
    "botocore", "celery", "charset_normalizer", "concurrent", "dns", "engineio", "fastapi", "flask_cors",
    "gunicorn", "h11", "h2", "hpack", "httpcore", "httpx", "huey", "hypercorn", "kafka", "kombu", "multipart",
    "openai", "opentelemetry", "parso", "passlib", "PIL", "pgqueuer", "picows", "psycopg", "psycopg2", "pymongo",
    "python_multipart", "redis", "requests", "rq", "s3transfer", "socketio", "sqlalchemy", "starlette",
    "tenacity", "twilio", "urllib3", "uvicorn", "uvloop", "watchfiles", "websocket", "websockets", "werkzeug",
})  # fmt: skip
_INSTALLED: Final = ("site-packages", "dist-packages")


class Recorded(Protocol):
    """What a flight recorder needs of a scope."""

    @property
    def id(self) -> str:
        """The call, request or job."""

    @property
    def kind(self) -> str:
        """Which of these it is."""

    @property
    def context(self) -> Context:
        """Its fields."""

    def drain(self) -> list[Record]:
        """Take what was recorded."""


def _nowhere(record: Record, context: Context) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides what becomes of a record, and where it goes."""

    threshold: int = INFO
    targets: tuple[Change, ...] = ()
    # Levels of loggers and of what is below them, and the level that "stdout" and "stderr" are said at.
    names: tuple[tuple[str, int], ...] = ()
    packages: frozenset[str] = frozenset()
    ring: int = 0
    budget: int = 0
    submit: Callable[[Record, Context], None] = _nowhere
    dump: Callable[[Recorded, str, bool], bool] = lambda scope, reason, always: False
    # What a budget folded away of a scope, and where somebody finds it: a path, or a word of the catalogue.
    keep_folded: Callable[[Recorded, Record], None] = lambda scope, record: None
    where_folded: Callable[[Recorded], str] = lambda scope: "recorder"
    render_entry: Callable[[Record, Context], str] = lambda record, context: ""
    # Puts another policy in force, if this one is only for a process that has not said anything yet.
    wake: Callable[[], None] | None = None

    @property
    def recording(self) -> bool:
        """Whether anyone would keep what is below the threshold."""
        return self.ring > 0 or bool(self.targets)

    @property
    def libraries(self) -> int:
        """The lowest level that libraries may log at: never frame by frame."""
        return INFO if self.threshold <= DEBUG else max(self.threshold, WARNING)

    def level_of(self, name: str) -> int:
        """The lowest level that is written of the logger *name* outside of a switched scope."""
        named = level_named(name, self.names)
        if named is not None:
            return named
        return self.libraries if is_library(name, self.packages) else self.threshold

    def level_for(self, fields: dict[str, object]) -> int:
        """The lowest level that is written in a scope with *fields*."""
        for target in self.targets:
            if target.fits(fields):
                return target.number
        return self.threshold


_in_force = Policy()
_followers: list[Callable[[Policy], None]] = []


def in_force() -> Policy:
    """The policy that is in force now."""
    return _in_force


def awake() -> Policy:
    """The policy for somebody who is about to say something."""
    if _in_force.wake is not None:
        _in_force.wake()
    return _in_force


def follow(follower: Callable[[Policy], None]) -> None:
    """Have *follower* told of the policy now and of each that is applied later; it may be told of one twice."""
    _followers.append(follower)
    follower(_in_force)


def apply(policy: Policy) -> None:
    """Put *policy* in force by one assignment, and have everyone follow; of several at once the last one stays."""
    global _in_force
    _in_force = policy
    told: Policy | None = None
    while told is not _in_force:
        told = _in_force
        for follower in _followers:
            follower(told)


@lru_cache(maxsize=4096)
def level_named(name: str, names: tuple[tuple[str, int], ...]) -> int | None:
    """The level that *names* give the logger *name*, by the longest of them that is it or above it."""
    fitting = [(len(prefix), level) for prefix, level in names if name == prefix or name.startswith(f"{prefix}.")]
    return max(fitting)[1] if fitting else None


@lru_cache(maxsize=4096)
def is_library(name: str, packages: frozenset[str] = frozenset()) -> bool:
    """Whether the logger called *name* belongs to code that was installed rather than to the service.

    It is a guess by where the package lies; *packages* are the service's own, wherever they lie.
    """
    package = name.partition(".")[0]
    if package in packages or package == "__main__" or package.startswith("prosaas"):
        return False
    if package in LIBRARIES or package in sys.stdlib_module_names:
        return True
    source = getattr(sys.modules.get(package), "__file__", None) or ""
    return any(place in source for place in _INSTALLED)
