"""WhatsApp conversations, their messages, and what is on its way to a provider."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, false, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from prosaas_core.tables.base import Base, Json


class Conversation(Base):
    """A WhatsApp session: a window of messages with one customer, closed when it has been idle long enough."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    channel: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="open")
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_activity_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("channel IN ('twilio', 'meta')", name="channel"),
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        Index(None, "customer_id"),
        Index(None, "business_id", "id"),
        Index(None, "business_id", "status", "id"),
        Index("uq_conversations_open", "customer_id", "channel", unique=True, postgresql_where=text("status = 'open'")),
        Index("ix_conversations_stale", "last_activity_at", postgresql_where=text("status = 'open'")),
    )


class Message(Base):
    """A WhatsApp message under the id its provider gave it, which is what makes a delivery twice one message."""

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    direction: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="received")
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # In a conversation, what was written is ordered by its provider's time, and then by the order in which it came.
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
    serial: Mapped[int] = mapped_column(BigInteger, Identity())
    wants_answer: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        Index(None, "conversation_id", "created_at"),
        Index("ix_messages_order", "conversation_id", "sent_at", "serial"),
        Index("ix_messages_unanswered", "conversation_id", postgresql_where=text("wants_answer")),
    )


class MessageFate(Base):
    """What a provider said of a message of ours, under its id, kept also when that comes before the message's row."""

    __tablename__ = "message_fates"

    provider_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    error: Mapped[str | None]
    told_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class OutboundMessage(Base):
    """A message that a job sends, under a key of its own: written before the provider is asked, settled by its answer.

    ready: written. sending: claimed by who asks the provider. sent: taken. unknown: given up, for nobody knows whether
    the provider took it. A conversation has one at a time that is not settled.
    """

    __tablename__ = "outbound_messages"

    key: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str]
    sender: Mapped[str]
    recipient: Mapped[str]
    body: Mapped[str]
    template: Mapped[Json | None]
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    answers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(server_default="ready")
    sending_since: Mapped[datetime | None]
    provider_id: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)

    __table_args__ = (
        CheckConstraint("provider IN ('twilio', 'meta')", name="provider"),
        CheckConstraint("status IN ('ready', 'sending', 'sent', 'unknown')", name="status"),
        Index(
            "uq_outbound_messages_open",
            "conversation_id",
            unique=True,
            postgresql_where=text("status IN ('ready', 'sending')"),
        ),
    )
