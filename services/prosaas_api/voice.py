"""Twilio's voice webhooks: what to do with a call, and what became of it."""

import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import asyncpg
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_api import bodies, signatures, twiml
from prosaas_api.forms import checked
from prosaas_api.inbox import WITHIN_S
from prosaas_api.request_scope import annotate, waited_s
from prosaas_api.state import AppState, State
from prosaas_core import queries, stream_token, tracing
from prosaas_core.database import DatabaseUnavailable, answer_within, raw_connection, transaction
from prosaas_core.facts.endings import EndReason
from prosaas_core.messages import fates
from prosaas_core.outward.twilio_calls import ANSWERED_BY, TRANSFERRED, dial
from prosaas_core.phones import elsewhere
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    CALL_STATUS,
    DB_UNAVAILABLE,
    PAYLOAD_PREVIEW,
    STREAM_FAILED,
    TRANSFER_RESULT,
    UNKNOWN_BUSINESS,
    VOICE_REFUSED,
    VOICE_WEBHOOK,
)

MAX_ATTEMPTS = 3
# A caller listens to silence meanwhile.
LOOKUP_S = 2.0
_STREAM = "/twilio/stream"
_LONGEST_ERROR = 200
_LONGEST_SID = 48
_CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")

T = TypeVar("T")

log = get_logger(__name__)
router = APIRouter(include_in_schema=False)


async def signed_form(request: Request, state: State) -> bodies.Form:
    """The fields of a request that Twilio has signed."""
    form = bodies.form(await request.body(), "twilio")
    signatures.check_twilio(request, form, state.settings)
    return form


@router.post("/twilio/voice")
async def voice(request: Request, state: AppState) -> Response:
    """Lead an incoming call to prosaas-calls; it is answered with or without the database."""
    form = checked(await signed_form(request, state), "CallSid", "From", "To")
    call_sid, caller, called = form["CallSid"], form["From"], form["To"]
    annotate(call_sid=call_sid, phone=caller)

    language, business_id, since, ttl, rescue, moved = "he", None, None, 60.0, "", False
    with tracing.span("seat"):
        door = await state.door.state(call_sid)
        seat = state.door.take(call_sid)
    until = time.monotonic() + LOOKUP_S
    try:
        call, moved = await answer_within(_admitted(state, call_sid, caller, called, seat), LOOKUP_S)
    except DatabaseUnavailable as error:
        log.event(DB_UNAVAILABLE, error=str(error))
    except asyncpg.PostgresError:
        # It answers, and yet is of no use: a right was taken away, a table is not there. The caller waits all the same.
        log.exception("the database did not tell who is called")
    else:
        if call is None:
            log.event(UNKNOWN_BUSINESS, to_number=called)
            return _twiml(twiml.goodbye("unknown", "he"))
        language, business_id, since, ttl = call.language, call.business_id, call.started_at, stream_token.RINGING_S
        rescue = elsewhere(call.transfer_number, called)
        # Asked again, the same seat: it, or the database, alone can know whether this call has its stream already.
        seat = seat if moved else call.seat or seat
        annotate(business_id=str(business_id))
        if call.ended or time.time() > since + ttl:
            log.event(VOICE_REFUSED, reason="the call has ended, or was answered long ago")
            return _twiml(twiml.hangup())

        if form.get("ForwardedFrom") and await _forwarded_back(state, form, business_id, until):
            log.event(VOICE_REFUSED, reason="a transfer of ours that was forwarded back to us")
            return _twiml(twiml.busy())

    if door != "open":
        attempt = _attempt(request)
        log.event(VOICE_REFUSED, reason=door, attempt=attempt + 1)
        if attempt < MAX_ATTEMPTS:
            return _twiml(twiml.wait(f"{state.settings.public_url}/twilio/voice?attempt={attempt + 1}", language))
        if rescue:
            note = partial(queries.note_ending, call_sid=call_sid, reason=EndReason.TRANSFERRED)
            await _asked(state, note, until - time.monotonic())
            return _twiml(dial(state.settings.public_url, call_sid, rescue))
        return _twiml(twiml.goodbye("give_up", language))
    waited = waited_s(request.scope)
    # What an api that fell silent over it took of the caller's time before this one was asked stands in no other line.
    log.event(VOICE_WEBHOOK, from_number=caller, waited_ms=round(waited * 1000) if waited >= 1 else None)
    return _connect(state, form, business_id, language, seat, since=since, ttl=ttl)


@router.post(TRANSFERRED)
async def transferred(request: Request, state: AppState) -> Response:
    """What became of a transfer: whom no person answered goes back to the agent, who knows why."""
    form, asked = checked(await signed_form(request, state), "CallSid", "From", "To"), request.query_params
    annotate(call_sid=form["CallSid"], phone=form["From"])
    outcome = "machine" if asked.get("outcome") == "machine" else form.get("DialCallStatus", "")
    dialled = asked.get("dialled", "") or form.get("DialCallSid", "")
    log.event(TRANSFER_RESULT, status=outcome)
    if outcome in ("completed", "answered"):
        return _twiml(twiml.nothing())
    door = await state.door.state(form["CallSid"])
    seat = state.door.take(form["CallSid"])
    until = time.monotonic() + LOOKUP_S
    business_id, language, over = await _asked(state, partial(_back, form=form, seat=seat)) or (None, "he", False)
    if over:
        log.event(VOICE_REFUSED, reason="the call has ended")
        return _twiml(twiml.hangup())
    if door != "open":
        await _asked(state, partial(queries.send_away, call_sid=form["CallSid"]), until - time.monotonic())
        return _twiml(twiml.goodbye("give_up", language))
    return _connect(state, form, business_id, language, seat, returned=outcome or "failed", dialled=dialled)


