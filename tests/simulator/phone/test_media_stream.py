"""Twilio's side of Media Streams."""

import json

import pytest

from simulator.phone.media_stream import BAD_MESSAGE, Stream, TwilioWarning

STREAM = Stream("MZ1", "CA1", "AC1")


def test_twilios_messages_have_the_documented_shape() -> None:
    """Sequence numbers, chunks and time stamps are strings; sample rate and channels are numbers."""
    stream = Stream("MZ1", "CA1", "AC1")
    assert json.loads(stream.connected()) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = json.loads(stream.start({"token": "t"}))
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t"},
        },
        "streamSid": "MZ1",
    }
    assert json.loads(stream.media(1, 20, "AAAA")) == {
        "event": "media",
        "sequenceNumber": "2",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": "AAAA"},
        "streamSid": "MZ1",
    }
    assert json.loads(stream.dtmf("5"))["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert json.loads(stream.mark("m"))["mark"] == {"name": "m"}
    stop = json.loads(stream.stop())
    assert (stop["sequenceNumber"], stop["stop"]) == ("5", {"accountSid": "AC1", "callSid": "CA1"})


def test_the_three_messages_a_service_may_send_are_understood() -> None:
    """Media, mark and clear."""
    media = STREAM.understand('{"event":"media","streamSid":"MZ1","media":{"payload":"/////w=="}}')
    assert media.audio == b"\xff" * 4
    assert STREAM.understand('{"event":"mark","streamSid":"MZ1","mark":{"name":"m1"}}').mark == "m1"
    assert STREAM.understand('{"event":"clear","streamSid":"MZ1"}').event == "clear"


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        "[]",
        '{"event":"hello","streamSid":"MZ1"}',
        '{"event":"clear"}',
        '{"event":"clear","streamSid":""}',
        '{"event":"clear","streamSid":"MZ2"}',
        '{"event":"clear","streamSid":"MZ1","extra":1}',
        '{"event":"media","streamSid":"MZ1","media":{}}',
        '{"event":"media","streamSid":"MZ1","media":{"payload":"*"}}',
        '{"event":"media","streamSid":"MZ1","media":{"payload":""}}',
        '{"event":"media","streamSid":"MZ1","media":{"payload":"AAAA","track":"outbound"}}',
        '{"event":"mark","streamSid":"MZ1","mark":{"name":""}}',
        '{"event":"mark","streamSid":"MZ1","mark":"m"}',
    ],
)
def test_anything_else_earns_a_warning(message: str) -> None:
    """Twilio would put 31951 into its debugger."""
    with pytest.raises(TwilioWarning) as caught:
        STREAM.understand(message)
    assert caught.value.code == BAD_MESSAGE
