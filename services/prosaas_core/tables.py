"""The tables, as SQLAlchemy maps them; the queue's own tables belong to PgQueuer and are not mapped here."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    column,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can drop what it made."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: DateTime(timezone=True),
        str: Text,
        Json: JSONB,
        list[Json]: JSONB,
    }


class Business(Base):
    """A customer of ours: who answers the phone, with what words, and when."""

    __tablename__ = "businesses"

    id: Mapped[int] = mapped_column(BigInteger, Identity(start=1000), primary_key=True)
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(unique=True)
    whatsapp_phone_number_id: Mapped[str | None] = mapped_column(unique=True)
    greeting: Mapped[str] = mapped_column(server_default="")
    instructions: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="he")
    voice: Mapped[str] = mapped_column(server_default="")
    timezone: Mapped[str] = mapped_column(server_default="Asia/Jerusalem")
    slot_minutes: Mapped[int] = mapped_column(server_default="30")
    opening_hours: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    transfer_number: Mapped[str | None]
    # Said behind the greeting and never cut off: that a machine answers, that words are kept.
    disclosure: Mapped[str] = mapped_column(server_default="")
    # Where its phones need other ears than the settings': noise_reduction, turn_detection, threshold, silence_ms.
    hearing: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="slot_minutes"),)


class ApiKey(Base):
    """A REST key as we keep it: its first characters to recognise it by, and the hash of the whole."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "business_id", "id"),)


