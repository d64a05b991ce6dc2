"""The tables, as SQLAlchemy maps them; the queue's own tables belong to PgQueuer and are not mapped here."""

from prosaas_core.tables.acts import Audit, JobEffect
from prosaas_core.tables.base import Base, Json
from prosaas_core.tables.businesses import ApiKey, Appointment, Business, Customer
from prosaas_core.tables.calls import Call, CallMessage, Charge
from prosaas_core.tables.logs import BlackBox, LogSwitch
from prosaas_core.tables.messages import Conversation, Message, MessageFate, OutboundMessage

__all__ = [
    "ApiKey",
    "Appointment",
    "Audit",
    "Base",
    "BlackBox",
    "Business",
    "Call",
    "CallMessage",
    "Charge",
    "Conversation",
    "Customer",
    "JobEffect",
    "Json",
    "LogSwitch",
    "Message",
    "MessageFate",
    "OutboundMessage",
]
