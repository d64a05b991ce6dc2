"""Whether a WhatsApp channel works: what its providers' errors and account news say of it, told when it changes.

Sources: the error codes of Meta's Cloud API and the fields of its account webhooks; Twilio's error dictionary.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Literal

from prosaas_core.outward.http import OutboundError
from prosaas_logging import get_logger
from prosaas_logging.catalogue import WHATSAPP_IMPAIRED, WHATSAPP_STATUS

log = get_logger(__name__)

Channel = Literal["twilio", "meta"]

_TOKEN, _THROTTLED, _RESTRICTED, _UNREGISTERED = "token_refused", "throttled", "restricted", "not_registered"
_OF_CODE: Mapping[Channel, Mapping[str, str]] = {
    "meta": {
        **dict.fromkeys(("0", "190"), _TOKEN),
        **dict.fromkeys(("4", "80007", "130429", "131048"), _THROTTLED),
        **dict.fromkeys(("368", "131031", "131042"), _RESTRICTED),
        **dict.fromkeys(("131045", "133010"), _UNREGISTERED),
    },
    "twilio": {
        **dict.fromkeys(("20003", "63005"), _TOKEN),
        **dict.fromkeys(("20429", "63018", "63038"), _THROTTLED),
        **dict.fromkeys(("20005", "30002", "63020", "63036"), _RESTRICTED),
        **dict.fromkeys(("63007", "63010"), _UNREGISTERED),
    },
}
_OF_STATUS = {401: _TOKEN, 429: _THROTTLED}
# Meta's account news that take something away, and those that give it back; all others are only told.
_TAKEN = frozenset({"ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "ACCOUNT_DELETED", "DISABLED_UPDATE", "FLAGGED",
                    "DOWNGRADE", "REJECTED", "DISABLE", "SCHEDULE_FOR_DISABLE", "CRITICAL", "WARNING"})  # fmt: skip
_MAX_WORD = 80
_MAX_NEWS = 1000
# A limit lets some messages through, and a restriction those that were sent before it.
_SETTLED_S = 60.0


class Connections:
    """What this process knows of each channel; each change is one line, however often it is told."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        # When each trouble was last heard of.
        self._troubles: dict[Channel, dict[str, float]] = {"twilio": {}, "meta": {}}
        self._news: dict[tuple[str, str], str] = {}

    def refused(self, channel: Channel, *, code: str = "", status: int = 0) -> None:
        """An answer or a message's status said no: told where it is the channel's trouble, not the message's."""
        trouble = _OF_CODE[channel].get(code) or _OF_STATUS.get(status)
        if trouble is None:
            return
        known = trouble in self._troubles[channel]
        self._troubles[channel][trouble] = self._clock()
        if not known:
            log.event(WHATSAPP_IMPAIRED, status=trouble, channel=channel, code=code or str(status))

    def failed(self, channel: Channel, error: OutboundError) -> None:
        """The same, of a request that we made."""
        self.refused(channel, code=error.code, status=error.status)

    def works(self, channel: Channel) -> None:
        """A message got through: what was wrong is over, unless it was heard of only just now."""
        troubles = self._troubles[channel]
        if troubles and self._clock() - max(troubles.values()) > _SETTLED_S:
            troubles.clear()
            log.event(WHATSAPP_STATUS, status="working", channel=channel)

    def account_news(self, field: str, value: Mapping[str, Any]) -> None:
        """One of Meta's changes that is about the account or the number, not about messages."""
        number, said = _word(value, "display_phone_number"), _said(value)
        if self._news.get((field, number)) == said:
            return
        if len(self._news) >= _MAX_NEWS:
            self._news.clear()
        self._news[field, number] = said
        status, limit = said.partition(" ")[0] or field, _word(value, "current_limit")
        event = WHATSAPP_IMPAIRED if status in _TAKEN else WHATSAPP_STATUS
        log.event(event, status=said or field, channel="meta", number=number or None, limit=limit or None)


def _said(value: Mapping[str, Any]) -> str:
    """What happened, in Meta's own words, and which kind of it."""
    event = _word(value, "event") or _word(value, "decision") or _word(value, "alert_severity")
    banned = value.get("ban_info")
    states = banned.get("waba_ban_state") if isinstance(banned, Mapping) else None
    state = states[0] if isinstance(states, list) and states else states
    violation = value.get("violation_info")
    kind = _word({"kind": state}, "kind") or (
        _word(violation, "violation_type") if isinstance(violation, Mapping) else _word(value, "alert_type")
    )
    if event == "DISABLED_UPDATE" and kind:
        return kind
    return f"{event} {kind}".strip()


def _word(of: Mapping[str, Any], name: str) -> str:
    """A name or a number that a provider chose: short and printable; nothing else is one."""
    value = of.get(name)
    return value if isinstance(value, str) and len(value) <= _MAX_WORD and value.isprintable() else ""
