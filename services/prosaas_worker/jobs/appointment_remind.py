"""appointment.remind: a text message before an appointment, unless it has been moved or cancelled since."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from prosaas_core.database import transaction
from prosaas_core.tables import Appointment, Business, Customer
from prosaas_logging import get_logger
from prosaas_worker.delivery import deliver
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.texting import Text

log = get_logger(__name__)

_WORDS = {
    "he": "שלום {customer}, תזכורת לתור שלך ב{business} ביום {day} בשעה {time}.",
    "en": "Hello {customer}, a reminder of your appointment at {business} on {day} at {time}.",
}


async def run(job: Job, tools: Tools) -> None:
    """Remind by SMS where a phone number is known, else by WhatsApp; an outdated reminder is a job well done."""
    appointment_id = int(job.payload["appointment_id"])
    planned = datetime.fromisoformat(job.payload["starts_at"])
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
                )
                .join(Customer, Customer.id == Appointment.customer_id)
                .join(Business, Business.id == Appointment.business_id)
                .where(Appointment.id == appointment_id)
            )
        ).one_or_none()
    if found is None or found.status != "booked" or found.starts_at != planned or planned <= datetime.now(UTC):
        log.debug("reminder is out of date", appointment_id=appointment_id)
        return

    async def compose() -> Text:
        local = found.starts_at.astimezone(ZoneInfo(found.timezone))
        words = _WORDS[found.language if found.language in _WORDS else "he"]
        body = words.format(
            customer=found.customer, business=found.business, day=f"{local:%d.%m}", time=f"{local:%H:%M}"
        ).replace(" ,", ",")
        if found.phone:
            return Text("twilio", found.business_phone, found.phone, body)
        if found.whatsapp_phone_number_id:
            return Text("meta", found.whatsapp_phone_number_id, found.external_id, body)
        raise Hopeless(f"no way to reach the customer of appointment {appointment_id}")

    await deliver(job, tools, compose)
