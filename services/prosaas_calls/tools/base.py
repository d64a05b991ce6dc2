"""What a tool is, what it gets and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from prosaas_calls.ending import EndReason
from prosaas_calls.profile import Profile
from prosaas_calls.store import Store
from prosaas_core.privacy.masks import masked
from prosaas_core.tables import Business
from prosaas_core.words import moment_in_words

ArgumentsT = TypeVar("ArgumentsT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model is told, what the log says, and whether the call is over after the model's next words.

    `refused` is an answer all the same: nothing failed, and what was asked for was not done.
    """

    text: str
    summary: str
    then: EndReason | None = None
    refused: bool = False
    # The row that it wrote, if it did: what the record of the call holds against what was promised.
    wrote: int | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call that a tool works for."""

    call_sid: str
    profile: Profile
    store: Store
    caller: str = ""
    # Takes over what the caller said about themselves, for the rest of the call.
    introduce: Callable[[Profile], None] = lambda _: None
    # What a caller said as it may be kept.
    for_record: Callable[[str], str] = masked
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def speak(self, *, he: str, en: str) -> str:
        """Words in the language of the business."""
        return he if self.profile.language == "he" else en

    def at(self, day: date, hour: time) -> datetime:
        """A day and an hour as the caller means them: in the time zone of the business."""
        return datetime.combine(day, hour, self.profile.timezone)

    def spoken(self, moment: datetime) -> str:
        """A moment with its weekday, as the caller is to hear it."""
        return moment_in_words(moment.astimezone(self.profile.timezone), self.profile.language)

    def local(self, moment: datetime) -> str:
        """A moment in few characters, for the log."""
        return f"{moment.astimezone(self.profile.timezone):%d.%m %H:%M}"

    def no_calendar(self) -> Answer:
        """The answer while nobody knows who the business is, or for a caller who hides their number."""
        if self.profile.business is not None:
            text = self.speak(
                he="מספר הטלפון של הלקוח חסוי. יש לבקש מספר לחזרה, להקריא אותו ולרשום אותו בעזרת remember_caller.",
                en="The caller's number is hidden. Ask for one, read it back, and note it with remember_caller.",
            )
            return Answer(text, self.speak(he="מספר חסוי", en="hidden number"), refused=True)
        text = self.speak(
            he="היומן לא זמין כרגע. אין להבטיח דבר, גם לא שנחזור ללקוח: יש לבקש להתקשר שוב מאוחר יותר.",
            en="The calendar is not available now. Promise nothing, no call back either: ask them to call again later.",
        )
        return Answer(text, self.speak(he="היומן לא זמין", en="calendar not available"), refused=True)


@dataclass(frozen=True, slots=True)
class Tool(Generic[ArgumentsT]):
    """One thing that the model can do. `describe` says it in a few words for the log."""

    name: str
    description: str
    arguments: type[ArgumentsT]
    describe: Callable[[ArgumentsT], str]
    run: Callable[[ToolContext, ArgumentsT], Awaitable[Answer]]

    def declaration(self) -> dict[str, Any]:
        """As `session.tools` wants it."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        return {"type": "function", "name": self.name, "description": self.description, "parameters": schema}


class NoArguments(BaseModel):
    """For a tool that needs to be told nothing."""


def known(context: ToolContext) -> tuple[Business, int] | None:
    """The business and the customer's id, when the database told us both."""
    profile = context.profile
    if profile.business is None or profile.customer_id is None:
        return None
    return profile.business, profile.customer_id
