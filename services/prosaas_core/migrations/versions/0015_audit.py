"""Who did what: a table that is only ever added to, each row also a line in the server's log."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

KEPT = """
CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is only ever added to';
END $$
"""
TOLD = """
CREATE FUNCTION audit_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE LOG '[AUDIT] act=%, target=%, operator=%, why=%', NEW.act, NEW.target, NEW.operator, NEW.why;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    op.execute(KEPT)
    op.execute(TOLD)
    op.execute(
        "CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_kept()"
    )
    op.execute("CREATE TRIGGER told AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_told()")


def downgrade() -> None:
    op.drop_table("audit")
    op.execute("DROP FUNCTION audit_told()")
    op.execute("DROP FUNCTION audit_kept()")
