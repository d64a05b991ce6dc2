"""Speech-like audio."""

from simulator.audio.mulaw import FRAME_BYTES, milliseconds
from simulator.audio.speech import speak
from simulator.audio.vad import VoiceDetector


def test_the_same_words_always_sound_the_same() -> None:
    """A text has one audio per voice, and the two voices differ."""
    first = speak("שלום עולם", "caller")
    speak.cache_clear()
    assert speak("שלום עולם", "caller") == first
    assert speak("שלום עולם", "agent") != first


def test_longer_texts_take_longer_to_say() -> None:
    """A sentence of six words lasts between one and five seconds, in whole frames."""
    audio = speak("שלום, אני רוצה לתאם פגישה למחר", "caller")
    assert 1_000 < milliseconds(len(audio)) < 5_000
    assert len(audio) % FRAME_BYTES == 0
    assert len(speak("שלום", "caller")) < len(audio)


def test_a_sentence_is_one_turn_to_the_voice_detector() -> None:
    """The gaps between words are too short to end a turn."""
    detector = VoiceDetector()
    turned = detector.feed(speak("שלום, אני רוצה לתאם פגישה למחר בבוקר, אם אפשר", "caller") + b"\xff" * 8000)
    assert [each.what for each in turned] == ["started", "stopped"]
