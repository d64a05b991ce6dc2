"""Tenants are bound by the database, statuses advance, hidden callers are nobody, and every list has its index."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

# Roles belong to the server: another database of it may have made this one, even at this moment.
ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'prosaas_tenant') THEN
        CREATE ROLE prosaas_tenant NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'prosaas_tenant', 'MEMBER') THEN
        EXECUTE format('GRANT prosaas_tenant TO %I', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'this user may not make the role prosaas_tenant'
            USING HINT = 'As an administrator: CREATE ROLE prosaas_tenant NOLOGIN; GRANT prosaas_tenant TO <this user>';
END $$
"""

MINE = "NULLIF(current_setting('prosaas.business_id', true), '')::bigint"
# What a tenant's request may do at all. How calls and messages are routed is not in it.
RIGHTS = {
    "businesses": "SELECT, UPDATE (name, greeting, instructions, language, voice, timezone, slot_minutes, "
    "opening_hours, updated_at)",
    "api_keys": "SELECT, INSERT, UPDATE (revoked_at)",
    "customers": "SELECT, INSERT, UPDATE (name, phone)",
    "appointments": "SELECT, INSERT, UPDATE (starts_at, ends_at, status)",
    "calls": "SELECT",
    "conversations": "SELECT",
    "messages": "SELECT",
    # A booking queues its reminder.
    "pgqueuer": "SELECT (id, entrypoint, priority, dedupe_key, status), INSERT",
    "pgqueuer_log": "INSERT",
}
# Which rows are a tenant's own; a subquery is bound by the policies of the tables that it asks.
OWN = {
    "businesses": f"id = {MINE}",
    "api_keys": f"business_id = {MINE}",
    "customers": f"business_id = {MINE}",
    "appointments": f"business_id = {MINE}",
    "calls": f"business_id = {MINE}",
    "conversations": f"business_id = {MINE}",
    # EXISTS would be answered from a table of all conversations of the tenant, made anew for each question.
    "messages": f"(SELECT business_id FROM conversations WHERE conversations.id = conversation_id) = {MINE}",
    "pgqueuer": "entrypoint = 'appointment.remind' AND EXISTS (SELECT FROM appointments "
    "WHERE appointments.id = split_part(dedupe_key, ':', 2)::bigint)",
}
# A foreign key is checked by the tables' owner, who sees every row.
WRITTEN = {
    "appointments": f"{OWN['appointments']} AND EXISTS (SELECT FROM customers WHERE customers.id = customer_id)",
}

INDEXES = (
    ("customers", ["business_id", "id"]),
    ("customers", ["business_id", "channel", "id"]),
    ("api_keys", ["business_id", "id"]),
    ("appointments", ["business_id", "starts_at", "id"]),
    ("appointments", ["business_id", "status", "starts_at", "id"]),
    ("conversations", ["customer_id"]),
    ("conversations", ["business_id", "id"]),
    ("conversations", ["business_id", "status", "id"]),
)

# These callers were one customer. The appointments stay for the business to see; nobody else gets at them.
HIDDEN = """
    SELECT id FROM customers WHERE channel = 'phone' AND (
        external_id !~ '^\\+[1-9][0-9]{6,14}$' OR external_id IN (
            '+266696687', '+2562533', '+7378742833', '+7378742883', '+86282452253', '+8656696', '+7748283', '+94844353'
        )
    )
"""


def upgrade() -> None:
    """All of it adds; a column that may no longer be null never was."""
    op.execute(ROLE)
    op.execute("DELETE FROM api_keys WHERE business_id IS NULL")
    op.alter_column("api_keys", "business_id", nullable=False)
    op.create_table(
        "message_fates",
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("told_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_message_fates")),
    )
    op.create_index(op.f("ix_message_fates_told_at"), "message_fates", ["told_at"])
    op.add_column("calls", sa.Column("carrier_status", sa.Text(), server_default="", nullable=False))
    for table, columns in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    op.execute(f"UPDATE calls SET customer_id = NULL WHERE customer_id IN ({HIDDEN})")
    op.execute(f"UPDATE customers SET phone = NULL, name = '' WHERE id IN ({HIDDEN})")
    op.execute("GRANT USAGE ON SCHEMA public TO prosaas_tenant")
    op.execute("GRANT USAGE ON SEQUENCE pgqueuer_id_seq, pgqueuer_log_id_seq TO prosaas_tenant")
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO prosaas_tenant")
    for table, own in OWN.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        written = WRITTEN.get(table, own)
        op.execute(f"CREATE POLICY tenant ON {table} TO prosaas_tenant USING ({own}) WITH CHECK ({written})")


def downgrade() -> None:
    """The role stays: it is the server's, and without rights it can do nothing. What was untied stays so."""
    for table in OWN:
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in RIGHTS:
        op.execute(f"REVOKE ALL ON {table} FROM prosaas_tenant")
    op.execute("REVOKE ALL ON SEQUENCE pgqueuer_id_seq, pgqueuer_log_id_seq FROM prosaas_tenant")
    op.execute("REVOKE ALL ON SCHEMA public FROM prosaas_tenant")
    for table, columns in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    op.drop_column("calls", "carrier_status")
    op.drop_table("message_fates")
    op.alter_column("api_keys", "business_id", nullable=True)
