"""What the REST takes and returns."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prosaas_api.rest.fields import (
    MAX_ID,
    Language,
    LongText,
    MetaId,
    Minute,
    Name,
    OpeningHours,
    Phone,
    Sentence,
    ShortText,
    TimeZone,
)
from prosaas_core.phones import caller_id, has_trunk

# More than any of them has.
MAX_FIELDS = 32


class Input(BaseModel):
    """A misspelt field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few(cls, given: Any) -> Any:
        """One error for a body of thousands of wrong names, before each of them becomes one."""
        if isinstance(given, dict) and len(given) > MAX_FIELDS:
            raise ValueError(f"more than {MAX_FIELDS} fields")
        return given


class Routing(Input):
    """How calls and messages find the business, and where it may dial: the platform's to say, not the tenant's."""

    phone: Phone = Field(default="")
    whatsapp_phone_number_id: MetaId | None = None
    transfer_number: Phone | None = None


class Hearing(Input):
    """How its callers are listened to, where the settings do not fit its phones; null stands for the settings."""

    noise_reduction: Literal["near_field", "far_field", "off"] | None = None
    turn_detection: Literal["server_vad", "semantic_vad"] | None = None
    threshold: float | None = Field(default=None, ge=0.1, le=0.9)
    silence_ms: int | None = Field(default=None, ge=200, le=3000)


class BusinessChange(Routing):
    """Only what is given changes, in `hearing` too; `opening_hours` are given whole."""

    name: Name = Field(default="")
    greeting: Sentence = ""
    instructions: LongText = ""
    language: Language = "he"
    voice: ShortText = ""
    timezone: TimeZone = "Asia/Jerusalem"
    slot_minutes: int = Field(default=30, ge=5, le=480)
    opening_hours: OpeningHours = {}
    disclosure: Sentence = ""
    hearing: Hearing = Field(default_factory=Hearing)


class NewBusiness(BusinessChange):
    """A business; an empty greeting, voice or instructions stands for the product's own."""

    name: Name
    phone: Phone


class BusinessOut(BaseModel):
    """A business as it is kept."""

    id: int
    name: str
    phone: str
    whatsapp_phone_number_id: str | None
    greeting: str
    instructions: str
    language: str
    voice: str
    timezone: str
    slot_minutes: int
    opening_hours: dict[str, list[list[str]]]
    transfer_number: str | None
    disclosure: str
    hearing: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class NewKey(Input):
    """A name by which people will know what the key is for."""

    name: Name


class KeyOut(BaseModel):
    """A key, without the key."""

    id: int
    name: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


class CreatedKey(KeyOut):
    """The only answer that holds the key itself."""

    key: str


class NewCustomer(Input):
    """Somebody known by an id on a channel: the phone number, or WhatsApp's id."""

    channel: Literal["phone", "whatsapp"]
    external_id: Name
    name: ShortText = ""
    phone: Phone | None = None

    @model_validator(mode="after")
    def _known_when_they_come(self) -> Self:
        """As they are shown to us then. Who calls is reminded at their number, where no other one is given."""
        if self.channel == "phone":
            if caller_id(self.external_id) is None or has_trunk(self.external_id):
                raise ValueError("who phones is known by a number like +97235550142, with its country")
            self.phone = self.phone or self.external_id
        elif self.external_id.startswith(("+", "0")):
            raise ValueError("WhatsApp knows people by an id like 972501234567, without a + before it")
        return self


class CustomerChange(Input):
    """Only what is given changes."""

    name: ShortText = ""
    phone: Phone | None = None


class CustomerOut(BaseModel):
    """A customer as kept."""

    id: int
    channel: str
    external_id: str
    name: str
    phone: str | None
    created_at: datetime


class NewAppointment(Input):
    """A time for a customer; how long it takes is the business's slot length."""

    customer_id: int = Field(ge=1, le=MAX_ID)
    starts_at: Minute
    note: Sentence = ""
    for_whom: ShortText = ""


class AppointmentChange(Input):
    """A new time."""

    starts_at: Minute


class AppointmentOut(BaseModel):
    """An appointment as kept."""

    id: int
    customer_id: int
    starts_at: datetime
    ends_at: datetime
    status: Literal["booked", "cancelled"]
    note: str
    for_whom: str
    call_sid: str | None
    created_at: datetime


class Slots(BaseModel):
    """The starts of the free slots of a day."""

    slots: list[datetime]


class CallOut(BaseModel):
    """A call without its words."""

    call_sid: str
    customer_id: int | None
    direction: str
    from_number: str
    to_number: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    duration_s: float | None
    end_reason: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    currency: str | None
    summary: str | None
    summarised_at: datetime | None


class CallDetail(CallOut):
    """A call with its transcript, its metrics and the lines that it wrote.

    A turn of the caller's that nobody wrote down has no text, and `"transcribed": false`.
    """

    metrics: dict[str, Any]
    transcript: list[dict[str, Any]]
    events: list[dict[str, Any]]


class CallMessageOut(BaseModel):
    """What a caller asked to have passed on."""

    id: int
    call_sid: str
    name: str
    number: str
    body: str
    urgent: bool
    created_at: datetime
    told_at: datetime | None


class ConversationOut(BaseModel):
    """A WhatsApp session."""

    id: int
    customer_id: int
    channel: Literal["twilio", "meta"]
    status: Literal["open", "closed"]
    opened_at: datetime
    last_activity_at: datetime


class MessageOut(BaseModel):
    """One WhatsApp message, in or out."""

    id: str
    direction: Literal["in", "out"]
    body: str
    status: str
    error: str | None
    created_at: datetime
