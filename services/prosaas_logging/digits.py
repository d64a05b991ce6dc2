"""Telephone, card and identity numbers in a text: recognised by their digits, however these are spaced, and hidden."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import Final

HIDDEN: Final = "[redacted]"
_ONE_DIGIT_CODES: Final = frozenset("17")
_TWO_DIGIT_CODES: Final = frozenset({
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
    "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
    "86", "90", "91", "92", "93", "94", "95", "98",
})  # fmt: skip

# What may stand between the digits of one number: blanks, dashes and the marks that turn Hebrew around; and what else
# may stand between printed groups of four.
_BLANKS: Final = " \t\u00a0\u2007\u2009\u202f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_DASHES: Final = "\u2010-\u2015\u2212\\-"
_CLOSE: Final = re.compile(f"[{_BLANKS}{_DASHES}]{{1,3}}")
_JOINS: Final = f"{_BLANKS}{_DASHES}.,/()_*|\n\r"
_MANY: Final = re.compile(rf"[0-9][0-9{_JOINS}]{{6,}}[0-9]")
# The same where no letter stands before it: most ids have enough digits for the one, and none of them for the other.
_MANY_APART: Final = re.compile(_MANY.pattern.replace("[0-9]", r"[0-9](?<![A-Za-z0-9_][0-9])", 1))
# Where a text's own digits would be one number with those of a value that takes the place of "\0".
JOINED_DIGITS: Final = re.compile(f"[0-9][{_JOINS}]*\0|\0[{_JOINS}]*[0-9]")
_GROUP: Final = re.compile("[0-9]+")
# Digits as Arabic and Persian write them, and wide ones: a transcript may have any.
_OTHER_DIGITS: Final = re.compile("[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]")
_AS_OURS: Final = {zero + digit: str(digit) for zero in (0x660, 0x6F0, 0xFF10) for digit in range(10)}
# A text with more runs and groups of digits than this is a table: the rest of its runs is hidden whole, not looked at.
_MOST_GROUPS: Final = 500
_PRINTED: Final = frozenset({(4, 6, 5), (4, 6, 4), *((4, 4, 4, last) for last in range(1, 8))})
_DATES: Final = ((4, 2, 2), (2, 2, 4))
_CARD: Final = range(13, 20)
_IDENTITY: Final = 9
# No issuer's numbers begin with these, and the time in milliseconds does.
_NO_ISSUER: Final = "01"

EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_BEGINS: Final = re.compile(EDGE.replace("[A-Za-z0-9]", r"[A-Za-z0-9_]"))
_ENDS: Final = re.compile(r"(?![A-Za-z_])")
_PHONE_BEFORE: Final = re.compile(r"(?<=\+)|(?<=%2B)")
_JOINED_BEFORE: Final = re.compile(r"(?<=[A-Za-z0-9][\-_./])")
_JOINED_AFTER: Final = re.compile(r"[\-_./][A-Za-z0-9]")
# People space numbers as they like, and say them digit by digit. A country's own digits have no dot in them: 97.25 has.
_NEAR: Final = f"[{_BLANKS}{_DASHES}]{{0,3}}"
_BETWEEN: Final = f"[{_BLANKS}{_DASHES}.()/]{{0,3}}"
_NO_MORE: Final = r"(?![0-9A-Za-z_]|[.][0-9A-Za-z_])"


def _alone(begin: str, more: str = "") -> str:
    """A number of ours without a plus, by its first digits: a number in JSON, or a part of a decimal, an address or an
    id, is none. What ends a sentence may follow, and anything with a comma may stand before; JSON has no leading zero.

    What stands before is looked at from behind the digits, for a search for these leaps, and one for a gap does not.
    """
    listed = "" if begin == "0" else rf"(?:(?<!,{begin})|(?![0-9,]{{0,99}}\]))"
    return rf"{begin}(?<![A-Za-z0-9_.+%/\-{more}]{begin})(?<![\"'0-9]:{begin}){listed}"


_WITH_PLUS: Final = re.compile(rf"{EDGE}(?<![/+])(?:\+|%2B)[1-9](?:{_BETWEEN}[0-9]){{7,14}}(?![0-9])")
_OURS: Final = (
    re.compile(rf"{_alone('0')}{_NEAR}5(?:{_BETWEEN}[0-9]){{8}}{_NO_MORE}"),
    re.compile(
        rf"(?:{_alone('9', '[')}|{_alone('009', '[')}){_NEAR}7{_NEAR}2{_BETWEEN}5(?:{_BETWEEN}[0-9]){{8}}{_NO_MORE}"
    ),
)
Span = tuple[int, int]

_TWICE: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_ONCE: Final = bytes.maketrans(b"0123456789", bytes(range(10)))


def mask_phone(text: str) -> str:
    """A telephone number's country code and ``...``; a text that is no number stays as it is."""
    head, colon, number = text.rpartition(":")
    digits = "".join(_GROUP.findall(number))
    if len(digits) < 7:
        return text
    if number.lstrip().startswith("0") and not number.lstrip().startswith("00"):
        return f"{head}{colon}0..."
    plus = "+" if number.lstrip().startswith(("+", "00")) else ""
    return f"{head}{colon}{plus}{_country_code(digits.removeprefix('00'))}..."


