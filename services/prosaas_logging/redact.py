"""Secrets and telephone numbers kept out of every line, by the name of a field and by the look of a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .real import sleep

HIDDEN: Final = "[redacted]"
_MOST_REMEMBERED: Final = 4096

_SECRET_NAMES: Final = frozenset({
    "authorization", "proxy_authorization", "cookie", "set_cookie", "password", "passwd", "pwd", "secret",
    "token", "api_key", "apikey", "access_key", "private_key", "signature", "credentials", "credential",
    "session_cookie", "bearer", "dsn",
})  # fmt: skip
_SECRET_PARTS: Final = ("password", "passwd", "secret", "api_key", "apikey", "access_key", "private_key", "signature")
_SECRET_ENDINGS: Final = ("_token", "_cookie", "_authorization", "_credentials", "_hmac")
_PHONE_NAMES: Final = frozenset({
    "phone", "phone_number", "from", "to", "from_number", "to_number", "caller", "callee", "called", "wa_id",
    "msisdn", "recipient", "transfer_number", "whatsapp_number",
})  # fmt: skip
_PHONE_ENDINGS: Final = ("_phone", "_phone_number", "_msisdn")
_ONE_DIGIT_CODES: Final = frozenset("17")
_TWO_DIGIT_CODES: Final = frozenset({
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
    "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
    "86", "90", "91", "92", "93", "94", "95", "98",
})  # fmt: skip
_DIGITS = re.compile(r"\D+")


def _hide_secret(value: object) -> object:
    return HIDDEN if value not in (None, "", False) else value


def _hide_phone(value: object) -> object:
    return mask_phone(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else value


Rule = Callable[[object], object]
_rules: dict[str, Rule | None] = {}


def hide(name: str, value: object) -> object:
    """*value* as a field called *name* may show it; the same object when its name gives no reason to hide it."""
    rule = rule_of(name)
    return value if rule is None else rule(value)


def clean(name: str, value: object) -> object:
    """*value* as a field called *name* may show it, by its name and by its looks."""
    rule = rule_of(name)
    if rule is not None:
        value = rule(value)
    return redact(value) if type(value) is str else value


def rule_of(name: str) -> Rule | None:
    """What is done with every value of a field called *name*."""
    try:
        return _rules[name]
    except KeyError:
        rule = _rule_for(name)
        # Names come from code, so there are few; a caller that makes them up must not make this grow for ever.
        if len(_rules) < _MOST_REMEMBERED:
            _rules[name] = rule
        return rule


def _rule_for(name: str) -> Rule | None:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").removeprefix("x_")
    if plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS) or any(part in plain for part in _SECRET_PARTS):
        return _hide_secret
    if plain in _PHONE_NAMES or plain.endswith(_PHONE_ENDINGS):
        return _hide_phone
    return None


def mask_phone(text: str) -> str:
    """A telephone number's country code and ``...``; a text that is no number stays as it is."""
    head, colon, number = text.rpartition(":")
    digits = _DIGITS.sub("", number)
    if len(digits) < 7:
        return text
    if number.lstrip().startswith("0") and not number.lstrip().startswith("00"):
        return f"{head}{colon}0..."
    plus = "+" if number.lstrip().startswith(("+", "00")) else ""
    return f"{head}{colon}{plus}{_country_code(digits.removeprefix('00'))}..."


def _country_code(digits: str) -> str:
    if digits[:1] in _ONE_DIGIT_CODES:
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


# Each pattern with the literals one of which a text must contain for the pattern to be tried at all: looking for a
# literal costs a fiftieth of a search.
_VALUE: Final = r"[^\s\"'\\&,;<>()\[\]{}]"
_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_IS: Final = r"(?:\s{0,3}(?:=|:|%3D)\s{0,3}(?:\\?[\"'])?|\\?[\"']\s{0,3}[:,]\s{0,3}b?\\?[\"'])"
_NOT_YET: Final = r"(?!\[redacted\])"
_NAMED: Final = (
    r"(?:[Ss]ignature|SIGNATURE|[Pp]assw(?:or)?d|PASSWORD|[Ss]ecret|SECRET|[Tt]oken|TOKEN"
    r"|[Aa][Pp][Ii][-_]?[Kk][Ee][Yy])"
)


