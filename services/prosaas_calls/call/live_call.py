"""One call from its first log line to its record; the conversation happens in between."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import msgspec

from prosaas_calls.call.call import Call
from prosaas_calls.call.services import Services
from prosaas_calls.call.traced import trace
from prosaas_calls.ending import ABNORMAL, EXPLAINED, EndReason
from prosaas_core import tracing
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.facts.endings import UNSERVED
from prosaas_core.kept.journal import Entry, Journal
from prosaas_core.records import CallRecord
from prosaas_core.stream_token import StreamClaims
from prosaas_logging import Scope, get_logger, scope
from prosaas_logging.catalogue import (
    CALL_END,
    CALL_RECORD_SAVED,
    CALL_RECORD_SPOOLED,
    CALL_REFUSED,
    CALL_START,
    DB_UNAVAILABLE,
)

log = get_logger(__name__)

# So often the journal of a call in which nothing happens shows that it lives, and up to when its frames came.
_SIGN_OF_LIFE_S = 5.0


class LiveCall:
    """A call on the line, with what is said and kept of it."""

    def __init__(self, services: Services, call: Call, claims: StreamClaims, refusal: EndReason | None) -> None:
        self._services = services
        self.call = call
        self.claims = claims
        self.refusal = refusal
        self.started_at = datetime.now(UTC)
        # A journal that stops here tells the truth: until the call has ended, its process must have.
        self._reason = EndReason.CRASHED
        # Whether a person was rung for a caller whom we could not serve.
        self._rescued = False
        self._mark: object = None
        self._shown_at = float("-inf")

    def to_json(self) -> dict[str, Any]:
        """As the list of live calls shows it."""
        return {
            "call_sid": self.claims.call_sid,
            "business_id": self.claims.business_id,
            "started_at": self.started_at.isoformat(),
        }

    async def run(self) -> None:
        """The whole call. There is exactly one CALL_END and one record, also when it is cancelled in the midst."""
        claims = self.claims
        ids = {} if claims.business_id is None else {"business_id": str(claims.business_id)}
        with scope(call_sid=claims.call_sid, phone=claims.from_number, **ids) as call_scope:
            journal = self._services.journals.open(claims.call_sid, lambda: self._news(call_scope))
            tracing.join(call_scope)
            # Until the call itself gives a reason, it was cut off.
            reason = EndReason.INTERNAL_ERROR
            try:
                reason = await self._converse()
                reason, _ = await asyncio.gather(self.call.parting.outcome(reason), self.call.tool_calls.settle())
                if reason in EXPLAINED:
                    self._rescued = await self._part(self.call.parting.rescue if reason in UNSERVED else "")
            finally:
                try:
                    # Of a call that was cancelled tools may still be at work.
                    cut = self.call.tool_calls.cut(self._services.limits.note)
                    await asyncio.gather(cut, self._note(reason, journal))
                finally:
                    await self._keep(self._end(reason, call_scope), journal)

    async def _converse(self) -> EndReason:
        if self.refusal is not None:
            log.event(CALL_START, direction="inbound", mode="refusal")
            log.event(CALL_REFUSED, reason=self.refusal.value)
            return await self.call.refuse(self.refusal)
        log.event(CALL_START, direction="inbound", mode="ai")
        with self._services.metrics.active.track_inprogress():
            return await self.call.converse()

    async def _part(self, rescue: str) -> bool:
        """Ring the person who is to serve the caller in our place, and say whether they ring; without one, hang up."""
        twilio, call_sid = self._services.twilio, self.claims.call_sid
        taken: bool | None = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._services.limits.hang_up):
                taken = await twilio.transfer(call_sid, rescue) if rescue else False
                # Who is perhaps being connected is not cut off.
                if taken is False:
                    await twilio.hang_up(call_sid)
        return taken is True

    async def _note(self, reason: EndReason, journal: Journal) -> None:
        """Have the ending on disk before it is said: who finds the call of a process that died says no second one."""
        self._reason, self._shown_at = reason, float("-inf")
        with suppress(Exception):
            async with asyncio.timeout(self._services.limits.note):
                await asyncio.wrap_future(journal.note())

    def _end(self, reason: EndReason, call_scope: Scope) -> CallRecord:
        self.call.promises.judge(at_last=True)
        if reason in ABNORMAL:
            call_scope.fail(reason.value)
        numbers = self._numbers(reason, call_scope)
        log.event(CALL_END, duration_s=numbers.duration_s, reason=reason.value, **self._metrics(call_scope))
        stats, charges = self.call.stats, self.call.meter.charges()
        self._services.metrics.ended(
            numbers.call_sid, reason, numbers.duration_s, stats, charges, lines=call_scope.written
        )
        events = [entry._asdict() for entry in call_scope.timeline]
        metrics = {**numbers.metrics, "lines": call_scope.written}
        record = replace(numbers, metrics=metrics, transcript=self.call.history.to_json(), events=events)
        try:
            told = self._masked(record) if tracing.with_words() else record
            trace(call_scope, told, model=self._services.settings.openai_realtime_model)
        except Exception:
            # Nobody's record is lost for the sake of its trace.
            log.exception("the call has no trace")
        return record

    def _news(self, call_scope: Scope) -> Iterator[Entry]:
        """For the journal, on its thread: what was said and done since it last asked, and how the call stands then."""
        lines, self._mark = call_scope.timeline_after(self._mark)
        said = self.call.history.changes()
        if not lines and not said and monotonic() - self._shown_at < _SIGN_OF_LIFE_S:
            return
        self._shown_at = monotonic()
        # What dataclasses.asdict does, in a twentieth of its time: a busy process asks for it a hundred times a second.
        numbers = msgspec.to_builtins(self._numbers(self._reason, call_scope), builtin_types=(datetime,))
        yield {"call": {name: value for name, value in numbers.items() if name not in ("transcript", "events")}}
        for_record = self._services.settings.for_record
        yield from ({"said": (number, for_record(words))} for number, words in said)
        yield from ({"line": for_record(entry._asdict())} for entry in lines)

    def _metrics(self, call_scope: Scope) -> dict[str, Any]:
        stats = self.call.stats
        return {
            "turns": stats.turns,
            "barge_ins": stats.barge_ins,
            "false_interruptions": stats.false_interruptions,
            "tools": stats.tools,
            "first_audio_ms": stats.first_audio_ms,
            "response_p50_ms": stats.percentile(0.5),
            "response_p95_ms": stats.percentile(0.95),
            "frames_in": stats.frames_in,
            "frames_out": stats.frames_out,
            "folded": call_scope.folded,
            "tokens_in": self.call.meter.tokens_in,
            "tokens_out": self.call.meter.tokens_out,
            "cost": self.call.meter.cost,
        }

    def _numbers(self, reason: EndReason, call_scope: Scope) -> CallRecord:
        """The record as of now, but for what was said and done."""
        profile = self.call.profile
        duration_s = round(self.call.stats.elapsed_ms() / 1000, 1)
        return CallRecord(
            call_sid=self.claims.call_sid,
            business_id=profile.business.id if profile.business else self.claims.business_id,
            # Who only says a number is not its owner: the words of a stranger are nobody else's to be handed.
            customer_id=None if profile.claimed else profile.customer_id,
            from_number=self.claims.from_number,
            to_number=self.claims.to_number,
            started_at=self.started_at,
            ended_at=self.started_at + timedelta(seconds=duration_s),
            duration_s=duration_s,
            end_reason=reason.value,
            version=self._services.settings.prosaas_version,
            metrics={
                **self._metrics(call_scope),
                "asking_ms": self.call.stats.asking_ms,
                "lines": call_scope.written,
                **self._services.settings.for_record(self.call.promises.to_json()),
                **({"returned": self.claims.returned} if self.claims.returned else {}),
                "currency": self._services.prices.currency,
                **({"rescued": True} if self._rescued else {}),
            },
            charges=self.call.meter.charges(),
        )

    async def _keep(self, record: CallRecord, journal: Journal) -> None:
        """In the database; or else its journal is left for who finds it, at once when we are cancelled."""
        saved = False
        try:
            # A long call has many words: other calls must not wait while they are read.
            kept = await asyncio.to_thread(self._masked, record)
            with tracing.span("record"):
                await self._services.store.save(kept)
            saved = True
            log.event(CALL_RECORD_SAVED, record=record.call_sid)
        except DatabaseUnavailable as error:
            log.event(DB_UNAVAILABLE, error=f"{type(error).__name__}: {error}")
        except Exception:
            log.exception("the database did not take the call record")
        finally:
            if saved:
                journal.forget()
            else:
                await self._leave(journal)

    def _masked(self, record: CallRecord) -> CallRecord:
        for_record = self._services.settings.for_record
        return replace(record, transcript=for_record(record.transcript), events=for_record(record.events))

    async def _leave(self, journal: Journal) -> None:
        writing = asyncio.wrap_future(journal.close())
        cancelled = False
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            cancelled = True
            await asyncio.wait({writing}, timeout=self._services.limits.spool)
        except Exception:
            log.exception("the call record is on no disk")
            return
        if writing.done() and not writing.exception():
            log.event(CALL_RECORD_SPOOLED, path=str(writing.result()))
        if cancelled:
            raise asyncio.CancelledError
