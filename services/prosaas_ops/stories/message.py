"""The story of a WhatsApp conversation: what was written, what became of our answers, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from prosaas_ops.options import SERVICES, spoken_duration
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.follow import merged
from prosaas_ops.stack.lines import RANK, Line
from prosaas_ops.stack.messages import Talk, talk_of

_BEFORE, _AFTER = 10.0, 3600.0
_REFUSED = ("failed", "undelivered", "canceled")
# Codes of Meta's and Twilio's that say what to do; their documentation has the others.
_CODES = {
    "131047": "more than 24 hours since the customer last wrote",
    "63016": "more than 24 hours since the customer last wrote",
    "131026": "the customer's phone cannot receive it",
    "63024": "the customer's phone cannot receive it",
    "130472": "Meta holds marketing messages back from this number",
    "131056": "too many messages to this number in a short time",
}


class Complaint(NamedTuple):
    """One thing that is wrong, and the command that goes on."""

    words: str
    next: str


@dataclass(slots=True)
class MessageStory:
    """The conversation, and the log lines that name one of its messages, by time."""

    talk: Talk
    lines: list[Line] = field(default_factory=list)


def tell_message(engine: Engine, *, message: str = "", phone: str = "") -> MessageStory | None:
    """Gathers the story; None where the database knows no such message, or nobody who writes from that number."""
    talk = talk_of(message=message, phone=phone)
    if talk is None:
        return None
    if not talk.messages:
        return MessageStory(talk)
    first, last = talk.messages[0].sent_at.timestamp(), talk.messages[-1].sent_at.timestamp()
    return MessageStory(
        talk, list(_naming(merged(engine, list(SERVICES.values()), first - _BEFORE, last + _AFTER), talk))
    )


def _naming(lines: Iterable[Line], talk: Talk) -> Iterable[Line]:
    ids, reply = talk.ids, f"whatsapp.reply:{talk.conversation_id}"
    for line in lines:
        known = {str(value) for value in line.fields.values()}
        if known & ids or any(each in line.text for each in ids) or reply in line.text or reply in known:
            yield line


def complaints(story: MessageStory, now: datetime | None = None) -> list[Complaint]:
    """What is wrong with the conversation, worst first; nothing when all that was written has been answered."""
    talk, found = story.talk, []
    for message in talk.messages:
        if message.direction == "out" and message.status in _REFUSED:
            why = _CODES.get(
                message.error, f"the provider's code {message.error}" if message.error else "no reason given"
            )
            found.append(Complaint(f"an answer of ours did not arrive ({message.status}): {why}", "make jobs"))
    if any(draft.status == "unknown" for draft in talk.drafts):
        words = "nobody knows whether an answer of ours arrived: the provider never said, and it is not sent again"
        found.append(Complaint(words, "make logs S=worker LEVEL=WARNING SINCE=2h"))
    waiting = [message for message in talk.messages if message.waits]
    if waiting:
        since = spoken_duration(((now or datetime.now(UTC)) - waiting[0].sent_at).total_seconds())
        found.append(
            Complaint(f"{len(waiting)} messages wait for an answer, for {since}: {_held_up(talk)}", "make jobs ALL=1")
        )
    errors = [line for line in story.lines if RANK[line.level] >= RANK["ERROR"]]
    if errors:
        found.append(
            Complaint(f"errors on the way: {len(errors)}, the last one: {errors[-1].text[:120]}", "make errors")
        )
    return found


def _held_up(talk: Talk) -> str:
    if not talk.jobs:
        return "no job is queued for it"
    job = talk.jobs[0]
    due = f", next at {job.due:%H:%M:%S} UTC" if job.due is not None else ""
    return f"its job is {job.status} after {job.attempts} attempts{due}"


def fine(story: MessageStory) -> str:
    """The first sentence where nothing is wrong."""
    answers = [message for message in story.talk.messages if message.direction == "out"]
    asked = [message for message in story.talk.messages if message.direction == "in"]
    if not asked:
        return "nobody has written yet"
    if not answers:
        return "nothing that was written asked for an answer"
    if answers[-1].sent_at < asked[-1].sent_at:
        return "the last message asked for no answer"
    before = [message for message in asked if message.sent_at <= answers[-1].sent_at]
    took = spoken_duration((answers[-1].sent_at - before[-1].sent_at).total_seconds()) if before else "?"
    return f"answered after {took}, {answers[-1].status}"
