"""Which stdlib loggers are libraries', and how loud those may be."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Final

from .levels import DEBUG, INFO, WARNING

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


@lru_cache(maxsize=4096)
def is_library(name: str) -> bool:
    """Whether the logger called *name* belongs to code that was installed rather than written here."""
    package = name.partition(".")[0]
    if package == "__main__" or package.startswith("prosaas"):
        return False
    if package in LIBRARIES or package in sys.stdlib_module_names:
        return True
    source = getattr(sys.modules.get(package), "__file__", None) or ""
    return any(place in source for place in _INSTALLED)


def library_threshold(level: int) -> int:
    """The lowest level that libraries may log at while our own is *level*: never frame by frame."""
    return INFO if level <= DEBUG else max(level, WARNING)
