"""The names by which the webhooks know prosaas_core.messages."""

from prosaas_core.messages.inbox import Outcome, keep
from prosaas_core.messages.incoming import Incoming

__all__ = ["Incoming", "Outcome", "keep"]
