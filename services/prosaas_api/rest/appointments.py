"""Appointments and free slots of a business."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator
from sqlalchemy import select

from prosaas_api.problems import Problem
from prosaas_api.rest.auth import Session, ThisBusiness
from prosaas_api.rest.fields import Id
from prosaas_api.rest.models import AppointmentChange, AppointmentOut, NewAppointment, Slots
from prosaas_api.rest.paging import Cursor, Limit, Page, page
from prosaas_core import booking
from prosaas_core.tables import Appointment, Customer

router = APIRouter(prefix="/v1/businesses/{business_id}", tags=["appointments"])


def _near(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise ValueError("a day between the years 2000 and 2100")
    return day


@router.get("/slots")
async def free_slots(
    business: ThisBusiness, session: Session, day: Annotated[date, Query(), AfterValidator(_near)]
) -> Slots:
    """The free slots of a day, in the business's own time zone."""
    return Slots(slots=await booking.free_slots(session, business, day))


@router.get("/appointments")
async def list_appointments(
    business: ThisBusiness,
    session: Session,
    status: Literal["booked", "cancelled"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[AppointmentOut]:
    """The appointments, the latest first."""
    rows = select(Appointment).where(Appointment.business_id == business.id)
    if status:
        rows = rows.where(Appointment.status == status)
    key = (Appointment.starts_at, Appointment.id)
    return await page(session, rows, AppointmentOut, key, limit=limit, cursor=cursor)


@router.post("/appointments", status_code=201, response_model=AppointmentOut)
async def create_appointment(business: ThisBusiness, new: NewAppointment, session: Session) -> Appointment:
    """Book; 409 when the time is taken or the business is closed."""
    customer = await session.get(Customer, new.customer_id)
    if customer is None or customer.business_id != business.id:
        raise Problem(404, "there is no such customer")
    with _refusals():
        booked = await booking.book(
            session, business, customer_id=customer.id, **new.model_dump(exclude={"customer_id"})
        )
    await session.refresh(booked)
    return booked


@router.get("/appointments/{appointment_id}", response_model=AppointmentOut)
async def get_appointment(business: ThisBusiness, appointment_id: Id, session: Session) -> Appointment:
    """One appointment."""
    found = await session.get(Appointment, appointment_id)
    if found is None or found.business_id != business.id:
        raise Problem(404, "there is no such appointment")
    return found


@router.patch("/appointments/{appointment_id}", response_model=AppointmentOut)
async def move_appointment(
    business: ThisBusiness, appointment_id: Id, change: AppointmentChange, session: Session
) -> Appointment:
    """Move a booked appointment; it keeps its time when the new one cannot be had."""
    with _refusals():
        return await booking.reschedule(session, business, appointment_id, change.starts_at)


@router.delete("/appointments/{appointment_id}", status_code=204)
async def cancel_appointment(business: ThisBusiness, appointment_id: Id, session: Session) -> None:
    """Cancel; the time is free again."""
    with _refusals():
        await booking.cancel(session, business, appointment_id)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except booking.Cancelled as error:
        raise Problem(409, str(error)) from None
    except booking.NotFound as error:
        raise Problem(404, str(error)) from None
    except booking.BookingError as error:
        raise Problem(409, str(error)) from None
