"""Who wrote when and who still waits for an answer; whose draft a message is, and when it is given up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
_STATES = "ck_outbound_messages_status"


def upgrade() -> None:
    """Rows that are there were written when they came, and have been answered or are queued by their id."""
    op.add_column("messages", sa.Column("serial", sa.BigInteger(), sa.Identity(), nullable=False))
    op.add_column("messages", sa.Column("sent_at", TIME, server_default=sa.text("now()"), nullable=False))
    op.execute("UPDATE messages SET sent_at = created_at")
    op.add_column("messages", sa.Column("wants_answer", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_messages_order", "messages", ["conversation_id", "sent_at", "serial"])
    op.create_index("ix_messages_unanswered", "messages", ["conversation_id"], postgresql_where=sa.text("wants_answer"))

    op.add_column("outbound_messages", sa.Column("conversation_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_outbound_messages_conversation_id"),
        "outbound_messages",
        "conversations",
        ["conversation_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column(
        "outbound_messages", sa.Column("answers", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("outbound_messages", sa.Column("template", JSONB()))
    op.drop_constraint(op.f(_STATES), "outbound_messages")
    op.create_check_constraint(op.f(_STATES), "outbound_messages", "status IN ('ready', 'sending', 'sent', 'unknown')")
    op.create_index(op.f("ix_outbound_messages_provider_id"), "outbound_messages", ["provider_id"])
    op.create_index(op.f("ix_outbound_messages_created_at"), "outbound_messages", ["created_at"])
    op.create_index(
        "uq_outbound_messages_open",
        "outbound_messages",
        ["conversation_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('ready', 'sending')"),
    )
    op.create_index(op.f("ix_job_effects_done_at"), "job_effects", ["done_at"])


def downgrade() -> None:
    """What nobody knows of a message becomes what an older worker takes for it: under way."""
    op.drop_index(op.f("ix_job_effects_done_at"), "job_effects")
    for index in ("uq_outbound_messages_open", "ix_outbound_messages_created_at", "ix_outbound_messages_provider_id"):
        op.drop_index(op.f(index), "outbound_messages")
    op.execute("UPDATE outbound_messages SET status = 'sending' WHERE status = 'unknown'")
    op.drop_constraint(op.f(_STATES), "outbound_messages")
    op.create_check_constraint(op.f(_STATES), "outbound_messages", "status IN ('ready', 'sending', 'sent')")
    for column in ("template", "answers", "conversation_id"):
        op.drop_column("outbound_messages", column)
    for index in ("ix_messages_unanswered", "ix_messages_order"):
        op.drop_index(op.f(index), "messages")
    for column in ("wants_answer", "sent_at", "serial"):
        op.drop_column("messages", column)
