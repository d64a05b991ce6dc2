"""The records of calls that were live at a backup and have ended since: they go into what is restored of it."""

from collections.abc import Callable

from prosaas_ops.conduct.database import sql, tables
from prosaas_ops.conduct.world import World

# What the record of a call has, in every schema that a backup may be of; and what was made of it since.
_RECORD = (
    "from_number", "to_number", "status", "ended_at", "duration_s", "end_reason", "metrics", "transcript", "events",
    "recorded_at", "summary", "summarised_at",
)  # fmt: skip
_WHOSE = {"business_id": "businesses", "customer_id": "customers"}
_CHARGE = (
    "business_id", "call_sid", "at", "kind", "name", "tokens_in", "tokens_cached", "tokens_out", "seconds", "cost",
    "currency", "estimated", "usage",
)  # fmt: skip
AMONG = "call_sid = ANY (string_to_array(:'these', ' '))"


def bring(world: World, is_forgotten: Callable[[str], bool]) -> int:
    """Each in the place of its open row, with what was paid for it; how many calls that were.

    All of it at once: once a call has its record, this asks for it no more.
    """
    unended = sql(world, "prosaas_restored", "SELECT call_sid FROM calls WHERE recorded_at IS NULL").split()
    known = " ".join(call_sid for call_sid in unended if not is_forgotten(call_sid))
    its = f"SELECT call_sid, {', '.join((*_RECORD, *_WHOSE))} FROM calls WHERE recorded_at IS NOT NULL AND {AMONG}"
    given = {"records": _rows(world, its, known)}
    # A row that names whom the backup does not have would be refused.
    whose = [
        f"{name} = coalesce((SELECT id FROM {table} WHERE id = one.{name}), calls.{name})"
        for name, table in _WHOSE.items()
    ]
    parts = [
        f"brought AS (UPDATE calls SET {', '.join([f'{name} = one.{name}' for name in _RECORD] + whose)} "
        "FROM jsonb_populate_recordset(NULL::calls, :'records'::jsonb) AS one "
        "WHERE calls.call_sid = one.call_sid RETURNING calls.call_sid)"
    ]
    if "charges" in tables(world, "prosaas") & tables(world, "prosaas_restored"):
        given["charges"] = _rows(world, f"SELECT * FROM charges WHERE {AMONG}", known)
        parts.append(
            f"paid AS (INSERT INTO charges ({', '.join(_CHARGE)}) SELECT {', '.join(_CHARGE)} "
            "FROM jsonb_populate_recordset(NULL::charges, :'charges'::jsonb) AS one "
            "WHERE call_sid IN (SELECT call_sid FROM brought) "
            "AND NOT EXISTS (SELECT FROM charges WHERE id = one.id AND call_sid = one.call_sid) "
            "AND (business_id IS NULL OR EXISTS (SELECT FROM businesses WHERE id = one.business_id)))"
        )
    return int(sql(world, "prosaas_restored", f"WITH {', '.join(parts)} SELECT count(*) FROM brought", **given))


def _rows(world: World, question: str, calls: str) -> str:
    """What the live database answers about these calls, as JSON."""
    return sql(
        world, "prosaas", f"SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM ({question}) AS one", these=calls
    )
