"""Businesses and their keys."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from prosaas_api.problems import Problem
from prosaas_api.rest.auth import AdminOnly, Caller, Session, ThisBusiness
from prosaas_api.rest.fields import NO_SUCH_ZONE, Id
from prosaas_api.rest.keys import PREFIX_LENGTH, Principal, hashed, named, new_key
from prosaas_api.rest.models import BusinessChange, BusinessOut, CreatedKey, KeyOut, NewBusiness, NewKey, Routing
from prosaas_api.rest.paging import Cursor, Limit, Page, page
from prosaas_core.after_commit import after_commit
from prosaas_core.tables import ApiKey, Business
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BUSINESS_CHANGED

# Postgres' invalid_parameter_value.
_NO_SUCH_ZONE = "22023"

log = get_logger("prosaas_api")
router = APIRouter(prefix="/v1/businesses", tags=["businesses"])


@router.get("")
async def list_businesses(
    caller: Caller, session: Session, limit: Limit = 50, cursor: Cursor = ""
) -> Page[BusinessOut]:
    """The businesses that the key may see."""
    rows = select(Business)
    if caller.business_id is not None:
        rows = rows.where(Business.id == caller.business_id)
    return await page(session, rows, BusinessOut, (Business.id,), limit=limit, cursor=cursor)


@router.post("", status_code=201, dependencies=[AdminOnly], response_model=BusinessOut)
async def create_business(caller: Caller, new: NewBusiness, session: Session) -> Business:
    """Add a business. Its phone number must be nobody else's."""
    business = Business(**new.model_dump())
    await _reckons(session, new.timezone)
    await _free(session, new.model_dump())
    session.add(business)
    await _flush(session)
    _tell(caller, business, "made")
    return business


@router.get("/{business_id}", response_model=BusinessOut)
async def get_business(business: ThisBusiness) -> Business:
    """One business."""
    return business


@router.patch("/{business_id}", response_model=BusinessOut)
async def change_business(caller: Caller, business: ThisBusiness, change: BusinessChange, session: Session) -> Business:
    """Change what is given; the next call uses it. How it is reached is the administrator's to change."""
    if caller.business_id is not None and (routing := change.model_fields_set & set(Routing.model_fields)):
        raise Problem(403, f"only the administrator's key may change {', '.join(sorted(routing))}")
    given = change.model_dump(exclude_unset=True)
    if "timezone" in given:
        await _reckons(session, change.timezone)
    # Who changes it at the same moment waits, and is compared with what there is then.
    await session.refresh(business, with_for_update={"key_share": True})
    if "hearing" in given:
        merged = {**business.hearing, **given["hearing"]}
        given["hearing"] = {name: value for name, value in merged.items() if value is not None}
    changed = sorted(name for name, value in given.items() if getattr(business, name) != value)
    await _free(session, given, business.id)
    _apply(business, given)
    await _flush(session)
    await session.refresh(business)
    if changed:
        _tell(caller, business, " ".join(changed))
    return business


@router.get("/{business_id}/keys")
async def list_keys(business: ThisBusiness, session: Session, limit: Limit = 50, cursor: Cursor = "") -> Page[KeyOut]:
    """The business's keys, the revoked ones too."""
    rows = select(ApiKey).where(ApiKey.business_id == business.id)
    return await page(session, rows, KeyOut, (ApiKey.id,), limit=limit, cursor=cursor)


@router.post("/{business_id}/keys", status_code=201)
async def create_key(caller: Caller, business: ThisBusiness, new: NewKey, session: Session) -> CreatedKey:
    """Make a key. It is in this answer and nowhere else."""
    key = new_key()
    kept = ApiKey(business_id=business.id, name=new.name, prefix=key[:PREFIX_LENGTH], key_hash=hashed(key))
    session.add(kept)
    await session.flush()
    await session.refresh(kept)
    _tell(caller, business, f"{named(kept.id, kept.name)} made")
    return CreatedKey(**KeyOut.model_validate(kept, from_attributes=True).model_dump(), key=key)


@router.delete("/{business_id}/keys/{key_id}", status_code=204)
async def revoke_key(caller: Caller, business: ThisBusiness, key_id: Id, session: Session) -> None:
    """Revoke a key; it is refused from now on."""
    mine = ApiKey.id == key_id, ApiKey.business_id == business.id
    revoked = update(ApiKey).where(*mine, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now())
    if key := (await session.execute(revoked.returning(ApiKey.id, ApiKey.name))).one_or_none():
        _tell(caller, business, f"{named(key.id, key.name)} revoked")
    elif not await session.scalar(select(ApiKey.id).where(*mine)):
        raise Problem(404, "there is no such key")


def _tell(caller: Principal, business: Business, what: str) -> None:
    """Who asks tomorrow why calls are answered otherwise finds it in the log."""
    after_commit(_say, {"business_id": str(business.id), "what": what, "by": caller.key})


def _say(changes: list[Any]) -> None:
    for change in changes:
        log.event(BUSINESS_CHANGED, **change)


def _apply(row: object, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


async def _reckons(session: Session, zone: str) -> None:
    """Postgres adds up a business's days in its zone, and need not have every name of one that Python has."""
    try:
        await session.execute(select(func.timezone(zone, func.now())))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_SUCH_ZONE:
            raise
        raise Problem(422, NO_SUCH_ZONE) from None


_UNIQUE = {"phone": "phone number", "whatsapp_phone_number_id": "WhatsApp phone number id"}


async def _free(session: Session, values: dict[str, Any], own: int | None = None) -> None:
    """Whose the number is, if it is somebody's already: for the administrator, who alone may give it away."""
    for name, what in _UNIQUE.items():
        if value := values.get(name):
            other = await session.scalar(select(Business).where(getattr(Business, name) == value))
            if other is not None and other.id != own:
                raise Problem(409, f"business {other.id} ({other.name}) has this {what}")


async def _flush(session: Session) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        # Somebody else was first, since it was looked up. Which of the two it is stands in the constraint's name.
        taken = "whatsapp_phone_number_id" if "whatsapp_phone_number_id" in str(error.orig) else "phone"
        raise Problem(409, f"another business has this {_UNIQUE[taken]}") from None
