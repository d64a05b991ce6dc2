"""The server events of OpenAI Realtime (GA) that the stand-in sends, and the objects in them."""

import secrets
from typing import Any

Event = dict[str, Any]
Item = dict[str, Any]

_FORMAT = {"type": "audio/pcmu"}


def new_id(prefix: str) -> str:
    """Return an identifier in OpenAI's manner."""
    return f"{prefix}_{secrets.token_hex(10)}"


def event(kind: str, **fields: Any) -> Event:
    """Return a server event of this type."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error(message: str, *, code: str | None = None, param: str | None = None, event_id: str | None = None) -> Event:
    """Return an error that leaves the session open."""
    kind = "server_error" if code == "server_error" else "invalid_request_error"
    details = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
    return event("error", error=details)


def default_session(model: str) -> dict[str, Any]:
    """Return the session as it is before the client's first update."""
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant.",
        "max_output_tokens": "inf",
        "tools": [],
        "tool_choice": "auto",
        "tracing": None,
        "truncation": "auto",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
        },
    }


def user_audio(item_id: str, transcript: str | None = None) -> Item:
    """Return the caller's spoken message as an item."""
    content = [{"type": "input_audio", "transcript": transcript}]
    return {**_item(item_id, "message", "completed"), "role": "user", "content": content}


def assistant(item_id: str, status: str, transcript: str | None = None) -> Item:
    """Return the model's spoken message as an item, without its audio."""
    content = [] if transcript is None else [{"type": "output_audio", "transcript": transcript}]
    return {**_item(item_id, "message", status), "role": "assistant", "content": content}


def function_call(item_id: str, status: str, *, call_id: str, name: str, arguments: str) -> Item:
    """Return a function call as an item."""
    return {**_item(item_id, "function_call", status), "call_id": call_id, "name": name, "arguments": arguments}


def response(response_id: str, conversation_id: str, status: str, output: list[Item], **fields: Any) -> dict[str, Any]:
    """Return the response resource."""
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": None,
        "output": output,
        "conversation_id": conversation_id,
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": _FORMAT, "voice": "marin"}},
        "usage": None,
        "metadata": None,
        **fields,
    }


def usage(audio_ms: int, text_length: int) -> dict[str, Any]:
    """Return a plausible bill for one response."""
    output_audio, output_text = audio_ms // 50, text_length // 3
    return {
        "total_tokens": 400 + output_audio + output_text,
        "input_tokens": 400,
        "output_tokens": output_audio + output_text,
        "input_token_details": {
            "text_tokens": 300,
            "audio_tokens": 100,
            "image_tokens": 0,
            "cached_tokens": 256,
            "cached_tokens_details": {"text_tokens": 256, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": output_text, "audio_tokens": output_audio},
    }


def rate_limits() -> Event:
    """Return the remaining allowance, which never runs out here."""
    limits = [{"name": "tokens", "limit": 250_000, "remaining": 249_000, "reset_seconds": 0.2}]
    return event("rate_limits.updated", rate_limits=limits)


def _item(item_id: str, kind: str, status: str) -> Item:
    return {"id": item_id, "object": "realtime.item", "type": kind, "status": status}
