"""What we tell Twilio to do with a call."""

import re
from functools import cache

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

RETRY_PAUSE_S = 5
_SAID = re.compile(r'"[^"]*"|(?<=>)[^<]+')

# Twilio speaks Hebrew through Google's voices only.
VOICES = {"he": ("he-IL", "Google.he-IL-Standard-A"), "en": ("en-US", "Polly.Joanna")}

SENTENCES = {
    "fallback": {
        "he": "מצטערים, השיחה נותקה. אנא התקשרו שוב.",
        "en": "Sorry, the connection was lost. Please call again.",
    },
    "wait": {
        "he": "כל הקווים תפוסים כרגע. אנא המתינו על הקו.",
        "en": "All lines are busy at the moment. Please hold.",
    },
    "give_up": {
        "he": "מצטערים, איננו יכולים לענות כעת. אנא נסו שוב מאוחר יותר.",
        "en": "Sorry, we cannot take your call now. Please try again later.",
    },
    "unknown": {
        "he": "המספר שחייגתם אינו מחובר.",
        "en": "The number you have dialled is not in service.",
    },
}


def connect(stream_url: str, token: str, language: str, *, status_url: str) -> str:
    """Open the media stream; should it end before the call does, the caller hears a sentence, not silence."""
    response = VoiceResponse()
    stream = Stream(url=stream_url, status_callback=status_url, status_callback_method="POST")
    stream.parameter(name="token", value=token)
    response.append(Connect().append(stream))
    _say(response, "fallback", language)
    return str(response)


def wait(redirect_url: str, language: str) -> str:
    """Ask for patience, then come back."""
    response = VoiceResponse()
    _say(response, "wait", language)
    response.pause(length=RETRY_PAUSE_S)
    response.redirect(redirect_url, method="POST")
    return str(response)


def goodbye(sentence: str, language: str) -> str:
    """Say why, and hang up."""
    response = VoiceResponse()
    _say(response, sentence, language)
    response.hangup()
    return str(response)


def busy() -> str:
    """Do not take the call: whoever rings hears that the line is busy, and nobody pays."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def hangup() -> str:
    """End the call without a word: there is nobody to hear it."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


@cache
def nothing() -> str:
    """No instructions: the answer to a message, or the end of a call in which all has been said."""
    return str(VoiceResponse())


def _say(response: VoiceResponse, sentence: str, language: str) -> None:
    known = language if language in VOICES else "en"
    locale, voice = VOICES[known]
    response.say(SENTENCES[sentence][known], language=locale, voice=voice)


def outline(document: str) -> str:
    """The document without what is in it: each value and each text is replaced by its length."""
    return _SAID.sub(lambda found: f"({len(found[0])})", document)
