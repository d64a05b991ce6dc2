"""What was done: the jobs whose effect has happened, and the acts of operators."""

import uuid
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from prosaas_core.tables.base import Base


class JobEffect(Base):
    """The key of a job whose effect has happened: the second run of the job finds it and does nothing."""

    __tablename__ = "job_effects"

    key: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str]
    done_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Audit(Base):
    """Who did what, and why: an operator's act. Rows are added, and a trigger refuses anything else."""

    __tablename__ = "audit"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    operator: Mapped[str]
    act: Mapped[str]
    target: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")
