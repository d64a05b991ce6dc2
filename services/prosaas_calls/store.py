"""What the calls service reads and writes in the database, each within a time limit: no call hangs on Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from prosaas_calls.profile import Profile
from prosaas_core.database import DatabaseUnavailable, answer_within, raw_connection, session, transaction
from prosaas_core.messages import fates
from prosaas_core.parties import find_parties
from prosaas_core.records import CallRecord, save_call_record
from prosaas_core.stream_token import StreamClaims
from prosaas_logging import get_logger
from prosaas_logging.catalogue import DB_CONTEXT, DB_UNAVAILABLE

log = get_logger(__name__)

_NOBODY = StreamClaims(call_sid="", business_id=None, from_number="", to_number="", expires_at=0.0, nonce="")


class Store:
    """Postgres, as a call sees it."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        timeout: float,
        record_timeout: float,
        day_limit: float = 0.0,
        currency: str = "USD",
    ) -> None:
        self._engine = engine
        self._timeout = timeout
        self._record_timeout = record_timeout
        self._day_limit = day_limit
        # Of what is spent it asks only where there is a limit.
        self._spent_in = currency if day_limit > 0 else ""

    async def warm_up(self) -> None:
        """Connect and ask what each call asks, so that the first caller after a start need not wait for it."""
        await self.profile(_NOBODY)

    async def profile(self, claims: StreamClaims) -> Profile:
        """The business and the customer of a call; the generic profile, and a line that says why, without an answer."""
        try:
            return await answer_within(self._profile(claims), self._timeout)
        except DatabaseUnavailable as error:
            log.event(DB_UNAVAILABLE, error=f"{type(error).__name__}: {error}")
        except Exception:
            log.exception("the database did not tell who is called")
        return Profile()

    async def take_over(self, claims: StreamClaims, *, seat: str, stream_sid: str) -> bool:
        """Whether a call that was led to another seat is this one's from now on; not without the database."""
        try:
            return await answer_within(self._take_over(claims, seat, stream_sid), self._timeout)
        except DatabaseUnavailable as error:
            log.event(DB_UNAVAILABLE, error=f"{type(error).__name__}: {error}")
            return False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction for a tool, which has a time limit of its own: it does not cut a commit off."""
        async with session(self._engine) as opened:
            yield opened
            await self._commit(opened)

    async def _commit(self, opened: AsyncSession) -> None:
        """Commit. Cut off, it waits for a moment for the answer: what is committed is not to be apologised for.

        However often it is cut off, the commit is over when this is: what comes next has the connection to itself.
        """
        committing = asyncio.create_task(opened.commit())
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            deadline = monotonic() + self._timeout
            while not committing.done():
                left = deadline - monotonic()
                if left <= 0:
                    committing.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({committing}, timeout=left if left > 0 else None)
            if committing.cancelled():
                raise
            committing.result()

    async def save(self, record: CallRecord) -> None:
        """Store the record and enqueue its summary, in one transaction; raises when the database is away."""
        async with transaction(self._engine, within_s=self._record_timeout) as connection:
            await save_call_record(connection, record, day_limit=self._day_limit)

    async def _profile(self, claims: StreamClaims) -> Profile:
        async with raw_connection(self._engine) as raw:
            parties = await find_parties(
                raw,
                business_id=claims.business_id,
                called=claims.to_number,
                caller=claims.from_number,
                spent_in=self._spent_in,
            )
        if parties is None:
            return Profile()
        if parties.customer_id is not None:
            log.event(DB_CONTEXT, name=parties.customer_name, phone=claims.from_number)
        return Profile(
            parties.business, parties.customer_id, parties.customer_name, parties.booked, parties.spent_today
        )

    async def _take_over(self, claims: StreamClaims, seat: str, stream_sid: str) -> bool:
        async with raw_connection(self._engine) as raw:
            return await fates.take_over(
                raw, claims.call_sid, of=claims.seat, by=seat, stream=stream_sid, returned=bool(claims.returned)
            )
