"""What a finished call amounts to: what was heard of it, and all that went wrong."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

from simulator.audio.mulaw import milliseconds
from simulator.live import LiveCall
from simulator.phone.line import COUNTED, PhoneLine

_TRUNCATION_TOLERANCE_MS: Final = 100
# Two may begin at once. To notice it takes a service some real time, too, which does not shrink with the call's speed.
_SPOKEN_OVER_MS: Final = 1_000
_REAL_SPOKEN_OVER_MS: Final = 200
_STOPS_WITHIN_MS: Final = 1_000
_REAL_STOPS_WITHIN_MS: Final = 300


def reach(live: LiveCall, lines: Sequence[PhoneLine], *, ended_by: str, verbs: Sequence[str]) -> dict[str, Any]:
    """Add to the call's problems what only its end shows, and return the result."""
    barge_ins = _barge_ins(live, lines)
    for line in lines:
        _judge_audio(live, line, ended_by)
    if ended_by == "caller":
        _judge_belief(live, lines)
    expect = live.scenario.expect
    if expect.verbs is not None and tuple(verbs) != expect.verbs:
        live.problem(f"TwiML verbs were {list(verbs)}, expected {list(expect.verbs)}")
    if not lines and expect.verbs is None:
        live.problem(f"the caller never reached an agent: the TwiML was {list(verbs)}")
    # Audio is the agent's own where nobody here can know it.
    spoke = any(line.ear.heard or (line.ear.unknown_bytes and not live.recognised) for line in lines)
    if lines and not spoke and ended_by == "caller":
        live.problem("the agent never spoke")
    if live.scenario.ending.by == "caller" and ended_by != "caller":
        live.problem(f"the call ended by {ended_by}, not by the caller")
    said, planned = max((line.behaviour.turns_done for line in lines), default=0), len(live.script.turns)
    if lines and said < planned and expect.all_answered and ended_by == "service":
        live.problem(f"the service ended the call after {said} of {planned} turns")
    for words in live.script.fill(expect.instructed):
        if lines and words not in live.instructions:
            live.problem(f"the model was not told {words!r}")
    for words in live.script.fill(expect.heard):
        if not any(words in piece.said.text and piece.whole for line in lines for piece in line.ear.heard):
            live.problem(f"the caller did not hear {words!r}, and what stands with it, to the end")
    monologue_ms = max((line.behaviour.longest_monologue_ms for line in lines), default=0)
    if monologue_ms > expect.monologue_ms:
        live.problem(f"the agent spoke for {monologue_ms} ms without a pause")
    over_ms = max((line.over_caller_ms for line in lines), default=0)
    if over_ms > max(_SPOKEN_OVER_MS, _REAL_SPOKEN_OVER_MS * live.speed):
        live.problem(f"the agent began to speak while the caller did, and spoke on for {over_ms} ms")
    silence_ms = max((line.behaviour.longest_silence_ms for line in lines), default=0)
    if expect.all_answered and silence_ms > expect.silence_ms * max(1.0, live.speed):
        live.problem(f"the caller waited {silence_ms} ms without hearing anything")
    return {
        "call_sid": live.call_sid,
        "scenario": live.scenario.name,
        "speed": live.speed,
        "ok": not live.problems,
        "problems": live.problems,
        "ended_by": ended_by,
        "verbs": list(verbs),
        "streams": len(lines),
        "heard": [piece.as_note() for line in lines for piece in line.ear.heard],
        "comfort_ms": sum(milliseconds(line.ear.comfort_bytes) for line in lines),
        "unknown_ms": sum(milliseconds(line.ear.unknown_bytes) for line in lines),
        "barge_ins": barge_ins,
        "turns": said,
        "answer_ms": [waited for line in lines for waited in line.behaviour.answer_ms],
        "silence_ms": silence_ms,
        "warnings": [warning for line in lines for warning in line.warnings],
        "slipped_ms": live.slipped_ms,
        "counts": {name: sum(line.counts[name] for line in lines) for name in COUNTED},
    }


def _barge_ins(live: LiveCall, lines: Sequence[PhoneLine]) -> list[dict[str, Any]]:
    heard = {piece.said.item_id: piece.heard_ms for line in lines for piece in line.ear.heard}
    barge_ins = [{**each, "heard_ms": heard.get(each["item_id"], 0)} for each in live.truncated]
    for each in barge_ins:
        if each["truncated_ms"] > each["heard_ms"] + _TRUNCATION_TOLERANCE_MS:
            live.problem(f"truncated at {each['truncated_ms']} ms, the caller heard {each['heard_ms']} ms")
    return barge_ins


def _judge_belief(live: LiveCall, lines: Sequence[PhoneLine]) -> None:
    """Whether the model takes for said what the caller never heard; not what a hang-up cut off, on which nobody builds.

    Of who was put through or hung up on, the model has nothing left to believe.
    """
    pieces = [piece for line in lines for piece in line.ear.heard]
    heard = {piece.said.item_id: piece.heard_ms for piece in pieces}
    for each in itertools.takewhile(lambda said: not pieces or said is not pieces[-1].said, live.said.values()):
        believed_ms, heard_ms = milliseconds(each.believed_bytes), heard.get(each.item_id, 0)
        if believed_ms > heard_ms + _TRUNCATION_TOLERANCE_MS:
            live.problem(f"the model believes that {believed_ms} ms were heard, it was {heard_ms}: {each.text}")


def _judge_audio(live: LiveCall, line: PhoneLine, ended_by: str) -> None:
    for piece in line.ear.heard:
        if not piece.intact:
            live.problem(f"garbled within {piece.heard_ms} ms: {piece.said.text}")
    for piece in line.behaviour.spoken_over:
        if not piece.whole:
            live.problem(f"lost to a word of assent after {piece.heard_ms} ms: {piece.said.text}")
    for piece, heard_ms in line.behaviour.interrupted:
        if (more_ms := piece.heard_ms - heard_ms) > _STOPS_WITHIN_MS + _REAL_STOPS_WITHIN_MS * live.speed:
            live.problem(f"spoke on for {more_ms} ms though the caller interrupted: {piece.said.text}")
    meant_to_end = line.ear.heard[:-1] if ended_by == "caller" else line.ear.heard
    for piece in meant_to_end:
        if piece.cut_short:
            live.problem(f"cut short after {piece.heard_ms} ms: {piece.said.text}")
        elif live.scenario.expect.heard_whole and not piece.whole:
            live.problem(f"lost after {piece.heard_ms} ms, though nobody interrupted: {piece.said.text}")
    if line.ear.unknown_bytes and live.recognised and not live.scenario.expect.unknown_audio:
        live.problem(f"heard {milliseconds(line.ear.unknown_bytes)} ms of audio that the model never sent")
