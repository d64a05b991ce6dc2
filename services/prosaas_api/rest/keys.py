"""API keys: shown once, kept as a hash, good for one business or, for the administrator, for all; gone when revoked."""

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg
from starlette.types import Scope

from prosaas_api.problems import Problem
from prosaas_api.request_scope import header
from prosaas_api.state import REST_S, State
from prosaas_core.database import answer_within, raw_connection
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SIGNATURE_REJECTED

PREFIX_LENGTH = 8
_FORM = re.compile(r"psk_[A-Za-z0-9_-]{43}")
_WHOSE = "SELECT business_id, id, name FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a business, or the administrator when `business_id` is None.

    `lane` is what they are counted under, `key` is which of their keys it was, in words.
    """

    business_id: int | None
    lane: str
    key: str


def new_key() -> str:
    """A key nobody can guess."""
    return f"psk_{secrets.token_urlsafe(32)}"


def named(key_id: int, name: str) -> str:
    """A key in words: its id, for two may have one name, and what its business calls it."""
    return f"key {key_id} ({name})"


def hashed(key: str) -> str:
    """What we keep of a key. It is random, so a fast hash gives nothing away."""
    return hashlib.sha256(key.encode()).hexdigest()


@asynccontextmanager
async def admitted(conn: Scope) -> AsyncIterator[AbstractAsyncContextManager[None]]:
    """Let the request in as its principal, found under `principal` in its scope, when it is its key's turn.

    It is served within what this gives.
    """
    state = conn["app"].state.prosaas
    assert isinstance(state, State)
    principal = await _principal(state, header(conn, b"authorization") or "")
    conn["principal"] = principal
    async with state.rates.turn(principal.lane, paced=principal.business_id is not None) as place:
        yield place


async def _principal(state: State, authorization: str) -> Principal:
    scheme, _, given = authorization.partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given:
        raise _unauthorised("no API key")
    admin = state.settings.admin_api_key
    if admin and hmac.compare_digest(given.encode(), admin.encode()):
        return Principal(None, "administrator", "administrator")
    # What is no key of ours by its form costs no question.
    if _FORM.fullmatch(given):
        key = hashed(given)
        found = await answer_within(state.rates.asked(key, partial(_whose, state, key)), REST_S)
        if found is not None:
            business = f"business {found['business_id']}"
            return Principal(found["business_id"], business, f"{named(found['id'], found['name'])} of {business}")
    raise _unauthorised("an unknown or revoked API key")


async def _whose(state: State, key: str) -> asyncpg.Record | None:
    async with raw_connection(state.rest_engine) as raw:
        found: asyncpg.Record | None = await raw.fetchrow(_WHOSE, key)
        return found


def _unauthorised(reason: str) -> Problem:
    log.event(SIGNATURE_REJECTED, source="rest", reason=reason)
    return Problem(401, f"{reason}; send Authorization: Bearer <key>", headers={"WWW-Authenticate": "Bearer"})
