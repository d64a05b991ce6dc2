"""Computes what usage costs, from the shipped file of prices; a deployer's own file overrides it."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from prosaas_core.facts.usage import KINDS, Usage

SHIPPED = "prices.toml"
_MILLION = 1_000_000
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_CURRENCY = re.compile(r"[A-Z]{3}")
# Nobody asks so much for a million tokens, or for a minute: a comma has slipped.
_DEAREST = 10_000.0
_LARGEST_FILE = 256 * 1024
_CARRIER = ("call_minute", "stream_minute", "sms", "whatsapp")
_REMEDY = "put it right as in services/prosaas_core/facts/prices.toml, or remove the file (docs/costs.md)"


class PriceError(ValueError):
    """A file of prices cannot be used; the text says which line, what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Prices:
    """In one currency: of a model by its kinds, per million tokens or per minute; of Twilio's minutes and messages."""

    currency: str = "USD"
    models: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    carrier: Mapping[str, float] = field(default_factory=dict)

    def of(self, model: str) -> Mapping[str, float] | None:
        """The prices of a model, or of the one that it is a dated snapshot of; None where it is not known."""
        return self.models.get(model) or self.models.get(_DATED.sub("", model))


@dataclass(frozen=True, slots=True)
class Charge:
    """One thing that has to be paid for; `cost` is None where its price is not known."""

    kind: str
    name: str
    usage: Usage
    cost: float | None
    currency: str


def cost(usage: Usage, model: str, prices: Prices) -> float | None:
    """What the usage of a model costs; None for a model, or a kind of tokens, whose price is not known."""
    known = prices.of(model)
    if known is None:
        return None
    parts = [(usage.seconds / 60, "minute")] if usage.seconds else []
    for kind in KINDS:
        cached = getattr(usage, f"{kind}_cached")
        parts.append(((getattr(usage, f"{kind}_in") - cached) / _MILLION, f"{kind}.in"))
        parts.append((cached / _MILLION, f"{kind}.cached"))
        parts.append((getattr(usage, f"{kind}_out", 0) / _MILLION, f"{kind}.out"))
    if any(amount and name not in known for amount, name in parts):
        return None
    return sum(amount * known[name] for amount, name in parts if amount)


def model_charge(kind: str, model: str, usage: Usage, prices: Prices) -> Charge:
    """What a model has used, with its cost."""
    return Charge(kind, model, usage, cost(usage, model, prices), prices.currency)


def call_charge(seconds: float, prices: Prices) -> Charge:
    """What Twilio takes for a call of ours: begun minutes, of the call and of its media stream."""
    asked = [prices.carrier[name] for name in ("call_minute", "stream_minute") if name in prices.carrier]
    minutes = math.ceil(seconds / 60)
    return Charge("phone", "twilio", Usage(seconds=seconds), minutes * sum(asked) if asked else None, prices.currency)


def message_charge(channel: str, prices: Prices, body: str) -> Charge:
    """What Twilio takes for a message sent as `sms`, by its segments, or as `whatsapp`."""
    price = prices.carrier.get(channel)
    times = segments(body) if channel == "sms" else 1
    return Charge("message", f"twilio {channel}", Usage(), None if price is None else price * times, prices.currency)


def segments(body: str) -> int:
    """In how many parts an SMS travels: of 160 letters of the Latin alphabet or 70 of any other, and fewer when cut."""
    whole, part = (160, 153) if body.isascii() else (70, 67)
    length = len(body.encode("utf-16-le")) // 2
    return 1 if length <= whole else math.ceil(length / part)


def total(charges: Iterable[Charge]) -> float | None:
    """What they cost together; None where one of them has no price."""
    costs = [charge.cost for charge in charges]
    return None if None in costs else round(sum(cost or 0.0 for cost in costs), 6)


def shipped() -> Prices:
    """The prices that come with this release."""
    return _prices((files(__package__) / SHIPPED).read_text("utf-8"), SHIPPED)


def load_prices(own: Path) -> Prices:
    """The shipped prices under those of the deployer's own file, where there is one; PriceError where it is no good.

    A file in another currency stands alone: amounts in two currencies do not add up.
    """
    ours = shipped()
    try:
        if own.stat().st_size > _LARGEST_FILE:
            raise PriceError(f"{own} is larger than {_LARGEST_FILE} bytes: {_REMEDY}")
        theirs = _prices(own.read_text("utf-8"), str(own), currency=ours.currency)
    except FileNotFoundError:
        return ours
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"{own} cannot be read ({error}): {_REMEDY}") from None
    if theirs.currency != ours.currency:
        return theirs
    return replace(ours, models={**ours.models, **theirs.models}, carrier={**ours.carrier, **theirs.carrier})


def _prices(text: str, name: str, *, currency: str = "") -> Prices:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PriceError(f"{name}: {error}: {_REMEDY}") from None
    reader = _Reader(text, name)
    reader.only(content, ("currency", "date", "models", "twilio"))
    said = content.get("currency", currency)
    if not isinstance(said, str) or not _CURRENCY.fullmatch(said):
        raise reader.wrong("currency is not three capital letters", "currency")
    models = reader.table(content, "models")
    carrier = reader.table(content, "twilio")
    reader.only(carrier, _CARRIER, "twilio")
    return Prices(
        said,
        {model: reader.model(models, model) for model in models},
        {kind: reader.price(carrier, kind, "twilio") for kind in carrier},
    )


class _Reader:
    """Takes tables and prices out of a file, and says in which line something else stands."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.splitlines()
        self._name = name

    def wrong(self, what: str, *path: str) -> PriceError:
        """The error, at the line where the names of the path follow one another."""
        line = 0
        for part in path:
            named = re.compile(rf"(?<![\w.-]){re.escape(part)}(?![\w.-])")
            line = next((at for at in range(line, len(self._lines)) if named.search(self._lines[at])), line)
        return PriceError(f"{self._name}, line {line + 1}: {what}: {_REMEDY}")

    def only(self, table: Mapping[str, Any], known: Iterable[str], *path: str) -> None:
        for name in table:
            if name not in known:
                raise self.wrong(f"{name} is not one of {', '.join(known)}", *path, name)

    def table(self, holder: Mapping[str, Any], name: str, *path: str) -> Mapping[str, Any]:
        value = holder.get(name, {})
        if not isinstance(value, dict):
            raise self.wrong(f"{name} is no table", *path, name)
        return value

    def price(self, table: Mapping[str, Any], name: str, *path: str) -> float:
        value = table[name]
        if type(value) not in (int, float) or not 0 <= value <= _DEAREST:
            raise self.wrong(f"{name} = {value!r} is no price from 0 to {_DEAREST:.0f}", *path, name)
        return float(value)

    def model(self, models: Mapping[str, Any], model: str) -> dict[str, float]:
        """A model's prices under flat names: minute, text.in, text.cached, …"""
        table = self.table(models, model)
        self.only(table, ("minute", *KINDS), model)
        prices = {"minute": self.price(table, "minute", model)} if "minute" in table else {}
        for kind in KINDS:
            directions = self.table(table, kind, model)
            self.only(directions, ("in", "cached", "out"), model, kind)
            prices |= {f"{kind}.{name}": self.price(directions, name, model, kind) for name in directions}
        return prices
