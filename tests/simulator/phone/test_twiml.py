"""TwiML as Twilio reads it."""

import pytest
from twilio.twiml.voice_response import Connect, VoiceResponse

from simulator.phone.twiml import TwimlError, parse


def test_what_twilios_own_package_writes_is_followed() -> None:
    """Verbs come in order, with the stream's parameters."""
    response = VoiceResponse()
    connect = Connect()
    connect.stream(url="wss://phone.example/media-stream").parameter(name="token", value="abc")
    response.append(connect)
    response.say("סליחה", language="he-IL")
    response.pause(length=5)
    response.redirect("/twilio/voice?try=1")
    verbs = parse(str(response))
    assert [verb.name for verb in verbs] == ["Connect", "Say", "Pause", "Redirect"]
    assert (verbs[0].stream_url, verbs[0].parameters) == ("wss://phone.example/media-stream", {"token": "abc"})
    assert verbs[3].text == "/twilio/voice?try=1"


def stream(url: str, parameter: str = "") -> str:
    return f'<Response><Connect><Stream url="{url}">{parameter}</Stream></Connect></Response>'


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response>", "12100"),
        ("<Answer/>", "12100"),
        ("<Response><Sing/></Response>", "12200"),
        ("<Response><Connect/></Response>", "12200"),
        (stream("ws://phone.example/media-stream"), "31920"),
        (stream("https://phone.example/media-stream"), "31920"),
        (stream("wss://phone.example/media-stream?token=abc"), "31920"),
        (stream("wss://phone.example/m", f'<Parameter name="token" value="{"x" * 495}"/>'), "31920"),
    ],
)
def test_what_twilio_refuses_is_refused(document: str, code: str) -> None:
    """Each fault has Twilio's own number."""
    with pytest.raises(TwimlError, match=code):
        parse(document)
