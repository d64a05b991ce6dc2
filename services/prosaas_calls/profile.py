"""Who is called and who calls: what the database knows at the start of a call, or the generic answer without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from prosaas_core.phones import elsewhere
from prosaas_core.tables import Business

_GENERIC_GREETING = {"he": "שלום, במה אפשר לעזור?", "en": "Hello, how can I help you?"}
_LANGUAGES = {"he": "Hebrew", "en": "English", "ar": "Arabic", "ru": "Russian"}

_WEEK = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_WHY_BACK = {"busy": "the line was busy", "no-answer": "nobody answered", "failed": "the line could not be reached"}
_WHY_BACK |= {"canceled": _WHY_BACK["no-answer"], "machine": "only a voicemail answered"}
_BACK = """\
The caller is back: you had connected them to a person, but {why}. In {language}, apologise in one sentence, say so, \
and offer to take a message with take_message. Do not greet them again, and do not transfer them again at once."""

# What stays the same from call to call comes first: the model reads that from its cache.
_RULES = """\
You answer the phone for {name}. Speak {language}; when the caller says a whole sentence in another language, go on in \
that one.
Speak as on the phone: short sentences, one question at a time, no lists and no markup.
Before you use a tool, say in a few words what you are about to do.
Never invent free times, prices or promises: use the tools, and say so when you do not know. Only what a tool has \
confirmed is booked, moved, cancelled or passed on; when a tool refuses, tell the caller the reason that it gives.
Before you book, move or cancel an appointment, repeat the weekday, the day and the hour and wait for a yes. Ask when \
an hour may be in the morning or in the afternoon.
When the caller gives a number or spells a name, let them finish, read it back digit by digit or letter by letter, and \
wait for a yes.
When the caller tells you their name, or books for somebody else, note it: remember_caller, and for_whom of the booking.
When the caller wants a person, use transfer_to_human; when nobody can be reached or you cannot help, offer to take a \
message with take_message. When the conversation is over, say goodbye and use end_call.
"""

# How the agent speaks of herself and to callers, where the language makes her choose.
_MANNERS = {
    "he": """\
In Hebrew, speak of yourself in the feminine ("אני בודקת", "קבעתי לכם") and to the caller in the plural ("תרצו", \
"התקשרתם"), also where a tool's answer has other words. Say days, hours and sums as people do, never in digits: \
"יום שלישי, שמונה עשר בנובמבר, בשתיים וחצי"; a telephone number digit by digit, in groups.
"""
}

_NOW = """\
Opening hours: {hours}.
It is now {now} ({timezone}). The days to come: {days}.
{caller}"""

_DAYS_TOLD = 14


@dataclass(frozen=True, slots=True)
class Profile:
    """What a conversation is about. Without a business, it is the generic one."""

    business: Business | None = None
    customer_id: int | None = None
    customer_name: str = ""
    booked: tuple[datetime, ...] = ()
    spent_today: float = 0.0
    # How many numbers the caller has said to be theirs, the last of which stands.
    numbers_said: int = 0

    @property
    def claimed(self) -> bool:
        """Whether who calls is only what they say: then nothing that is known of that customer is for their ears."""
        return self.numbers_said > 0

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
        return self.business is not None and bool(elsewhere(self.business.transfer_number, self.business.phone))

    def greeting(self, *, returned: str = "") -> str:
        """How the call is to begin, as an instruction to the model; otherwise for who is back from a transfer."""
        if returned:
            return _BACK.format(why=_WHY_BACK.get(returned, _WHY_BACK["failed"]), language=self.spoken_language)
        return f"Greet the caller. Say exactly this, in a warm voice, and then wait: {self.first_words}"

    @property
    def first_words(self) -> str:
        """The greeting, and behind it what callers have to be told: that a machine answers, that words are kept."""
        words = self.business.greeting if self.business else ""
        words = words or _GENERIC_GREETING.get(self.language, _GENERIC_GREETING["en"])
        return f"{words} {self.disclosure}".rstrip()

    @property
    def disclosure(self) -> str:
        """What is never cut off."""
        return (self.business.disclosure or "") if self.business else ""

    def instructions(self, now: datetime) -> str:
        """All that the model has to know before the caller speaks."""
        local = now.astimezone(self.timezone)
        rules = _RULES.format(name=self.business.name if self.business else "a business", language=self.spoken_language)
        around = _NOW.format(
            hours=self._hours(),
            now=f"{local:%A %Y-%m-%d %H:%M}",
            timezone=self.timezone.key,
            days=", ".join(f"{day:%a %Y-%m-%d}" for day in _days(local.date())),
            caller=self._caller(),
        )
        own = self.business.instructions if self.business else ""
        return "\n".join(part for part in (rules, _MANNERS.get(self.language, ""), own, around) if part)

    def _hours(self) -> str:
        """The week as the diary has it, Sunday first."""
        if self.business is None or not self.business.opening_hours:
            return "not known; say so when asked"
        open_on = self.business.opening_hours
        week = []
        for name in _WEEK:
            spans = " and ".join(f"{opens}-{closes}" for opens, closes in open_on.get(name, []))
            week.append(f"{name.capitalize()} {spans or 'closed'}")
        return ", ".join(week)

    def _caller(self) -> str:
        """Who calls, and what they have booked: nobody need guess which appointment they mean."""
        if self.business is None:
            # Nobody calls back whom no diary and no message names.
            return (
                "The diary could not be reached as the call began. Use the tools all the same: they may reach it by "
                "now. Where they refuse, promise nothing, and ask the caller to call again later."
            )
        if self.customer_id is None:
            return (
                "The caller's number is hidden. To book, ask for their number, read it back, and note it with "
                "remember_caller."
            )
        name = f"The caller is {self.customer_name}. " if self.customer_name else ""
        if self.claimed:
            return f"{name}They hide their number and have said one; what was booked under it before is not known here."
        times = "; ".join(f"{at.astimezone(self.timezone):%A %Y-%m-%d %H:%M}" for at in self.booked)
        return f"{name}Their coming appointments: {times or 'none'}."


def _days(today: date) -> Iterator[date]:
    return (today + timedelta(days=ahead) for ahead in range(_DAYS_TOLD))
