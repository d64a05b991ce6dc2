"""Faults that a test or an operator asks for: how the stand-ins misbehave until told otherwise."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simulator.records import build


@dataclass(frozen=True)
class RealtimeFaults:
    """How the Realtime stand-in misbehaves; times are audio time since the session began."""

    refuse: int = 0
    refuse_status: int = 503
    connect_delay_ms: int = 0
    delay_ms: int = 0
    close_code: int | None = None
    close_after_ms: int = 0
    close_count: int = 1
    error_code: str | None = None
    error_after_ms: int = 0
    # Whether the model does not know how to write the caller's words down in the way that it is asked to.
    no_transcription: bool = False


@dataclass(frozen=True)
class RestFaults:
    """How one REST stand-in misbehaves, for `count` requests."""

    status: int = 0
    retry_after: int | None = None
    delay_ms: int = 0
    count: int = 1_000_000


@dataclass(frozen=True)
class Faults:
    """All faults in force."""

    realtime: RealtimeFaults = RealtimeFaults()
    responses: RestFaults = RestFaults(count=0)
    twilio: RestFaults = RestFaults(count=0)
    meta: RestFaults = RestFaults(count=0)


class FaultBoard:
    """Holds the faults and counts down those that are limited."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Make everything work again."""
        self._set(Faults())

    def set(self, data: Mapping[str, Any]) -> None:
        """Replace the faults of the services named in `data`; raises RecordError on anything unknown."""
        wanted = build(Faults, data)
        self._set(Faults(**{name: getattr(wanted if name in data else self.faults, name) for name in asdict(wanted)}))

    def _set(self, faults: Faults) -> None:
        self.faults = faults
        self._refusals = faults.realtime.refuse
        self._closes = faults.realtime.close_count if faults.realtime.close_code else 0
        self._rest = {name: getattr(faults, name).count for name in ("responses", "twilio", "meta")}

    def refuses_realtime(self) -> bool:
        """Whether this connection is to be refused."""
        self._refusals -= 1
        return self._refusals >= 0

    def closes_realtime(self) -> bool:
        """Whether this session is to be closed."""
        self._closes -= 1
        return self._closes >= 0

    def rest(self, service: str) -> RestFaults | None:
        """Return the fault that strikes this request, if one does."""
        self._rest[service] -= 1
        return getattr(self.faults, service) if self._rest[service] >= 0 else None
