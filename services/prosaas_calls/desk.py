"""Takes calls in: the token, the admission, and the drain at the end of the day."""

import asyncio
from collections.abc import Callable
from time import time

from prosaas_calls.call.call import Call, Services
from prosaas_calls.call.live_call import LiveCall
from prosaas_calls.caller.media_stream import StartBody
from prosaas_calls.ending import EndReason
from prosaas_calls.sockets import TextSocket
from prosaas_core.stream_token import StreamClaims, TokenError, verify
from prosaas_logging import get_logger
from prosaas_logging.catalogue import DRAIN_END, DRAIN_START, TOKEN_REJECTED

log = get_logger(__name__)

# For the last sentences, the hang-ups and the records of the calls that did not end by themselves.
_FAREWELL_SECONDS = 20.0


class Desk:
    """All the calls of this process."""

    def __init__(self, services: Services, *, now: Callable[[], float] = time) -> None:
        self._services = services
        self._now = now
        self._used: dict[str, float] = {}
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._hurry = asyncio.Event()
        self.live: set[LiveCall] = set()
        self.draining = False

    @property
    def active(self) -> int:
        """Conversations on the line; a caller who is only told that nobody can answer takes no place."""
        return sum(1 for call in self.live if call.refusal is None)

    @property
    def status(self) -> str:
        """What the next caller would find: ready, draining or full."""
        if self.draining:
            return "draining"
        return "full" if self.active >= self._services.limits.max_calls else "ready"

    async def answer(self, socket: TextSocket, start: StartBody) -> None:
        """Take one stream, from its `start` to its end."""
        claims = self._claims(start)
        if claims is None:
            return
        refusal = {"draining": EndReason.DRAINED, "full": EndReason.OVER_CAPACITY}.get(self.status)
        live = LiveCall(self._services, Call(self._services, socket, start.stream_sid, claims), claims, refusal)
        self.live.add(live)
        self._nobody.clear()
        try:
            await live.run()
        finally:
            self.live.discard(live)
            if not self.live:
                self._nobody.set()

    async def drain(self) -> None:
        """Take no more calls, let the running ones finish, and excuse ourselves from those that do not."""
        self.draining = True
        log.event(DRAIN_START, active=self.active)
        if not await _within(self._services.limits.drain, self._nobody, self._hurry):
            for live in self.live:
                live.call.drain()
            await _within(_FAREWELL_SECONDS, self._nobody)
        log.event(DRAIN_END, left=len(self.live))

    def hurry(self) -> None:
        """Do not wait for the running calls any longer."""
        self._hurry.set()

    def _claims(self, start: StartBody) -> StreamClaims | None:
        """The signed claims of a stream; a token opens one stream, once."""
        now = self._now()
        self._used = {nonce: expires for nonce, expires in self._used.items() if expires > now}
        try:
            secret = self._services.settings.call_token_secret
            claims = verify(secret, start.custom_parameters.get("token", ""), now=now)
            if claims.call_sid != start.call_sid:
                raise TokenError("of another call")
            if claims.nonce in self._used:
                raise TokenError("used before")
        except TokenError as error:
            log.event(TOKEN_REJECTED, reason=error.reason)
            return None
        self._used[claims.nonce] = claims.expires_at
        return claims


async def _within(seconds: float, *events: asyncio.Event) -> bool:
    """Wait for any of the events; whether the first of them is set in the end."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return events[0].is_set()
