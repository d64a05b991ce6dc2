"""What an operator may write after a make target: NAME=value words, checked before anything acts."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prosaas_core.phones import in_our_digits, international, stray_letter
from prosaas_logging.env import duration
from prosaas_logging.render import escape
from prosaas_ops.spelling import meant, meant_option
from prosaas_ops.texts import refused, setting
from prosaas_ops.texts.told import MOMENT_IS, TAKEN_AS_UTC

FINE, PROBLEM, USAGE, NOTHING = 0, 1, 2, 3

OWN_SERVICES = ("prosaas-api", "prosaas-calls", "worker")
# With STACK= those of another project, as its Compose names them.
OTHERS = tuple(os.environ.get("OPS_SERVICES", "").split())
SERVICES = {name.removeprefix("prosaas-"): name for name in OTHERS or OWN_SERVICES}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_BESIDE = ("gateway", "postgres", "migrate", "simulator")
_LONGEST = timedelta(days=31)
_MOST = 1000
_MOST_DIGITS = 18
# Numbers and units; a date is neither, whatever it begins with.
_LENGTH = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhd]))+")
_CALL_SID = re.compile(r"[Cc][Aa][0-9A-Za-z]{1,40}")
# What follows CA in a whole id; and so much of it that it can be nothing else.
_WHOLE, _HEX = re.compile(r"[Cc][Aa][0-9A-Fa-f]{32}"), re.compile(r"[0-9A-Fa-f]{6,32}")
_SHORT = {"WARNING": "warn"}
# The zone is that of a caller's complaint, as an offset.
_CLOCK = re.compile(r"(\d{1,2})(:\d\d)?(?: ?(Z|UTC|[+-]\d\d:?\d\d|\+\d\d))?", re.IGNORECASE)
_DAYS = {"today": 0, "yesterday": 1, "last-week": 7}
_LAST_MONTH = "last-month"
# Those of which every moment can be counted in seconds, in any zone.
_YEARS = range(1970, 9999)
# Numbers that begin with a zero are dialled within Israel.
HOME = "+972"
# Words that are for make, Compose or the wrapper itself, and so fine on every target.
_GENERAL = {
    "AUTO_SETUP", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "API_PORT", "CALLS_PORT", "PROJECT", "PUBLIC_HOST_AT",
    "WRAP", "OPS_LANG", "OPS_TZ", "ENV", "MAKEFLAGS", "STACK",
}  # fmt: skip


class Usage(Exception):
    """The command line cannot be meant as it stands; the text is a line that helps, or one for each word."""


class Problem(Exception):
    """The command is fine and the world is not; the text says what, then what to do."""


class Refused(Problem):
    """Not done, before anything was changed: nobody agreed, or it is not the moment."""


class Untouched(KeyboardInterrupt):
    """Somebody asked for the end before anything was changed."""


class Nothing(Exception):
    """The command is fine and there is nothing that it could show; the text says where else to look."""


class Options:
    """The NAME=value words of one command, with the checks that the commands share."""

    def __init__(self, command: str, allowed: Sequence[str], values: Mapping[str, str]) -> None:
        self.command = command
        self._allowed = allowed
        self._values = {name: value.strip() for name, value in values.items() if value.strip()}

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def call_sid(self, name: str = "CALL") -> str:
        value = self.text(name)
        if _HEX.fullmatch(value) and (len(value) == 32 or value[:2].upper() != "CA"):
            value = f"CA{value}"
        if value and not _CALL_SID.fullmatch(value):
            raise Usage(refused.NO_CALL_ID(name=name, value=value))
        # Twilio writes them in small letters, whoever copied it from where they are not.
        return f"CA{value[2:].lower()}" if _WHOLE.fullmatch(value) else value

    def phone(self, name: str = "PHONE") -> str:
        """The number as the carrier writes it, where what people write can be made out; else as it was typed."""
        value = self.phone_typed(name)
        return international(value, HOME) or value

    def phone_typed(self, name: str = "PHONE") -> str:
        """The number as it was typed, in our digits; Usage where a letter stands for one of them."""
        value = in_our_digits(self.text(name))
        if letter := stray_letter(value):
            raise Usage(refused.LETTER(name=name, value=value, letter=letter))
        return value

    def number(self, name: str, default: int, least: int = 1) -> int:
        value = self.text(name, str(default))
        if not is_whole(value) or int(value) < least:
            raise Usage(refused.NO_NUMBER(name=name, value=value, least=least, default=default))
        return int(value)

    def decimal(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < _MOST:
            raise Usage(refused.NO_DECIMAL(name=name, value=value, most=_MOST))
        return number

    def choice(self, name: str, choices: Iterable[str], default: str = "") -> str:
        value = self.text(name, default)
        known = list(choices)
        for choice in known:
            if value.casefold() in (choice.casefold(), _SHORT.get(choice, choice).casefold()):
                return choice
        if value:
            raise Usage(refused.NOT_ONE_OF(name=name, value=value, known=", ".join(known)) + meant(value, known))
        return ""

    def flag(self, name: str, default: bool) -> bool:
        return self.choice(name, ("0", "1"), "1" if default else "0") == "1"

    def duration(self, name: str, default: str) -> timedelta:
        return parse_duration(name, self.text(name, default))

    def since(self, name: str, default: str = "", most: timedelta = _LONGEST, clock: tzinfo = UTC) -> datetime | None:
        """A moment: `15m` ago, `14`, `14:00`, `14:00+03:00` (the last one), `yesterday`, a date, or a date and a time.

        A day begins where the operator is, a time without an offset is by `clock`: standard error tells either in both.
        """
        value = self.text(name, default)
        if not value:
            return None
        if began := _day(value.casefold()):
            return self._told(name, began)
        if (found := _CLOCK.fullmatch(value)) and (moment := _last(found, clock)):
            return moment if found[3] else self._told(name, moment, clock)
        if _LENGTH.fullmatch(value.lower()):
            return datetime.now(UTC) - parse_duration(name, value, most)
        with suppress(ValueError, OverflowError):
            typed = datetime.fromisoformat(value)
            moment = (typed if typed.tzinfo else typed.replace(tzinfo=clock)).astimezone(UTC)
            if moment.year in _YEARS:
                return moment if typed.tzinfo or clock is UTC else self._told(name, moment)
        raise Usage(refused.NO_MOMENT(name=name, value=value, most=most.days))

    def window(self, default: str, most: timedelta = _LONGEST) -> tuple[datetime, datetime]:
        """From SINCE, or `default`, until UNTIL, or a moment from now for clocks that go ahead; Usage for no time."""
        since = self.since("SINCE", default, most)
        assert since is not None
        until = self.since("UNTIL", most=most) or datetime.now(UTC) + timedelta(minutes=1)
        if until <= since:
            raise Usage(refused.NO_WINDOW(since=since, until=until))
        return since, until

    def business(self) -> int:
        """The business's number, 0 for all of them."""
        value = self.text("BUSINESS")
        if value and not is_whole(value):
            raise Usage(refused.NO_BUSINESS(business=value))
        return int(value or 0)

    def _told(self, name: str, moment: datetime, clock: tzinfo | None = None) -> datetime:
        own, utc = moment.astimezone(operators_zone()), moment.astimezone(UTC)
        told = TAKEN_AS_UTC if clock is UTC and own.utcoffset() else MOMENT_IS
        when = {"own": f"{own:%Y-%m-%d %H:%M}", "zone": own.tzinfo, "utc": f"{utc:%m-%d %H:%M}"}
        complain(told(name=name, value=self.text(name), offset=own.isoformat()[-6:], **when))
        return utc

    def services(self, name: str = "S") -> list[str]:
        """The services named (`S=calls,worker`), or all of ours."""
        chosen = []
        for word in self.text(name).replace(",", " ").split():
            service = SERVICES.get(word, word)
            if service not in SERVICES.values() and (OTHERS or service not in _BESIDE):
                known = ", ".join((*SERVICES, *(() if OTHERS else _BESIDE)))
                raise Usage(refused.NO_SERVICE(name=name, word=word, services=known) + meant(word, SERVICES))
            chosen.append(service)
        return chosen or list(SERVICES.values())

    def service(self) -> str:
        """The service that the command's own name means (`debug-calls`); in another stack S= may say which it is."""
        short = self.text("S") if OTHERS else ""
        short = short or self.command.rpartition("-")[2]
        if short not in SERVICES:
            raise Usage(refused.NOT_IN_STACK(service=short, services=" S=".join(SERVICES)))
        return SERVICES[short]


