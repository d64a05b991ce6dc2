"""Alembic's entry: the migration runs on the connection, and in the transaction, that migrate.py opened."""

from alembic import context

from prosaas_core.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
