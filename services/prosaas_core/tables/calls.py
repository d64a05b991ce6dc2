"""Calls, what callers left with them, and what they cost."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from prosaas_core.tables.base import Base, Json


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

    __table_args__ = (
        Index(None, "business_id", "created_at"),
        Index("ix_call_messages_urgent", "business_id", "created_at", "id", postgresql_where=urgent),
    )


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
