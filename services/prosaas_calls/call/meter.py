"""What one call has used of its models so far, and what that costs."""

from collections.abc import Callable

from prosaas_calls.model.events import ServerEvent
from prosaas_core.facts.prices import Charge, Prices, call_charge, model_charge, total
from prosaas_core.facts.usage import Kind, Usage, usage_of
from prosaas_logging import get_logger

log = get_logger(__name__)

# The model's own speech: a token is 50 ms, and mu-law is 8 bytes a millisecond, four characters of base64 for three.
_TOKEN_BASE64 = 50 * 8 * 4 / 3


class Meter:
    """Counts over all sessions of a call: each of them is billed by itself."""

    __slots__ = ("_elapsed_ms", "_heard", "_last", "_models", "_prices", "_responding", "_used")

    def __init__(self, prices: Prices, elapsed_ms: Callable[[], int], *, model: str, transcription_model: str) -> None:
        self._prices = prices
        self._elapsed_ms = elapsed_ms
        self._models = {"model": model, "transcription": transcription_model}
        self._used: dict[str, Usage] = {}
        self._responding = False
        self._heard = 0
        self._last = Usage()

    def response_began(self) -> None:
        """A response is under way, which is billed however it ends, and also where we are never told its end."""
        self._used, self._responding, self._heard = self._used_so_far(), True, 0

    def heard(self, base64_length: int) -> None:
        """So much audio of the response has come."""
        self._heard += base64_length

    def response_done(self, event: ServerEvent) -> None:
        """The response ended, and the server says what it used."""
        used = self._read(event.response and event.response.usage, "text")
        # It has to be paid for also where its bill says nothing: then what we heard stands for it.
        reckoned = self._used_so_far() if self._heard and used == Usage() else None
        self._responding, self._heard = False, 0
        if reckoned is not None:
            self._used = reckoned
        else:
            self._last = used
            self._add("model", used)

    def _used_so_far(self) -> dict[str, Usage]:
        """With the response under way: it reads what the last one read, and has said what we heard of it."""
        used, last = dict(self._used), self._last
        if self._responding:
            heard = round(self._heard / _TOKEN_BASE64)
            under_way = Usage(text_in=last.text_in, text_cached=last.text_cached, audio_in=last.audio_in,
                              audio_cached=last.audio_cached, audio_out=heard, estimated=True)  # fmt: skip
            used["model"] = used.get("model", Usage()) + under_way
        return used

    def transcribed(self, event: ServerEvent) -> None:
        """The caller's words were written down, by a model of their own."""
        self._add("transcription", self._read(event.usage, "audio"))

    @property
    def tokens_in(self) -> int:
        return sum(usage.tokens_in for usage in self._used_so_far().values())

    @property
    def tokens_out(self) -> int:
        return sum(usage.tokens_out for usage in self._used_so_far().values())

    @property
    def cost(self) -> float | None:
        """What the call costs up to now; None where a price is not known."""
        return total(self.charges())

    @property
    def spent(self) -> float:
        """What is known to have been spent up to now."""
        return sum(charge.cost or 0.0 for charge in self.charges())

    def charges(self) -> list[Charge]:
        """What has to be paid for up to now: the models, and Twilio's minutes."""
        models = [
            model_charge(kind, self._models[kind], used, self._prices) for kind, used in self._used_so_far().items()
        ]
        return [*models, call_charge(self._elapsed_ms() / 1000, self._prices)]

    def _read(self, block: object, rest: Kind) -> Usage:
        usage, odd = usage_of(block, rest=rest)
        if odd:
            log.debug("usage not understood", odd=odd)
        return usage

    def _add(self, kind: str, used: Usage) -> None:
        # Put in place whole: a journal reads on a thread of its own.
        self._used = {**self._used, kind: self._used.get(kind, Usage()) + used}
