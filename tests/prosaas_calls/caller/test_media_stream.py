"""Twilio's messages, as its own page writes them."""

import json

import pytest

from prosaas_calls.caller import media_stream
from prosaas_calls.caller.media_stream import (
    Connected,
    Dtmf,
    Framer,
    MalformedMessage,
    Mark,
    Media,
    Start,
    Stop,
    Unknown,
)


def test_every_message_of_twilio_is_understood() -> None:
    """connected, start, media, dtmf, mark and stop arrive as Twilio writes them, numbers as strings and all."""
    assert isinstance(media_stream.decode('{"event":"connected","protocol":"Call","version":"1.0.0"}'), Connected)

    start = media_stream.decode(
        '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",'
        '"tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
        '"customParameters":{"token":"t"}},"streamSid":"MZ1"}'
    )
    assert isinstance(start, Start)
    assert (start.start.stream_sid, start.start.call_sid) == ("MZ1", "CA1")
    assert start.start.custom_parameters == {"token": "t"}

    media = media_stream.decode(
        '{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5",'
        '"payload":"f/9/"},"streamSid":"MZ1"}'
    )
    assert isinstance(media, Media)
    assert (media.media.payload, media.media.milliseconds()) == (b"\x7f\xff\x7f", 5)

    dtmf = media_stream.decode(
        '{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}'
    )
    assert isinstance(dtmf, Dtmf)
    assert dtmf.dtmf.digit == "1"

    mark = media_stream.decode('{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"0.160"}}')
    assert isinstance(mark, Mark)
    assert mark.mark.name == "0.160"

    stop = '{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}'
    assert isinstance(media_stream.decode(stop), Stop)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"event":"media"}',
        '{"event":"media","media":{"payload":5}}',
        '{"event":"media","media":{"payload":"not base64!"}}',
        '{"event":"media","media":{"payload":"\\"},{\\"type\\":\\"response.cancel"}}',
        '{"event":"start","start":{"streamSid":"MZ1"}}',
        '{"event":"dtmf","dtmf":{}}',
        '{"event":"mark"}',
        '{"event":5}',
        '{"kind":"launch"}',
        b"\xff\xfe",
        "[" * 5000,
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(text: str | bytes) -> None:
    """Bad JSON, bad types, bad base64 and events without a name raise MalformedMessage, which says what is wrong."""
    with pytest.raises(MalformedMessage, match=r"\w"):
        media_stream.decode(text)


def test_a_kind_of_message_that_is_new_to_us_is_passed_over() -> None:
    """Twilio adds some from time to time; a call is not ended for that."""
    known = media_stream.decode('{"event":"launch","streamSid":"MZ1","launch":{"to":["moon"]}}')
    assert isinstance(known, Unknown)
    assert known.event == "launch"


@pytest.mark.parametrize("timestamp", ["", "soon", "9" * 5000])
def test_a_time_stamp_that_is_no_number_is_refused(timestamp: str) -> None:
    """The time stamp is a string on the wire; only one that is a number passes. What is told of it has an end."""
    media = media_stream.decode(json.dumps({"event": "media", "media": {"payload": "", "timestamp": timestamp}}))

    assert isinstance(media, Media)
    with pytest.raises(MalformedMessage, match="timestamp") as refused:
        media.media.milliseconds()
    assert len(str(refused.value)) <= len("timestamp ''") + 20


def test_we_send_exactly_the_three_messages_that_twilio_takes() -> None:
    """Anything but media, mark and clear, or a key too many, is warning 31951."""
    framer = Framer('MZ"1')

    assert json.loads(framer.media(b"f/9/")) == {"event": "media", "streamSid": 'MZ"1', "media": {"payload": "f/9/"}}
    assert json.loads(framer.mark("0.160")) == {"event": "mark", "streamSid": 'MZ"1', "mark": {"name": "0.160"}}
    assert json.loads(framer.clear) == {"event": "clear", "streamSid": 'MZ"1'}
