"""The time zone of a business in SQL: one name that Postgres has not ends every statement that reckons with it."""


def known(column: str) -> str:
    """The zone's name, null where Postgres has none of it: Python's list has others, and neither's stays as it is."""
    # It is asked as the end of a moment, for a zone alone has no type.
    asked = f"pg_input_is_valid('2000-01-01 00:00 ' || nullif({column}, ''), 'timestamptz')"
    return f"CASE WHEN {asked} THEN {column} END"


def own(column: str) -> str:
    """The zone to reckon in: UTC where there is none."""
    return f"coalesce({known(column)}, 'UTC')"
