"""What a WhatsApp message says, in words that the model can use: of each kind of Meta's JSON and of Twilio's form.

What is in square brackets is ours: the customer sent something that is no text. Sources: Meta's reference of the
`messages` webhook (business-scoped user ids included) and Twilio's of incoming WhatsApp messages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from prosaas_core.storable import storable_name, storable_text

# WhatsApp's own limit of a text; names and ids are far shorter.
MAX_TEXT = 4096
MAX_ID = 200
_MAX_NAME = 200
_MAX_ITEMS = 10

_MEDIA = ("image", "video", "audio", "voice", "document", "sticker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message, from whichever provider; `to` is how the provider names us, `sent_at` the time on its clock."""

    provider: Literal["twilio", "meta"]
    message_id: str
    to: str
    sender: str
    phone: str | None
    name: str
    text: str
    kind: str = "text"
    sent_at: datetime | None = None
    wants_answer: bool = True
    # The customer's new identity, where this message says that it has changed.
    moved_to: str | None = None


def from_meta(message: Mapping[str, Any], contacts: object = (), *, to: str = "") -> Incoming | None:
    """The message of Meta's JSON; None where it has no id, no sender or no form that could be understood.

    *contacts* is the webhook's list of them, in whatever state it is; *to* is our phone number id.
    """
    message_id, kind = _id(message.get("id")), _id(message.get("type"))
    # A person may hide their number: then there is the id alone by which this business knows them.
    sender = _id(message.get("from")) or _id(message.get("from_user_id"))
    if not message_id or not sender or not kind:
        return None
    words = _META[kind](message) if kind in _META else None
    if words is None and kind in _META:
        return None
    known = Incoming(
        provider="meta",
        message_id=message_id,
        to=to,
        sender=sender,
        phone=_phone(sender),
        name=_name_of(sender, contacts),
        text=_cut(words if words is not None else f"[{kind}]"),
        kind=kind,
        sent_at=_moment(message.get("timestamp")),
        # A kind that nobody has told us of is kept for the owner to see, not answered.
        wants_answer=kind in _META and kind not in _UNANSWERED,
    )
    if kind == "system":
        system = _part(message, "system")
        moved = _id(system.get("wa_id")) or _id(system.get("new_wa_id")) or _id(system.get("user_id"))
        if str(system.get("type", "")).startswith("user_changed") and moved and moved != sender:
            return replace(known, moved_to=moved)
    return known


def from_twilio(form: Mapping[str, str]) -> Incoming:
    """The message of Twilio's form, which has no time stamp; MessageSid and From are the caller's to demand."""
    sender = form.get("From", "").removeprefix("whatsapp:")
    kind = form.get("MessageType") or ("text" if form.get("Body") else _media_kind(form)) or "text"
    return Incoming(
        provider="twilio",
        message_id=form.get("MessageSid", "")[:MAX_ID],
        to=form.get("To", "").removeprefix("whatsapp:"),
        sender=(form.get("WaId") or sender)[:MAX_ID],
        phone=_phone(sender.removeprefix("+")),
        name=storable_name(form.get("ProfileName", ""), _MAX_NAME),
        text=_cut(_twilio_words(kind, form)),
        kind=kind[:MAX_ID],
        wants_answer=kind not in _UNANSWERED,
    )


def _twilio_words(kind: str, form: Mapping[str, str]) -> str:
    body = form.get("Body", "")
    if kind in _UNANSWERED:
        return _bracketed(kind, body)
    if "Latitude" in form:
        place = (form.get("Label", ""), form.get("Address", ""), f"{form['Latitude']}, {form.get('Longitude', '')}")
        return _spaced(_bracketed("location", *place), body)
    if chosen := form.get("ButtonText") or form.get("ListTitle"):
        return chosen
    if media := _media_kind(form):
        return _spaced(_bracketed(_SPOKEN.get(media, media)), body)
    return body or _bracketed(kind)


def _media_kind(form: Mapping[str, str]) -> str:
    media = form.get("MediaContentType0", "").partition("/")[0]
    return {"text": "contacts", "application": "document"}.get(media, media)


def _meta_text(message: Mapping[str, Any]) -> str | None:
    body = _part(message, "text").get("body")
    return body if isinstance(body, str) else None


def _meta_button(message: Mapping[str, Any]) -> str | None:
    return _text(_part(message, "button"), "text", "payload") or None