def _last(clock: re.Match[str], zone: tzinfo) -> datetime | None:
    """The last time that it was so late, where the offset says, or else in the zone; None where it never is."""
    try:
        at = time.fromisoformat(f"{clock[1]:0>2}{clock[2] or ':00'}{(clock[3] or '').upper().replace('UTC', 'Z')}")
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    now = datetime.now(at.tzinfo)
    moment = datetime.combine(now, at)
    return (moment if moment <= now else moment - timedelta(days=1)).astimezone(UTC)


def _day(word: str) -> datetime | None:
    """The beginning of the day that a word or a date means, in OPS_TZ; None for what is no day."""
    if word in _DAYS:
        return midnight(_DAYS[word])
    if word == _LAST_MONTH:
        return (midnight(0).replace(day=1) - timedelta(days=1)).replace(day=1)
    try:
        day = date.fromisoformat(word)
        return datetime.combine(day, time(), operators_zone()) if day.year in _YEARS else None
    except ValueError:
        return None


def midnight(days_ago: int, now: datetime | None = None) -> datetime:
    """The beginning of today, or of a day before, in OPS_TZ."""
    zone = operators_zone()
    today = (now or datetime.now(UTC)).astimezone(zone).date()
    return datetime.combine(today - timedelta(days=days_ago), time(), zone)


