"""How the model listens: noise reduction and voice detection, from the settings and from what the business says."""

from typing import Any, NamedTuple

from prosaas_calls.model import events
from prosaas_core.settings import Settings
from prosaas_core.tables import Business


class Hearing(NamedTuple):
    """As the session is told of it."""

    noise_reduction: str | None
    detection: dict[str, Any]

    @classmethod
    def of(cls, settings: Settings, business: Business | None) -> "Hearing":
        """The settings, and over them what the business's own phones need: a workshop is not an office."""
        own = (business.hearing or {}) if business else {}
        reduction = own.get("noise_reduction") or settings.openai_noise_reduction
        return cls(
            None if reduction == "off" else reduction,
            events.turn_detection(
                own.get("turn_detection") or settings.openai_turn_detection,
                threshold=own.get("threshold") or settings.openai_vad_threshold,
                silence_ms=own.get("silence_ms") or settings.openai_vad_silence_ms,
            ),
        )
