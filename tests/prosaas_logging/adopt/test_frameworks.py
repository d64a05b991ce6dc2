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
@pytest.mark.parametrize("queued", ["", "import sys; log.remove(); log.add(sys.stderr, enqueue=True)"])
def test_what_a_service_hands_from_logging_to_loguru_is_written_once(
    run_program: Program, order: str, queued: str
) -> None:
    """The handler that loguru's own pages show, also where loguru writes in a thread of its own."""
    source = (
        ordered(order, f"import logging\nfrom loguru import logger as log\n{queued}")
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


def test_a_processor_behind_structlogs_renderer_loses_no_line(run_program: Program) -> None:
    source = (
        f"import structlog\n{BOOTSTRAP}"
        + """
render = structlog.processors.JSONRenderer()
structlog.configure(processors=[structlog.stdlib.add_log_level, render, lambda logger, name, text: text + ","])
structlog.get_logger().info("booked", table=7)
"""
    )
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["message"], line["table"]) == ("booked", 7)


@pytest.mark.parametrize("to", ["msg", "what"])
def test_a_message_that_structlog_renames_is_the_message(run_program: Program, to: str) -> None:
    source = (
        f"import structlog\n{BOOTSTRAP}"
        + f"""
from structlog.processors import EventRenamer, JSONRenderer
structlog.configure(processors=[EventRenamer({to!r}, replace_by="kind"), JSONRenderer()])
structlog.get_logger().info("booked", table=7)
"""
    )
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["message"], line["table"]) == ("booked", 7)
    assert to not in line


WRAPPERS = ["structlog.make_filtering_bound_logger(20)", "structlog.stdlib.AsyncBoundLogger"]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_what_structlog_awaits_is_said_by_who_awaits_it(run_program: Program, wrapper: str) -> None:
    source = (
        f"import asyncio, structlog\n{BOOTSTRAP}"
        + f"""
structlog.configure(wrapper_class={wrapper})

async def main():
    log = structlog.get_logger()
    with prosaas_logging.scope(request_id="r-17"):
        await getattr(log, "ainfo", log.info)("inside")

asyncio.run(main())
"""
    )
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["severity"], line["message"], line["logger"]) == ("INFO", "inside", "__main__")
    assert line["request_id"] == "r-17"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "framework",
    [
        "from loguru import logger as log",
        "import sys; from loguru import logger as log; log.remove(); log.add(sys.stderr, enqueue=True)",
        "import structlog; log = structlog.get_logger()",
    ],
)
def test_what_they_say_belongs_to_its_scope(run_program: Program, order: str, framework: str) -> None:
    source = ordered(order, framework) + "\nwith prosaas_logging.scope(request_id='r-17'):\n    log.info('inside')"
    (line,) = lines(run_program(source, LOG_JSON="1"))
    assert (line["message"], line["request_id"]) == ("inside", "r-17")


CHAINS = {
    "both": "foreign_pre_chain=[scrub], processors=[Formatter.remove_processors_meta, scrub, render]",
    "foreign": "foreign_pre_chain=[stdlib.ExtraAdder()], processors=[scrub, render]",
    "renamed": "processors=[scrub, processors.EventRenamer('msg'), render]",
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("order", ORDERS)
def test_processors_in_structlogs_formatter_scrub_still(run_program: Program, order: str, chain: str) -> None:
    """structlog's own recommendation for services that log by the standard library, too."""
    source = (
        ordered(order, "import logging, sys, structlog\nfrom structlog import processors, stdlib")
        + f"""
Formatter = stdlib.ProcessorFormatter
render = structlog.dev.ConsoleRenderer(colors=False)

def scrub(logger, name, event):
    return {{**event, "event": event["event"].replace("hidden", "***")}}

structlog.configure(
    processors=[stdlib.filter_by_level, stdlib.add_logger_name, Formatter.wrap_for_formatter],
    logger_factory=stdlib.LoggerFactory(),
    wrapper_class=stdlib.BoundLogger,
)
handler = logging.StreamHandler(sys.stderr)
handler.setFormatter(Formatter({chain}))
logging.basicConfig(handlers=[handler], level=20, force=True)
structlog.get_logger("svc").info("a hidden word", table=7)
logging.getLogger("svc").info("a %s one", "hidden", extra={{"order": 3}})
try:
    {{}}["x"]
except KeyError:
    logging.getLogger("svc").exception("it failed")
"""
    )
    own, foreign, failed = lines(run_program(source, LOG_JSON="1"))
    assert (own["message"], own["table"], own["logger"]) == ("a *** word", 7, "svc")
    assert (foreign["message"], foreign["order"], foreign["logger"]) == ("a *** one", 3, "svc")
    assert (failed["message"], failed["error"]["kind"]) == ("it failed", "KeyError")
    assert not {"_record", "_from_structlog", "msg", "exc_info"} & (own.keys() | foreign.keys() | failed.keys())


def test_a_record_handed_on_within_another_leaves_the_outer_one_handed_on() -> None:
    with frameworks.handed_on():
        with frameworks.handed_on():
            pass
        assert frameworks._handed_on.now
    assert not frameworks._handed_on.now
