"""Lists by pages: a cursor remembers the last row's place, so that new rows do not shift what comes next."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from prosaas_api.problems import Problem, in_words
from prosaas_api.rest.fields import CLEAN, MAX_ID

Item = TypeVar("Item", bound=BaseModel)
Key: TypeAlias = tuple[InstrumentedAttribute[Any], ...]

Limit: TypeAlias = Annotated[int, Query(ge=1, le=200, description="How many to return at most")]
_CURSOR = in_words(r"^[A-Za-z0-9_-]*$", "next_cursor of the page before, as it was given")
Cursor: TypeAlias = Annotated[str, Query(max_length=400, pattern=_CURSOR, description="next_cursor of the page before")]

_PARTS: dict[type, TypeAdapter[Any]] = {
    int: TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]),
    str: TypeAdapter(Annotated[str, StringConstraints(strict=True, max_length=200, pattern=CLEAN)]),
    # Of any time: a provider may have stamped a message 1970.
    datetime: TypeAdapter(Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]),
}


class Page(BaseModel, Generic[Item]):
    """Part of a list; `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None


async def page(
    session: AsyncSession, rows: Select[Any], model: type[Item], key: Key, *, limit: int, cursor: str
) -> Page[Item]:
    """One page of what `model` shows and no other column, newest first by `key`, whose last column tells rows apart."""
    if cursor:
        rows = rows.where(tuple_(*key) < tuple_(*_decode(cursor, key)))
    entity = key[0].class_
    shown = {column.key: column for column in key} | {name: getattr(entity, name) for name in model.model_fields}
    ordered = rows.with_only_columns(*shown.values()).order_by(*(column.desc() for column in key))
    found = (await session.execute(ordered.limit(limit + 1))).mappings().all()
    more = len(found) > limit
    return Page(
        items=[model.model_validate(dict(row)) for row in found[:limit]],
        next_cursor=_encode([found[limit - 1][column.key] for column in key]) if more else None,
    )


def _encode(place: list[Any]) -> str:
    written = json.dumps(place, default=datetime.isoformat, separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _decode(cursor: str, key: Key) -> list[Any]:
    """The place that _encode wrote: what does not come out the same when it is written again is made up."""
    try:
        written = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(written, list):
            raise TypeError
        kinds = (_PARTS[column.type.python_type] for column in key)
        place = [kind.validate_python(part) for kind, part in zip(kinds, written, strict=True)]
        if _encode(place) == cursor:
            return place
    except (ValueError, TypeError, RecursionError, OverflowError, binascii.Error, ValidationError):
        pass
    raise Problem(422, "the cursor is not one that we gave")