class Customer(Base):
    """Somebody who phones or writes to a business; known by channel and external id, a phone number is optional."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    channel: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("business_id", "channel", "external_id"),
        CheckConstraint("channel IN ('phone', 'whatsapp')", name="channel"),
        Index(None, "business_id", "id"),
        Index(None, "business_id", "channel", "id"),
    )


class Appointment(Base):
    """A booked hour; the exclusion constraint is what makes a double booking impossible."""

    __tablename__ = "appointments"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(server_default="booked")
    note: Mapped[str] = mapped_column(server_default="")
    # Who comes, if not the customer who booked.
    for_whom: Mapped[str] = mapped_column(server_default="")
    call_sid: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("status IN ('booked', 'cancelled')", name="status"),
        CheckConstraint("ends_at > starts_at", name="order"),
        Index(None, "business_id", "starts_at", "id"),
        Index(None, "business_id", "status", "starts_at", "id"),
        ExcludeConstraint(
            (column("business_id"), "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            where=text("status = 'booked'"),
            using="gist",
            name="ex_appointments_no_overlap",
        ),
    )


def _prefix_index(name: str, expression: str) -> Index:
    """Finds what begins so, whatever the collation."""
    return Index(name, literal_column(expression).label("prefix"), postgresql_ops={"prefix": "text_pattern_ops"})


class Call(Base):
    """One phone call: what the status callback told us, and the record that the calls service keeps of it."""

    __tablename__ = "calls"

    call_sid: Mapped[str] = mapped_column(primary_key=True)
    business_id: Mapped[int | None] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    direction: Mapped[str] = mapped_column(server_default="inbound")
    from_number: Mapped[str] = mapped_column(server_default="")
    to_number: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="")
    # What Twilio's callbacks have said so far; the record of a call may end it before they do.
    carrier_status: Mapped[str] = mapped_column(server_default="")
    # The container of prosaas-calls that it was led to, where a front door tells them apart.
    seat: Mapped[str] = mapped_column(server_default="")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    duration_s: Mapped[float | None]
    end_reason: Mapped[str | None]
    # Which version of prosaas-calls answered.
    version: Mapped[str] = mapped_column(server_default="")
    metrics: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    transcript: Mapped[list[Json]] = mapped_column(server_default=text("'[]'::jsonb"))
    events: Mapped[list[Json]] = mapped_column(server_default=text("'[]'::jsonb"))
    recorded_at: Mapped[datetime | None]
    summary: Mapped[str | None]
    summarised_at: Mapped[datetime | None]

    @hybrid_property
    def tokens_in(self) -> int | None:
        """What the call itself used and cost, without its summary; None of a call from before that was counted."""
        return self.metrics.get("tokens_in")

    @tokens_in.inplace.expression
    @classmethod
    def _tokens_in(cls) -> ColumnElement[int | None]:
        found: ColumnElement[int | None] = cls.metrics["tokens_in"].as_integer()
        return found

    @hybrid_property
    def tokens_out(self) -> int | None:
        return self.metrics.get("tokens_out")

    @tokens_out.inplace.expression
    @classmethod
    def _tokens_out(cls) -> ColumnElement[int | None]:
        found: ColumnElement[int | None] = cls.metrics["tokens_out"].as_integer()
        return found

    @hybrid_property
    def cost(self) -> float | None:
        return self.metrics.get("cost")

    @cost.inplace.expression
    @classmethod
    def _cost(cls) -> ColumnElement[float | None]:
        found: ColumnElement[float | None] = cls.metrics["cost"].as_float()
        return found

    @hybrid_property
    def currency(self) -> str | None:
        return self.metrics.get("currency")

    @currency.inplace.expression
    @classmethod
    def _currency(cls) -> ColumnElement[str | None]:
        found: ColumnElement[str | None] = cls.metrics["currency"].as_string()
        return found

    # `make calls`, `make trace` and the console find a call by its time, by how a number begins or ends (that is a
    # prefix of its digits backwards) and by how its id begins.
    __table_args__ = (
        Index(None, "business_id", "started_at", "call_sid"),
        Index("ix_calls_started_at", text("started_at DESC")),
        _prefix_index("ix_calls_from_digits", "reverse(regexp_replace(from_number, '[^0-9]', '', 'g'))"),
        _prefix_index("ix_calls_to_digits", "reverse(regexp_replace(to_number, '[^0-9]', '', 'g'))"),
        _prefix_index("ix_calls_beginning", "lower(call_sid)"),
        Index("ix_calls_from_beginning", "from_number", postgresql_ops={"from_number": "text_pattern_ops"}),
        Index("ix_calls_to_beginning", "to_number", postgresql_ops={"to_number": "text_pattern_ops"}),
    )


class CallMessage(Base):
    """What a caller asked to have passed on to the business, and how to reach them."""

    __tablename__ = "call_messages"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    call_sid: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    number: Mapped[str] = mapped_column(server_default="")
    body: Mapped[str]
    urgent: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When a text message about it was handed over for the business.
    told_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "business_id", "created_at"),)


class Charge(Base):
    """One thing that has to be paid for: what a model used, a call's minutes, a message; without its price, no cost."""

    __tablename__ = "charges"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    business_id: Mapped[int | None] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    # What was paid stays in the sums when the call is forgotten.
    call_sid: Mapped[str | None] = mapped_column(ForeignKey("calls.call_sid", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    tokens_in: Mapped[int] = mapped_column(BigInteger)
    tokens_cached: Mapped[int] = mapped_column(BigInteger)
    tokens_out: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    cost: Mapped[float | None]
    currency: Mapped[str]
    estimated: Mapped[bool]
    # By kind, as facts/usage.py names them.
    usage: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (
        CheckConstraint("kind IN ('model', 'transcription', 'text', 'phone', 'message')", name="kind"),
        Index("ix_charges_day", "business_id", "at", postgresql_include=["cost"]),
    )


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


class JobEffect(Base):
    """The key of a job whose effect has happened: the second run of the job finds it and does nothing."""

    __tablename__ = "job_effects"

    key: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str]
    done_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


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


class Audit(Base):
    """Who did what, and why: an operator's act. Rows are added, and a trigger refuses anything else."""

    __tablename__ = "audit"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    operator: Mapped[str]
    act: Mapped[str]
    target: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")
