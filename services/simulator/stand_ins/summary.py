"""The summary that the text model's stand-in writes: from the lines of the call that it was sent, not one for all."""

import re
from typing import Any, Final

# What an agent says, and what that came to.
_DONE: Final = {
    "קבעתי": "נקבע תור",
    "ביטלתי": "בוטל תור",
    "העברתי": "תור הועבר",
    "רשמתי": "נרשמה הודעה או בקשה",
    "מעבירה אתכם": "השיחה הועברה",
}
_SENTENCE: Final = re.compile(r"[^.!?]+[.!?]?")
_LONGEST: Final = 160


def summary_of(asked: Any) -> str:
    """What the customer asked for first, and each sentence in which the agent said that something was done.

    `asked` is a request's `input`: text, or messages with text, of lines "Customer: …" and "Agent: …".
    """
    lines = [line.partition(": ") for line in _text(asked).splitlines()]
    wanted = next((words.strip() for who, _, words in lines if who == "Customer" and words.strip()), "")
    said = [sentence.strip() for who, _, words in lines if who == "Agent" for sentence in _SENTENCE.findall(words)]
    done = [f'{came_to}: "{_cut(each)}"' for each in said for claim, came_to in _DONE.items() if claim in each]
    return " ".join(
        (
            f'סיכום: הלקוח אמר "{_cut(wanted)}".' if wanted else "סיכום: הלקוח לא אמר דבר.",
            f"{'; '.join(done)}." if done else "לא סוכם דבר.",
        )
    )


def _text(asked: Any) -> str:
    messages = asked if isinstance(asked, list) else [{"content": asked}]
    return "\n".join(str(message.get("content", "")) for message in messages if isinstance(message, dict))


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
