"""`make call`: one simulated call on the running stack, its lines as they come, then the verdict on them."""

import difflib
import math
import re
import time
from collections.abc import Sequence

from prosaas_core.facts.simulated import new_call_sid
from prosaas_ops.act.simulate import BUDGET, DEBUG_LEAST, LONGEST_CALL_SECONDS, Placed, place
from prosaas_ops.options import FINE, PROBLEM, Nothing, Options, Problem, Usage, spoken_duration
from prosaas_ops.screen.terminal import Prose, RateCap, Screen, short
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import Line
from prosaas_ops.stack.records import Record, call_record, number_known, numbers
from prosaas_ops.stack.swarm import opened
from prosaas_ops.standing import unserved
from prosaas_ops.stories.call import HAPPENINGS
from prosaas_ops.texts import refused
from prosaas_ops.texts import told as words

OPTIONS = ("SCENARIO", "SPEED", "LEVEL", "MAX", "TO", "PHONE")

_RECORD_SECONDS = 10.0
_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


def run(options: Options) -> int:
    scenario, speed = options.text("SCENARIO", "demo"), options.decimal("SPEED", 1.0)
    debug = options.choice("LEVEL", ("INFO", "DEBUG"), "INFO") == "DEBUG"
    cap = RateCap(options.number("MAX", 200))
    called, caller = _number(options, "TO"), _number(options, "PHONE")
    engine, screen = opened(), Screen()
    engine.require("prosaas-calls")
    if told := unserved(engine):
        screen.say(Prose(screen.bad(told)))
    if called and not _is_ours(called):
        raise Nothing(_nobodys(called))
    call_sid = new_call_sid()
    level = "DEBUG" if debug else "INFO"
    calling = Prose(words.CALLING(scenario=scenario, speed=f"{speed:g}", level=level, call_sid=call_sid))
    target = live_switch.Target(call_sid=call_sid)
    named = ("prosaas-calls", "prosaas-api", "worker") if debug else ()
    containers = [found for name in named for found in engine.generations(name)]
    loud = [] if debug else live_switch.loud(engine, call_sid)
    beside = 0

    def heard(item: Line | Happening) -> None:
        nonlocal beside
        # What somebody deploys or restarts meanwhile is around the call, and not of it; what failed may be.
        if isinstance(item, Happening) and not item.failed:
            beside += item.what in HAPPENINGS
        elif cap.admit(item):
            screen.say(*screen.show(item, call_sid))

    with live_switch.raised(engine, containers, target, LONGEST_CALL_SECONDS):
        placed = place(
            engine,
            call_sid,
            scenario=scenario,
            speed=speed,
            numbers={name: given for name, given in (("to_number", called), ("from_number", caller)) if given},
            accepted=lambda: screen.say(calling),
            waits=lambda left: screen.say(Prose(screen.dim(words.STILL_COUNTED(seconds=math.ceil(left))))),
            heard=heard,
        )
    if cap.held:
        screen.say(Prose(screen.dim(words.HELD(count=cap.held, call_sid=call_sid))))
    if beside:
        screen.say(Prose(screen.dim(words.BESIDE(count=beside))))
    record = _await_record(call_sid)
    if not debug and placed.loud():
        # Whoever began to debug after the call did is somebody else too.
        loud += live_switch.loud(engine, call_sid)
    screen.say()
    problems = verdict(placed, record, debug, screen, sorted({short(container.service) for container in loud}))
    screen.say(screen.dim(words.NEXT(commands=f"make trace CALL={call_sid}")))
    return PROBLEM if problems else FINE


def _is_ours(number: str) -> bool:
    """Whether a business is called at the number; where the database cannot be asked, the call itself will show it."""
    try:
        return number_known(number)
    except Problem:
        return True


def _nobodys(number: str) -> str:
    """With the likest number that a business has, in a demo its own; where none has one this may be given to it."""
    if likest := difflib.get_close_matches(number, numbers(), 1, cutoff=0.0):
        return words.MEANT_NUMBER(number=number, known=likest[0])
    return words.NOBODYS_NUMBER(number=number)


