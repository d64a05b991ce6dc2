"""Twilio's voice webhooks: what to do with a call, and what became of it."""

import contextlib
import re

from fastapi import APIRouter, Request, Response

from prosaas_api import bodies, signatures, twiml
from prosaas_api.request_scope import annotate
from prosaas_api.state import WEBHOOK_S, AppState, State
from prosaas_core import queries, stream_token
from prosaas_core.database import DatabaseUnavailable, session, transaction
from prosaas_core.parties import same_number
from prosaas_core.tables import Business
from prosaas_core.twilio_calls import ANSWERED_BY, TRANSFERRED
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    CALL_STATUS,
    DB_UNAVAILABLE,
    TRANSFER_RESULT,
    UNKNOWN_BUSINESS,
    VOICE_REFUSED,
    VOICE_WEBHOOK,
)

MAX_BODY = 64 * 1024
MAX_ATTEMPTS = 3
# A caller listens to silence meanwhile.
LOOKUP_S = 2.0
_CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")

log = get_logger(__name__)
router = APIRouter(include_in_schema=False)


async def signed_form(request: Request, state: State) -> bodies.Form:
    """The fields of a request that Twilio has signed."""
    form = bodies.form(await bodies.read(request, "twilio", MAX_BODY), "twilio")
    signatures.check_twilio(request, form, state.settings)
    return form


@router.post("/twilio/voice")
async def voice(request: Request, state: AppState) -> Response:
    """Lead an incoming call to prosaas-calls; it is answered with or without the database."""
    form = await signed_form(request, state)
    call_sid, caller, called = form.get("CallSid", ""), form.get("From", ""), form.get("To", "")
    if not call_sid or not called:
        raise bodies.rejected("twilio", 422, "CallSid or To is missing")
    annotate(call_sid=call_sid, phone=caller)

    language, business_id = "he", None
    try:
        business = await _note_call(state, call_sid, caller, called)
    except DatabaseUnavailable as error:
        log.event(DB_UNAVAILABLE, error=str(error))
    else:
        if business is None:
            log.event(UNKNOWN_BUSINESS, to_number=called)
            return _twiml(twiml.goodbye("unknown", "he"))
        language, business_id = business.language, business.id
        annotate(business_id=str(business_id))

        if form.get("ForwardedFrom") and await _comes_back(state, business, call_sid, form):
            log.event(VOICE_REFUSED, reason="a transfer of ours that was forwarded back to us")
            return _twiml(twiml.busy())

    door = await state.door.state()
    if door != "open":
        return _wait(request, state, door, language)
    log.event(VOICE_WEBHOOK, from_number=caller)
    return _connect(state, form, business_id, language)


@router.post(TRANSFERRED)
async def transferred(request: Request, state: AppState) -> Response:
    """What became of a transfer: whom no person answered goes back to the agent, who knows why."""
    form = await signed_form(request, state)
    call_sid, called = form.get("CallSid", ""), form.get("To", "")
    if not call_sid or not called:
        raise bodies.rejected("twilio", 422, "CallSid or To is missing")
    annotate(call_sid=call_sid, phone=form.get("From", ""))
    outcome = "machine" if request.query_params.get("outcome") == "machine" else form.get("DialCallStatus", "")
    log.event(TRANSFER_RESULT, status=outcome)
    if outcome in ("completed", "answered"):
        return _twiml(twiml.nothing())
    language, business_id = "he", None
    with contextlib.suppress(DatabaseUnavailable):
        async with session(state.engine, within_s=LOOKUP_S) as opened:
            business = await queries.business_by_phone(opened, called)
        if business is not None:
            language, business_id = business.language, business.id
    if await state.door.state() != "open":
        return _twiml(twiml.goodbye("give_up", language))
    return _connect(state, form, business_id, language, returned=outcome or "failed")


@router.post(ANSWERED_BY)
async def answered_by(request: Request, state: AppState) -> Response:
    """Who took a transfer; a caller is taken back from a machine."""
    form = await signed_form(request, state)
    call_sid, who = request.query_params.get("call", ""), form.get("AnsweredBy", "")
    if not _CALL_SID.fullmatch(call_sid):
        raise bodies.rejected("twilio", 422, "call is not the id of a call")
    annotate(call_sid=call_sid)
    if who.startswith(("machine", "fax")):
        await state.twilio.take_back(call_sid)
    return Response(status_code=204)


@router.post("/twilio/status")
async def status(request: Request, state: AppState) -> Response:
    """Note how a call ended; Twilio may tell us more than once."""
    form = await signed_form(request, state)
    call_sid, new = form.get("CallSid", ""), form.get("CallStatus", "")
    if not call_sid or not new:
        raise bodies.rejected("twilio", 422, "CallSid or CallStatus is missing")
    annotate(call_sid=call_sid)
    duration_s = None
    with contextlib.suppress(ValueError):
        duration_s = float(form.get("CallDuration", ""))
    inbound = not form.get("Direction", "inbound").startswith("outbound")
    async with transaction(state.engine, within_s=WEBHOOK_S) as connection:
        if not await queries.claim_effect(connection, f"twilio.status:{call_sid}:{new}", "twilio.status"):
            return Response(status_code=204)
        ours = form.get("To" if inbound else "From", "")
        business_id = await queries.business_id_by_phone(connection, ours)
        await queries.note_call(
            connection,
            call_sid,
            business_id=business_id,
            status=new,
            duration_s=duration_s,
            direction="inbound" if inbound else "outbound",
            from_number=form.get("From", ""),
            to_number=form.get("To", ""),
        )
    log.event(CALL_STATUS, status=new, duration_s=duration_s)
    return Response(status_code=204)


async def _note_call(state: State, call_sid: str, caller: str, called: str) -> Business | None:
    async with session(state.engine, within_s=LOOKUP_S) as opened:
        business = await queries.business_by_phone(opened, called)
        if business is not None:
            await queries.note_call(
                opened, call_sid, business_id=business.id, status="ringing", from_number=caller, to_number=called
            )
        return business


async def _comes_back(state: State, business: Business, call_sid: str, form: bodies.Form) -> bool:
    """Whether this is the caller of a call under way, whom the number that we dialled for them forwards to us."""
    if not same_number(form.get("ForwardedFrom", ""), business.transfer_number or ""):
        return False
    async with session(state.engine, within_s=LOOKUP_S) as opened:
        return await queries.has_another_call(opened, business.id, call_sid, form.get("From", ""))


def _connect(
    state: State, form: bodies.Form, business_id: int | None, language: str, *, returned: str = ""
) -> Response:
    token = stream_token.issue(
        state.settings.call_token_secret,
        call_sid=form.get("CallSid", ""),
        business_id=business_id,
        from_number=form.get("From", ""),
        to_number=form.get("To", ""),
        returned=returned,
    )
    host = state.settings.calls_public_url.split("://", 1)[1]
    return _twiml(twiml.connect(f"wss://{host}/media-stream", token, language))


def _wait(request: Request, state: State, door: str, language: str) -> Response:
    given = request.query_params.get("attempt", "")
    attempt = int(given) if given.isdecimal() and len(given) == 1 else 0
    log.event(VOICE_REFUSED, reason=f"prosaas-calls is {door}, attempt {attempt + 1}")
    if attempt >= MAX_ATTEMPTS:
        return _twiml(twiml.goodbye("give_up", language))
    return _twiml(twiml.wait(f"{state.settings.public_url}/twilio/voice?attempt={attempt + 1}", language))


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
