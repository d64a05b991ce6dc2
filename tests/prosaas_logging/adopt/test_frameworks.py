"""loguru and structlog: what they say is heard with its level, fields and stack, whichever was imported first."""

import json
import subprocess
from typing import Any

import pytest

from prosaas_logging.adopt import frameworks

from ..conftest import Program

BOOTSTRAP = "import prosaas_logging; prosaas_logging.bootstrap('svc')"
ORDERS = ("before", "after")


def ordered(order: str, framework: str) -> str:
    """Both imports, the framework's before or after the log begins."""
    return "\n".join((framework, BOOTSTRAP) if order == "before" else (BOOTSTRAP, framework))


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Every line of the program; each is ours."""
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


FAILING = """
try:
    {}["x"]
except KeyError:
    log.exception("it failed")
"""


@pytest.mark.parametrize("order", ORDERS)
def test_loguru_arrives_as_it_was_said(run_program: Program, order: str) -> None:
    source = (
        ordered(order, "from loguru import logger as log")
        + "\nlog.info('shown {}', 'order')\nlog.bind(table=7, name='x').warning('late')\nlog.success('paid')\n"
        + "log.debug('unseen')"
        + FAILING
    )
    shown, late, paid, failed = lines(run_program(source, LOG_JSON="1"))
    assert (shown["severity"], shown["message"], shown["logger"]) == ("INFO", "shown order", "__main__")
    assert "event" not in shown
    assert (late["severity"], late["message"], late["table"], late["name"]) == ("WARNING", "late", 7, "x")
    assert (paid["severity"], paid["message"]) == ("INFO", "paid")
    assert (failed["severity"], failed["message"], failed["error"]["kind"]) == ("ERROR", "it failed", "KeyError")
    assert failed["error"]["stack"].startswith("Traceback")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "sink", ["sys.stdout", "sys.__stdout__", "sys.stderr, enqueue=True", "sys.stderr, serialize=True"]
)
def test_loguru_is_heard_from_any_sink_on_the_console(run_program: Program, order: str, sink: str) -> None:
    source = (
        ordered(order, "import sys\nfrom loguru import logger as log")
        + f"\nlog.remove()\nlog.add({sink})\nlog.error('once')\nlog.complete()"
    )
    assert [(line["severity"], line["message"]) for line in lines(run_program(source, LOG_JSON="1"))] == [
        ("ERROR", "once")
    ]


@pytest.mark.parametrize("order", ORDERS)
def test_loguru_writes_its_files_itself(run_program: Program, order: str, tmp_path: Any) -> None:
    file = tmp_path / "own.log"
    source = (
        ordered(order, "from loguru import logger as log")
        + f"\nlog.remove()\nlog.add(open({str(file)!r}, 'w'), format='{{message}}')\nlog.error('kept apart')"
    )
    assert lines(run_program(source, LOG_JSON="1")) == []
    assert file.read_text(encoding="utf-8") == "kept apart\n"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("queued", [False, True])
def test_what_a_service_hands_from_logging_to_loguru_is_written_once(
    run_program: Program, order: str, queued: bool
) -> None:
    """The handler that loguru's own pages show, also where the sink writes in a thread of its own."""
    source = (
        ordered(order, "import logging, sys\nfrom loguru import logger as log")
        + f"\nlog.remove()\nlog.add(sys.stderr, enqueue={queued})"
        + """
class Intercepts(logging.Handler):
    def emit(self, record):
        log.opt(exception=record.exc_info).log(record.levelname, record.getMessage())

logging.basicConfig(handlers=[Intercepts()], level=0, force=True)
logging.getLogger("app").warning("once")
log.warning("its own")
log.complete()
"""
    )
    assert [line["message"] for line in lines(run_program(source, LOG_JSON="1"))][-2:] == ["once", "its own"]


STRUCTLOG = """
log = structlog.get_logger()
log.info("shown", table=7)
log.bind(order=3).warning("late")
log.debug("unseen")
"""


CONFIGURED = {
    "as it comes": "",
    "written": "structlog.configure(logger_factory=structlog.WriteLoggerFactory())",
    "standard error": """
structlog.configure(cache_logger_on_first_use=True, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
""",
    "bytes": """
from structlog import processors
as_bytes = lambda logger, name, event: json.dumps(event).encode()
shaping = [processors.add_log_level, processors.TimeStamper(fmt="iso"), processors.format_exc_info]
structlog.configure(logger_factory=structlog.BytesLoggerFactory(), processors=[*shaping, as_bytes])
""",
    "through logging": """
from structlog import stdlib
structlog.configure(
    wrapper_class=stdlib.BoundLogger,
    logger_factory=stdlib.LoggerFactory(),
    processors=[stdlib.add_log_level, stdlib.ProcessorFormatter.wrap_for_formatter],
)
""",
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("configured", CONFIGURED.values(), ids=CONFIGURED)
def test_structlog_arrives_as_it_was_said(run_program: Program, order: str, configured: str) -> None:
    source = ordered(order, "import json, sys, structlog") + f"\n{configured}\n{STRUCTLOG}{FAILING}"
    shown, late, failed = lines(run_program(source, LOG_JSON="1"))
    assert (shown["severity"], shown["message"], shown["table"]) == ("INFO", "shown", 7)
    assert not {"event", "level", "_logger", "_name"} & shown.keys()
    assert (late["severity"], late["message"], late["order"]) == ("WARNING", "late", 3)
    assert (failed["severity"], failed["message"], failed["error"]["kind"]) == ("ERROR", "it failed", "KeyError")
    assert failed["error"]["stack"].startswith("Traceback")
    assert shown["logger"] == late["logger"] == "__main__"


@pytest.mark.parametrize("order", ORDERS)
def test_structlogs_processors_scrub_and_refuse_still(run_program: Program, order: str) -> None:
    source = (
        ordered(order, "import structlog")
        + """
def scrub(logger, name, event):
    if "noise" in event["event"]:
        raise structlog.DropEvent
    return {**event, "event": event["event"].replace("hidden", "***")}

structlog.configure(processors=[scrub, structlog.dev.ConsoleRenderer()])
structlog.get_logger().info("noise")
structlog.get_logger().info("a hidden word")
"""
    )
    assert [line["message"] for line in lines(run_program(source, LOG_JSON="1"))] == ["a *** word"]


def test_structlogs_text_may_be_polished_and_its_wrapper_made_in_any_way(run_program: Program) -> None:
    """Neither costs the words, and neither raises in the service."""
    source = (
        ordered("after", "import structlog")
        + """
class Wrapper(structlog.BoundLogger):
    def __init__(self, *, logger, processors, context):
        super().__init__(logger, processors, context)

polished = [structlog.processors.add_log_level, structlog.processors.JSONRenderer(), lambda _, __, text: text.upper()]
Wrapper(logger=structlog.PrintLogger(), processors=polished, context={"order": 3}).warning("late", table=7)
"""
    )
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["severity"], line["message"], line["table"], line["order"]) == ("WARNING", "late", 7, 3)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "framework", ["from loguru import logger as log", "import structlog; log = structlog.get_logger()"]
)
def test_what_they_say_belongs_to_its_scope(run_program: Program, order: str, framework: str) -> None:
    source = ordered(order, framework) + "\nwith prosaas_logging.scope(request_id='r-17'):\n    log.info('inside')"
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["message"], line["request_id"]) == ("inside", "r-17")


def test_a_record_handed_on_within_another_leaves_the_outer_one_handed_on() -> None:
    with frameworks.handed_on():
        with frameworks.handed_on():
            pass
        assert frameworks._handed_on.now
    assert not frameworks._handed_on.now
