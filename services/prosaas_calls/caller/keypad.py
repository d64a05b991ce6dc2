"""Keys that the caller presses, gathered into what they meant to type."""

import asyncio

KEYS = frozenset("0123456789*#ABCD")
_MAX_KEYS = 32


class Keypad:
    """Collects keys until none came for a while, or until the # that usually ends an entry."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._pressed: asyncio.Queue[str] = asyncio.Queue()

    def press(self, key: str) -> bool:
        """Take a key; whether it is one, which what no telephone has is not."""
        known = key in KEYS
        if known:
            self._pressed.put_nowait(key)
        return known

    async def entry(self) -> str:
        """The next group of keys."""
        keys = await self._pressed.get()
        while len(keys) < _MAX_KEYS and not keys.endswith("#"):
            try:
                keys += await asyncio.wait_for(self._pressed.get(), self._pause)
            except TimeoutError:
                break
        return keys
