"""A frame of Twilio's Media Streams, and the line that is logged about one that is none."""

from fuzz.logged import lines
from prosaas_calls.caller.media_stream import MalformedMessage, decode
from prosaas_logging.catalogue import MEDIA_MALFORMED

SEEDS = (
    b'{"event":"connected","protocol":"Call","version":"1.0.0"}',
    b'{"event":"media","sequenceNumber":"3","media":{"timestamp":"5","payload":"fn5+"},"streamSid":"MZ1"}',
    b'{"event":"mark","mark":{"name":"a"}}',
    b'{"event":"-eyJ-eyJ-eyJ-eyJ-eyJ-eyJ"}',
)


def check(data: bytes) -> None:
    """A message, or MalformedMessage, whose text is harmless in the log."""
    try:
        decode(data)
    except MalformedMessage as error:
        lines(MEDIA_MALFORMED, error=str(error))
