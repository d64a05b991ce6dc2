"""Twilio's side of the Media Streams protocol: what Twilio sends, and what it would say about what it receives."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import orjson

BAD_MESSAGE: Final = 31951
BINARY_FRAME: Final = 31950
BUFFER_FULL: Final = 31931

_ALLOWED: Final = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


class TwilioWarning(Exception):
    """A message from the service that Twilio would put a warning about into its debugger."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class FromService:
    """One message of the service, understood."""

    event: str
    audio: bytes = b""
    mark: str = ""


class Stream:
    """One stream's outgoing messages, numbered as Twilio numbers them."""

    def __init__(self, stream_sid: str, call_sid: str, account_sid: str) -> None:
        self._stream_sid = stream_sid
        self._call_sid = call_sid
        self._account_sid = account_sid
        self._sequence = 0

    @property
    def stream_sid(self) -> str:
        """The stream's own identifier."""
        return self._stream_sid

    def connected(self) -> str:
        """Return the very first message."""
        return '{"event":"connected","protocol":"Call","version":"1.0.0"}'

    def start(self, parameters: dict[str, str]) -> str:
        """Return the message that introduces the call."""
        return self._message(
            "start",
            {
                "accountSid": self._account_sid,
                "streamSid": self._stream_sid,
                "callSid": self._call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
        )

    def media(self, chunk: int, timestamp_ms: int, payload: str) -> str:
        """Return one frame of the caller's audio, already in base64."""
        self._sequence += 1
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound","chunk":"{chunk}",'
            f'"timestamp":"{timestamp_ms}","payload":"{payload}"}},"streamSid":"{self._stream_sid}"}}'
        )

    def dtmf(self, digit: str) -> str:
        """Return a pressed key."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """Return the echo of a mark."""
        return self._message("mark", {"name": name})

    def stop(self) -> str:
        """Return the message that ends the stream."""
        return self._message("stop", {"accountSid": self._account_sid, "callSid": self._call_sid})

    def understand(self, text: str) -> FromService:
        """Return what the service sent, or raise the warning it earns."""
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise TwilioWarning(BAD_MESSAGE, f"not JSON: {error}") from error
        event = message.get("event") if isinstance(message, dict) else None
        if event not in _ALLOWED:
            raise TwilioWarning(BAD_MESSAGE, f"unknown event: {event!r}")
        if set(message) != _ALLOWED[event]:
            raise TwilioWarning(BAD_MESSAGE, f"{event}: has the fields {sorted(message)}")
        if message["streamSid"] != self._stream_sid:
            raise TwilioWarning(BAD_MESSAGE, f"{event}: wrong streamSid {message['streamSid']!r}")
        if event == "media":
            return FromService("media", audio=_audio(message["media"]))
        if event == "mark":
            return FromService("mark", mark=_mark_name(message["mark"]))
        return FromService("clear")

    def _message(self, event: str, content: dict[str, Any]) -> str:
        self._sequence += 1
        return orjson.dumps(
            {"event": event, "sequenceNumber": str(self._sequence), event: content, "streamSid": self._stream_sid}
        ).decode()


def _audio(media: Any) -> bytes:
    if not isinstance(media, dict) or set(media) != {"payload"} or not isinstance(media["payload"], str):
        raise TwilioWarning(BAD_MESSAGE, "media: must hold a payload and nothing else")
    try:
        audio = base64.b64decode(media["payload"], validate=True)
    except binascii.Error as error:
        raise TwilioWarning(BAD_MESSAGE, f"media: payload is not base64: {error}") from error
    if not audio:
        raise TwilioWarning(BAD_MESSAGE, "media: empty payload")
    return audio


def _mark_name(mark: Any) -> str:
    if not isinstance(mark, dict) or set(mark) != {"name"} or not isinstance(mark["name"], str) or not mark["name"]:
        raise TwilioWarning(BAD_MESSAGE, "mark: must hold a name and nothing else")
    return str(mark["name"])
