"""Phone numbers: which of them identify a caller, and which, hidden ones for example, do not."""

import re
import unicodedata

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A withheld number comes as one of these words, or as the word typed on a phone's keys: +266696687 is ANONYMOUS.
_WITHHELD = ("anonymous", "blocked", "restricted", "unavailable", "unknown", "private", "withheld")
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
# The last one has been seen too, a letter off.
_SPELT = frozenset((*(f"+{word.translate(_KEYS)}" for word in _WITHHELD), "+7378742883"))
_LONGEST = 16
# The code of a country, as a regular expression that Python and PostgreSQL both read.
COUNTRY = "(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})"
_COUNTRY = re.compile(rf"\+{COUNTRY}")
_LONGEST_SPELLING = 32
# What turns the direction of reading: a number that is copied from a contact or a chat comes in a pair of these.
_UNSEEN = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))
# How many digits a number has inside its country, where that is known; elsewhere about as many as another one.
_NATIONAL = {"1": (10, 10), "972": (8, 9)}


def caller_id(given: str) -> str | None:
    """The number in E.164 by which a caller is known; None for who hides it, and for what is no number (SIP, a client).

    Source of the stand-ins: Twilio's help pages on calls from strange numbers.
    """
    if len(given) > _LONGEST or not _E164.fullmatch(given) or given in _SPELT:
        return None
    return given


def has_trunk(number: str) -> bool:
    """Whether a number in E.164 has the 0 that is dialled before it inside its country, where that is known."""
    return number.startswith("+9720")


def without_trunk(digits: str) -> str:
    """A number's digits, its country first, without that 0: with it they are of the same number, and nobody else's."""
    return f"972{digits[4:]}" if has_trunk(f"+{digits}") else digits


def is_withheld(given: str) -> bool:
    """Whether who calls hides their number: what stands in its place says so, or spells it."""
    return given.casefold() in _WITHHELD or given in _SPELT


def in_our_digits(typed: str) -> str:
    """The text with its digits as we write them: a pasted number may have those of Arabic, and unseen marks."""
    plain = typed.translate(_UNSEEN)
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in plain)


def stray_letter(typed: str) -> str:
    """A letter that stands in a number as a digit would, an O for a zero; "" where there is none, or it is a name."""
    letters = [each for each in typed if each.isalpha()]
    digits = sum(map(str.isdecimal, typed))
    return letters[0] if letters and digits > 2 * len(letters) and not {":", "@"} & set(typed) else ""


def international(spoken: str, neighbour: str) -> str | None:
    """A number as people say it, in E.164; without its country it is of the `neighbour`'s. None for what is no number.

    Their own country's numbers are whole, so long as such numbers are; what begins with … is the end of one. Source of
    the lengths of country codes: ITU-T E.164, list of assigned codes.
    """
    given = spoken[:_LONGEST_SPELLING].strip()
    digits = "".join(filter(str.isdecimal, given))
    country = _COUNTRY.match(neighbour)
    if country is None or not digits.isascii() or given.startswith("…"):
        return None
    code, theirs = country[0].removeprefix("+"), neighbour[country.end() :]
    shortest, longest = _NATIONAL.get(code, (len(theirs) - 1, len(theirs) + 3))
    # What is dialled before a number inside the country; in Italy it is a part of the number.
    trunk = "" if theirs.startswith("0") else "0"
    abroad = given.startswith("+") or digits.startswith("00")
    digits = digits.removeprefix("00") if abroad else digits
    national = digits.removeprefix(code).removeprefix(trunk)
    if not (digits.startswith(code) and (abroad or shortest <= len(national) <= longest)):
        if abroad:
            return caller_id(f"+{digits}")
        national = digits.removeprefix(trunk)
    return caller_id(f"+{code}{national}") if shortest <= len(national) <= longest else None


def same_number(one: str, other: str) -> bool:
    """Whether two spellings are of one telephone number, which one of them may say as it is said inside its country."""
    digits = ["".join(filter(str.isdecimal, number[:_LONGEST_SPELLING])) for number in (one, other)]
    return digits[0] == digits[1] != "" or other == international(one, other) or one == international(other, one)


def elsewhere(number: str | None, ours: str) -> str:
    """The number, where it leads to somebody and not back to us; else nothing."""
    return "" if same_number(number or "", ours) else number or ""
