"""What all calls of a process share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from prosaas_calls.call.greetings import Greetings
from prosaas_calls.limits import Limits
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.model.realtime import RealtimeConnection
from prosaas_calls.store import Store
from prosaas_core.facts.prices import Prices
from prosaas_core.kept.journal import Journals
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, when the process starts; no call changes it."""

    settings: Settings
    limits: Limits
    store: Store
    twilio: TwilioCalls
    metrics: CallMetrics
    connect: Callable[[], Awaitable[RealtimeConnection]]
    journals: Journals
    prices: Prices
    greetings: Greetings = field(default_factory=Greetings)
