"""The demo business, so that a fresh stack has somebody to answer the phone."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.tables import Business, Customer

BUSINESS_ID = 456
PHONE = "+97235550100"
WORKING_DAY = [["09:00", "17:00"]]


async def seed(conn: AsyncConnection) -> None:
    """Add the demo business with its one known customer; where it is there already, all stays as it is.

    Who was forgotten does not come back with the next start.
    """
    made = await conn.scalar(
        insert(Business)
        .values(
            id=BUSINESS_ID,
            name="מספרת דנה",
            phone=PHONE,
            whatsapp_phone_number_id="100000000000456",
            greeting="שלום, הגעתם למספרת דנה.",
            disclosure="השיחה נרשמת. במה אפשר לעזור?",
            instructions="את המזכירה של מספרת דנה. עני בקצרה ובאדיבות, ותאמי תורים לפי הזמנים הפנויים.",
            opening_hours=dict.fromkeys(("sun", "mon", "tue", "wed", "thu"), WORKING_DAY),
            transfer_number="+97235550199",
        )
        .on_conflict_do_nothing()
        .returning(Business.id)
    )
    if made is None:
        return
    await conn.execute(
        insert(Customer)
        .values(
            business_id=BUSINESS_ID, channel="phone", external_id="+972501234567", name="דוד", phone="+972501234567"
        )
        .on_conflict_do_nothing()
    )
