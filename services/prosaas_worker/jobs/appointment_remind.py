"""appointment.remind: a text message before an appointment, unless it has been moved or cancelled since."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from prosaas_core.database import transaction
from prosaas_core.messages.window import is_open
from prosaas_core.settings import Settings
from prosaas_core.tables import Appointment, Business, Conversation, Customer, Message
from prosaas_core.words import day_in_words, hour, prefixed
from prosaas_logging import get_logger
from prosaas_worker.delivery import deliver, write
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.texting import Template, Text
from prosaas_worker.words import REMINDER, in_language

log = get_logger(__name__)


async def run(job: Job, tools: Tools) -> None:
    """Remind by SMS where a phone number is known, else by WhatsApp; an outdated reminder is a job well done.

    To somebody who has not written within WhatsApp's window goes the template that Meta has approved.
    """
    appointment_id = int(job.payload["appointment_id"])
    planned = datetime.fromisoformat(job.payload["starts_at"])
    last_written = (
        select(func.max(Message.sent_at))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.customer_id == Customer.id, Message.direction == "in")
        .correlate(Customer)
        .scalar_subquery()
    )
    async with transaction(tools.engine) as connection:
        found = (
            await connection.execute(
                select(
                    Appointment.starts_at,
                    Appointment.status,
                    Customer.name.label("customer"),
                    Customer.phone,
                    Customer.external_id,
                    Business.name.label("business"),
                    Business.phone.label("business_phone"),
                    Business.whatsapp_phone_number_id,
                    Business.language,
                    Business.timezone,
                    last_written.label("last_written"),
                )
                .join(Customer, Customer.id == Appointment.customer_id)
                .join(Business, Business.id == Appointment.business_id)
                .where(Appointment.id == appointment_id)
            )
        ).one_or_none()
    if found is None or found.status != "booked" or found.starts_at != planned:
        log.debug("reminder is out of date", appointment_id=appointment_id)
        return
    if planned <= datetime.now(UTC):
        if job.attempt > 1:
            raise Hopeless(f"appointment {appointment_id} began before its reminder could be sent")
        log.debug("reminder comes too late", appointment_id=appointment_id)
        return
    await write(tools, job.key, _compose(found, appointment_id, tools.settings))
    await deliver(tools, job.key)


def _compose(found: Any, appointment_id: int, settings: Settings) -> Text:
    local = found.starts_at.astimezone(ZoneInfo(found.timezone))
    values = {
        "customer": found.customer,
        "business": found.business,
        "day": day_in_words(local, found.language),
        "time": hour(local),
    }
    body = (
        in_language(REMINDER, found.language)
        .format(**values, at_business=prefixed("ב", found.business))
        .replace(" ,", ",")
    )
    if found.phone:
        return Text("twilio", found.business_phone, found.phone, body)
    if not found.whatsapp_phone_number_id:
        raise Hopeless(f"no way to reach the customer of appointment {appointment_id}")
    sender, recipient = found.whatsapp_phone_number_id, found.external_id
    if is_open(found.last_written):
        return Text("meta", sender, recipient, body)
    if not settings.whatsapp_reminder_template:
        raise Hopeless(
            f"the customer of appointment {appointment_id} has not written for 24 hours, and WhatsApp takes no free "
            "words then: name an approved template in WHATSAPP_REMINDER_TEMPLATE"
        )
    # Meta refuses an empty parameter.
    template = Template(
        name=settings.whatsapp_reminder_template,
        language=found.language,
        parameters=[value.strip() or "-" for value in values.values()],
    )
    return Text("meta", sender, recipient, body, template)
