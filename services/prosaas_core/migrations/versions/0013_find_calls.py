"""Calls are found by their time, by how their numbers end and by the beginning of their id, however many there are."""

from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

# Numbers end alike, however they begin: backwards, that is a prefix.
_BACKWARDS = "reverse(regexp_replace({}, '[^0-9]', '', 'g')) text_pattern_ops"
INDEXES = {
    "ix_calls_started_at": "started_at DESC",
    "ix_calls_from_digits": _BACKWARDS.format("from_number"),
    "ix_calls_to_digits": _BACKWARDS.format("to_number"),
    "ix_calls_beginning": "lower(call_sid) text_pattern_ops",
}


def upgrade() -> None:
    for name, expression in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON calls ({expression})")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
