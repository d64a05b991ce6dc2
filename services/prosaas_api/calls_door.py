"""Whether prosaas-calls takes another call right now."""

import asyncio
import time
from typing import Literal, TypeAlias

import httpx

from prosaas_core.settings import Settings
from prosaas_logging import get_logger

TIMEOUT_S = 0.3
FRESH_S = 0.5

Door: TypeAlias = Literal["open", "draining", "full"]

log = get_logger(__name__)


class CallsDoor:
    """Asks the calls service's /readyz, at most twice a second however many calls come in."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._url = f"{settings.calls_internal_url}/readyz"
        self._client = client
        self._lock = asyncio.Lock()
        self._state: Door = "open"
        self._asked_at = float("-inf")

    async def state(self) -> Door:
        """Open, draining or full. Without an answer it is open: the TwiML has a sentence for a failing stream."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_S:
                self._state = await self._ask()
                self._asked_at = time.monotonic()
            return self._state

    async def _ask(self) -> Door:
        try:
            response = await self._client.get(self._url, timeout=TIMEOUT_S)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return "open"
            return "full" if response.json()["status"] == "full" else "draining"
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            log.warning("prosaas-calls does not say whether it takes calls", error=f"{type(error).__name__}: {error}")
            return "open"