def _number(options: Options, name: str) -> str:
    """A number as the carrier writes it, TO= the business's and PHONE= the caller's; empty where none is given."""
    number = options.phone(name)
    if number and not _NUMBER.fullmatch(number):
        raise Usage(refused.NOT_A_NUMBER(name=name, value=number[:40]))
    return number


def verdict(placed: Placed, record: Record | str, debug: bool, screen: Screen, debugged: Sequence[str] = ()) -> int:
    """Prints how the call went; returns the number of things that are not as they should be.

    Instead of a record there is the reason why nobody has seen one. Where somebody else debugs, and the call was in it,
    nothing is said of the lines that it writes at INFO; nor of lines and end where no agent had the caller.
    """
    rows = placed.rows("prosaas-calls")
    others = " · ".join(f"{short(name)} {placed.rows(name)}" for name in ("prosaas-api", "worker"))
    whole = placed.rows()
    loud = placed.loud()
    # A caller whom no agent had leaves no lines to be judged.
    checks: list[tuple[bool, str]] = []
    if placed.met and debug:
        checks = [(rows >= DEBUG_LEAST, words.AT_DEBUG(rows=rows, least=DEBUG_LEAST, others=others))]
    elif placed.met and loud and debugged:
        screen.say(Prose(screen.dim(words.DEBUGGED(names=", ".join(debugged)))))
    elif placed.met:
        # A short call has little to tell; one of fewer lines than the aim lacks some only where one is missing.
        missing = placed.missing if whole < BUDGET.start else []
        said = ", ".join(f"{name} ×{count}" for name, count in loud.most_common(3)) or str(words.NONE)
        checks = [
            (
                whole in BUDGET or (whole < BUDGET.start and not missing),
                words.AT_INFO(rows=rows, others=others, whole=whole, most=BUDGET.stop - 1)
                + (words.MISSING(events=", ".join(missing)) if missing else ""),
            ),
            (not loud, words.LOUD(said=said)),
        ]
    # Who is asked to wait takes that for an answer, the more so the faster the call: what she said herself she knows.
    ok, mute = bool(placed.result.get("ok")), placed.met and _was_mute(record)
    known: list[str] = [] if ok else placed.result.get("problems", [])
    # The caller's side may have noticed, and has it in English.
    problems = [*known, str(words.NEVER_SPOKE)] if mute and words.NEVER_SPOKE.say("en") not in known else known
    went_well = ok and not mute
    heard = str(words.AS_PLANNED) if went_well else words.NOT_AS_PLANNED(problems="; ".join(problems))
    job = {"JOB_DONE": words.JOB_DONE, "JOB_FAILED": words.JOB_FAILED}.get(placed.job, words.JOB_UNSEEN)
    ending = f"{words.END_SEEN if placed.end_seen else words.END_UNSEEN}, {job}"
    ended = not isinstance(record, str) and record.ended_at is not None
    stored = record if isinstance(record, str) else f"calls/{record.call_sid}, {record.end_reason or record.status}"
    done = placed.end_seen and placed.job == "JOB_DONE"
    lasted = [(done, words.LASTED(time=spoken_duration(placed.seconds), ending=ending))] if placed.met else []
    checks += [(went_well, words.CALLER_SIDE(heard=heard)), *lasted, (ended, words.STORED(stored=stored))]
    for good, text in checks:
        screen.say(Prose(f"{screen.good('✅') if good else screen.bad('❌')} {text}"))
    return sum(not good for good, _ in checks)


def _was_mute(record: Record | str) -> bool:
    """Whether the agent's own record of the call has no word of hers; the carrier's alone says nothing of it."""
    return not isinstance(record, str) and bool(record.end_reason) and record.metrics.get("first_audio_ms") is None


def _await_record(call_sid: str) -> Record | str:
    """The record is written as the call ends; give the write a moment. Else why there is none, in words."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while True:
        try:
            record = call_record(call_sid)
        except Problem as problem:
            return words.NOT_ASKED(why=problem)
        if (record is not None and record.ended_at is not None) or time.monotonic() > deadline:
            return record or str(words.NOT_STORED)
        time.sleep(0.2)
