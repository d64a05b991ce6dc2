"""The ledger: what has to be paid for, kept with what it is about, and a business told when its day grows dear."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.after_commit import after_commit
from prosaas_core.facts import zones
from prosaas_core.facts.prices import SHIPPED, Charge, PriceError, Prices, load_prices, shipped
from prosaas_core.queries import claim_effect
from prosaas_core.settings import Settings
from prosaas_core.tables import Charge as Row
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import CONFIG_INVALID, DAY_COST, PRICE_UNKNOWN

log = get_logger(__name__)

# At which shares of a day's budget it is said, once a day each.
SHARES = (0.8, 1.0)

# A day is the business's own, from its midnight on, whether the clocks change in it or not. Amounts in two currencies,
# as there are after a change of prices, do not add up.
_OWN_ZONE = zones.own("{business}.timezone")
SPENT_TODAY = f"""
    SELECT COALESCE(sum(cost), 0) FROM charges
    WHERE business_id = {{business}}.id AND currency = {{currency}}
      AND at >= date_trunc('day', now() AT TIME ZONE {_OWN_ZONE}) AT TIME ZONE {_OWN_ZONE}
"""
# Charges of one business wait for one another here: one of them sees the sum that passes a share.
_LOCKED = text("SELECT FROM businesses WHERE id = :business_id FOR NO KEY UPDATE").bindparams(bindparam("business_id"))
_TODAY = text(
    "SELECT ("
    + SPENT_TODAY.format(business="businesses", currency=":currency")
    + f") AS spent, (now() AT TIME ZONE {zones.own('timezone')})::date AS day FROM businesses WHERE id = :business_id"
).bindparams(bindparam("business_id"), bindparam("currency"))


class _Told(NamedTuple):
    business_id: int
    spent: float
    currency: str
    limit: float


def prices_of(settings: Settings, *models: str) -> Prices:
    """The prices to reckon with; a file of no use and a model without a price are said, and stop nothing."""
    try:
        prices = load_prices(settings.prices_file)
    except PriceError as error:
        prices = shipped()
        log.event(CONFIG_INVALID, name="PRICES_FILE", value=str(error), valid="docs/costs.md", fallback=SHIPPED)
    for model in models:
        if prices.of(model) is None:
            log.event(PRICE_UNKNOWN, model=model)
    return prices


async def charge(
    conn: AsyncConnection,
    charges: Iterable[Charge],
    *,
    business_id: int | None,
    call_sid: str | None = None,
    day_limit: float = 0.0,
) -> None:
    """Keep the charges in the caller's transaction, whose commit says so where they pass a share of `day_limit`.

    A limit of 0 is none.
    """
    rows = [_row(each, business_id, call_sid) for each in charges]
    if not rows:
        return
    if business_id is not None and day_limit:
        await conn.execute(_LOCKED, {"business_id": business_id})
    await conn.execute(insert(Row), rows)
    if business_id is not None and day_limit:
        await _watch_day(conn, business_id, day_limit, str(rows[0]["currency"]))


async def _watch_day(conn: AsyncConnection, business_id: int, limit: float, currency: str) -> None:
    today = (await conn.execute(_TODAY, {"business_id": business_id, "currency": currency})).one()
    passed = [share for share in SHARES if today.spent >= share * limit]
    new = [
        share
        for share in passed
        if await claim_effect(conn, f"charges.day:{business_id}:{today.day}:{share:.0%}", "charges.day")
    ]
    if new:
        after_commit(_tell, _Told(business_id, round(today.spent, 2), currency, limit))


def _tell(passed: list[_Told]) -> None:
    for told in passed:
        with scope(business_id=str(told.business_id)):
            log.event(DAY_COST, spent=told.spent, currency=told.currency, limit=told.limit)


def _row(each: Charge, business_id: int | None, call_sid: str | None) -> dict[str, object]:
    usage = each.usage
    return {
        "business_id": business_id,
        "call_sid": call_sid,
        "kind": each.kind,
        "name": each.name,
        "tokens_in": usage.tokens_in,
        "tokens_cached": usage.tokens_cached,
        "tokens_out": usage.tokens_out,
        "seconds": usage.seconds,
        "cost": each.cost,
        "currency": each.currency,
        "estimated": usage.estimated,
        "usage": usage.to_json(),
    }
