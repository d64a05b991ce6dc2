"""What a model used: tokens by kind, and seconds of audio, read from any usage block."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Kind = Literal["text", "audio", "image"]
# Text first: it is what a session begins with, and what is read from the cache before anything else.
KINDS: tuple[Kind, ...] = ("text", "audio", "image")

# More than any model reads in one go; beyond it, a number is a mistake.
_MOST = 100_000_000
_LONGEST_NAME = 60
_KNOWN = {
    "": {"type", "total_tokens", "input_tokens", "output_tokens", "seconds",
         "input_token_details", "output_token_details", "input_tokens_details", "output_tokens_details"},
    "input": {"text_tokens", "audio_tokens", "image_tokens", "cached_tokens", "cached_tokens_details",
              "cache_write_tokens"},
    "output": {"text_tokens", "audio_tokens", "reasoning_tokens"},
    "cached": {"text_tokens", "audio_tokens", "image_tokens"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by kind and direction. The cached ones are a part of the input, those of reasoning a part of the text."""

    text_in: int = 0
    text_cached: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    image_in: int = 0
    image_cached: int = 0
    text_out: int = 0
    audio_out: int = 0
    seconds: float = 0.0
    # Whether some of it was not told, but reckoned from what was heard.
    estimated: bool = False

    @property
    def tokens_in(self) -> int:
        return self.text_in + self.audio_in + self.image_in

    @property
    def tokens_out(self) -> int:
        return self.text_out + self.audio_out

    @property
    def tokens_cached(self) -> int:
        return self.text_cached + self.audio_cached + self.image_cached

    def __add__(self, other: Self) -> Self:
        added = {field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        return type(self)(**{**added, "estimated": self.estimated or other.estimated})

    def to_json(self) -> dict[str, Any]:
        """What there is of it, by name."""
        return {name: value for name, value in asdict(self).items() if value}


def usage_of(block: object, *, rest: Kind = "text") -> tuple[Usage, str]:
    """The usage that a provider tells of, and what was odd in its block, empty where nothing was; never raises.

    Realtime's, a transcription's and the Responses API's blocks are taken. What is odd counts nothing. Tokens that no
    detail explains are of the kind `rest`.
    """
    reading = _Reading()
    whole = reading.mapping({"usage": block}, "usage")
    details = reading.mapping(whole, "input_token_details", "input_tokens_details")
    cached_details = reading.mapping(details, "cached_tokens_details")
    out_details = reading.mapping(whole, "output_token_details", "output_tokens_details")
    for part, known in ((whole, ""), (details, "input"), (cached_details, "cached"), (out_details, "output")):
        reading.unknown(part, _KNOWN[known])
    if whole and whole.get("type") != "duration" and "input_tokens" not in whole:
        reading.note("no input_tokens")

    taken = _kinds(reading, details, reading.count(whole, "input_tokens"), rest)
    cached = _cached(reading, cached_details, reading.count(details, "cached_tokens"), taken)
    given = _kinds(reading, out_details, reading.count(whole, "output_tokens"), "text")
    usage = Usage(
        text_in=taken["text"],
        text_cached=cached["text"],
        audio_in=taken["audio"],
        audio_cached=cached["audio"],
        image_in=taken["image"],
        image_cached=cached["image"],
        text_out=given["text"],
        audio_out=given["audio"],
        seconds=reading.seconds(whole),
    )
    return usage, reading.odd


def _kinds(reading: "_Reading", details: Mapping[str, Any], total: int, rest: Kind) -> dict[Kind, int]:
    counts = {kind: reading.count(details, f"{kind}_tokens") for kind in KINDS}
    counts[rest] += max(0, total - sum(counts.values()))
    return counts


def _cached(reading: "_Reading", details: Mapping[str, Any], total: int, taken: Mapping[Kind, int]) -> dict[Kind, int]:
    """How much of each kind came from the cache: never more than there was of it."""
    counts = {kind: min(reading.count(details, f"{kind}_tokens"), taken[kind]) for kind in KINDS}
    left = total - sum(counts.values())
    for kind in KINDS:
        more = max(0, min(left, taken[kind] - counts[kind]))
        counts[kind] += more
        left -= more
    return counts


class _Reading:
    """Takes numbers out of a block that may hold anything; the first oddity is kept in words."""

    def __init__(self) -> None:
        self.odd = ""

    def note(self, odd: str) -> None:
        self.odd = self.odd or odd

    def mapping(self, holder: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
        name = next((name for name in names if holder.get(name) is not None), "")
        value = holder.get(name)
        if isinstance(value, Mapping):
            return value
        if name or names == ("usage",):
            self.note(f"{names[0]} is no object")
        return {}

    def unknown(self, holder: Mapping[str, Any], known: set[str]) -> None:
        name = next((name for name in holder if name not in known), None)
        if name is not None:
            self.note(f"unknown: {str(name)[:_LONGEST_NAME]}")

    def count(self, holder: Mapping[str, Any], name: str) -> int:
        value = holder.get(name)
        if value is None:
            return 0
        if type(value) is int and 0 <= value <= _MOST:
            return value
        self.note(f"{name} is no number of tokens")
        return 0

    def seconds(self, holder: Mapping[str, Any]) -> float:
        value = holder.get("seconds")
        if value is None:
            return 0.0
        if type(value) in (int, float) and 0 <= value <= _MOST:
            return float(value)
        self.note("seconds is no time")
        return 0.0
