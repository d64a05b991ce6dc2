"""What we answer Twilio: whatever stands in an address or a token, it is TwiML that says what was meant."""

from contextlib import suppress

from prosaas_api import twiml
from simulator.phone.twiml import TwimlError, parse

SEEDS = (b"abc", b'"/><Hangup/>', b"&amp;<![CDATA[", b"\xd7\xa9")


def check(data: bytes) -> None:
    """The token arrives as it was written, in one <Connect>; the simulator refuses what is no XML, in its own words."""
    token = "".join(c for c in data.decode("utf-8", "replace")[:400] if c.isprintable())
    connect = parse(
        twiml.connect("wss://calls.example/media-stream", token, "he", status_url="https://api.example/twilio/stream")
    )[0]
    assert connect.parameters == {"token": token}
    with suppress(TwimlError):
        parse(data.decode("utf-8", "replace"))
