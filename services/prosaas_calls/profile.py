"""Who is called and who calls: what the database knows at the start of a call, or the generic answer without it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from prosaas_core.parties import same_number
from prosaas_core.tables import Business

_GENERIC_GREETING = {"he": "שלום, במה אפשר לעזור?", "en": "Hello, how can I help you?"}
_LANGUAGES = {"he": "Hebrew", "en": "English", "ar": "Arabic", "ru": "Russian"}

_WHY_BACK = {"busy": "the line was busy", "no-answer": "nobody answered", "failed": "the line could not be reached"}
_WHY_BACK |= {"canceled": _WHY_BACK["no-answer"], "machine": "only a voicemail answered"}
_BACK = """\
The caller is back: you had connected them to a person, but {why}. In {language}, apologise in one sentence, say so, \
and offer to take a message with take_message. Do not greet them again, and do not transfer them again at once."""

_RULES = """\
You answer the phone for {name}. Speak {language}, unless the caller prefers another language.
Speak as on the phone: short sentences, one question at a time, no lists and no markup.
It is now {now} ({timezone}). {caller}
Never invent free times, prices or promises: use the tools, and say so when you do not know.
Before you book, move or cancel an appointment, repeat the day and the hour and wait for a yes.
When the caller wants a person, use transfer_to_human. When the conversation is over, say goodbye and use end_call.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a conversation is about. Without a business, it is the generic one."""

    business: Business | None = None
    customer_id: int | None = None
    customer_name: str = ""

    @property
    def language(self) -> str:
        return self.business.language if self.business else "he"

    @property
    def spoken_language(self) -> str:
        """Its name, as the model knows it."""
        return _LANGUAGES.get(self.language, self.language)

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.business.timezone if self.business else "Asia/Jerusalem")

    @property
    def transfer_number(self) -> str | None:
        return self.business.transfer_number if self.business else None

    @property
    def reachable(self) -> bool:
        """Whether there is a person to ring; a business whose calls go to us would only be us again."""
        return bool(self.transfer_number) and not (
            self.business is not None and same_number(self.transfer_number or "", self.business.phone)
        )

    def greeting(self, *, returned: str = "") -> str:
        """How the call is to begin, as an instruction to the model; otherwise for who is back from a transfer."""
        if returned:
            return _BACK.format(why=_WHY_BACK.get(returned, _WHY_BACK["failed"]), language=self.spoken_language)
        words = self.business.greeting if self.business else ""
        words = words or _GENERIC_GREETING.get(self.language, _GENERIC_GREETING["en"])
        return f"Greet the caller. Say exactly this, in a warm voice, and then wait: {words}"

    def instructions(self, now: datetime) -> str:
        """All that the model has to know before the caller speaks."""
        local = now.astimezone(self.timezone)
        rules = _RULES.format(
            name=self.business.name if self.business else "a business",
            language=self.spoken_language,
            now=f"{local:%A %Y-%m-%d %H:%M}",
            timezone=self.timezone.key,
            caller=f"The caller is {self.customer_name}." if self.customer_name else "",
        )
        return f"{rules}\n{self.business.instructions}" if self.business and self.business.instructions else rules
