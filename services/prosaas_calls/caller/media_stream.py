"""Twilio Media Streams as JSON text: typed messages in, ready-made frames out."""

import json
from typing import Any, get_args

import msgspec

from prosaas_calls.sockets import shown


class MalformedMessage(ValueError):
    """What arrived is not a Media Streams message."""


class Connected(msgspec.Struct, tag_field="event", tag="connected"):
    """The socket is open; no stream yet."""


class StartBody(msgspec.Struct, rename="camel"):
    stream_sid: str
    call_sid: str
    custom_parameters: dict[str, str] = {}


class Start(msgspec.Struct, tag_field="event", tag="start"):
    """The stream is open: from here on there is a streamSid to answer to."""

    start: StartBody


class MediaBody(msgspec.Struct, gc=False):
    # msgspec decodes base64 into bytes and refuses anything else.
    payload: bytes
    timestamp: str = "0"
    # Whose sound it is, where Twilio is asked for both: ours is "outbound".
    track: str = "inbound"

    def milliseconds(self) -> int:
        """Where in the stream this frame begins."""
        try:
            return int(self.timestamp)
        except ValueError:
            raise MalformedMessage(f"timestamp {self.timestamp[:20]!r}") from None


class Media(msgspec.Struct, tag_field="event", tag="media", gc=False):
    """20 ms of the caller's voice, mu-law at 8 kHz."""

    media: MediaBody


class DtmfBody(msgspec.Struct):
    digit: str


class Dtmf(msgspec.Struct, tag_field="event", tag="dtmf"):
    """A key that the caller pressed."""

    dtmf: DtmfBody


class MarkBody(msgspec.Struct, gc=False):
    name: str


class Mark(msgspec.Struct, tag_field="event", tag="mark", gc=False):
    """An echo of our mark: everything before it was played, or thrown away by a clear."""

    mark: MarkBody


class Stop(msgspec.Struct, tag_field="event", tag="stop"):
    """The stream is over."""


class Unknown(msgspec.Struct):
    """A kind of message that Twilio did not have when this was written."""

    event: str


Known = Connected | Start | Media | Dtmf | Mark | Stop
Message = Known | Unknown

_KNOWN = frozenset(kind.__struct_config__.tag for kind in get_args(Known))
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Known)
_kind = msgspec.json.Decoder(Unknown)


def decode(data: str | bytes) -> Message:
    """Read one message, or raise MalformedMessage with what is wrong with it."""
    try:
        message: Message = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if unknown := _unknown(data):
            return unknown
        raise MalformedMessage(shown(error)) from None
    return message


def _unknown(data: str | bytes) -> Unknown | None:
    try:
        found = _kind.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return None if found.event in _KNOWN else found


class Framer:
    """Builds the three messages that Twilio accepts from us, for one stream."""

    __slots__ = ("_mark", "_media", "clear")

    def __init__(self, stream_sid: str) -> None:
        sid = json.dumps(stream_sid).encode()
        self._media = b'{"event":"media","streamSid":' + sid + b',"media":{"payload":"'
        self._mark = b'{"event":"mark","streamSid":' + sid + b',"mark":{"name":"'
        self.clear = b'{"event":"clear","streamSid":' + sid + b"}"

    def media(self, payload: bytes) -> bytes:
        """Wrap base64 audio, which must be clean: it is not escaped."""
        return self._media + payload + b'"}}'

    def mark(self, name: str) -> bytes:
        """Name the end of the audio sent so far; names are ours, plain ASCII."""
        return self._mark + name.encode() + b'"}}'
