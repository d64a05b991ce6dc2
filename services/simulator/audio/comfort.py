"""The words of comfort that the service has on record: no model's, and meant for a caller who waits in silence."""

from functools import cache
from pathlib import Path

# Copies of the service's: in an image the simulator has nothing of it.
_RECORDED = Path(__file__).parent / "comfort_words"


@cache
def recordings() -> tuple[bytes, ...]:
    """Those of every language."""
    return tuple(path.read_bytes() for path in sorted(_RECORDED.glob("*.ulaw")))


class Comfort:
    """Recognises them as they are played: from their first byte on, as far as the caller hears of them."""

    def __init__(self) -> None:
        # Each that what was heard may be, and how much of it that is.
        self._heard: list[tuple[bytes, int]] = []

    def take(self, audio: bytes) -> int:
        """How many bytes of the audio, from its beginning on, are a recording that goes on or begins."""
        taken = 0
        while taken < len(audio):
            begun = [(recording, 0) for recording in recordings()]
            fitting = _fitting(self._heard, audio[taken:]) or _fitting(begun, audio[taken:])
            if not fitting:
                break
            taken += max(at - before for _, before, at in fitting)
            self._heard = [(recording, at) for recording, _, at in fitting if at < len(recording)]
        return taken


def _fitting(heard: list[tuple[bytes, int]], audio: bytes) -> list[tuple[bytes, int, int]]:
    """Of the recordings those with which it goes on: how much of each was heard before, and how much is now."""
    ends = [(recording, at, min(len(recording), at + len(audio))) for recording, at in heard]
    return [(recording, at, end) for recording, at, end in ends if recording[at:end] == audio[: end - at]]
