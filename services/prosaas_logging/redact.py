"""Secrets, telephone, card and identity numbers kept out of every line, by a field's name and by a text's looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .digits import EDGE, has_number, hide_numbers, is_private, mask_phone
from .digits import HIDDEN as HIDDEN
from .real import sleep

# The longest text that a line, a record or a flight recorder takes; of a longer one the beginning and the end are kept.
LONGEST_TEXT: Final = 10 * 1024
# Of what is remembered so that it need not be looked at again, anywhere: so many, and texts so long.
MOST_REMEMBERED: Final = 4096
REMEMBERED_LENGTH: Final = 64
_LONG: Final = 2 * 1024

SECRET_NAMES: Final = frozenset({
    "authorization", "proxy_authorization", "cookie", "set_cookie", "pwd", "token", "credentials", "credential",
    "session_cookie", "bearer", "dsn",
})  # fmt: skip
SECRET_PARTS: Final = ("password", "passwd", "secret", "api_key", "apikey", "access_key", "private_key", "signature")
SECRET_ENDINGS: Final = ("_token", "_cookie", "_authorization", "_credentials", "_hmac")
PHONE_NAMES: Final = frozenset({
    "phone", "phone_number", "from", "to", "from_number", "to_number", "caller", "callee", "called", "wa_id",
    "msisdn", "recipient", "transfer_number", "whatsapp_number",
})  # fmt: skip
PHONE_ENDINGS: Final = ("_phone", "_phone_number", "_msisdn")


def _hide_secret(value: object) -> object:
    return value if value is None or value is False or (isinstance(value, str) and not value) else HIDDEN


def _hide_phone(value: object) -> object:
    if type(value) is int:
        return HIDDEN if abs(value) >= _LONGEST_PHONE else mask_phone(str(value))
    return mask_phone(value[:LONGEST_TEXT]) if isinstance(value, str) else value


Rule = Callable[[object], object]
# A sentence, an address or an assignment in a list is no name of what follows, whatever words are in it.
_NAME: Final = re.compile(rf"[\w.-]{{1,{REMEMBERED_LENGTH}}}")
_rules: dict[str, Rule | None] = {}
_LONGEST_PHONE: Final = 10**20
# A plain number below this is nobody's.
LEAST_PRIVATE: Final = 10**8
_LEAST_DIGITS: Final = len(str(LEAST_PRIVATE))


def is_secret_name(name: str) -> bool:
    """Whether what is called *name*, a field, a header or a setting, is a secret."""
    return rule_of(name) is _hide_secret


def names_next(word: str) -> bool:
    """Whether what follows *word* in a list is hidden for its sake: a header's name, or an option of a command."""
    return _NAME.fullmatch(word) is not None and _rule_for(word.lstrip("-")) is not None


def hide(name: str, value: object) -> object:
    """*value* as a field called *name* may show it; the same object when its name gives no reason to hide it."""
    rule = rule_of(name)
    return value if rule is None else rule(value)


def clean(name: str, value: object) -> object:
    """*value* as a field called *name* may show it, by its name and by its looks."""
    rule = rule_of(name)
    if rule is not None:
        value = rule(value)
    if type(value) is str:
        return redact(value)
    return HIDDEN if type(value) is int and is_private(value) else value


def rule_of(name: str) -> Rule | None:
    """What is done with every value of a field called *name*."""
    try:
        return _rules[name]
    except KeyError:
        rule = _rule_for(name)
        # Names come from code, so there are few; a caller that makes them up must not make this grow for ever.
        if len(_rules) < MOST_REMEMBERED:
            _rules[name] = rule
        return rule


def _rule_for(name: str) -> Rule | None:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:1024]).lower().replace("-", "_").removeprefix("x_")
    if plain in SECRET_NAMES or plain.endswith(SECRET_ENDINGS) or any(part in plain for part in SECRET_PARTS):
        return _hide_secret
    if plain in PHONE_NAMES or plain.endswith(PHONE_ENDINGS):
        return _hide_phone
    return None


_VALUE: Final = r"[^\s\"'\\&,;<>()\[\]{}]"
_IS: Final = r"(?:\s{0,3}(?:=|:|%3D)\s{0,3}(?:\\?[\"'])?|\\?[\"']\s{0,3}[:,]\s{0,3}b?\\?[\"'])"
# The same up to the quotation mark with which a value begins; a value in quotation marks has all that is between them.
_QUOTED: Final = r"(?:\s{0,3}(?:=|:|%3D)|\\?[\"']\s{0,3}[:,])\s{0,3}b?(\\?[\"'])"
_BETWEEN_QUOTES: Final = r"(?:(?!\2)(?:\\.|[^\\\r\n])){4,}+"
_NOT_YET: Final = r"(?!\[redacted\])"
# The parts of secret names as people write them in a text: access-key, accessKey, ACCESS_KEY.
_NAMED: Final = "(?i:token|" + "|".join(part.replace("_", "[-_]?") for part in SECRET_PARTS) + ")"

