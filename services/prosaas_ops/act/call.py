"""`make call`: one simulated call on the running stack, its lines as they come, then the verdict on them."""

import time
from collections import Counter

from prosaas_ops.act.simulate import BUDGET, DEBUG_LEAST, LONGEST_CALL_SECONDS, Placed, new_call_sid, place
from prosaas_ops.options import FINE, PROBLEM, Options, Problem, spoken_duration
from prosaas_ops.screen.terminal import Prose, RateCap, Screen, short
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.records import Record, call_record
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import told as words

OPTIONS = ("SCENARIO", "SPEED", "LEVEL", "MAX")

_RECORD_SECONDS = 10.0


def run(options: Options) -> int:
    scenario, speed = options.text("SCENARIO", "demo"), options.decimal("SPEED", 1.0)
    debug = options.choice("LEVEL", ("INFO", "DEBUG"), "INFO") == "DEBUG"
    cap = RateCap(options.number("MAX", 200))
    engine, screen = opened(), Screen()
    engine.require("prosaas-calls")
    call_sid = new_call_sid()
    level = "DEBUG" if debug else "INFO"
    screen.say(Prose(words.CALLING(scenario=scenario, speed=f"{speed:g}", level=level, call_sid=call_sid)))
    target = live_switch.Target(call_sid=call_sid)
    named = ("prosaas-calls", "prosaas-api", "worker") if debug else ()
    containers = [found for name in named for found in engine.generations(name)]
    with live_switch.raised(engine, containers, target, LONGEST_CALL_SECONDS):
        placed = place(
            engine,
            call_sid,
            scenario=scenario,
            speed=speed,
            heard=lambda item: screen.say(*screen.show(item, call_sid)) if cap.admit(item) else None,
        )
    if cap.held:
        screen.say(Prose(screen.dim(words.HELD(count=cap.held, call_sid=call_sid))))
    record = _await_record(call_sid)
    screen.say()
    problems = verdict(placed, record, debug, screen)
    screen.say(screen.dim(words.NEXT(commands=f"make trace CALL={call_sid}")))
    return PROBLEM if problems else FINE


def verdict(placed: Placed, record: Record | None, debug: bool, screen: Screen) -> int:
    """Prints how the call went; returns the number of things that are not as they should be."""
    rows = placed.rows("prosaas-calls")
    others = " · ".join(f"{short(name)} {placed.rows(name)}" for name in ("prosaas-api", "worker"))
    whole = placed.rows()
    if debug:
        checks = [(rows >= DEBUG_LEAST, words.AT_DEBUG(rows=rows, least=DEBUG_LEAST, others=others))]
    else:
        loud = Counter(line.event or line.text[:40] for line in placed.lines if line.level == "DEBUG")
        said = ", ".join(f"{name} ×{count}" for name, count in loud.most_common(3)) or str(words.NONE)
        checks = [
            (
                whole in BUDGET,
                words.AT_INFO(rows=rows, others=others, whole=whole, least=BUDGET.start, most=BUDGET.stop - 1),
            ),
            (not loud, words.LOUD(said=said)),
        ]
    went_well = bool(placed.result.get("ok"))
    problems = "; ".join(placed.result.get("problems", []))
    heard = str(words.AS_PLANNED) if went_well else words.NOT_AS_PLANNED(problems=problems)
    ending = words.COMPLETE if placed.complete else words.INCOMPLETE
    stored = f"calls/{record.call_sid}, {record.end_reason}" if record else str(words.NOT_STORED)
    checks += [
        (went_well, words.CALLER_SIDE(heard=heard)),
        (placed.complete, words.LASTED(time=spoken_duration(placed.seconds), ending=ending)),
        (record is not None, words.STORED(stored=stored)),
    ]
    for good, text in checks:
        screen.say(Prose(f"{screen.good('✅') if good else screen.bad('❌')} {text}"))
    return sum(not good for good, _ in checks)


def _await_record(call_sid: str) -> Record | None:
    """The record is written as the call ends; give the write a moment."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while time.monotonic() < deadline:
        try:
            record = call_record(call_sid)
        except Problem:
            return None
        if record is not None and record.ended_at is not None:
            return record
        time.sleep(0.2)
    return None
