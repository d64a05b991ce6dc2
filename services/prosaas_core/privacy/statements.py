"""What is asked of the database about a place: SQL that follows from its row, to find people and to end what is due."""

from prosaas_core.privacy.places import Place, Rule


def finds(place: Place) -> str:
    """The keys of a person's rows, as text."""
    # Not every place asks with both, and each must have its type.
    typed = "WITH asked AS (SELECT $1::text, $2::bigint[])"
    return f"{typed} SELECT {place.key}::text FROM {place.table} WHERE {place.theirs}"


def lists(place: Place) -> str:
    """The keys of all rows, as text."""
    return f"SELECT {place.key}::text FROM {place.table}"


def reads(place: Place) -> str:
    """What of the row with the key $1, as text, may name somebody."""
    return f"SELECT {place.reads} FROM {place.table} WHERE {place.key} = $1::text::{place.type}"


def shows(place: Place) -> str:
    """The rows with the keys $1, text[], each as one JSON text."""
    return f"SELECT to_jsonb(r)::text FROM {place.table} AS r WHERE {place.key} = ANY($1::text[]::{place.type}[])"


def erases(place: Place) -> str:
    """Ends the rows with the keys $1, text[], that were there at $2: a number given anew is somebody else's row."""
    return f"{place.erase} WHERE {place.key} = ANY($1::text[]::{place.type}[]) AND {place.made} <= $2::timestamptz"


def is_due(place: Place, rule: Rule) -> str:
    """The keys of at most $2 rows that have been kept for longer than $1, an interval."""
    return f"SELECT {place.key} FROM {place.table} WHERE {rule.age} < now() - $1::interval AND {rule.due} LIMIT $2"


def kept(place: Place, rule: Rule) -> str:
    """How many rows there are that will be due one day, and the oldest of them."""
    return f"SELECT count(*), min({rule.age}) FROM {place.table} WHERE {rule.due}"


def locks(place: Place) -> str:
    """Those of the keys $1 that nobody else holds just now, held; what is held waits for the next time."""
    return f"SELECT {place.key} FROM {place.table} WHERE {place.key} = ANY($1) FOR UPDATE SKIP LOCKED"


def ends(place: Place, rule: Rule) -> str:
    """Ends those of the keys $2 that are due still. They are held before: who comes to them then is seen, or waits."""
    return f"{rule.change} WHERE {place.key} = ANY($2) AND {rule.age} < now() - $1::interval AND {rule.due}"
