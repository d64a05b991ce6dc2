"""The urgent ones among what callers left are listed without reading the others."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_call_messages_urgent ON call_messages (business_id, created_at, id) WHERE urgent")


def downgrade() -> None:
    op.execute("DROP INDEX ix_call_messages_urgent")
