"""The patterns of Twilio's fields. Its signature joins names and values without a separator: only strict patterns keep
a forger from moving text from one field into the next.
"""

import re
from collections.abc import Mapping

from prosaas_api import bodies
from prosaas_api.problems import Problem
from prosaas_core.messages.fates import CALL_STATUSES

_NUMBER = r"\+?[0-9]{2,20}|(?:sips?|client|whatsapp):[^\s\x00-\x1f]{1,200}"
FORMS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(form)
    for name, form in {
        "CallSid": r"CA[0-9a-f]{32}",
        "MessageSid": r"(?:SM|MM)[0-9a-f]{32}",
        "To": _NUMBER,
        # Words stand for a number that is withheld; a switchboard shows what is dialled for it, like *2700.
        "From": rf"{_NUMBER}|\+?[0-9*#]{{1,20}}|[A-Za-z ._-]{{0,20}}",
        "CallStatus": "|".join(CALL_STATUSES),
        "CallDuration": r"[0-9]{1,7}",
        "StreamEvent": r"stream-[a-z]{1,20}",
        "Direction": r"inbound|outbound-(?:api|dial)|trunking-(?:originating|terminating)",
        "MessageStatus": r"[a-z_-]{1,32}",
        "ErrorCode": r"[0-9]{1,9}",
    }.items()
}


def checked(form: bodies.Form, *needed: str) -> bodies.Form:
    """The form, when what is needed is there and each known field looks as Twilio writes it; else a 422."""
    assert FORMS.keys() >= {*needed}
    seen = set()
    for name, value in form.multi_items():
        if pattern := FORMS.get(name):
            if name in seen or not pattern.fullmatch(value):
                raise _not_of_its_form(name)
            seen.add(name)
    for name in needed:
        if name not in seen:
            raise _not_of_its_form(name)
    return form


def _not_of_its_form(name: str) -> Problem:
    return bodies.rejected("twilio", 422, f"{name} is missing or not of its form")
