"""Ways to write one line of JSON with the same fields to standard output; each runs in a process of its own."""

import json
import logging
import logging.handlers
import os
import queue
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

# What each line says beside its time, its level, its message and its own fields.
SAME = {"service": "bench", "env": "prod", "version": "", "logger": "bench"}


def stamp(moment: float) -> str:
    """The time as everybody writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


Say = Callable[..., None]
Finish = Callable[[], object]


def raw() -> tuple[Say, Finish]:
    """The yardstick: a dict, orjson and one write for each line. No limit: ours hands several lines to one write."""

    def say(level: str, text: str, **fields: object) -> None:
        line = orjson.dumps(
            {"timestamp": stamp(time.time()), "severity": level, "message": text, **SAME, **fields},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        os.write(1, line)

    return say, lambda: None


def ours() -> tuple[Say, Finish]:
    """This project's."""
    from prosaas_logging import bootstrap, flush, get_logger

    bootstrap("bench", environ={"LOG_JSON": "1", "LOG_SWITCH_FILE": "/nonexistent/switch", **_settings("LOG_BUFFER")})
    log = get_logger("bench")
    methods = {"DEBUG": log.debug, "INFO": log.info, "WARNING": log.warning, "ERROR": log.error}

    def say(level: str, text: str, **fields: Any) -> None:
        methods[level](text, **fields)

    return say, lambda: flush(60)


def ours_human() -> tuple[Say, Finish]:
    """This project's, in the form for people."""
    os.environ["LOG_JSON"] = "0"
    from prosaas_logging import bootstrap, flush, get_logger

    bootstrap("bench", environ={"LOG_SWITCH_FILE": "/nonexistent/switch"})
    log = get_logger("bench")
    return lambda level, text, **fields: log.info(text, **fields), lambda: flush(60)


def _structlog(*more: Callable[..., Any]) -> tuple[Say, Finish]:
    import structlog

    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *more,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(),
    )
    log = structlog.get_logger().bind(**SAME)
    methods = {"INFO": log.info, "WARNING": log.warning, "DEBUG": log.debug, "ERROR": log.error}
    return lambda level, text, **fields: methods[level](text, **fields), sys.stdout.flush


def structlog_orjson() -> tuple[Say, Finish]:
    """structlog's fastest set-up by its own documentation: bytes, orjson, a filtering logger, no stdlib."""
    return _structlog()


def structlog_redacting() -> tuple[Say, Finish]:
    """The same, doing the same work: every text is searched for secrets, by our own function."""
    from prosaas_logging.redact import clean

    return _structlog(lambda logger, method, fields: {name: clean(name, value) for name, value in fields.items()})


class OrjsonFormatter(logging.Formatter):
    """What one writes by hand for the standard library."""

    def format(self, record: logging.LogRecord) -> str:
        """The same fields as everybody's."""
        fields = record.__dict__.get("fields", {})
        content = {"timestamp": stamp(record.created), "severity": record.levelname, "message": record.getMessage()}
        return orjson.dumps({**content, **SAME, **fields}).decode()


def _stdlib(handler: logging.Handler) -> Say:
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return lambda level, text, **fields: logger.log(logging.getLevelName(level), text, extra={"fields": fields})


def stdlib_orjson() -> tuple[Say, Finish]:
    """The standard library with orjson."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(OrjsonFormatter())
    return _stdlib(handler), handler.flush


def queue_handler() -> tuple[Say, Finish]:
    """The standard library's own way to write on another thread."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(OrjsonFormatter())
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, handler)
    listener.start()

    def finish() -> None:
        while not waiting.empty():
            time.sleep(0.0005)

    return _stdlib(logging.handlers.QueueHandler(waiting)), finish  # type: ignore[arg-type]


def python_json_logger() -> tuple[Say, Finish]:
    """python-json-logger with orjson, its faster half."""
    from pythonjsonlogger.orjson import OrjsonFormatter as PjlFormatter

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(PjlFormatter("{levelname}{message}", style="{", timestamp=True, static_fields=SAME))
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return lambda level, text, **fields: logger.log(logging.getLevelName(level), text, extra=fields), handler.flush


def _loguru(enqueue: bool) -> tuple[Say, Finish]:
    from loguru import logger

    def line(record: Any) -> str:
        # As its documentation has it for who wants other fields than those of `serialize`, which writes twice as many.
        content = {"timestamp": record["time"].isoformat(), "severity": record["level"].name}
        said = orjson.dumps({**content, "message": record["message"], **SAME, **record["extra"]})
        record["extra"]["line"] = said.decode()
        return "{extra[line]}\n"

    logger.remove()
    logger.add(sys.stdout, format=line, level="INFO", enqueue=enqueue)
    return lambda level, text, **fields: logger.bind(**fields).log(level, text), logger.complete


def loguru_plain() -> tuple[Say, Finish]:
    """loguru with orjson."""
    return _loguru(enqueue=False)


def loguru_enqueue() -> tuple[Say, Finish]:
    """loguru with orjson, writing on another thread."""
    return _loguru(enqueue=True)


def nothing() -> tuple[Say, Finish]:
    """Nobody logs: what the machine alone does."""
    return lambda level, text, **fields: None, lambda: None


CONTESTANTS: dict[str, Callable[[], tuple[Say, Finish]]] = {
    "nothing": nothing,
    "raw orjson + os.write": raw,
    "ours": ours,
    "ours, human": ours_human,
    "structlog, bytes + orjson": structlog_orjson,
    "structlog, redacting": structlog_redacting,
    "stdlib + orjson": stdlib_orjson,
    "python-json-logger": python_json_logger,
    "stdlib QueueHandler": queue_handler,
    "loguru": loguru_plain,
    "loguru, enqueue": loguru_enqueue,
}


def _settings(*names: str) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def serve(name: str) -> None:
    """Write as many lines as each line of standard input asks for; answer with the seconds that it took."""
    say, finish = CONTESTANTS[name]()
    first = 0
    for request in sys.stdin:
        count = int(request)
        # As in life, no two lines say the same; their texts are made before the clock runs.
        rows = [
            (f"response {number} sent", f"CA{number * 2654435761:032x}", f"resp_{number * 40503:016x}", number)
            for number in range(first, first + count)
        ]
        first += count
        began = time.perf_counter()
        cpu = time.process_time()
        for text, call, response, number in rows:
            say("INFO", text, call_sid=call, response_id=response, seq=number, ms=12.5, status="completed")
        finish()
        answer = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
        os.write(2, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    serve(sys.argv[1])
