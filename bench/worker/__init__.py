"""Jobs a second through the worker, against PgQueuer with nothing around it."""
