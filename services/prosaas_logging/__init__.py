"""Logging for services in containers: quiet in production, loud on demand, nothing lost in between."""

from .adopt.celery import adopt_celery
from .events import Event
from .logger import Logger, get_logger
from .remembered import TimelineEntry
from .runtime import bootstrap, counters, flush, shutdown
from .scope import Scope, scope, watched
from .settings import LogSettings
from .testing import EventRecord, capture_events

__all__ = [
    "Event",
    "EventRecord",
    "LogSettings",
    "Logger",
    "Scope",
    "TimelineEntry",
    "adopt_celery",
    "bootstrap",
    "capture_events",
    "counters",
    "flush",
    "get_logger",
    "scope",
    "shutdown",
    "watched",
]
