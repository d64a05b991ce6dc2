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
from prosaas_ops.texts import messages as texts

_BEFORE, _AFTER = 10.0, 3600.0
_REFUSED = ("failed", "undelivered", "canceled")
# Codes of Meta's and Twilio's that say what to do; their documentation has the others.
_CODES = {
    "131047": texts.TOO_LATE,
    "63016": texts.TOO_LATE,
    "131026": texts.CANNOT_RECEIVE,
    "63024": texts.CANNOT_RECEIVE,
    "130472": texts.HELD_BACK,
    "131056": texts.TOO_MANY,
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
    ids, reply = talk.ids, f"whatsapp.reply:{talk.conversation_id or talk.messages[0].id}"
    for line in lines:
        known = {str(value) for value in line.fields.values()}
        if known & ids or any(each in line.text for each in ids) or reply in line.text or reply in known:
            yield line


def complaints(story: MessageStory, now: datetime | None = None) -> list[Complaint]:
    """What is wrong with the conversation, worst first; nothing when all that was written has been answered."""
    talk, found = story.talk, []
    for message in talk.messages:
        if message.direction == "out" and message.status in _REFUSED:
            why = _CODES.get(message.error) or (texts.CODE if message.error else texts.NO_REASON)
            words = texts.NOT_DELIVERED(status=message.status, why=why(code=message.error))
            found.append(Complaint(words, "make jobs"))
    if any(draft.status == "unknown" for draft in talk.drafts):
        found.append(Complaint(str(texts.FATE_UNKNOWN), "make logs S=worker LEVEL=WARNING SINCE=2h"))
    waiting = [message for message in talk.messages if message.waits]
    if waiting:
        since = spoken_duration(((now or datetime.now(UTC)) - waiting[0].sent_at).total_seconds())
        words = texts.WAITING(count=len(waiting), since=since, why=_held_up(talk))
        found.append(Complaint(words, "make jobs ALL=1"))
    errors = [line for line in story.lines if RANK[line.level] >= RANK["ERROR"]]
    if errors:
        found.append(Complaint(texts.ERRORS(count=len(errors), last=errors[-1].text[:120]), "make errors"))
    return found


def _held_up(talk: Talk) -> str:
    if not talk.jobs:
        return str(texts.NO_JOB)
    job = talk.jobs[0]
    due = texts.NEXT_TRY(at=f"{job.due:%H:%M:%S}") if job.due is not None else ""
    return texts.JOB(status=job.status, attempts=job.attempts, due=due)


def fine(story: MessageStory) -> str:
    """The first sentence where nothing is wrong."""
    answers = [message for message in story.talk.messages if message.direction == "out"]
    asked = [message for message in story.talk.messages if message.direction == "in"]
    if not asked:
        return texts.SENT(status=answers[-1].status) if answers else str(texts.NOTHING_WRITTEN)
    if not answers:
        return str(texts.NO_ANSWER_ASKED)
    if answers[-1].sent_at < asked[-1].sent_at:
        return str(texts.LAST_ASKED_NOTHING)
    before = [message for message in asked if message.sent_at <= answers[-1].sent_at]
    took = spoken_duration((answers[-1].sent_at - before[-1].sent_at).total_seconds()) if before else "?"
    return texts.ANSWERED(took=took, status=answers[-1].status)
