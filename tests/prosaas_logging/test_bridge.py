"""Whatever would reach the log by another way arrives by ours, once."""

import json
from pathlib import Path

import pytest

from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.policy import Policy, is_library

from .conftest import Program

BEGIN = """
import asyncio, logging, sys, threading, warnings
from prosaas_logging import bootstrap, get_logger, scope
bootstrap("svc")
"""


def test_stdlib_records_come_with_their_fields_and_stack(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("app").exception("failed %s", "here", extra={"message_": "x", "order": 7})
""",
        LOG_JSON="1",
    )
    content = json.loads(done.stdout)
    assert (content["message"], content["logger"], content["order"]) == ("failed here", "app", 7)
    assert content["error"]["stack"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("level", "library", "own"),
    [("DEBUG", "[INFO]", "[DEBUG]"), ("INFO", "[WARNING]", "[INFO]"), ("ERROR", "[ERROR]", "[ERROR]")],
)
def test_libraries_are_quieter_than_our_code(run_program: Program, level: str, library: str, own: str) -> None:
    program = BEGIN + (
        "for name in ('uvicorn.error', 'sqlalchemy.engine', 'aiohttp.access', 'httpx', 'app'):\n"
        "    logging.getLogger(name).setLevel(1)\n"
        "    for level in (10, 20, 30, 40): logging.getLogger(name).log(level, 'said by %s', name)\n"
        "warnings.simplefilter('ignore')"
    )
    lines = run_program(program, LOG_LEVEL=level).stdout.splitlines()
    order = ["[DEBUG]", "[INFO]", "[WARNING]", "[ERROR]"]
    theirs = [line.split()[0] for line in lines if "uvicorn" in line]
    ours = [line.split()[0] for line in lines if line.endswith("said by app")]
    assert theirs == order[order.index(library) :]
    assert ours == order[order.index(own) :]


@pytest.mark.parametrize(("own", "libraries"), [(DEBUG, INFO), (INFO, WARNING), (WARNING, WARNING), (ERROR, ERROR)])
def test_the_policy_for_libraries(own: int, libraries: int) -> None:
    assert Policy(threshold=own).libraries == libraries


def test_installed_packages_are_libraries_and_our_code_is_not() -> None:
    import hypothesis

    assert is_library(hypothesis.__name__)
    assert is_library("asyncio")
    assert is_library("gunicorn.error")
    assert not is_library("prosaas_calls.call.call")
    assert not is_library("__main__")
    assert not is_library("some_app.views")


def test_handlers_that_libraries_set_up_afterwards_say_nothing_twice(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import uvicorn.config, logging.config
logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
logging.basicConfig(force=True, stream=sys.__stdout__)
logging.getLogger("uvicorn.error").warning("once")
logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "1.1.1.1", "GET", "/", "1.1", 200)
logging.getLogger("app").warning("once more")
"""
    )
    assert done.stdout.splitlines() == ["[WARNING] uvicorn.error: once", "[WARNING] once more"]


@pytest.mark.parametrize(
    "configure",
    [
        "logging.config.dictConfig({'version': 1, 'root': {'level': 'ERROR', 'handlers': []}})",
        "logging.config.fileConfig(io.StringIO(INI))",
        "logging.basicConfig(force=True, level='ERROR')",
    ],
)
def test_who_configures_logging_after_us_silences_nothing(run_program: Program, configure: str) -> None:
    """Loggers that were there before are switched off by default, and the root's level is set: both are put right."""
    done = run_program(
        BEGIN
        + f"""
import asyncio, io, logging.config
early = logging.getLogger("early")
off = logging.getLogger("off")
off.disabled = True
parts = ["[loggers]", "keys=root", "[handlers]", "keys=", "[formatters]", "keys="]
INI = chr(10).join([*parts, "[logger_root]", "level=ERROR", "handlers="])
{configure}
early.info("heard")
logging.getLogger("asyncio").error("an exception was lost")
off.error("asked to be quiet")
"""
    )
    told = done.stdout.splitlines()
    assert told[0].startswith("[INFO] logging was configured anew"), done.stderr
    assert told[1:] == ["[INFO] heard", "[ERROR] asyncio: an exception was lost"]


