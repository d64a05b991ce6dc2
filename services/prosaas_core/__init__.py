"""What the api, the calls service and the worker agree on: settings, tables, queries, migrations and job names."""
