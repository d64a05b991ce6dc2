"""API keys: shown once, kept as a hash, good for one business or, for the administrator, for all; gone when revoked."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select

from prosaas_api.problems import Problem
from prosaas_api.request_scope import annotate
from prosaas_api.rest.fields import BusinessId
from prosaas_api.signatures import log
from prosaas_api.state import AppState, Session
from prosaas_core.tables import ApiKey, Business
from prosaas_logging.catalogue import SIGNATURE_REJECTED

PREFIX_LENGTH = 8

_bearer = HTTPBearer(auto_error=False, description="An API key, as POST /v1/businesses/{business_id}/keys returns it")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a business, or the administrator when `business_id` is None."""

    business_id: int | None


def new_key() -> str:
    """A key nobody can guess."""
    return f"psk_{secrets.token_urlsafe(32)}"


def hashed(key: str) -> str:
    """What we keep of a key. It is random, so a fast hash gives nothing away."""
    return hashlib.sha256(key.encode()).hexdigest()


async def _principal(
    state: AppState, session: Session, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    if credentials is None:
        raise _unauthorised("no API key")
    given = credentials.credentials
    admin = state.settings.admin_api_key
    if admin and hmac.compare_digest(given.encode(), admin.encode()):
        return Principal(None)
    key = await session.scalar(select(ApiKey).where(ApiKey.key_hash == hashed(given), ApiKey.revoked_at.is_(None)))
    if key is None:
        raise _unauthorised("an unknown or revoked API key")
    return Principal(key.business_id)


def _unauthorised(reason: str) -> Problem:
    log.event(SIGNATURE_REJECTED, source="rest", reason=reason)
    return Problem(401, f"{reason}; send Authorization: Bearer <key>", headers={"WWW-Authenticate": "Bearer"})


Caller: TypeAlias = Annotated[Principal, Depends(_principal)]


async def _admin(caller: Caller) -> None:
    if caller.business_id is not None:
        raise Problem(403, "only the administrator's key may do this")


AdminOnly = Depends(_admin)


async def _business(caller: Caller, business_id: BusinessId, session: Session) -> Business:
    """The business in the path. Somebody else's looks to a caller as one that does not exist."""
    found = await session.get(Business, business_id) if caller.business_id in (None, business_id) else None
    if found is None:
        raise Problem(404, "there is no such business")
    annotate(business_id=str(business_id))
    return found


ThisBusiness: TypeAlias = Annotated[Business, Depends(_business)]