def _meta_choice(message: Mapping[str, Any]) -> str | None:
    choice = _part(message, "interactive")
    for reply in (_part(choice, "button_reply"), _part(choice, "list_reply")):
        if title := _text(reply, "title", "id"):
            description = _text(reply, "description")
            return f"{title} ({description})" if description else title
    form = _part(choice, "nfm_reply")
    return _spaced(_text(form, "body"), _text(form, "response_json")) or None


def _meta_media(message: Mapping[str, Any]) -> str | None:
    kind = str(message["type"])
    media = _part(message, kind)
    said = _SPOKEN.get(kind, kind)
    return _spaced(_bracketed(said, _text(media, "filename")), _text(media, "caption"))


def _meta_location(message: Mapping[str, Any]) -> str | None:
    place = _part(message, "location")
    return _bracketed("location", _text(place, "name"), _text(place, "address"), _position(place))


def _meta_contacts(message: Mapping[str, Any]) -> str | None:
    cards = (
        _bracketed(
            "contact",
            _text(_part(card, "name"), "formatted_name", "first_name"),
            *(_text(phone, "phone", "wa_id") for phone in _parts(card.get("phones"))),
        )
        for card in _parts(message.get("contacts"))
    )
    return _spaced(*cards) or None


def _meta_order(message: Mapping[str, Any]) -> str | None:
    order = _part(message, "order")
    items = (
        _spaced(
            f"{_text(item, 'quantity') or 1} x {_text(item, 'product_retailer_id')}",
            _text(item, "item_price"),
            _text(item, "currency"),
        )
        for item in _parts(order.get("product_items"))
    )
    return _spaced(_bracketed("order", *items), _text(order, "text"))


def _meta_reaction(message: Mapping[str, Any]) -> str | None:
    return _bracketed("reaction", _text(_part(message, "reaction"), "emoji"))


def _meta_system(message: Mapping[str, Any]) -> str | None:
    return _bracketed("system", _text(_part(message, "system"), "body"))


def _meta_note(message: Mapping[str, Any]) -> str | None:
    return _bracketed(str(message["type"]))


_META: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    "text": _meta_text,
    "button": _meta_button,
    "interactive": _meta_choice,
    **dict.fromkeys(_MEDIA, _meta_media),
    "location": _meta_location,
    "contacts": _meta_contacts,
    "order": _meta_order,
    "reaction": _meta_reaction,
    "system": _meta_system,
    **dict.fromkeys(("unsupported", "edit", "revoke", "ephemeral", "request_welcome"), _meta_note),
}
# Nobody waits for an answer to these.
_UNANSWERED = frozenset({"reaction", "system", "unsupported", "edit", "revoke", "ephemeral", "request_welcome"})
_SPOKEN = {"audio": "voice message", "voice": "voice message"}


def _id(value: object) -> str:
    """An id or a kind, which are short texts without any space; nothing else is one."""
    usable = isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable() and " " not in value
    return str(value) if usable else ""


def _phone(sender: str) -> str | None:
    return f"+{sender}" if sender.isascii() and sender.isdigit() and 6 <= len(sender) <= 15 else None


def _name_of(sender: str, contacts: object) -> str:
    for contact in _parts(contacts):
        if sender in (contact.get("wa_id"), contact.get("user_id")):
            return storable_name(_text(_part(contact, "profile"), "name"), _MAX_NAME)
    return ""


def _moment(stamp: object) -> datetime | None:
    """Whole seconds since 1970, as text; a moment that no calendar has is none."""
    if not isinstance(stamp, str | int) or len(str(stamp)) > 12 or not str(stamp).isdecimal():
        return None
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = of.get(name)
    return part if isinstance(part, Mapping) else {}


def _parts(value: object) -> Iterator[Mapping[str, Any]]:
    """The first few of a list that are objects."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from (item for item in value[:_MAX_ITEMS] if isinstance(item, Mapping))


def _text(of: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is a text or a number."""
    for name in names:
        value = of.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return f"{value:.12g}" if isinstance(value, float) else str(value)[:MAX_TEXT]
    return ""


def _position(place: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (_text(place, "latitude"), _text(place, "longitude"))))


def _bracketed(kind: str, *details: str) -> str:
    told = ", ".join(filter(None, details))
    return f"[{kind}: {told}]" if told else f"[{kind}]"


def _spaced(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _cut(text: str) -> str:
    return storable_text(text[:MAX_TEXT])
