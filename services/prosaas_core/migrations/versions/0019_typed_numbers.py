"""Calls are found by how their numbers begin, too: the console looks while a number is typed."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEXES = {"ix_calls_from_beginning": "from_number", "ix_calls_to_beginning": "to_number"}


def upgrade() -> None:
    for name, column in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON calls ({column} text_pattern_ops)")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
