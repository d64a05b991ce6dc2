"""Whatever fails inside, once: what is said next is written, and nothing reaches the application."""

import json

import pytest

from .conftest import Program

# Each of these raises once in the middle of a program that says something in every way there is.
FAULTS = [
    "writer.Writer._turn",
    "writer.Writer._try",
    "writer.Writer._rest",
    "writer.Writer._render_some",
    "writer.Writer._render_all",
    "writer.Writer._sift",
    "writer.Writer._tick",
    "writer.Writer._tick_by_the_clock",
    "writer.Writer._report",
    "writer.Writer._hurry",
    "writer.Writer._rouse",
    "writer.Writer._render",
    "buffer.Buffer.store",
    "buffer.Buffer.write",
    "buffer.Buffer._next_piece",
    "outlet.Outlet.write",
    "trouble.Repeats.sift",
    "trouble.Repeats.sweep",
    "trouble.kind_of",
    "switch.Switch.poll",
    "switch.Switch._apply",
    "switch.Switch._announce",
    "switch.read_state",
    "switch.write_presence",
    "recorder.Recorder._take_token",
    "recorder.Recorder._start",
    "recorder.Recorder._handle",
    "recorder.Recorder._write",
    "recorder.Recorder.sweep",
    "recorder.frozen",
    "scope.Scope._emit",
    "budget.Account.folds",
    "budget.Account._keep",
    "budget.Account.due",
    "scope.Scope._with_folded",
    "scope.Scope._dump_after_error",
    "scope.Scope.drain",
    "scope.Scope._fold",
    "scope.Scope._tell_folded",
    "logger.freeze",
    "logger.describe",
    "logger.current",
    "adopt.bridge.Bridge._hear",
    "adopt.bridge.Bridge._admit",
    "adopt.bridge.taken",
    "adopt.formatted.freeze",
    "adopt.formatted.describe",
    "adopt.prints.Printed._take",
    "adopt.prints.Printed._say",
    "render.TextRenderer.text",
    "render.redact",
    "shapes.Shapes.words",
]

PROGRAM = """
import importlib, json, logging, os, sys, time
from prosaas_logging import bootstrap, flush, get_logger, scope
from prosaas_logging.catalogue import CALL_END, CALL_START
from prosaas_logging.switch_state import Change, State, update_state
from prosaas_logging import runtime
bootstrap("svc")
log = get_logger("program")
path = runtime._running.settings.switch_file
path.parent.mkdir(exist_ok=True)

def broken(name):
    module, *owners, attribute = name.split(".")
    holder = importlib.import_module(f"prosaas_logging.{module}")
    for owner in owners:
        holder = getattr(holder, owner)
    # What an object has of its own hides what its class has.
    for own in (runtime._running.writer,):
        if isinstance(own, holder if isinstance(holder, type) else ()) and attribute in vars(own):
            holder = own
    former = getattr(holder, attribute)
    left = [1]
    def fault(*arguments, **named):
        if left:
            left.pop()
            raise RuntimeError("injected")
        return former(*arguments, **named)
    setattr(holder, attribute, fault)
    return left, lambda: setattr(holder, attribute, former)

def say_everything(name):
    with scope(call_sid=f"CA-{name}", business_id="4"):
        log.debug("kept", list=[1])
        log.event(CALL_START, direction="inbound", mode="ai")
        for _ in range(3):
            log.warning("again", name=name)
        log.info("list", list=[1])
        print("printed")
        logging.getLogger("app").warning("stdlib %s", name, extra={"list": [1]})
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("failed")
            logging.getLogger("app").exception("failed")
        for number in range(100):
            log.info("many", number=number)
        log.event(CALL_END, duration_s=1, reason="customer_hangup")

hit = []
for number, name in enumerate(json.loads(sys.argv[1])):
    left, mend = broken(name)
    update_state(path, lambda state: State(0, (Change("call", str(number), "DEBUG", time.time() + 60, 60),)))
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:
        runtime._running.switch._due = 0.0
        say_everything(name)
        flush(0.2)
        runtime._running.writer._losses.add(20, "test")
        runtime._running.writer._losses._told_at = 0.0
        runtime._running.recorder._tokens = 10.0
    mend()
    if left:
        os.write(2, f"not reached: {name}\\n".encode())
    log.info(f"next after {name}")
    if not flush(10):
        os.write(2, f"not flushed: {name}\\n".encode())
"""


@pytest.mark.parametrize("half", [0, 1])
def test_what_is_said_after_a_fault_is_written_and_the_application_does_not_notice(
    run_program: Program, half: int
) -> None:
    faults = FAULTS[half::2]
    done = run_program(PROGRAM, json.dumps(faults), LOG_LEVEL="INFO")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for name in faults:
        assert f"[INFO] next after {name}" in lines
