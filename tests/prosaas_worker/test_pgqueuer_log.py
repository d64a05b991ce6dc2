"""PgQueuer's own lines are heard where they are news, and only there."""

import logging
import sys

import pytest

from prosaas_worker.pgqueuer_log import install, is_news


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    caught = None
    if error is not None:
        try:
            raise error
        except Exception:
            caught = sys.exc_info()
    return logging.LogRecord("pgqueuer", logging.ERROR, __file__, 1, message, (), caught)


@pytest.mark.parametrize(
    ("said", "news"),
    [
        (record("Exception while processing entrypoint/job-id: %s/%s", RuntimeError()), False),
        (record("Manager failed during shutdown", ConnectionResetError()), False),
        (record("Flush failed, requeuing %d items", ConnectionResetError()), False),
        (record("Flush failed, requeuing %d items", TypeError("a defect")), True),
        (record("Error parsing notification payload: %s"), True),
        (record("Error parsing notification payload: %s", ConnectionResetError()), True),
    ],
)
def test_only_what_no_event_of_ours_says_is_news(said: logging.LogRecord, news: bool) -> None:
    assert is_news(said) is news


def test_what_is_no_news_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pgqueuer = logging.getLogger("pgqueuer")
    monkeypatch.setattr(pgqueuer, "filters", [])
    install()
    assert not pgqueuer.filter(record("Exception while processing entrypoint/job-id: %s/%s", RuntimeError()))
    assert pgqueuer.filter(record("Error parsing notification payload: %s"))
