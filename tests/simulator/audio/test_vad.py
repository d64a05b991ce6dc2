"""Voice detection in audio time."""

from simulator.audio.vad import VoiceDetector

LOUD = b"\x90\x10" * 80
QUIET = b"\xff" * 160


def test_speech_starts_after_three_loud_frames_and_counts_its_prefix() -> None:
    """The start is dated back to the first loud frame, less the prefix."""
    detector = VoiceDetector()
    assert detector.feed(QUIET * 50 + LOUD * 2) == []
    (started,) = detector.feed(LOUD)
    assert (started.what, started.at_ms) == ("started", 1000 - 300)


def test_speech_stops_after_the_configured_silence() -> None:
    """Silence shorter than silence_ms ends nothing, silence of that length does."""
    detector = VoiceDetector()
    detector.configure(threshold=0.5, silence_ms=200, prefix_ms=0)
    detector.feed(LOUD * 10)
    assert detector.feed(QUIET * 9) == []
    (stopped,) = detector.feed(QUIET)
    assert (stopped.what, stopped.at_ms) == ("stopped", 400)


def test_a_click_is_no_speech() -> None:
    """Two loud frames in a row start nothing."""
    assert VoiceDetector().feed((LOUD * 2 + QUIET) * 20) == []


def test_chunks_of_any_size_are_the_same_audio() -> None:
    """How the audio is cut makes no difference."""
    audio = QUIET * 20 + LOUD * 30 + QUIET * 40
    whole, cut = VoiceDetector(), VoiceDetector()
    expected = whole.feed(audio)
    assert [turned for at in range(0, len(audio), 77) for turned in cut.feed(audio[at : at + 77])] == expected


def test_a_higher_threshold_asks_for_louder_speech() -> None:
    """Audio that is speech at 0.5 is none at 1.0 when it is soft."""
    soft = b"\xe4\x64" * 80
    detector = VoiceDetector()
    assert detector.feed(soft * 10)
    strict = VoiceDetector()
    strict.configure(threshold=1.0, silence_ms=500, prefix_ms=300)
    assert not strict.feed(soft * 10)