def operators_zone() -> ZoneInfo:
    """OPS_TZ, as its name in the list of time zones; that of a business that says nothing where it is not set."""
    name = setting("OPS_TZ") or "Asia/Jerusalem"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Usage(refused.NO_ZONE(zone=name)) from None


def is_whole(value: str) -> bool:
    """As many digits at most as the database's numbers have."""
    return value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS


def parse_duration(name: str, value: str, most: timedelta = _LONGEST) -> timedelta:
    """`90s`, `15m`, `1h30m`, `2d`; the name is what a wrong one is blamed on."""
    try:
        seconds = duration(value)
    except ValueError:
        raise Usage(refused.NO_DURATION(name=name, value=value)) from None
    if not 0 < seconds <= most.total_seconds():
        raise Usage(refused.TOO_LONG(name=name, value=value, most=most.days))
    return timedelta(seconds=seconds)


def spoken_duration(seconds: float) -> str:
    """The duration as a person says it: 45s, 12m, 1h30m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" + (f"{whole % 60}s" if whole % 60 else "")
    return f"{whole // 3600}h" + (f"{whole % 3600 // 60}m" if whole % 3600 // 60 else "")


def gather(
    command: str, allowed: Sequence[str], words: Sequence[str], environ: Mapping[str, str] = os.environ
) -> Options:
    """Options from the words given and, through make, from the environment; unknown words are refused by name."""
    # A name that the shell happens to export is no word to us: only what was typed after the target counts.
    typed = environ.get("PROSAAS_TYPED", "").split()
    values = {name: environ[name] for name in typed if name in allowed and name in environ}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise Usage(refused.NOT_UNDERSTOOD(word=word, command=command, allowed=_spelled(allowed)))
        typed.append(name)
        values[name] = value
    unknown = [
        name for name in dict.fromkeys(typed) if not (name in allowed or name in _GENERAL or name.endswith("_IMAGE"))
    ]
    if unknown:
        told = {"command": command, "allowed": _spelled(allowed)}
        raise Usage("\n".join(refused.NOT_KNOWN(name=name, **told) + meant_option(name, allowed) for name in unknown))
    return Options(command, allowed, {name: values[name] for name in allowed if name in values})


def _spelled(allowed: Sequence[str]) -> str:
    return " ".join(f"{name}=" for name in allowed) or str(refused.NO_OPTIONS)


def complain(message: str) -> None:
    """What is wrong, on standard error, where a person looks for the reason; what follows a line break is the fix."""
    print("\n".join(map(harmless, message.split("\n"))), file=sys.stderr, flush=True)


def harmless(text: str) -> str:
    """The text with nothing in it that a terminal would act on, and nothing that cannot be written."""
    return escape(text.encode("utf-8", "backslashreplace").decode())
