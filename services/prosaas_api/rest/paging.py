"""Lists by pages: a cursor remembers the last row's place, so that new rows do not shift what comes next."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from prosaas_api.problems import Problem
from prosaas_api.rest.fields import MAX_ID
from prosaas_core.tables import Base

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row", bound=Base)

Limit: TypeAlias = Annotated[int, Query(ge=1, le=200, description="How many to return at most")]
Cursor: TypeAlias = Annotated[
    str, Query(max_length=400, pattern=r"^[A-Za-z0-9_-]*$", description="next_cursor of the page before")
]


class Page(BaseModel, Generic[Item]):
    """Part of a list; `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None


async def page(
    session: AsyncSession,
    rows: Select[Row],
    model: type[Item],
    key: tuple[InstrumentedAttribute[Any], ...],
    *,
    limit: int,
    cursor: str,
) -> Page[Item]:
    """One page, newest first by `key`, whose last column tells rows apart."""
    if cursor:
        rows = rows.where(tuple_(*key) < tuple_(*_decode(cursor, key)))
    ordered = rows.order_by(*(column.desc() for column in key))
    found = list(await session.scalars(ordered.limit(limit + 1)))
    more = len(found) > limit
    return Page(
        items=[model.model_validate(row, from_attributes=True) for row in found[:limit]],
        next_cursor=_encode([getattr(found[limit - 1], column.key) for column in key]) if more else None,
    )


def _encode(place: list[Any]) -> str:
    written = [value.isoformat() if isinstance(value, datetime) else str(value) for value in place]
    return base64.urlsafe_b64encode(json.dumps(written).encode()).decode().rstrip("=")


def _decode(cursor: str, key: tuple[InstrumentedAttribute[Any], ...]) -> list[Any]:
    try:
        written = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_PARSERS[column.type.python_type](text) for column, text in zip(key, written, strict=True)]
    except (ValueError, TypeError, RecursionError):
        raise Problem(400, "the cursor is not one that we gave") from None


def _integer(text: str) -> int:
    value = int(text)
    if not 0 <= value <= MAX_ID:
        raise ValueError("out of range")
    return value


def _string(text: str) -> str:
    text.encode()
    if "\0" in text:
        raise ValueError("NUL")
    return text


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("no time zone")
    return value


_PARSERS: Mapping[type, Callable[[str], Any]] = {int: _integer, str: _string, datetime: _moment}
