"""The time zone of a business in SQL: one name that Postgres has not ends every statement that reckons with it."""


def known(column: str) -> str:
    """The zone's name, null where Postgres has none of it: Python's list has others, and neither's stays as it is."""
    # A zone alone has no type: it is asked as what ends a moment, and ends none that has one. BC and Monday end both.
    ends = f"pg_input_is_valid('2000-01-01 0:00 ' || {column}, 'timestamptz')"
    again = f"pg_input_is_valid('2000-01-01 0:00+0 ' || {column}, 'timestamptz')"
    return f"CASE WHEN {ends} AND NOT {again} THEN {column} END"


def own(column: str) -> str:
    """The zone to reckon in: UTC where there is none."""
    return f"coalesce({known(column)}, 'UTC')"