@pytest.mark.parametrize(
    "handler",
    [
        "logging.handlers.MemoryHandler(1, target=logging.StreamHandler())",
        "logging.FileHandler('/dev/stdout')",
        "logging.StreamHandler(os.fdopen(os.dup(1), 'w'))",
        "rich.logging.RichHandler()",
        "queued()",
    ],
)
def test_a_handler_that_reaches_the_console_by_another_way_writes_no_line_twice(
    run_program: Program, handler: str
) -> None:
    """Behind a buffer, a queue, a console of rich's, a path, or a second descriptor."""
    if "rich" in handler:
        pytest.importorskip("rich")
    done = run_program(
        BEGIN
        + f"""
import os, queue, logging.handlers
try:
    import rich.logging
except ImportError:
    pass
def queued():
    waiting = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, logging.StreamHandler())
    listener.start()
    import atexit
    atexit.register(listener.stop)
    return logging.handlers.QueueHandler(waiting)
logging.getLogger().addHandler({handler})
logging.getLogger("app").warning("once")
"""
    )
    assert done.stdout.splitlines() == ["[WARNING] once"]
    assert "once" not in done.stderr


def test_a_filter_on_a_console_handler_scrubs_and_refuses_still(run_program: Program) -> None:
    """The handler writes nothing any more; what it kept out is kept out, and a filter that fails loses nothing."""
    done = run_program(
        BEGIN
        + """
class Scrubs(logging.Filter):
    def filter(self, record):
        record.msg = record.msg.replace("secret", "***")
        if "broken" in record.msg:
            raise ValueError
        return "noise" not in record.msg
handler = logging.StreamHandler()
handler.addFilter(Scrubs())
logging.getLogger().addHandler(handler)
for text in ("a secret", "noise", "broken"):
    logging.getLogger("app").warning(text)
"""
    )
    assert done.stdout.splitlines() == ["[WARNING] a ***", "[WARNING] broken"]


SCRUBBING = """
    import logging, re, sys
    import prosaas_logging

    class Scrub(logging.Formatter):
        def format(self, record):
            return re.sub("noa@[a-z.]+", "<mail>", super().format(record))

        def formatException(self, info):
            return re.sub("noa@[a-z.]+", "<mail>", super().formatException(info))

    class Json(logging.Formatter):
        def format(self, record):
            return '{"m": "' + record.getMessage() + '"}'

    def console(name, formatter):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(formatter("%(asctime)s %(levelname)s %(message)s"))
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        return logger

    prosaas_logging.bootstrap("svc")
    shop = console("shop", Scrub)
    shop.warning("order of %s", "noa@example.com")
    try:
        raise ValueError("no such noa@example.com")
    except ValueError:
        shop.exception("failed")
    console("other", Json).warning("as it is")
    console("plain", logging.Formatter).warning("as %s", "ever")
"""


@pytest.mark.parametrize("own", ["formatException", "formatted_in_format_alone"])
def test_a_formatter_of_the_service_scrubs_still_and_its_layout_is_ours(run_program: Program, own: str) -> None:
    done = run_program(SCRUBBING.replace("def formatException", f"def {own}"), LOG_JSON="1")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == ["order of <mail>", "failed", "as it is", "as ever"]
    assert lines[1]["error"]["kind"] == "ValueError"
    assert lines[1]["error"]["message"] == "no such <mail>"
    assert "noa@" not in done.stdout


