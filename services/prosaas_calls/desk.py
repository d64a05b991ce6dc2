"""Admits calls: checks the token, limits how many there are, and waits for their end before a shutdown (the drain)."""

import asyncio
import socket
from collections.abc import Callable
from time import monotonic, time

from prosaas_calls.call.call import Call
from prosaas_calls.call.live_call import LiveCall
from prosaas_calls.call.services import Services
from prosaas_calls.caller.media_stream import StartBody
from prosaas_calls.ending import EndReason
from prosaas_calls.sockets import TextSocket
from prosaas_core.phones import caller_id
from prosaas_core.stream_token import StreamClaims, TokenError, verify
from prosaas_logging import get_logger
from prosaas_logging.catalogue import DRAIN_END, DRAIN_START

log = get_logger(__name__)

# How long after we said "ready" a call that was led here may still come: what the api heard may be half a second
# old, and Twilio takes its time to connect.
_PROMISED_S = 5.0
# Tokens live for a minute; so many in a minute are no callers.
_MAX_TOKENS = 10_000


class Desk:
    """All the calls of this process."""

    def __init__(self, services: Services, *, now: Callable[[], float] = time, seat: str = "") -> None:
        self._services = services
        self._now = now
        # By which the front door finds this process, and the api leads calls to it.
        self.seat = seat or socket.gethostname()
        self._used: dict[str, float] = {}
        self._offered_at = float("-inf")
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
    def capacity(self) -> int:
        """How many conversations there may be at once."""
        return self._services.limits.max_calls

    @property
    def status(self) -> str:
        """What the next caller would find: ready, draining or full."""
        if self.draining:
            return "draining"
        return "full" if self.active >= self.capacity else "ready"

    def offer(self) -> None:
        """Somebody is about to hear our status: if that is "ready", a call may come on the strength of it."""
        if self.status == "ready":
            self._offered_at = monotonic()

    @property
    def _promised_s(self) -> float:
        """For how much longer a call may come that was led here before we drained."""
        return max(0.0, self._offered_at + _PROMISED_S - monotonic())

    def claims(self, start: StartBody) -> StreamClaims:
        """What the api knew about the call; TokenError without a valid token. A token opens one stream here, once."""
        now = self._now()
        claims = verify(self._services.settings.call_token_secret, start.custom_parameters.get("token", ""), now=now)
        if claims.call_sid != start.call_sid:
            raise TokenError("of another call")
        used = self._used
        if claims.once in used:
            raise TokenError("used before")
        if len(used) >= _MAX_TOKENS:
            self._used = used = {nonce: expires for nonce, expires in used.items() if expires > now}
        if len(used) >= _MAX_TOKENS:
            raise TokenError("too many at once")
        used[claims.once] = claims.expires_at
        return claims

    async def seated(self, claims: StreamClaims, stream_sid: str) -> None:
        """See to it that the call is ours; TokenError where it was led to another seat and is not for us to take over.

        A seat that is gone, or was asked to go, cannot be reached: the front door brings its callers here. Of all who
        would take such a call over the database lets one, and none once Twilio has told of another stream.
        """
        if claims.seat in ("", self.seat):
            return
        if not await self._services.store.take_over(claims, seat=self.seat, stream_sid=stream_sid):
            raise TokenError("of another seat")

    async def answer(self, stream: TextSocket, stream_sid: str, claims: StreamClaims) -> None:
        """Take one stream, from its `start` to its end."""
        refusal = self._refusal(claims)
        live = LiveCall(self._services, Call(self._services, stream, stream_sid, claims), claims, refusal)
        self.live.add(live)
        self._nobody.clear()
        try:
            await live.run()
        finally:
            self.live.discard(live)
            if not self.live:
                self._nobody.set()

    def _refusal(self, claims: StreamClaims) -> EndReason | None:
        refusal = {"draining": EndReason.DRAINED, "full": EndReason.OVER_CAPACITY}.get(self.status)
        if self._promised_s and self.active < self.capacity:
            refusal = None
        most = self._services.limits.calls_of_one_number
        if refusal is None and most and (known_by := caller_id(claims.from_number)):
            # Nobody talks on more phones than that; a robot that dials itself would take every place there is.
            theirs = sum(call.refusal is None and caller_id(call.claims.from_number) == known_by for call in self.live)
            if theirs >= most:
                refusal = EndReason.OVER_CAPACITY
        return refusal

    async def drain(self) -> None:
        """Take no more calls, let the running ones finish, and excuse ourselves from those that do not."""
        self.draining = True
        due = monotonic() + self._services.limits.drain + self._services.limits.farewell
        self._services.metrics.draining.set_function(lambda: max(0.0, monotonic() - due))
        log.event(DRAIN_START, active=self.active)
        await _within(self._promised_s, self._hurry)
        if not await _within(self._services.limits.drain, self._nobody, self._hurry):
            for live in self.live:
                live.call.drain()
            await _within(self._services.limits.farewell, self._nobody)
        log.event(DRAIN_END, left=len(self.live))

    def hurry(self) -> None:
        """Do not wait for the running calls any longer."""
        self._hurry.set()


async def _within(seconds: float, *events: asyncio.Event) -> bool:
    """Wait for any of the events; whether the first of them is set in the end."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return events[0].is_set()
