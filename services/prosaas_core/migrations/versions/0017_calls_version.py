"""A call's record says which version answered, and its row which seat it was given."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE calls ADD COLUMN version text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE calls ADD COLUMN seat text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE calls DROP COLUMN seat")
    op.execute("ALTER TABLE calls DROP COLUMN version")
