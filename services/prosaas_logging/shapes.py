"""Lines said again and again: of the same text or event with the same fields only the values are looked at anew."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Final, NamedTuple

from .digits import JOINED_DIGITS, has_number
from .events import AnyEvent, Event
from .redact import LEAST_PRIVATE, MOST_REMEMBERED, REMEMBERED_LENGTH, is_harmless, is_word, redact, rule_of

# The longest text of a shape, and of what it says with its values; longer ones are shared out and cut with care.
_LONGEST_SHAPE: Final = 200
_LONGEST: Final = 1024
_MOST_FIELDS: Final = 40
_MILLION: Final = 1e6
# Stands for a value that is no secret by itself, and would be one behind a name that says so.
_ANYTHING: Final = "aaaaaaaa"
_SLOT: Final = "\0"
# What values stand in a shape's place to try it: between them they begin and end every pattern that redacts, and to
# some of them one more character would be one too many.
_TRIED: Final = (
    *("a" * 24, "password", "cookie", "bearer", "authorization", "99999999", "://a:aaaa", "aaaa@aaaa"),
    *("bearer aaa", "token=aaa", "authorization:basic aaa", "sk-aaaaaaa", "eyJaaaaaaa", f"EAA{'a' * 19}"),
    f"wamid.{'a' * 12}",
)
_LEAST_DIGITS: Final = "9999"
_QUOTES: Final = re.compile(r"[\"'@\\]")

Said = AnyEvent | str
Fields = dict[str, object]


class _Form(NamedTuple):
    """A shape as ``%`` takes it, and the fields that it shows in their order, where these are not all as they come."""

    text: str
    order: itemgetter[tuple[object, ...]] | None


class Shapes:
    """Says a record in words where nothing in it needs a closer look, which is most of them.

    A shape is a text or an event with the names of its fields. One that comes for the second time is tried with values
    of every kind that a pattern could join with what stands beside them; where that changes nothing, no pattern over
    the whole line would see more than over each value.
    """

    def __init__(self, *, hebrew: bool) -> None:
        self._hebrew = hebrew
        self._forms: dict[tuple[object, ...], _Form | None] = {}
        self._seen: set[tuple[object, ...]] = set()
        self._values: set[str] = set()

    def words(self, what: Said, fields: Fields) -> str | None:
        """The words, in which nothing is to be hidden or escaped; None where only a look at all of it can tell."""
        shape = (what, *fields)
        form = self._forms.get(shape)
        if form is None:
            form = self._form(shape, what, fields) if shape not in self._forms else None
            if form is None:
                return None
        values = self._values
        shown: list[object] = []
        for value in fields.values() if form.order is None else form.order(fields):
            kind = type(value)
            if kind is str:
                if value not in values and not self._value(value):  # type: ignore[arg-type]
                    return None
                shown.append(value)
            elif kind is int and -LEAST_PRIVATE < value < LEAST_PRIVATE:  # type: ignore[operator]
                shown.append(value)
            elif kind is float and -_MILLION < value < _MILLION:  # type: ignore[operator]
                shown.append(f"{value:.3f}".rstrip("0").rstrip("."))
            elif kind is bool:
                shown.append("true" if value else "false")
            else:
                return None
        text = form.text % tuple(shown)
        return text if len(text) <= _LONGEST else None

    def _value(self, value: str) -> bool:
        """Whether a value may be shown as it is, also before another field: what follows belongs to a cookie, too."""
        known = is_word(value) or (_is_plain(value) and is_harmless(f"{value}, {_ANYTHING}"))
        if known and len(value) <= REMEMBERED_LENGTH:
            if len(self._values) >= MOST_REMEMBERED:
                self._values.clear()
            self._values.add(value)
        return known

    def _form(self, shape: tuple[object, ...], what: Said, fields: Fields) -> _Form | None:
        """The form of a shape, once it has come twice: a text that is made up each time is not worth trying."""
        if len(what if type(what) is str else what.name) > _LONGEST_SHAPE or len(fields) > _MOST_FIELDS:  # type: ignore[union-attr]
            return None
        if shape not in self._seen:
            if len(self._seen) >= MOST_REMEMBERED:
                self._seen.clear()
            self._seen.add(shape)
            return None
        if len(self._forms) >= MOST_REMEMBERED:
            self._forms.clear()
        form = self._forms[shape] = self._made(what, list(fields))
        return form

    def _made(self, what: Said, names: list[str]) -> _Form | None:
        pieces = self._of_event(what, names) if isinstance(what, Event) else _of_text(what, names)
        if pieces is None or not all(map(_is_ordinary, names)):
            return None
        literals, slots = pieces
        if not _tried(literals, len(slots)):
            return None
        text = "%s".join(literal.replace("%", "%%") for literal in literals)
        if slots == names:
            return _Form(text, None)
        # One name alone would make an itemgetter that returns no tuple.
        return _Form(text, itemgetter(*slots)) if len(slots) > 1 else None

    def _of_event(self, what: AnyEvent, names: list[str]) -> tuple[list[str], list[str]] | None:
        """The literal parts of what an event says, and the names between them."""
        template = what.he if self._hebrew else what.en
        if what.speech or what.labels or not set(names) >= {*what.fields, *template[1::2]}:
            return None
        literals, slots = list(template[::2]) or [""], list(template[1::2])
        used = {*slots, *what.hidden}
        rest = dict.fromkeys(name for name in (*what.fields, *names) if name not in used)
        if slots and rest and not any(literals):
            # Whether a comma stands before the rest is for the values to say.
            return None
        for name in rest:
            literals[-1] += f", {name}=" if any(literals) else f"{name}="
            literals.append("")
            slots.append(name)
        return literals, slots


def _of_text(what: str, names: list[str]) -> tuple[list[str], list[str]]:
    return [f"{what}: {names[0]}=", *(f", {name}=" for name in names[1:]), ""], names


def _is_plain(text: str) -> bool:
    """Whether *text* has nothing that a line escapes, alone or beside another: no control, no dot of its tail's."""
    return text.isprintable() and "·" not in text


def _is_ordinary(name: str) -> bool:
    """Whether a field's name is no reason to look closer at what follows it."""
    return name.isidentifier() and name.isascii() and name[0] != "_" and len(name) <= _LONGEST_SHAPE // 2 and (
        rule_of(name) is None
    )  # fmt: skip


def _tried(literals: list[str], slots: int) -> bool:
    """Whether no pattern sees more in the whole than in each of its parts, whatever these are."""
    whole = _SLOT.join(literals)
    if not _is_plain("".join(literals)) or _QUOTES.search(whole) or JOINED_DIGITS.search(whole):
        return False
    if has_number(whole.replace(_SLOT, _LEAST_DIGITS)):
        return False
    for number in range(len(_TRIED)):
        filled = literals[0]
        for slot in range(slots):
            filled += _TRIED[(number + slot) % len(_TRIED)] + literals[slot + 1]
        if redact(filled) != filled:
            return False
    return all(redact(filled) == filled for filled in (whole.replace(_SLOT, value) for value in _TRIED))
