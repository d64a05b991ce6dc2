"""`make trace MESSAGE=`: a WhatsApp conversation from its webhook to what became of the answer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.lines import RANK, clock
from prosaas_ops.stack.messages import Message
from prosaas_ops.stories.message import MessageStory, complaints, fine
from prosaas_ops.texts import messages as texts
from prosaas_ops.texts import told

_LONGEST = 200
# What the outbox still has to say of an answer.
_UNSETTLED = ("ready", "sending", "unknown")


def describe(story: MessageStory, screen: Screen, least: str = "INFO") -> list[str]:
    """The conversation as rows: its verdict first, then what was written and logged, in the order of the clock."""
    talk, wrong = story.talk, complaints(story)
    local = datetime.now(ZoneInfo(talk.timezone))
    rows = [
        texts.HEADING(
            name=screen.bold(texts.NAME(id=talk.conversation_id) if talk.conversation_id else talk.messages[0].id),
            channel=talk.channel,
            status=talk.status,
            business=screen.value(talk.business or "-"),
            customer=screen.value(talk.customer or "-"),
            number=screen.value(talk.number),
        ),
        screen.bad(f"✗ {screen.value(wrong[0].words)}") if wrong else screen.good(f"✓ {screen.value(fine(story))}"),
        *(screen.warn(f"  {screen.value(each.words)}") for each in wrong[1:]),
        screen.dim(f"  {texts.CLOCK(now=f'{local:%H:%M}', zone=talk.timezone)}"),
        "",
    ]
    moments = [(message.sent_at.timestamp(), _message(message, screen)) for message in talk.messages]
    for line in story.lines:
        if RANK[line.level] >= RANK[least]:
            tag = f"{line.emoji} [{line.event}] ".lstrip() if line.event else ""
            text = screen.paint_level(screen.value(tag + line.text), line.level)
            moments.append((line.at, f"{screen.dim(_when(line.at))}  {screen.name(line.service)} {text}"))
    rows += [row for _, row in sorted(moments, key=lambda moment: moment[0])]
    rows += [
        f"  {texts.OUTBOX(key=draft.key, status=draft.status)}" for draft in talk.drafts if draft.status in _UNSETTLED
    ]
    commands = [each.next for each in wrong[:1]] or ["make logs GREP=WHATSAPP SINCE=1h"]
    return [*rows, "", screen.dim(told.NEXT(commands=" · ".join(commands)))]


def _message(message: Message, screen: Screen) -> str:
    who = str(texts.CUSTOMER if message.direction == "in" else texts.US)
    text = message.body[:_LONGEST] or str(texts.NO_WORDS)
    state = message.status + (f" {message.error}" if message.error else "")
    waits = str(texts.WAITS) if message.waits else ""
    when = screen.dim(_when(message.sent_at.timestamp()))
    return f"{when}  {who:<8} {screen.value(text)}  {screen.dim(f'({screen.value(state)}{waits})')}"


def _when(at: float) -> str:
    """With the day: a conversation goes on for weeks."""
    return f"{datetime.fromtimestamp(at, UTC):%m-%d} {clock(at)}"
