"""A call that is over as spans: who spoke when, how long the caller waited, and what it all came to."""

from typing import Any

from prosaas_core import tracing
from prosaas_core.facts.endings import ABNORMAL
from prosaas_core.records import CallRecord
from prosaas_logging import Scope


def trace(scope: Scope, record: CallRecord, *, model: str) -> None:
    """The greeting, each turn with the caller's words and the agent's, and the call around them."""
    if not tracing.active():
        return
    for turn in _turns(record.transcript):
        _trace_turn(scope.started, turn, model)
    abnormal = any(ending.value == record.end_reason for ending in ABNORMAL)
    metrics = record.metrics
    tracing.finish(
        scope,
        "call",
        kind="server",
        error=record.end_reason if abnormal else "",
        gen_ai_operation_name="chat",
        gen_ai_provider_name="openai",
        gen_ai_request_model=model,
        gen_ai_usage_input_tokens=metrics.get("tokens_in"),
        gen_ai_usage_output_tokens=metrics.get("tokens_out"),
        prosaas_cost=metrics.get("cost"),
        prosaas_currency=metrics.get("currency"),
        prosaas_end_reason=record.end_reason,
        prosaas_turns=metrics.get("turns"),
        prosaas_first_audio_ms=metrics.get("first_audio_ms"),
    )


def _turns(transcript: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What was said, each turn beginning with the caller; what the agent said before any of them is the greeting."""
    turns: list[list[dict[str, Any]]] = []
    for line in transcript:
        if line["who"] == "customer" or not turns:
            turns.append([])
        turns[-1].append(line)
    return turns


def _trace_turn(began: float, turn: list[dict[str, Any]], model: str) -> None:
    first = turn[0]
    until = max(_until(line) for line in turn)
    with tracing.group("turn" if first["who"] == "customer" else "greeting", *_span(began, first["at_ms"], until)):
        for line in turn:
            start, end = _span(began, line["at_ms"], _until(line))
            words = line["text"] if tracing.with_words() else None
            if line["who"] == "customer":
                tracing.part("speech", start, end, gen_ai_input_messages=words)
                continue
            tracing.part(
                f"chat {model}",
                start,
                end,
                kind="client",
                gen_ai_operation_name="chat",
                gen_ai_provider_name="openai",
                gen_ai_request_model=model,
                gen_ai_output_messages=words,
                prosaas_wait_ms=line.get("wait_ms"),
                prosaas_interrupted=line.get("interrupted"),
            )


def _until(line: dict[str, Any]) -> int:
    return int(line.get("until_ms") or line["at_ms"])


def _span(began: float, at_ms: int, until_ms: int) -> tuple[float, float]:
    return began + at_ms / 1000, began + until_ms / 1000
