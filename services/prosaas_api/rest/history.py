"""What happened: calls with their transcripts, and WhatsApp conversations with their messages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from sqlalchemy import select

from prosaas_api.problems import Problem, in_words
from prosaas_api.rest.auth import Session, ThisBusiness
from prosaas_api.rest.fields import Id
from prosaas_api.rest.models import CallDetail, CallMessageOut, CallOut, ConversationOut, MessageOut
from prosaas_api.rest.paging import Cursor, Limit, Page, page
from prosaas_core.tables import Call, CallMessage, Conversation, Message

router = APIRouter(prefix="/v1/businesses/{business_id}")

_CALL_SID = in_words(r"^[A-Za-z0-9]+$", "a call's id, as Twilio writes it: letters and digits")
CallSid = Annotated[str, Path(max_length=64, pattern=_CALL_SID)]


@router.get("/calls", tags=["calls"])
async def list_calls(business: ThisBusiness, session: Session, limit: Limit = 50, cursor: Cursor = "") -> Page[CallOut]:
    """The calls, the latest first."""
    rows = select(Call).where(Call.business_id == business.id)
    return await page(session, rows, CallOut, (Call.started_at, Call.call_sid), limit=limit, cursor=cursor)


@router.get("/calls/{call_sid}", tags=["calls"], response_model=CallDetail)
async def get_call(business: ThisBusiness, call_sid: CallSid, session: Session) -> Call:
    """One call with its transcript, metrics and log lines."""
    found = await session.get(Call, call_sid)
    if found is None or found.business_id != business.id:
        raise Problem(404, "there is no such call")
    return found


@router.get("/call-messages", tags=["calls"])
async def list_call_messages(
    business: ThisBusiness, session: Session, urgent: bool | None = None, limit: Limit = 50, cursor: Cursor = ""
) -> Page[CallMessageOut]:
    """What callers asked to have passed on, the latest first."""
    rows = select(CallMessage).where(CallMessage.business_id == business.id)
    if urgent is not None:
        # Not as a parameter, whose value a plan that is kept does not know: the index is of the urgent ones alone.
        rows = rows.where(CallMessage.urgent if urgent else ~CallMessage.urgent)
    return await page(
        session, rows, CallMessageOut, (CallMessage.created_at, CallMessage.id), limit=limit, cursor=cursor
    )


@router.get("/conversations", tags=["conversations"])
async def list_conversations(
    business: ThisBusiness,
    session: Session,
    status: Literal["open", "closed"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[ConversationOut]:
    """The WhatsApp conversations, the newest first."""
    rows = select(Conversation).where(Conversation.business_id == business.id)
    if status:
        rows = rows.where(Conversation.status == status)
    return await page(session, rows, ConversationOut, (Conversation.id,), limit=limit, cursor=cursor)


@router.get("/conversations/{conversation_id}/messages", tags=["conversations"])
async def list_messages(
    business: ThisBusiness, conversation_id: Id, session: Session, limit: Limit = 50, cursor: Cursor = ""
) -> Page[MessageOut]:
    """The messages of a conversation, the latest first."""
    conversation = await session.get(Conversation, conversation_id)
    if conversation is None or conversation.business_id != business.id:
        raise Problem(404, "there is no such conversation")
    rows = select(Message).where(Message.conversation_id == conversation_id)
    return await page(session, rows, MessageOut, (Message.sent_at, Message.serial), limit=limit, cursor=cursor)
