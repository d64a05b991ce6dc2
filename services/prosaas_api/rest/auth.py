"""What a key opens: a session that Postgres binds to the key's business, and that business alone."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_api.problems import Problem
from prosaas_api.request_scope import annotate
from prosaas_api.rest.fields import BusinessId
from prosaas_api.rest.keys import Principal
from prosaas_api.state import REST_S, AppState
from prosaas_core.database import bind_to_tenant, session
from prosaas_core.tables import Business

# For the document; the key was checked before the body was read.
_bearer = HTTPBearer(auto_error=False, description="An API key, as POST /v1/businesses/{business_id}/keys returns it")


async def _principal(request: Request, _: Annotated[object, Depends(_bearer)]) -> Principal:
    found = request.scope["principal"]
    assert isinstance(found, Principal)
    return found


Caller: TypeAlias = Annotated[Principal, Depends(_principal)]


async def _session(state: AppState, caller: Caller) -> AsyncIterator[AsyncSession]:
    async with session(state.rest_engine, within_s=REST_S) as opened:
        if caller.business_id is not None:
            await bind_to_tenant(opened, caller.business_id)
        yield opened


# Closed before the answer goes out, so that nobody is told of a row that was not committed.
Session: TypeAlias = Annotated[AsyncSession, Depends(_session, scope="function")]


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
