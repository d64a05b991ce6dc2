"""Businesses, and what is theirs: keys, customers, appointments."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from prosaas_core.tables.base import Base, Json


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
