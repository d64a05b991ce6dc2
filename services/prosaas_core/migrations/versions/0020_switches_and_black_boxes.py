"""What every replica knows of the others' doing: levels that were switched for a while, and black boxes."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_switches",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("for_s", sa.Double(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_switches")),
        sa.UniqueConstraint("service", "target", "value", name=op.f("uq_log_switches_service_target_value")),
    )
    op.create_table(
        "black_boxes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_black_boxes")),
        sa.UniqueConstraint("node", "name", name=op.f("uq_black_boxes_node_name")),
    )


def downgrade() -> None:
    op.drop_table("black_boxes")
    op.drop_table("log_switches")