def has_number(text: str) -> bool:
    """Whether *text* has enough digits close to one another to be worth a look."""
    if ("\\" in text or "%2B" in text) and _MANY.search(text):
        return True
    if _MANY_APART.search(text) is not None:
        return True
    return not text.isascii() and _OTHER_DIGITS.search(text) is not None


def hide_numbers(text: str) -> str:
    """*text* without card numbers (13 to 19 digits), identity numbers (9) and most of each telephone number."""
    ours = _in_our_digits(text)
    hidden = hide_private(ours)
    for phone in (_WITH_PLUS, *_OURS) if "+" in text or "%2B" in text else _OURS:
        hidden = phone.sub(lambda match: mask_phone(match[0].replace("%2B", "+")), hidden)
    return text if hidden == ours else hidden


def hide_private(text: str) -> str:
    """*text* without card and identity numbers; telephone numbers stay."""
    left, ours = _MOST_GROUPS, _in_our_digits(text)

    def hide(match: re.Match[str]) -> str:
        nonlocal left
        groups = [found.span() for found in _GROUP.finditer(match[0])]
        left -= 1 + len(groups)
        return HIDDEN if left < 0 else _hide_in_run(match, groups)

    hidden = _MANY.sub(hide, ours)
    return text if hidden == ours else hidden


def _in_our_digits(text: str) -> str:
    return text if text.isascii() or not _OTHER_DIGITS.search(text) else text.translate(_AS_OURS)


def is_private(number: int) -> bool:
    """Whether a plain number may be somebody's card or identity number."""
    digits = str(number) if 10 ** (_IDENTITY - 1) <= number < 10 ** (_CARD.stop - 1) else ""
    return (len(digits) == _IDENTITY or (len(digits) in _CARD and digits[0] not in _NO_ISSUER)) and _checks(digits)


def _country_code(digits: str) -> str:
    if digits[:1] in _ONE_DIGIT_CODES:
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


def _checks(digits: str) -> bool:
    """Luhn's check, which cards and Israeli identity numbers share."""
    raw = digits.encode()
    return (sum(raw[-1::-2].translate(_ONCE)) + sum(raw[-2::-2].translate(_TWICE))) % 10 == 0


