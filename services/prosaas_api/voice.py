"""Twilio's voice webhooks: what to do with a call, and what became of it."""

import contextlib

from fastapi import APIRouter, Request, Response

from prosaas_api import bodies, signatures, twiml
from prosaas_api.request_scope import annotate
from prosaas_api.state import WEBHOOK_S, AppState, State
from prosaas_core import queries, stream_token
from prosaas_core.database import DatabaseUnavailable, session, transaction
from prosaas_core.tables import Business
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CALL_STATUS, DB_UNAVAILABLE, UNKNOWN_BUSINESS, VOICE_REFUSED, VOICE_WEBHOOK

MAX_BODY = 64 * 1024
MAX_ATTEMPTS = 3
# A caller listens to silence meanwhile.
LOOKUP_S = 2.0

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

    door = await state.door.state()
    if door != "open":
        return _wait(request, state, door, language)
    log.event(VOICE_WEBHOOK, from_number=caller)
    token = stream_token.issue(
        state.settings.call_token_secret,
        call_sid=call_sid,
        business_id=business_id,
        from_number=caller,
        to_number=called,
    )
    host = state.settings.calls_public_url.split("://", 1)[1]
    return _twiml(twiml.connect(f"wss://{host}/media-stream{state.door.take()}", token, language))


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


def _wait(request: Request, state: State, door: str, language: str) -> Response:
    given = request.query_params.get("attempt", "")
    attempt = int(given) if given.isdecimal() and len(given) == 1 else 0
    log.event(VOICE_REFUSED, reason=f"prosaas-calls is {door}, attempt {attempt + 1}")
    if attempt >= MAX_ATTEMPTS:
        return _twiml(twiml.goodbye("give_up", language))
    return _twiml(twiml.wait(f"{state.settings.public_url}/twilio/voice?attempt={attempt + 1}", language))


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
