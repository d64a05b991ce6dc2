"""OpenAI Realtime events: the fields we read from the server's, and the client's that we send."""

import re
from typing import Any

import msgspec

# Sent in races that are nobody's fault: the model had just finished, or had just begun.
ALREADY_ACTIVE = "conversation_already_has_active_response"
# What was to be taken for a turn had just become one.
NOTHING_TO_COMMIT = "input_audio_buffer_commit_empty"
BENIGN_ERRORS = frozenset({"response_cancel_not_active", ALREADY_ACTIVE, NOTHING_TO_COMMIT})
RATE_LIMITED = "rate_limit_exceeded"
# There was no word in what the caller's turn consists of.
UNINTELLIGIBLE = "audio_unintelligible"
_TRY_AGAIN = re.compile(r"try again in (\d{1,6}(?:\.\d{1,6})?) ?(ms|s)\b")
_LONGEST_HINT = 1000
_FATAL_WORDS = ("quota", "api_key", "account", "billing", "authentication", "model_not_found")


class ErrorInfo(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None

    @property
    def name(self) -> str:
        return self.code or self.type or "unknown"

    @property
    def fatal(self) -> bool:
        """Whether trying again cannot help: quota, key, account, billing."""
        return any(word in f"{self.type} {self.code}" for word in _FATAL_WORDS)

    @property
    def passing(self) -> bool:
        """Whether it is the server that is out of order, for now, and not what we asked of it."""
        return not self.fatal and (self.type == "server_error" or self.code in ("server_error", RATE_LIMITED))

    @property
    def refuses_transcription(self) -> bool:
        """Whether it is how the caller's words are to be written down that the model will not have."""
        return "transcription" in (self.param or "")

    @property
    def retry_after(self) -> float | None:
        """How many seconds to wait, where the error says so: "Please try again in 1.4s", "in 350ms"."""
        found = _TRY_AGAIN.search((self.message or "")[:_LONGEST_HINT]) if self.code == RATE_LIMITED else None
        if found is None:
            return None
        return float(found[1]) / (1000 if found[2] == "ms" else 1)


class StatusDetails(msgspec.Struct):
    type: str | None = None
    reason: str | None = None
    error: ErrorInfo | None = None


class ResponseInfo(msgspec.Struct):
    id: str = ""
    status: str | None = None
    status_details: StatusDetails | None = None
    # Whatever it is: an odd bill must not cost us the event.
    usage: Any = None


class Item(msgspec.Struct):
    """What a conversation consists of; a function call carries its name and its arguments."""

    id: str = ""
    type: str = ""
    status: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""

    @property
    def is_call(self) -> bool:
        return self.type == "function_call"


class ServerEvent(msgspec.Struct, gc=False):
    """Every server event, by the union of the fields that we use."""

    type: str
    response_id: str = ""
    item_id: str = ""
    delta: str = ""
    transcript: str = ""
    item: Item | None = None
    response: ResponseInfo | None = None
    error: ErrorInfo | None = None
    usage: Any = None

    @property
    def spoken(self) -> str:
        """The item of what the model says here; its response, where a server names no item."""
        return self.item_id or self.response_id


_decoder = msgspec.json.Decoder(ServerEvent)
_encode = msgspec.json.Encoder().encode

_APPEND = b'{"type":"input_audio_buffer.append","audio":"'


def decode(data: str | bytes) -> ServerEvent:
    """Read one server event; msgspec.DecodeError when it is not one."""
    try:
        return _decoder.decode(data)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


# In tokens: over a minute of speech, after which an answer is a runaway; the most that the model takes, for a greeting
# that tells callers what they have to know; and as much of the past as a phone call needs.
_LONGEST_ANSWER = 1500
_LONGEST_GREETING = 4096
_TRUNCATION = {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 12_000}}
_KNOW_LANGUAGES = frozenset({"gpt-transcribe", "gpt-live-transcribe"})
# Callers speak these, whatever the business speaks.
_SPOKEN = ("he", "en", "ar", "ru")

CANCEL = b'{"type":"response.cancel"}'
COMMIT = b'{"type":"input_audio_buffer.commit"}'

# What is said of an item is nothing to a session that never had it.
OF_AN_ITEM: tuple[bytes, ...] = (b'{"type":"conversation.item.truncate"', b'{"type":"conversation.item.delete"')
# Nor is what was asked for, or taken back, as the last one was lost: the next is asked by itself.
OF_A_SESSION = (*OF_AN_ITEM, b'{"type":"response.', COMMIT)


def append_audio(payload: bytes) -> bytes:
    """The caller's audio, as clean base64."""
    return _APPEND + payload + b'"}'


def session_update(
    *,
    model: str,
    instructions: str,
    voice: str,
    transcription: dict[str, Any] | None,
    tools: list[dict[str, Any]],
    noise_reduction: str | None,
    detection: dict[str, Any] | None,
) -> bytes:
    """The session as a phone call needs it: mu-law both ways, our tools, and a voice detection, or none for now."""
    audio_format = {"type": "audio/pcmu"}
    return _encode(
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "model": model,
                "output_modalities": ["audio"],
                "instructions": instructions,
                "max_output_tokens": _LONGEST_ANSWER,
                "truncation": _TRUNCATION,
                "audio": {
                    "input": {
                        "format": audio_format,
                        "transcription": transcription,
                        "noise_reduction": noise_reduction and {"type": noise_reduction},
                        "turn_detection": detection,
                    },
                    "output": {"format": audio_format, "voice": voice},
                },
                "tools": tools,
                "tool_choice": "auto",
            },
        }
    )


def transcription(model: str, language: str, *, keywords: list[str]) -> dict[str, Any]:
    """How the caller's words are written down: newer models know several languages, and names to listen for."""
    if model not in _KNOW_LANGUAGES:
        return {"model": model, "language": language}
    return {"model": model, "languages": list(dict.fromkeys([language, *_SPOKEN])), "keywords": keywords}


def turn_detection(kind: str, *, threshold: float, silence_ms: int) -> dict[str, Any]:
    """How the server notices that the caller speaks, and has finished; the numbers are those of server_vad.

    What follows from it is decided here: the server neither stops its response for a sound, nor answers one.
    """
    detection: dict[str, Any] = {"type": kind, "create_response": False, "interrupt_response": False}
    if kind == "server_vad":
        detection |= {"threshold": threshold, "prefix_padding_ms": 300, "silence_duration_ms": silence_ms}
    return detection


def listen(detection: dict[str, Any]) -> tuple[bytes, bytes]:
    """Forget what was said so far, and from now on take the caller's turns."""
    session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    return b'{"type":"input_audio_buffer.clear"}', _encode({"type": "session.update", "session": session})


def create_response(greeting: str = "") -> bytes:
    """Ask the model to speak, now; to greet, where it is told how, which may take longer than an answer."""
    if not greeting:
        return b'{"type":"response.create"}'
    response = {"instructions": greeting, "max_output_tokens": _LONGEST_GREETING}
    return _encode({"type": "response.create", "response": response})


def truncate(item_id: str, heard_ms: int) -> bytes:
    """Tell the model how much of what it said reached the caller."""
    return _encode(
        {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": heard_ms}
    )


def delete(item_id: str) -> bytes:
    """Take back what the model said and nobody heard."""
    return _encode({"type": "conversation.item.delete", "item_id": item_id})


def message(role: str, text: str) -> bytes:
    """Add a line to the conversation without anybody saying it aloud."""
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return _encode({"type": "conversation.item.create", "item": item})


def tool_output(call_id: str, output: str) -> bytes:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _encode({"type": "conversation.item.create", "item": item})
