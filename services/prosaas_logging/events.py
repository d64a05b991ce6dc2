"""What an event is, and the decorator that turns a signature with a docstring into one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, ParamSpec, TypedDict, Unpack

P = ParamSpec("P")

IDENTITIES: Final = ("call_sid", "business_id", "request_id", "job_id")
# What tells a line from another, and may stand at its end.
IDS: Final = frozenset({*IDENTITIES, "message_id"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# Literal text and field names by turns: ("name=", "name", ", phone=", "phone", "").
Template = tuple[str, ...]


class Options(TypedDict, total=False):
    """What a declaration may add to a name, a level and fields."""

    tag: str
    he: str
    en: str
    fold: int
    hidden: tuple[str, ...]
    speech: tuple[str, ...]
    labels: Mapping[str, Mapping[str, tuple[str, str]]]


class Event(Generic[P]):
    """One row of the catalogue; its type carries the fields, so that a type checker refuses a wrong one."""

    def __init__(self, signature: Callable[P, None], level: int, emoji: str, options: Options) -> None:
        names = list(inspect.signature(signature).parameters)
        self.name: Final = signature.__name__
        self.doc: Final = inspect.getdoc(signature) or ""
        self.level: Final = level
        self.emoji: Final = emoji
        self.tag: Final = options.get("tag", self.name)
        self.he: Final = split_template(options.get("he", ""))
        self.en: Final = split_template(options.get("en", ""))
        self.fields: Final = tuple(name for name in names if name != "exc_info")
        self.ids: Final = IDS.intersection(names)
        self.explains: Final = "exc_info" in names
        # When it makes room for others in a call that has much to say: 0 never, 1 first, 2 after those.
        self.fold: Final = options.get("fold", 2)
        self.hidden: Final = frozenset(options.get("hidden", ()))
        self.speech: Final = frozenset(options.get("speech", ()))
        self.labels: Final = options.get("labels", {})

    def __repr__(self) -> str:
        return self.name


AnyEvent = Event[Any]


def event(level: int, emoji: str = "", **options: Unpack[Options]) -> Callable[[Callable[P, None]], Event[P]]:
    """Declare an event: the decorated function's name, keyword-only parameters and docstring are the row's."""

    def declare(signature: Callable[P, None]) -> Event[P]:
        return Event(signature, level, emoji, options)

    return declare


def split_template(text: str) -> Template:
    """Cut *text* at its ``{placeholders}`` once, at import, so that rendering only joins."""
    return tuple(_PLACEHOLDER.split(text)) if text else ()