def _mask_match(match: re.Match[str]) -> str:
    return mask_phone(match[0].replace("%2B", "+"))


_Pass = tuple[tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _pass(literals: str, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> _Pass:
    return tuple(literals.split()), re.compile(pattern), replacement


_BY_LOOKS: Final = (
    _pass("sk- sk_", rf"{_EDGE}sk[-_][A-Za-z0-9_\-]{{8,}}", HIDDEN),
    _pass("EAA", rf"{_EDGE}EAA[A-Za-z0-9]{{20,}}", HIDDEN),
    _pass("eyJ", rf"{_EDGE}eyJ[A-Za-z0-9_\-]{{8,}}(?:\.[A-Za-z0-9_\-]+){{1,2}}", HIDDEN),
    _pass("earer EARER", rf"((?:[Bb]earer|BEARER)(?:\s|%20)+){_NOT_YET}{_VALUE}{{4,}}", r"\1" + HIDDEN),
    _pass("+ %2B", rf"{_EDGE}(?<![/+])(?:\+|%2B)[1-9](?:[ \-.()]{{0,2}}[0-9]){{7,14}}(?![0-9])", _mask_match),
    _pass("05", r"(?<![A-Za-z0-9_.:,+%/\-])05[0-9](?:[ \-]?[0-9]){7}(?![0-9A-Za-z_.])", _mask_match),
    _pass("9725", r"(?<![A-Za-z0-9_.:,\[+%/\-])9725[0-9]{8}(?![0-9A-Za-z_.])", _mask_match),
)
_BY_NAME: Final = (
    _pass("asic", rf"([Aa]uthorization{_IS}[Bb]asic ){_NOT_YET}[A-Za-z0-9+/=]{{4,}}", r"\1" + HIDDEN),
    _pass("://", rf"(://[^\s\"'\\/@:]*:){_NOT_YET}[^\s\"'\\@/]+@", r"\1" + HIDDEN + "@"),
    _pass("ookie OOKIE", rf"([Cc]ookie{_IS}){_NOT_YET}[^\s\"'\\,;{{}}\[\]][^\"'\\\r\n]+", r"\1" + HIDDEN),
    _pass(
        "ignature oken assw ecret SIGNATURE TOKEN PASSW SECRET pi_k pi-k pik piK PI_K PI-K",
        rf"({_NAMED}(?:-256)?{_IS}(?:sha256=)?){_NOT_YET}{_VALUE}{{4,}}",
        r"\1" + HIDDEN,
    ),
)
# One of these stands between a name and its value, so that a text without them needs no look for the names.
_BETWEEN: Final = (":", "=", "%3D", "',")
# Far more than a line can show: what is given up in the middle would be cut out of any line later on.
_LONGEST: Final = 64 * 1024
_LONG: Final = 8 * 1024
_REMEMBERED_LENGTH: Final = 64
# Texts that were found to hold nothing: much of what is logged is said again and again.
harmless: set[str] = set()


def redact(text: str) -> str:
    """*text* without anything that looks like a secret or a whole telephone number."""
    if text in harmless:
        return text
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + text[-_LONGEST // 2 :]
    result = _apply(_BY_LOOKS, text)
    for literal in _BETWEEN:
        if literal in text:
            result = _apply(_BY_NAME, result)
            break
    if result == text and len(text) <= _REMEMBERED_LENGTH:
        if len(harmless) >= _MOST_REMEMBERED:
            harmless.clear()
        harmless.add(text)
    return result


def _apply(passes: tuple[_Pass, ...], text: str) -> str:
    for literals, pattern, replacement in passes:
        if len(text) > _LONG:
            # A pass over a long text takes milliseconds and keeps the processor; others have it between two.
            sleep(0)
        for literal in literals:
            if literal in text:
                text = pattern.sub(replacement, text)
                break
    return text
