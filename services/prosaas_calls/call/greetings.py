"""Greetings that were spoken once: the next caller hears them at once, while the model is still connecting."""

import re
from collections import OrderedDict
from typing import NamedTuple

from prosaas_calls.caller.audio import BYTES_PER_MS

_MOST = 64
_LONGEST_BYTES = 30_000 * BYTES_PER_MS
_WORD = re.compile(r"\w+")


class Spoken(NamedTuple):
    """What makes two greetings the same."""

    model: str
    voice: str
    words: str


class Greetings:
    """Those of the businesses that were called last, as mu-law at 8 kHz."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Spoken, bytes] = OrderedDict()

    def get(self, key: Spoken) -> bytes | None:
        """The greeting, if it has been spoken before."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: Spoken, audio: bytes) -> None:
        """Keep a greeting; the one unused for longest makes room."""
        self._kept[key] = audio
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)


class Recording:
    """Takes down one greeting while it is spoken; it is kept if it was what it should be. Without a key, nothing is."""

    def __init__(self, greetings: Greetings | None = None, key: Spoken | None = None) -> None:
        self._greetings = greetings
        self._key = key
        self._audio = bytearray()
        self._words = ""

    def hear(self, audio: bytes) -> None:
        """More of its sound."""
        if self._key is not None and len(self._audio) <= _LONGEST_BYTES:
            self._audio += audio

    def understand(self, words: str) -> None:
        """What it says."""
        self._words += words

    def end(self, *, whole: bool) -> None:
        """It is over. A greeting that says something else, which models do, is not worth repeating."""
        key, self._key = self._key, None
        if key is None or self._greetings is None or not whole or not 0 < len(self._audio) <= _LONGEST_BYTES:
            return
        if _WORD.findall(self._words) == _WORD.findall(key.words):
            self._greetings.keep(key, bytes(self._audio))
