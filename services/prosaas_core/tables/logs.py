"""What the log of one replica has that the others, and an operator, need: switched levels, and black boxes."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from prosaas_core.tables.base import Base


class LogSwitch(Base):
    """A level for a while, in every replica of a service; `until` in seconds since 1970, as the switch file has it."""

    __tablename__ = "log_switches"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    service: Mapped[str]
    # A call, business, number or logger, or the whole service.
    target: Mapped[str]
    value: Mapped[str]
    level: Mapped[str]
    until: Mapped[float]
    for_s: Mapped[float]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("service", "target", "value", name="uq_log_switches_service_target_value"),)


class BlackBox(Base):
    """A black box's file as a node had it when it was last written; its name is the call's, request's or job's."""

    __tablename__ = "black_boxes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    # Empty on one host.
    node: Mapped[str]
    name: Mapped[str]
    written_at: Mapped[datetime]
    content: Mapped[str]

    __table_args__ = (UniqueConstraint("node", "name", name="uq_black_boxes_node_name"),)
