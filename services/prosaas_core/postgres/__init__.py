"""Where Postgres is and what stands before it: stdlib and asyncpg alone, for the operator's tools use it too."""
