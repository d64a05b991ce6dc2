"""Voice detection on audio energy, in audio time: server_vad as the stand-in for OpenAI Realtime practises it."""

from dataclasses import dataclass
from typing import Final, Literal

from simulator.audio.mulaw import FRAME_BYTES, FRAME_MS, loudness

_LOUD_FRAMES_TO_START: Final = 3
_LOUDNESS_AT_THRESHOLD_1: Final = 500.0


@dataclass(frozen=True)
class Turned:
    """Speech started or stopped at this time of the session's audio."""

    what: Literal["started", "stopped"]
    at_ms: int


class VoiceDetector:
    """Turns a stream of mu-law audio into starts and stops of speech."""

    def __init__(self) -> None:
        self.speaking = False
        self.threshold = 0.5
        self.silence_ms = 500
        self.prefix_ms = 300
        self.audio_ms = 0
        self._rest = b""
        self._loud_frames = 0
        self._quiet_ms = 0

    def configure(self, *, threshold: float, silence_ms: int, prefix_ms: int) -> None:
        """Take over the session's turn_detection settings."""
        self.threshold, self.silence_ms, self.prefix_ms = threshold, silence_ms, prefix_ms

    def feed(self, audio: bytes) -> list[Turned]:
        """Take in more audio; return what it started or stopped."""
        audio = self._rest + audio
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._rest = audio[whole:]
        turned = []
        for at in range(0, whole, FRAME_BYTES):
            if event := self._frame(audio[at : at + FRAME_BYTES]):
                turned.append(event)
        return turned

    def _frame(self, frame: bytes) -> Turned | None:
        self.audio_ms += FRAME_MS
        if loudness(frame) >= self.threshold * _LOUDNESS_AT_THRESHOLD_1:
            self._quiet_ms = 0
            self._loud_frames += 1
            if not self.speaking and self._loud_frames >= _LOUD_FRAMES_TO_START:
                self.speaking = True
                began = self.audio_ms - self._loud_frames * FRAME_MS - self.prefix_ms
                return Turned("started", max(0, began))
            return None
        self._quiet_ms += FRAME_MS
        self._loud_frames = 0
        if self.speaking and self._quiet_ms >= self.silence_ms:
            self.speaking = False
            return Turned("stopped", self.audio_ms)
        return None
