"""Secrets and telephone numbers kept out of every line, by the name of a field and by the look of a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

HIDDEN: Final = "[redacted]"

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


_Rule = Callable[[object], object] | None
_rules: dict[str, _Rule] = {}


def hide(name: str, value: object) -> object:
    """*value* as a field called *name* may show it; the same object when there is nothing to hide."""
    try:
        rule = _rules[name]
    except KeyError:
        rule = _rule_for(name)
        # Names come from code, so there are few; a caller that makes them up must not make this grow for ever.
        if len(_rules) < 4096:
            _rules[name] = rule
    return value if rule is None else rule(value)


def _rule_for(name: str) -> _Rule:
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
# literal costs a twentieth of a search. They serve text and encoded lines alike, hence no \w and no \d; in a line of
# JSON a bare quote ends a string, so <is> differs there, and no replaced part holds a quote or a backslash.
_VALUE: Final = r"[^\s\"'\\&,;<>()\[\]{}]"
_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_IS_IN_TEXT: Final = r"(?:\s{0,3}(?:=|:|%3D)\s{0,3}(?:\\?[\"'])?|\\?[\"']\s{0,3}[:,]\s{0,3}b?\\?[\"'])"
_IS_IN_JSON: Final = (
    r"(?:\s{0,3}(?:=|:|%3D)\s{0,3}(?:\\[\"']|')?|\"\s{0,3}:\s{0,3}\"|\\\"\s{0,3}:\s{0,3}\\\"|'\s{0,3}[:,]\s{0,3}b?')"
)
_NOT_YET: Final = r"(?!\[redacted\])"
_NAMED: Final = (
    r"(?:[Ss]ignature|SIGNATURE|[Pp]assw(?:or)?d|PASSWORD|[Ss]ecret|SECRET|[Tt]oken|TOKEN"
    r"|[Aa][Pp][Ii][-_]?[Kk][Ee][Yy])"
)
_KEY_SPELLINGS: Final = ("pi_k", "pi-k", "pik", "piK", "PI_K", "PI-K")
_SECRETS: Final = (
    (("sk-", "sk_"), rf"{_EDGE}sk[-_][A-Za-z0-9_\-]{{8,}}", HIDDEN),
    (("EAA",), rf"{_EDGE}EAA[A-Za-z0-9]{{20,}}", HIDDEN),
    (("eyJ",), rf"{_EDGE}eyJ[A-Za-z0-9_\-]{{8,}}(?:\.[A-Za-z0-9_\-]+){{1,2}}", HIDDEN),
    (("earer", "EARER"), rf"((?:[Bb]earer|BEARER)(?:\s|%20)+){_NOT_YET}{_VALUE}{{4,}}", r"\1" + HIDDEN),
    (("asic ",), rf"([Aa]uthorization<is>[Bb]asic ){_NOT_YET}[A-Za-z0-9+/=]{{4,}}", r"\1" + HIDDEN),
    (("://",), rf"(://[^\s\"'\\/@:]*:){_NOT_YET}[^\s\"'\\@/]+@", r"\1" + HIDDEN + "@"),
    (("ookie", "OOKIE"), rf"([Cc]ookie<is>){_NOT_YET}[^\s\"'\\,;{{}}\[\]][^\"'\\\r\n]+", r"\1" + HIDDEN),
    (
        ("ignature", "oken", "assw", "ecret", "SIGNATURE", "TOKEN", "PASSW", "SECRET", *_KEY_SPELLINGS),
        rf"({_NAMED}(?:-256)?<is>(?:sha256=)?){_NOT_YET}{_VALUE}{{4,}}",
        r"\1" + HIDDEN,
    ),
)
_NUMBERS: Final = (
    (("+", "%2B"), _EDGE + r"(?<![/+])(?:\+|%2B)[1-9](?:[ \-.()]{0,2}[0-9]){7,14}(?![0-9])"),
    (("05",), r"(?<![A-Za-z0-9_.:,+%/\-])05[0-9](?:[ \-]?[0-9]){7}(?![0-9A-Za-z_.])"),
    (("9725",), r"(?<![A-Za-z0-9_.:,\[+%/\-])9725[0-9]{8}(?![0-9A-Za-z_.])"),
)


def _mask_match(match: re.Match[str]) -> str:
    return mask_phone(match[0].replace("%2B", "+"))


def _mask_encoded(match: re.Match[bytes]) -> bytes:
    return mask_phone(match[0].decode("ascii").replace("%2B", "+")).encode("ascii")


_TextPass = tuple[tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]]
_LinePass = tuple[tuple[bytes, ...], re.Pattern[bytes], bytes | Callable[[re.Match[bytes]], bytes]]
_TEXT_PASSES: Final[tuple[_TextPass, ...]] = (
    *(
        (literals, re.compile(pattern.replace("<is>", _IS_IN_TEXT)), replacement)
        for literals, pattern, replacement in _SECRETS
    ),
    *((literals, re.compile(pattern), _mask_match) for literals, pattern in _NUMBERS),
)
_LINE_PASSES: Final[tuple[_LinePass, ...]] = (
    *(
        (
            tuple(map(str.encode, literals)),
            re.compile(pattern.replace("<is>", _IS_IN_JSON).encode()),
            replacement.encode(),
        )
        for literals, pattern, replacement in _SECRETS
    ),
    *(
        (tuple(map(str.encode, literals)), re.compile(pattern.encode()), _mask_encoded)
        for literals, pattern in _NUMBERS
    ),
)


def redact(text: str) -> str:
    """*text* without anything that looks like a secret or a whole telephone number."""
    for literals, pattern, replacement in _TEXT_PASSES:
        for literal in literals:
            if literal in text:
                text = pattern.sub(replacement, text)
                break
    return text


def redact_line(line: bytes) -> bytes:
    """The same for a line that is already encoded, JSON included."""
    for literals, pattern, replacement in _LINE_PASSES:
        for literal in literals:
            if literal in line:
                line = pattern.sub(replacement, line)
                break
    return line
