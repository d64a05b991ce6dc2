"""Messages that come in: each becomes a row and a job in one transaction, once, however often it is delivered."""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from prosaas_api.request_scope import annotate
from prosaas_api.state import State
from prosaas_core.database import raw_transaction
from prosaas_core.messages import fates, sending
from prosaas_core.messages.connection import Channel
from prosaas_core.messages.fates import Fate
from prosaas_core.messages.inbox import Outcome, keep
from prosaas_core.messages.incoming import Incoming
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    UNKNOWN_BUSINESS,
    WHATSAPP_DUPLICATE,
    WHATSAPP_RECEIVED,
    WHATSAPP_SEND_FAILED,
)

# Twilio and Meta give up on us after some 15 s; Meta comes again when we say that we could not.
WITHIN_S = 5.0
# Messages in a transaction: what a large batch has got done by its deadline is not done again when it comes back.
PART = 100

log = get_logger(__name__)


async def receive(state: State, messages: Sequence[Incoming]) -> None:
    """Keep the messages and queue their answers; when this returns they are safe."""
    # In one order of senders everywhere, so that two batches never wait for each other's rows.
    ordered = sorted(messages, key=lambda message: (message.to, message.sender))
    for start in range(0, len(ordered), PART):
        part = ordered[start : start + PART]
        async with raw_transaction(state.engine, within_s=WITHIN_S) as connection:
            outcomes = [(message, await _keep(state, connection, message)) for message in part]
        for message, outcome in outcomes:
            _tell(state, message, outcome)


async def delivered(state: State, channel: Channel, told: Sequence[Fate]) -> None:
    """Note what became of messages that we sent, in one step for all of them."""
    known = [fate for fate in told if fate.status in fates.MESSAGE_STATUSES]
    if not known:
        return
    async with raw_transaction(state.engine, within_s=WITHIN_S) as connection:
        if named := {fate.key: fate.message_id for fate in known if fate.key}:
            await sending.taken(connection, list(named), list(named.values()))
        news = await fates.note_fates(connection, known)
    for fate in news:
        if fate.failed:
            log.event(WHATSAPP_SEND_FAILED, message_id=fate.message_id, error=f"{fate.status}, code {fate.error}")
            state.connections.refused(channel, code=fate.error or "")
        else:
            log.debug("message delivery", message_id=fate.message_id, status=fate.status)
            if fate.arrived:
                state.connections.works(channel)


async def _keep(state: State, connection: "asyncpg.Connection[asyncpg.Record]", message: Incoming) -> Outcome:
    annotate(message_id=message.message_id)
    kept = state.settings.for_record(message.text)
    outcome = await keep(connection, message if kept is message.text else replace(message, text=kept))
    if outcome.business_id is not None:
        annotate(business_id=str(outcome.business_id))
    return outcome


def _tell(state: State, message: Incoming, outcome: Outcome) -> None:
    state.metrics.webhooks.labels(message.provider, outcome.kind).inc()
    if outcome.kind == "accepted":
        log.event(WHATSAPP_RECEIVED, message_id=message.message_id, channel=message.provider)
    elif outcome.kind == "duplicate":
        log.event(WHATSAPP_DUPLICATE, message_id=message.message_id)
    else:
        log.event(UNKNOWN_BUSINESS, to_number=message.to)
