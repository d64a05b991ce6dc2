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


Tokens = tuple[int, int]


def spoken_tokens(audio_ms: int, text_length: int, *, ms_a_token: int) -> Tokens:
    """Return the tokens of text and of audio in something said: the model's are of 50 ms, the caller's of 100."""
    return text_length // 3, audio_ms // ms_a_token


def usage(said: Tokens, read: Tokens, cached: Tokens) -> dict[str, Any]:
    """Return the bill for one response: what it said, what it read, and how much of that was in the cache."""
    return {
        "total_tokens": sum(read) + sum(said),
        "input_tokens": sum(read),
        "output_tokens": sum(said),
        "input_token_details": {
            "text_tokens": read[0],
            "audio_tokens": read[1],
            "image_tokens": 0,
            "cached_tokens": sum(cached),
            "cached_tokens_details": {"text_tokens": cached[0], "audio_tokens": cached[1], "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": said[0], "audio_tokens": said[1]},
    }


def transcription_usage(model: str, audio_ms: int, text_length: int) -> dict[str, Any]:
    """Return the bill for a transcript: the gpt-4o models count tokens, the others seconds."""
    if not model.startswith("gpt-4o"):
        return {"type": "duration", "seconds": audio_ms / 1000}
    text, audio = spoken_tokens(audio_ms, text_length, ms_a_token=100)
    return {
        "type": "tokens",
        "total_tokens": audio + text,
        "input_tokens": audio,
        "input_token_details": {"text_tokens": 0, "audio_tokens": audio},
        "output_tokens": text,
    }


def rate_limits() -> Event:
    """Return the remaining allowance, which never runs out here."""
    limits = [{"name": "tokens", "limit": 250_000, "remaining": 249_000, "reset_seconds": 0.2}]
    return event("rate_limits.updated", rate_limits=limits)


def _item(item_id: str, kind: str, status: str) -> Item:
    return {"id": item_id, "object": "realtime.item", "type": kind, "status": status}
