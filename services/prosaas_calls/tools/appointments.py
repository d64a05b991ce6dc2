"""Finds the appointment that the caller means."""

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.base import ToolContext
from prosaas_core.booking import upcoming
from prosaas_core.tables import Appointment, Business


async def meant(
    session: AsyncSession, context: ToolContext, business: Business, customer_id: int, day: dt.date | None
) -> Appointment | None:
    """The caller's next appointment, on the named day when they named one."""
    for appointment in await upcoming(session, business, customer_id, now=context.now()):
        if day is None or appointment.starts_at.astimezone(context.profile.timezone).date() == day:
            return appointment
    return None
