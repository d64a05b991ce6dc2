"""What callers are told, how a business's phones are listened to, who comes, and messages that a tenant can read."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_MINE = "business_id = NULLIF(current_setting('prosaas.business_id', true), '')::bigint"


def upgrade() -> None:
    op.add_column("businesses", sa.Column("disclosure", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "businesses",
        sa.Column("hearing", sa.dialects.postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("appointments", sa.Column("for_whom", sa.Text(), server_default="", nullable=False))
    op.add_column("call_messages", sa.Column("told_at", sa.DateTime(timezone=True)))
    op.execute("GRANT UPDATE (disclosure, hearing) ON businesses TO prosaas_tenant")
    op.execute("GRANT SELECT ON call_messages TO prosaas_tenant")
    op.execute("ALTER TABLE call_messages ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON call_messages TO prosaas_tenant USING ({_MINE}) WITH CHECK ({_MINE})")


def downgrade() -> None:
    op.execute("DROP POLICY tenant ON call_messages")
    op.execute("ALTER TABLE call_messages DISABLE ROW LEVEL SECURITY")
    op.execute("REVOKE ALL ON call_messages FROM prosaas_tenant")
    op.drop_column("call_messages", "told_at")
    op.drop_column("appointments", "for_whom")
    op.drop_column("businesses", "hearing")
    op.drop_column("businesses", "disclosure")
