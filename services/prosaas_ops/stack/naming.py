"""Which call is meant: an operator types the beginning of an id, as long as it needs to be."""

import time

from prosaas_ops.options import OTHERS, SERVICES, Nothing, Options, Problem, Usage
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.lines import read
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.records import calls_named
from prosaas_ops.texts import refused
from prosaas_ops.texts import told as words

# Of a whole id, "CA" and 32 hexadecimal digits.
_WHOLE = 34
_LEAST = 6
# Where a call's lines are looked for first.
_RECENT = 2 * 3600.0


def one_call(engine: Engine, options: Options, name: str = "CALL") -> str:
    """The call that the operator's CALL= means, in its own spelling; "" without one.

    A beginning of six characters or more is looked for among the live calls and the records, and then in the log's
    lines. Several that fit are listed (Nothing). One that nobody knows is taken as it was typed, unless the database
    could not be asked (Problem).
    """
    typed = options.call_sid(name)
    if not typed or len(typed) >= _WHOLE:
        return typed
    if len(typed) < _LEAST:
        raise Usage(words.TOO_SHORT(name=name, typed=typed, least=_LEAST))
    found = {call.call_sid: None for call in live_calls(engine) or [] if _begins(call.call_sid, typed)}
    away = ""
    try:
        found |= dict.fromkeys(calls_named(typed))
    except Problem as problem:
        away = str(problem)
    found = found or dict.fromkeys(_in_lines(engine, typed))
    if len(found) > 1 and typed not in found:
        raise Nothing(refused.AMBIGUOUS(name=name, value=typed, found=", ".join(found)))
    if not found and away and not OTHERS:
        raise Problem(words.NO_LINE_BEGINS(typed=typed, why=away))
    return typed if typed in found or not found else next(iter(found))


def one_story(options: Options) -> None:
    """What is typed is what is meant: of two that name a story neither is passed over."""
    given = [name for name in ("CALL", "PHONE", "MESSAGE", "N", "AT", "SINCE") if options.text(name)]
    for choices in (("CALL", "PHONE", "MESSAGE"), ("N", "AT")):
        if sum(name in given for name in choices) > 1:
            raise Usage(refused.ONE_OF(names=", ".join(f"{name}=" for name in choices)))
    for name in ("N", "AT", "SINCE"):
        if name in given and "PHONE" not in given:
            raise Usage(refused.ONLY_WITH(name=name, other="PHONE"))


def _begins(call_sid: str, typed: str) -> bool:
    return call_sid.lower().startswith(typed.lower())


def _in_lines(engine: Engine, typed: str) -> list[str]:
    """The calls that begin so, as their own lines name them, those of the last hours before older ones."""
    services = tuple(SERVICES.values())
    for since in (time.time() - _RECENT, None):
        logs = (engine.logs(each, since) for each in engine.with_kept(engine.containers(*services), *services))
        told = (line for raws in logs for line in read(raw for raw in raws if typed.lower() in raw.text.lower()))
        if found := sorted({line.call_sid for line in told if _begins(line.call_sid, typed)}):
            return found
    return []
