"""What the jobs have to pay for: a text model's answers and Twilio's messages, into the ledger and the metrics."""

from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.costs.charges import charge
from prosaas_core.facts.prices import Charge, message_charge, model_charge
from prosaas_core.facts.simulated import counts
from prosaas_core.facts.usage import usage_of
from prosaas_core.queries import business_id_by_phone
from prosaas_logging import get_logger
from prosaas_worker.job import Tools
from prosaas_worker.metrics import SPENT
from prosaas_worker.texting import Text

log = get_logger(__name__)


async def charge_answer(
    tools: Tools, conn: AsyncConnection, block: object, *, business_id: int | None, call_sid: str | None
) -> None:
    """A text model has answered: it is billed, whatever becomes of its words."""
    usage, odd = usage_of(block)
    if odd:
        log.debug("usage not understood", odd=odd)
    spent = model_charge("text", tools.settings.openai_text_model, usage, tools.prices)
    await _keep(tools, conn, spent, business_id=business_id, call_sid=call_sid)


async def charge_message(tools: Tools, conn: AsyncConnection, text: Text) -> None:
    """A message has gone out: Twilio bills its own; Meta's bill goes to the business."""
    if text.provider == "twilio":
        number = text.sender.removeprefix("whatsapp:")
        spent = message_charge("sms" if text.channel == "sms" else "whatsapp", tools.prices, text.body)
        await _keep(tools, conn, spent, business_id=await business_id_by_phone(conn, number), call_sid=None)


async def _keep(
    tools: Tools, conn: AsyncConnection, spent: Charge, *, business_id: int | None, call_sid: str | None
) -> None:
    limit = tools.settings.max_cost_per_day
    await charge(conn, [spent], business_id=business_id, call_sid=call_sid, day_limit=limit)
    if counts(call_sid or ""):
        SPENT.count([spent])
