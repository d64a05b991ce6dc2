"""Which call is meant: an operator types the beginning of an id, as long as it needs to be."""

from contextlib import suppress

from prosaas_ops.options import Nothing, Options, Problem
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.records import calls_named
from prosaas_ops.texts import refused

# Of a whole id, "CA" and 32 hexadecimal digits.
_WHOLE = 34
_LEAST = 6


def one_call(engine: Engine, options: Options, name: str = "CALL") -> str:
    """The call that the operator's CALL= means, in its own spelling; "" without one.

    A beginning of six characters or more is looked for among the live calls and the records. Several that fit are
    listed (Nothing); one that nobody knows is taken as it was typed, for the log may know it.
    """
    typed = options.call_sid(name)
    if not _LEAST <= len(typed) < _WHOLE:
        return typed
    found: dict[str, None] = {}
    for call in live_calls(engine) or []:
        if call.call_sid.lower().startswith(typed.lower()):
            found[call.call_sid] = None
    with suppress(Problem):
        found |= dict.fromkeys(calls_named(typed))
    if len(found) > 1 and typed not in found:
        raise Nothing(refused.AMBIGUOUS(name=name, value=typed, found=", ".join(found)))
    return typed if typed in found or not found else next(iter(found))