def _hide_in_run(match: re.Match[str], groups: list[Span]) -> str:
    """A run of *groups* of digits, without those that together are a card or an identity number."""
    run, text = match[0], match.string
    # What is joined to a letter is part of a longer id, and what follows a plus is a telephone number.
    if _PHONE_BEFORE.match(text, match.start()):
        return run
    if not _BEGINS.match(text, match.start()):
        groups = groups[1:]
    if not _ENDS.match(text, match.end()):
        groups = groups[:-1]
    segments = [some for some in _segments(run, groups) if some[-1][1] - some[0][0] >= _IDENTITY]
    hidden = [span for some in segments for span in _cards(run, some)] or _printed_cards(run, groups)
    if not hidden:
        word = (bool(_JOINED_BEFORE.match(text, match.start())), bool(_JOINED_AFTER.match(text, match.end())))
        hidden = [span for some in segments for span in _identities(run, some, word)]
    for begin, end in sorted(hidden, reverse=True):
        run = run[:begin] + HIDDEN + run[end:]
    return run


def _segments(run: str, groups: list[Span]) -> list[list[Span]]:
    """The groups, those together that stand so close that they can be one number."""
    result: list[list[Span]] = []
    for group in groups:
        if result and _CLOSE.fullmatch(run, result[-1][-1][1], group[0]):
            result[-1].append(group)
        else:
            result.append([group])
    return result


def _cards(run: str, groups: list[Span]) -> list[Span]:
    """Each stretch of whole groups that has a card's length and check digit.

    Sums from the beginning, of both kinds of doubling, make each stretch a comparison: those of a thousand single
    digits, as somebody dictates them, would otherwise take longer than a line may.
    """
    digits = "".join(run[begin:end] for begin, end in groups)
    if len(digits) < _CARD.start:
        return []
    if len(groups) == 1:
        return groups if len(digits) in _CARD and digits[0] not in _NO_ISSUER and _checks(digits) else []
    once, twice = digits.encode().translate(_ONCE), digits.encode().translate(_TWICE)
    sums = [
        bytes(total % 10 for total in accumulate((a if number % 2 == parity else b for number, (a, b) in
              enumerate(zip(once, twice, strict=True))), initial=0))
        for parity in (0, 1)
    ]  # fmt: skip
    starts, ends, place = [], {}, 0
    for begin, end in groups:
        starts.append((place, begin))
        place += end - begin
        ends[place] = end
    found: list[Span] = []
    taken = 0
    for place, begin in starts:
        if place < taken or digits[place] in _NO_ISSUER:
            continue
        for length in reversed(_CARD):
            stop = place + length
            if stop in ends and sums[(stop - 1) % 2][place] == sums[(stop - 1) % 2][stop]:
                found.append((begin, ends[stop]))
                taken = stop
                break
    return found


def _printed_cards(run: str, groups: list[Span]) -> list[Span]:
    """Cards as they are printed, whatever stands between their groups: 4580.1234.5678.9012 or "4580, 1234, …"."""
    found = []
    for number in range(len(groups) - 2):
        if groups[number][1] - groups[number][0] != 4:
            continue
        for some in (groups[number : number + 4], groups[number : number + 3]):
            if tuple(end - begin for begin, end in some) not in _PRINTED:
                continue
            near = all(right[0] - left[1] <= 3 for left, right in pairwise(some))
            digits = "".join(run[begin:end] for begin, end in some)
            if near and digits[0] not in _NO_ISSUER and _checks(digits):
                found.append((some[0][0], some[-1][1]))
                break
    return found


def _identities(run: str, groups: list[Span], joined: tuple[bool, bool]) -> list[Span]:
    """Nine digits with their check digit that are a word of their own, joined by dashes, or spaced and alone."""
    words = [[groups[0]]]
    for left, right in pairwise(groups):
        if run[left[1] : right[0]].isspace():
            words.append([right])
        else:
            words[-1].append(right)
    for some in [*words, groups]:
        begin, end = some[0][0], some[-1][1]
        if not _IDENTITY <= end - begin <= 5 * _IDENTITY:
            continue
        digits = "".join(run[left:right] for left, right in some)
        if len(digits) != _IDENTITY or not _checks(digits):
            continue
        date = tuple(right - left for left, right in some)[:3] in _DATES
        longer = (joined[0] if begin == 0 else run[begin - 1] in "./_") or (
            joined[1] if end == len(run) else run[end] in "./_"
        )
        if not date and not longer:
            return [(begin, end)]
    return []