# WhatsApp's id of a message begins with the number, in base64; its end tells it from others.
_MESSAGE_ID: Final = re.compile(r"(?<=wamid\.)[\w+/=-]+(?=[\w+/=-]{12})")
_KEYS: Final = re.compile(rf"{EDGE}(?:sk[-_][A-Za-z0-9_\-]{{8,}}|EAA[A-Za-z0-9]{{20,}}|eyJ[A-Za-z0-9_\-.]{{8,}})")
_BEARER: Final = re.compile(rf"((?i:bearer)(?:\s|%20){{1,9}}){_NOT_YET}{_VALUE}{{4,}}")
_ASSIGNED: Final = (
    re.compile(rf"((?i:authorization){_IS}(?i:basic) ){_NOT_YET}[A-Za-z0-9+/=]{{4,}}"),
    re.compile(
        rf"((?i:authorization){_IS}(?:[A-Za-z][\w-]{{0,19}} )?){_NOT_YET}(?=[^\d\s]{{0,64}}\d)[\w+/=:.~-]{{12,}}"
    ),
    re.compile(rf"((?i:cookie){_IS}){_NOT_YET}[^\s\"'\\,;{{}}\[\]][^\"'\\\r\n]+"),
    re.compile(rf"({_NAMED}(?:-256)?{_QUOTED}){_NOT_YET}{_BETWEEN_QUOTES}"),
    re.compile(rf"({_NAMED}(?:-256)?{_IS}(?:sha256=)?){_NOT_YET}{_VALUE}{{4,}}"),
)
_URL_PASSWORD: Final = re.compile(rf"(://[^\s\"'\\/@:]*:){_NOT_YET}[^\s\"'\\@/]+@")
# Texts that were looked at and hold nothing: much of what is logged is said again and again.
harmless: set[str] = set()


def redact(text: str) -> str:
    """*text* without anything that looks like a secret or a person's number, and at most ``LONGEST_TEXT`` long.

    Its time grows with the length alone, whatever is in it, and what is cut off is cut off before any pattern looks.
    """
    if text in harmless:
        return text
    if len(text) > LONGEST_TEXT:
        return _redact_ends(text)
    if len(text) > _LONG:
        # A pass over a long text takes milliseconds and keeps the processor; others have it between two texts.
        sleep(0)
    result = text
    # Looking for a literal takes a fiftieth of a search: each pattern is tried on texts that hold one of its own.
    if "sk-" in text or "sk_" in text or "EAA" in text or "eyJ" in text:
        result = _KEYS.sub(HIDDEN, result)
    if "wamid." in text:
        result = _MESSAGE_ID.sub("…", result)
    if may_name(text):
        result = _redact_named(result)
    if has_number(text):
        result = hide_numbers(result)
    if result == text and len(text) <= REMEMBERED_LENGTH:
        if len(harmless) >= MOST_REMEMBERED:
            harmless.clear()
        harmless.add(text)
    return result


def may_name(text: str) -> bool:
    """Whether *text* has a mark without which no pattern of a named secret matches."""
    return ":" in text or "=" in text or "," in text or "%3D" in text or "earer" in text or "EARER" in text


def is_word(text: str) -> bool:
    """Whether *text* is a word or an id of plain letters and digits, none of which a pattern hides, at a glance."""
    return text.isalnum() and text.isascii() and len(text) <= _LONG and (
        len(text) < _LEAST_DIGITS if text.isdigit() else text[:3] not in ("EAA", "eyJ")
    )  # fmt: skip


def is_harmless(text: str) -> bool:
    """Whether *text* may be shown as it is."""
    return is_word(text) or text in harmless or redact(text) == text


def _redact_named(text: str) -> str:
    lowered = text.lower()
    if "bearer" in lowered:
        text = _BEARER.sub(r"\1" + HIDDEN, text)
    if "://" in lowered:
        text = _URL_PASSWORD.sub(r"\1" + HIDDEN + "@", text)
    for pattern, literals in zip(_ASSIGNED, _LITERALS, strict=True):
        for literal in literals:
            if literal in lowered:
                text = pattern.sub(r"\1" + HIDDEN, text)
                break
    return text


# Short for all parts of secret names: "key" alone is also in words such as "monkey".
_PARTS: Final = ("token", "key", *(part for part in SECRET_PARTS if "key" not in part))
_LITERALS: Final = (("authorization",), ("authorization",), ("cookie",), _PARTS, _PARTS)
_SEAM: Final = 64
_LONGEST_SECRET: Final = 1024


def _redact_ends(text: str) -> str:
    """The beginning and the end of a long text; no half of what the cut goes through is shown."""
    half = LONGEST_TEXT // 2 - 32
    # What begins before the end's beginning cannot be recognised by it: that much of it is given up.
    head = redact(text[: half + _SEAM])[:-_SEAM][:half]
    tail = redact(text[-half - _LONGEST_SECRET :])[_LONGEST_SECRET:][-half:]
    return f"{head}{_mark(len(text) - 2 * half)}{tail}"


def cut_middle(text: str, limit: int) -> str:
    """The beginning and the end of *text* in at most *limit* characters, with a mark that says how much is gone."""
    if len(text) <= limit:
        return text
    kept = max(0, limit - len(_mark(len(text))))
    mark = _mark(len(text) - kept)
    head = kept - kept // 2
    return text[:head] + mark + (text[-(kept // 2) :] if kept // 2 else "")


def _mark(gone: int) -> str:
    return f" …[{gone} characters cut]… "
