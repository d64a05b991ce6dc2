"""The messages that jobs send, so that a second attempt knows what the first one did."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Keyed by the job, since a provider's id comes only with its answer."""
    op.create_table(
        "outbound_messages",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="ready", nullable=False),
        sa.Column("sending_since", TIME),
        sa.Column("provider_id", sa.Text()),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("provider IN ('twilio', 'meta')", name=op.f("ck_outbound_messages_provider")),
        sa.CheckConstraint("status IN ('ready', 'sending', 'sent')", name=op.f("ck_outbound_messages_status")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outbound_messages")),
    )


def downgrade() -> None:
    """What has been sent stays sent; only the memory of it goes."""
    op.drop_table("outbound_messages")
