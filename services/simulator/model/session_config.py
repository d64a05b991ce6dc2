"""The Realtime session's configuration: what `session.update` may say, and what OpenAI would refuse in it."""

from collections.abc import Mapping
from typing import Any, Final

_FORMATS: Final = {"audio/pcm": {"type", "rate"}, "audio/pcmu": {"type"}, "audio/pcma": {"type"}}
_TURN_DETECTION: Final = {
    "type",
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "create_response",
    "interrupt_response",
    "idle_timeout_ms",
}
_SEMANTIC: Final = {"type", "eagerness", "create_response", "interrupt_response"}
_NOISE: Final = ({"type": "near_field"}, {"type": "far_field"}, None)
_INPUT: Final = {"format", "transcription", "noise_reduction", "turn_detection"}
_OUTPUT: Final = {"format", "voice", "speed"}
_SESSION: Final = {
    "type",
    "model",
    "output_modalities",
    "instructions",
    "audio",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "tracing",
    "truncation",
    "include",
    "prompt",
    "reasoning",
    "parallel_tool_calls",
}


class BadEventError(Exception):
    """A client event that earns an `error` event; the session stays open."""

    def __init__(self, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def update(session: Mapping[str, Any], change: Any) -> dict[str, Any]:
    """Return the session after `session.update`."""
    if not isinstance(change, Mapping):
        raise BadEventError("Missing required parameter: 'session'.", "missing_required_parameter", "session")
    if change.get("type") != "realtime":
        raise BadEventError("Missing required parameter: 'session.type'.", "missing_required_parameter", "session.type")
    _only(change, _SESSION, "session")
    audio = change.get("audio", {})
    _only(audio, {"input", "output"}, "session.audio")
    for side, known in (("input", _INPUT), ("output", _OUTPUT)):
        part = audio.get(side, {})
        where = f"session.audio.{side}"
        _only(part, known, where)
        if "format" in part:
            _check_format(part["format"], f"{where}.format")
    if audio.get("input", {}).get("noise_reduction") not in _NOISE:
        raise _invalid("must be near_field, far_field or null", "session.audio.input.noise_reduction")
    detection = audio.get("input", {}).get("turn_detection")
    if detection is not None:
        _check_detection(detection)
    for number, tool in enumerate(change.get("tools", [])):
        if tool.get("type") != "function" or not tool.get("name"):
            raise _invalid("a tool must be a function with a name", f"session.tools[{number}]")
    return _merge(session, change)


def _check_format(value: Any, where: str) -> None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in _FORMATS:
        raise _invalid(f"{value!r} is not a supported format", where)
    _only(value, _FORMATS[kind], where)


def _check_detection(detection: Mapping[str, Any]) -> None:
    where = "session.audio.input.turn_detection"
    if detection.get("type") not in ("server_vad", "semantic_vad"):
        raise _invalid("must be server_vad or semantic_vad", f"{where}.type")
    _only(detection, _TURN_DETECTION if detection["type"] == "server_vad" else _SEMANTIC, where)


def _only(value: Any, known: set[str], where: str) -> None:
    if not isinstance(value, Mapping):
        raise _invalid("must be an object", where)
    for name in value:
        if name not in known:
            raise BadEventError(f"Unknown parameter: '{where}.{name}'.", "unknown_parameter", f"{where}.{name}")


def _invalid(message: str, param: str) -> BadEventError:
    return BadEventError(f"Invalid value for '{param}': {message}.", "invalid_value", param)


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in change.items():
        below = merged.get(name)
        whole = name in ("format", "turn_detection", "transcription")
        merged[name] = (
            _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) and not whole else value
        )
    return merged
