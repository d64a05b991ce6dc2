"""Phone numbers: which caller can be known again by theirs."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A withheld number comes as one of these words, or as the word typed on a phone's keys: +266696687 is ANONYMOUS.
_WITHHELD = ("anonymous", "blocked", "restricted", "unavailable", "unknown", "private", "withheld")
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
# The last one has been seen too, a letter off.
_SPELT = frozenset((*(f"+{word.translate(_KEYS)}" for word in _WITHHELD), "+7378742883"))
_LONGEST = 16


def caller_id(given: str) -> str | None:
    """The number in E.164 by which a caller is known; None for who hides it, and for what is no number (SIP, a client).

    Source of the stand-ins: Twilio's help pages on calls from strange numbers.
    """
    if len(given) > _LONGEST or not _E164.fullmatch(given) or given in _SPELT:
        return None
    return given
