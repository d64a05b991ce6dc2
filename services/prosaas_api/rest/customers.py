"""Customers of a business."""

from typing import Literal

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from prosaas_api.problems import Problem
from prosaas_api.rest.auth import Session, ThisBusiness
from prosaas_api.rest.fields import Id
from prosaas_api.rest.models import CustomerChange, CustomerOut, NewCustomer
from prosaas_api.rest.paging import Cursor, Limit, Page, page
from prosaas_core.tables import Business, Customer

router = APIRouter(prefix="/v1/businesses/{business_id}/customers", tags=["customers"])


@router.get("")
async def list_customers(
    business: ThisBusiness,
    session: Session,
    channel: Literal["phone", "whatsapp"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[CustomerOut]:
    """The customers, the newest first."""
    rows = select(Customer).where(Customer.business_id == business.id)
    if channel:
        rows = rows.where(Customer.channel == channel)
    return await page(session, rows, CustomerOut, (Customer.id,), limit=limit, cursor=cursor)


@router.post("", status_code=201, response_model=CustomerOut)
async def create_customer(business: ThisBusiness, new: NewCustomer, session: Session) -> Customer:
    """Add a customer who has not called or written yet."""
    customer = Customer(business_id=business.id, **new.model_dump())
    session.add(customer)
    try:
        await session.flush()
    except IntegrityError:
        raise Problem(409, "this channel and external_id are a customer already") from None
    await session.refresh(customer)
    return customer


@router.get("/{customer_id}", response_model=CustomerOut)
async def get_customer(business: ThisBusiness, customer_id: Id, session: Session) -> Customer:
    """One customer."""
    return await _find(session, business, customer_id)


@router.patch("/{customer_id}", response_model=CustomerOut)
async def change_customer(
    business: ThisBusiness, customer_id: Id, change: CustomerChange, session: Session
) -> Customer:
    """Change what is given."""
    customer = await _find(session, business, customer_id)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(customer, name, value)
    await session.flush()
    return customer


async def _find(session: Session, business: Business, customer_id: int) -> Customer:
    found = await session.get(Customer, customer_id)
    if found is None or found.business_id != business.id:
        raise Problem(404, "there is no such customer")
    return found
