"""Twilio's outbound buffer: audio and marks, played in order on the call's own clock."""

from collections import deque
from typing import Final

from simulator.audio.mulaw import milliseconds

LIMIT_MS: Final = 600_000


class Playback:
    """What the service has sent and the caller has not heard yet."""

    def __init__(self) -> None:
        self._queue: deque[bytes | str] = deque()
        self._bytes = 0

    @property
    def buffered_ms(self) -> int:
        """How much audio is still to be played."""
        return milliseconds(self._bytes)

    def add_audio(self, audio: bytes) -> None:
        """Buffer audio behind what is there."""
        self._queue.append(audio)
        self._bytes += len(audio)

    def add_mark(self, name: str) -> bool:
        """Buffer a mark; False where nothing is left to play before it, so that it is due at once."""
        if not self._queue:
            return False
        self._queue.append(name)
        return True

    def clear(self) -> list[str]:
        """Drop the audio and return all pending marks: Twilio echoes them though they were never played."""
        marks = [entry for entry in self._queue if isinstance(entry, str)]
        self._queue.clear()
        self._bytes = 0
        return marks

    def play(self, byte_count: int) -> tuple[bytes, list[str]]:
        """Play so many bytes; return them and the marks reached."""
        played, marks = bytearray(), []
        while self._queue:
            entry = self._queue[0]
            if isinstance(entry, str):
                marks.append(entry)
                self._queue.popleft()
                continue
            wanted = byte_count - len(played)
            if not wanted:
                break
            played += entry[:wanted]
            if len(entry) > wanted:
                self._queue[0] = entry[wanted:]
            else:
                self._queue.popleft()
        self._bytes -= len(played)
        return bytes(played), marks