ROWS = {
    "flat": '{"level": record.levelname, "message": said, "stack": stack}',
    "nested": '{"log": {"said": said}, "error": {"stack_trace": stack.splitlines()}}',
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_formatter_that_makes_json_scrubs_still(run_program: Program, row: str) -> None:
    source = f"""
import json, logging, re, sys
import prosaas_logging

def scrub(text):
    return re.sub("noa@[a-z.]+", "<mail>", text)

class Json(logging.Formatter):
    def format(self, record):
        said, stack = scrub(record.getMessage()), ""
        if record.exc_info:
            stack = scrub(self.formatException(record.exc_info))
        return json.dumps({row})

prosaas_logging.bootstrap("svc")
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(Json())
logging.getLogger().addHandler(handler)
logging.warning("order of %s", "noa@example.com")
logging.warning('{{"message": "noa@example.com"}}')
try:
    raise ValueError("no such noa@example.com\\nat all")
except ValueError:
    logging.exception("failed")
"""
    done = run_program(source, LOG_JSON="1")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == ["order of <mail>", '{"message": "<mail>"}', "failed"]
    error = lines[2]["error"]
    assert (error["kind"], error["message"]) == ("ValueError", "no such <mail>\nat all")
    assert error["stack"].startswith('Traceback (most recent call last):\n  File "<string>"')
    assert error["stack"].endswith("ValueError: no such <mail>\nat all")


def test_a_formatter_that_has_stacks_in_one_row_names_their_kind(run_program: Program) -> None:
    source = """
        import logging, sys
        import prosaas_logging

        class OneRow(logging.Formatter):
            def formatException(self, info):
                return super().formatException(info).replace("\\n", " | ")

        prosaas_logging.bootstrap("svc")
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(OneRow("%(message)s"))
        logging.getLogger().addHandler(handler)
        logging.warning('{"a": "message that looks like JSON"}')
        try:
            raise ValueError("why")
        except ValueError:
            logging.exception("failed")
    """
    said, failed = (json.loads(line) for line in run_program(source, LOG_JSON="1").stdout.splitlines())
    assert said["message"] == '{"a": "message that looks like JSON"}'
    assert (failed["message"], failed["error"]["kind"], failed["error"]["message"]) == ("failed", "ValueError", "why")


def test_a_stack_that_came_as_a_text_is_kept(run_program: Program) -> None:
    """A handler that formats for a queue leaves exc_text and takes exc_info away."""
    source = """
        import logging
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        record = logging.LogRecord("shop", logging.ERROR, "f", 1, "failed", (), None)
        try:
            raise ValueError("why")
        except ValueError as error:
            import sys
            record.exc_text = logging.Formatter().formatException(sys.exc_info())
        logging.getLogger("shop").handle(record)
    """
    (line,) = (json.loads(line) for line in run_program(source, LOG_JSON="1").stdout.splitlines())
    assert (line["message"], line["error"]["kind"]) == ("failed", "ValueError")
    assert line["error"]["stack"].startswith("Traceback")


def test_other_handlers_keep_working(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
class Collects(logging.Handler):
    def emit(self, record):
        get_logger("collected").info(record.getMessage())
logging.getLogger().addHandler(Collects())
logging.getLogger("app").warning("seen")
"""
    )
    assert done.stdout.splitlines() == ["[WARNING] seen", "[INFO] seen"]


def test_prints_are_events_and_json_stays_json(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + r"""
print("two\nlines", end="")
print(" and", "more")
print('{"not": "ours"')
sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
sys.stdout.buffer.write(b"bytes \xff\n")
sys.stderr.write("to stderr\n")
warnings.warn("careful")
print("half a line", end="")
""",
        LOG_JSON="1",
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    said = [(line.get("event"), line["message"].split(" (")[0]) for line in lines]
    assert said == [
        ("STDOUT", "two"),
        ("STDOUT", "lines and more"),
        ("STDOUT", '{"not": "ours"'),
        ("STDOUT", "bytes \ufffd"),
        ("STDERR", "to stderr"),
        (None, "UserWarning: careful"),
        ("STDOUT", "half a line"),
    ]
    assert done.stderr == ""


def test_a_traceback_printed_by_a_library_is_one_record(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import traceback
try:
    raise KeyError("lost")
except KeyError:
    traceback.print_exc()
""",
        LOG_JSON="1",
    )
    (line,) = done.stdout.splitlines()
    content = json.loads(line)
    assert (content["event"], content["message"]) == ("STDERR", "KeyError: 'lost'")
    assert content["error"]["kind"] == "KeyError"
    assert content["error"]["stack"].startswith("Traceback (most recent call last):\n  File")


def test_a_traceback_that_was_formatted_into_a_message_is_an_error_s_stack(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import traceback
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("rq.worker").error("job 5 failed:\\n%s", traceback.format_exc())
""",
        LOG_JSON="1",
    )
    content = json.loads(done.stdout)
    assert content["message"] == "rq.worker: job 5 failed"
    assert content["error"]["kind"] == "ZeroDivisionError"
    assert content["error"]["stack"].startswith("Traceback (most recent call last):")


def test_exceptions_of_threads_and_of_destructors_come_with_their_stacks(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
thread = threading.Thread(target=lambda: 1 / 0, name="worker-1")
thread.start()
thread.join()
class Bad:
    def __del__(self):
        raise ValueError("in a destructor")
Bad()
""",
        LOG_JSON="1",
    )
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert "worker-1" in first["message"]
    assert first["error"]["kind"] == "ZeroDivisionError"
    assert second["error"]["kind"] == "ValueError"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_task_s_lost_exception_comes_with_its_stack(run_program: Program, loop: str) -> None:
    done = run_program(
        BEGIN
        + f"""
import gc, {loop}
async def fail():
    raise LookupError("never awaited")
async def main():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
{loop}.run(main())
""",
        LOG_JSON="1",
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["error"]["kind"] for line in lines] == ["LookupError"]
    assert lines[0]["severity"] == "ERROR"


def test_a_child_process_inherits_the_real_descriptors(run_program: Program) -> None:
    done = run_program(
        BEGIN + "import subprocess\nsubprocess.run([sys.executable, '-c', 'print(1)'], stdout=sys.stdout, check=True)"
    )
    assert done.stdout == "1\n"


def test_an_installed_service_says_which_packages_are_its_own(run_program: Program, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import logging\nlogging.getLogger(__name__).info('heard')\n")
    program = f"""
import sys
sys.path.insert(0, {str(package.parent)!r})
from prosaas_logging import bootstrap
bootstrap("svc", packages=PACKAGES)
import shop
"""
    assert run_program(program.replace("PACKAGES", "('shop',)")).stdout == "[INFO] heard\n"
    assert run_program(program.replace("PACKAGES", "()")).stdout == ""
    loud = run_program(program.replace("PACKAGES", "()"), LOG_LEVEL="DEBUG").stdout.splitlines()
    assert "package=shop" in loud[0]
    assert loud[1] == "[INFO] shop: heard"


def test_a_package_of_the_service_may_be_called_like_one_of_python_s() -> None:
    assert is_library("calendar.views")
    assert not is_library("calendar.views", frozenset({"calendar"}))


def test_characters_cut_between_two_writes_arrive_whole(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
for byte in "שלום עולם".encode() + b"\\n":
    sys.stdout.buffer.write(bytes([byte]))
"""
    )
    assert done.stdout == "[INFO] [STDOUT] שלום עולם\n"


def test_half_a_line_of_a_thread_that_ended_is_not_another_s_beginning(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
for number in range(200):
    for text in (f"half {number}", f"whole {number}\\n"):
        thread = threading.Thread(target=sys.stdout.write, args=(text,))
        thread.start()
        thread.join()
"""
    )
    lines = done.stdout.splitlines()
    assert sorted(lines) == sorted(f"[INFO] [STDOUT] {what} {n}" for what in ("half", "whole") for n in range(200))


def test_a_stdlib_record_that_raises_is_still_said(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
class Bad:
    def __repr__(self):
        raise RuntimeError
    __str__ = __repr__
logging.getLogger("app").warning("argument %s", Bad())
logging.getLogger("app").warning(Bad())
logging.getLogger("app").warning("field", extra={"bad": Bad()})
logging.getLogger("app").warning("fine")
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "[WARNING] argument %s ['<unserialisable Bad: RuntimeError>']"
    assert lines[1] == "[WARNING] <unserialisable Bad: RuntimeError>"
    assert lines[2].startswith("[WARNING] field: bad=")
    assert lines[3] == "[WARNING] fine"


def test_a_line_without_an_end_is_said_before_it_fills_the_memory(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import os
from prosaas_logging import flush
for _ in range(10):
    sys.stdout.write("x" * 10_000)
flush(10)
os.kill(os.getpid(), 9)
"""
    )
    assert done.stdout.startswith("[INFO] [STDOUT] xxx")


def test_a_traceback_without_an_end_is_said_before_it_fills_the_memory(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import os
from prosaas_logging import flush
print("Traceback (most recent call last):")
for number in range(1000):
    print("  File", number)
flush(10)
os.kill(os.getpid(), 9)
"""
    )
    assert "  File 400" in done.stdout


def test_a_thread_that_ends_itself_is_no_error(run_program: Program) -> None:
    done = run_program(
        BEGIN + "thread = threading.Thread(target=sys.exit)\nthread.start()\nthread.join()\nprint('fine')"
    )
    assert done.stdout == "[INFO] [STDOUT] fine\n"


def test_standard_logging_in_a_call_that_is_watched_says_everything(run_program: Program) -> None:
    """Of that call alone, in its threads too, for as long as it is watched; libraries stay as quiet as they were."""
    done = run_program(
        BEGIN
        + """
import time
from prosaas_logging.policy import apply, in_force
from prosaas_logging.switch_state import Change
from dataclasses import replace

def say(word):
    for name in ("shop.voice", "urllib3.connectionpool"):
        logging.getLogger(name).debug("%s in %s", word, name)

with scope(call_sid="CA1"), scope(call_sid="CA2"):
    former = in_force()
    apply(replace(former, targets=(Change("call", "CA1", "DEBUG", time.time() + 60),)))
    say("another")
with scope(call_sid="CA1"):
    say("watched")
    thread = threading.Thread(target=say, args=("threaded",))
    thread.start()
    thread.join()
say("outside")
apply(former)
with scope(call_sid="CA1"):
    say("after")
"""
    )
    assert done.stdout.splitlines() == [
        "[DEBUG] watched in shop.voice · call_sid=CA1",
        "[DEBUG] threaded in shop.voice · call_sid=CA1",
    ]