@router.post(ANSWERED_BY)
async def answered_by(request: Request, state: AppState) -> Response:
    """Who took a transfer; a caller is taken back from a machine."""
    form = await signed_form(request, state)
    call_sid, who = request.query_params.get("call", ""), form.get("AnsweredBy", "")
    if not _CALL_SID.fullmatch(call_sid):
        raise bodies.rejected("twilio", 422, "call is not the id of a call")
    annotate(call_sid=call_sid)
    if who.startswith(("machine", "fax")):
        await state.twilio.take_back(call_sid, form.get("CallSid", ""))
    return Response(status_code=204)


@router.post("/twilio/status")
async def status(request: Request, state: AppState) -> Response:
    """Note how a call ended; Twilio may tell us more than once, and out of order."""
    form = checked(await signed_form(request, state), "CallSid", "CallStatus")
    annotate(call_sid=form["CallSid"])
    duration_s = float(form["CallDuration"]) if "CallDuration" in form else None
    async with raw_connection(state.engine, within_s=WITHIN_S) as raw:
        news = await fates.note_call(
            raw,
            form["CallSid"],
            status=form["CallStatus"],
            from_number=form.get("From", ""),
            to_number=form.get("To", ""),
            direction="outbound" if form.get("Direction", "").startswith("outbound") else "inbound",
            duration_s=duration_s,
        )
    if news:
        log.event(CALL_STATUS, status=form["CallStatus"], duration_s=duration_s)
    return Response(status_code=204)


@router.post(_STREAM)
async def stream(request: Request, state: AppState) -> Response:
    """What became of a media stream: one that could not be opened is a caller whom nobody answered.

    That one was opened is noted: where no record follows, the call was not missed, it was lost.
    """
    form = checked(await signed_form(request, state), "CallSid", "StreamEvent")
    annotate(call_sid=form["CallSid"])
    if form["StreamEvent"] == "stream-started":
        stream_sid = form.get("StreamSid", "unknown")[:_LONGEST_SID]
        await _asked(state, partial(queries.note_stream, call_sid=form["CallSid"], stream_sid=stream_sid))
    if form["StreamEvent"] == "stream-error":
        log.event(STREAM_FAILED, error=form.get("StreamError", "")[:_LONGEST_ERROR])
    return Response(status_code=204)


async def _admitted(
    state: State, call_sid: str, caller: str, called: str, seat: str
) -> tuple[fates.Admitted | None, bool]:
    """What the database knows of a call that begins, and whether this seat takes the place of one that is gone."""
    async with raw_connection(state.engine) as raw:
        call = await fates.admit_call(raw, call_sid, from_number=caller, to_number=called, seat=seat)
        if call is None or not seat or not call.seat or state.door.knows(call.seat):
            return call, False
        return call, await fates.take_over(raw, call_sid, of=call.seat, by=seat)


async def _asked(state: State, what: Callable[[AsyncConnection], Awaitable[T]], within_s: float = LOOKUP_S) -> T | None:
    """What the database says or notes while a caller waits; nothing where it is away, or answers and is of no use."""

    async def ask() -> T:
        async with transaction(state.engine) as connection:
            return await what(connection)

    try:
        return await answer_within(ask(), within_s)
    except DatabaseUnavailable as error:
        log.event(DB_UNAVAILABLE, error=str(error))
    except DBAPIError:
        log.exception("the database did not answer for a caller who waits")
    return None


async def _back(connection: AsyncConnection, form: bodies.Form, seat: str) -> tuple[int | None, str, bool]:
    """Whose caller is back from a transfer, what they speak, and whether the call is over, as it is for a replay.

    Whom we rang for a caller has not ended the call.
    """
    over = await queries.is_over(connection, form["CallSid"])
    if not over:
        await queries.note_ending(connection, form["CallSid"], None, seat=seat)
    return *(await queries.business_and_language(connection, form["To"]) or (None, "he")), over


async def _forwarded_back(state: State, form: bodies.Form, business_id: int, until: float) -> bool:
    """Whether this is the caller of a call under way, whom the number that we dialled for them forwards to us."""

    async def look(connection: AsyncConnection) -> bool:
        back = await queries.forwarded_back(
            connection,
            business_id,
            call_sid=form["CallSid"],
            caller=form["From"],
            forwarded_from=form.get("ForwardedFrom", ""),
        )
        if back:
            await queries.note_ending(connection, form["CallSid"], EndReason.FORWARDED_BACK)
        return back

    return bool(await _asked(state, look, until - time.monotonic()))


def _connect(
    state: State,
    form: bodies.Form,
    business_id: int | None,
    language: str,
    seat: str,
    *,
    since: float | None = None,
    ttl: float = 60.0,
    returned: str = "",
    dialled: str = "",
) -> Response:
    token = stream_token.issue(
        state.settings.call_token_secret,
        call_sid=form["CallSid"],
        business_id=business_id,
        from_number=form["From"],
        to_number=form["To"],
        returned=returned,
        dialled=dialled,
        since=since,
        ttl=ttl,
        seat=seat,
    )
    host = state.settings.calls_public_url.split("://", 1)[1]
    url = f"wss://{host}/media-stream{f'/{seat}' if seat else ''}"
    return _twiml(twiml.connect(url, token, language, status_url=state.settings.public_url + _STREAM))


def _attempt(request: Request) -> int:
    given = request.query_params.get("attempt", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) == 1 else 0


def _twiml(document: str) -> Response:
    if log.tracing:
        log.event(PAYLOAD_PREVIEW, type="TwiML", preview=twiml.outline(document))
    return Response(document, media_type="text/xml")
