"""The tables of the bundle, and PgQueuer's own beside them."""

import sqlalchemy as sa
from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy import AdaptedConnection
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    """Everything from nothing. btree_gist lets the exclusion constraint compare a business by `=`."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    script(QueryBuilderEnvironment().build_install_query())
    op.create_table(
        "businesses",
        sa.Column("id", sa.BigInteger(), sa.Identity(start=1000), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("whatsapp_phone_number_id", sa.Text()),
        sa.Column("greeting", sa.Text(), server_default="", nullable=False),
        sa.Column("instructions", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="he", nullable=False),
        sa.Column("voice", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="Asia/Jerusalem", nullable=False),
        sa.Column("slot_minutes", sa.Integer(), server_default="30", nullable=False),
        sa.Column("opening_hours", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("transfer_number", sa.Text()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint("slot_minutes BETWEEN 5 AND 480", name=op.f("ck_businesses_slot_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_businesses")),
        sa.UniqueConstraint("phone", name=op.f("uq_businesses_phone")),
        sa.UniqueConstraint("whatsapp_phone_number_id", name=op.f("uq_businesses_whatsapp_phone_number_id")),
    )
    op.create_table(
        "job_effects",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("done_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_job_effects")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("business_id", sa.BigInteger()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_api_keys_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index(op.f("ix_api_keys_business_id"), "api_keys", ["business_id"])
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("business_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint("channel IN ('phone', 'whatsapp')", name=op.f("ck_customers_channel")),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_customers_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint(
            "business_id", "channel", "external_id", name=op.f("uq_customers_business_id_channel_external_id")
        ),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("business_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("status", sa.Text(), server_default="booked", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("call_sid", sa.Text()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        ExcludeConstraint(
            (sa.column("business_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("status = 'booked'"),
            using="gist",
            name="ex_appointments_no_overlap",
        ),
        sa.CheckConstraint("status IN ('booked', 'cancelled')", name=op.f("ck_appointments_status")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_appointments_order")),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_appointments_business_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_appointments_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
    )
    op.create_index(op.f("ix_appointments_customer_id"), "appointments", ["customer_id"])
    op.create_table(
        "calls",
        sa.Column("call_sid", sa.Text(), nullable=False),
        sa.Column("business_id", sa.BigInteger()),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("direction", sa.Text(), server_default="inbound", nullable=False),
        sa.Column("from_number", sa.Text(), server_default="", nullable=False),
        sa.Column("to_number", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", TIME, server_default=NOW, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("duration_s", sa.Double()),
        sa.Column("end_reason", sa.Text()),
        sa.Column("metrics", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("transcript", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("events", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("recorded_at", TIME),
        sa.Column("summary", sa.Text()),
        sa.Column("summarised_at", TIME),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_calls_business_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_calls_customer_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("call_sid", name=op.f("pk_calls")),
    )
    op.create_index(
        op.f("ix_calls_business_id_started_at_call_sid"), "calls", ["business_id", "started_at", "call_sid"]
    )
    op.create_index(op.f("ix_calls_customer_id"), "calls", ["customer_id"])
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("business_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", TIME, server_default=NOW, nullable=False),
        sa.Column("last_activity_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint("channel IN ('twilio', 'meta')", name=op.f("ck_conversations_channel")),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_conversations_status")),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_conversations_business_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_conversations_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(op.f("ix_conversations_business_id"), "conversations", ["business_id"])
    op.create_index(
        "ix_conversations_stale", "conversations", ["last_activity_at"], postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(
        "uq_conversations_open",
        "conversations",
        ["customer_id", "channel"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_conversation_id_created_at"), "messages", ["conversation_id", "created_at"])


def downgrade() -> None:
    """Nothing is left but the extension, which others may use."""
    for table in (
        "messages",
        "conversations",
        "calls",
        "appointments",
        "customers",
        "api_keys",
        "job_effects",
        "businesses",
    ):
        op.drop_table(table)
    script(QueryBuilderEnvironment().build_uninstall_query())


def script(statements: str) -> None:
    """Run several statements at once, which asyncpg allows only below SQLAlchemy; the transaction is the same."""
    connection = op.get_bind().connection.dbapi_connection
    assert isinstance(connection, AdaptedConnection)
    connection.run_async(lambda raw: raw.execute(statements))
