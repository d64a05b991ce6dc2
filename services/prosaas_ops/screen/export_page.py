"""The page that a person gets of everything that is kept of them, in Hebrew or in English."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from prosaas_ops.options import spoken_duration
from prosaas_ops.screen.page import page
from prosaas_ops.screen.piece import isolated, quoted

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

_TEXTS = {
    "title": ("המידע שנשמר עליכם", "What is kept about you"),
    "made": ("הופק ב-{at} (UTC)", "Made on {at} (UTC)"),
    "customers": ("הפרטים שלכם", "Your details"),
    "calls": ("שיחות טלפון", "Phone calls"),
    "appointments": ("פגישות", "Appointments"),
    "call_messages": ("הודעות שהשארתם בשיחה", "Messages that you left in a call"),
    "messages": ("הודעות WhatsApp", "WhatsApp messages"),
    "outbound_messages": ("הודעות שנשלחו אליכם או עליכם", "Messages sent to you or about you"),
    "rest": ("רישום טכני", "Technical entries"),
    "you": ("אתם", "you"),
    "agent": ("הנציגה", "the agent"),
    "unwritten": ("(דיבור שלא תומלל)", "(spoken, and not written down)"),
    "summary": ("סיכום", "Summary"),
    "name": ("שם", "name"),
    "phone": ("טלפון", "phone"),
    "whole": ("הכול, כולל הרישום הטכני, נמצא גם בקובץ person.json.", "All of it is in person.json too."),
}


def render(tables: Tables, number: str, at: datetime, language: str) -> str:
    """A page of the person's rows, as `said` gives them."""
    words = {name: pair[language == "en"] for name, pair in _TEXTS.items()}
    parts = [
        f"<h1>{quoted(words['title'])}</h1>",
        f'<p class="dim">{isolated(f"+{number}" if number else "")} '
        f"{quoted(words['made'].format(at=f'{at:%Y-%m-%d %H:%M}'))}</p>",
    ]
    for table, show in _SHOWN.items():
        rows = tables.get(table, ())
        if rows:
            parts += [f"<h2>{quoted(words[table])}</h2>", *(show(row, words) for row in rows)]
    rest = sum(len(rows) for table, rows in tables.items() if table not in _SHOWN)
    parts += [f"<h2>{quoted(words['rest'])} ({rest})</h2>", f"<p>{quoted(words['whole'])}</p>"]
    return page(words["title"], "\n".join(parts), language=language)


def _customer(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    known = ((words["name"], row["name"]), (words["phone"], row["phone"]), (row["channel"], row["external_id"]))
    return "".join(f"<p>{quoted(name)}: {isolated(value)}</p>" for name, value in known if value)


def _call(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    lasted = f" · {spoken_duration(row['duration_s'])}" if row["duration_s"] is not None else ""
    summary = f'<p dir="auto">{quoted(words["summary"])}: {isolated(row["summary"])}</p>' if row["summary"] else ""
    return f"<h3>{_moment(row['started_at'])}{lasted}</h3>{summary}" + "".join(
        _turn(words["you"] if turn.get("who") == "customer" else words["agent"], turn.get("text") or words["unwritten"])
        for turn in row["transcript"]
    )


def _message(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    return _turn(words["you"] if row["direction"] == "in" else words["agent"], row["body"], row["sent_at"])


def _appointment(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    return f"<p>{_moment(row['starts_at'])} · {quoted(row['status'])} {isolated(row['note'])}</p>"


def _body(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    return f'<p dir="auto">{_moment(row["created_at"])} · {isolated(row["body"])}</p>'


def _turn(who: str, text: object, at: str = "") -> str:
    when = f" {_moment(at)}" if at else ""
    return f'<p dir="auto"><small class="dim">{quoted(who)}{when}</small> {isolated(text)}</p>'


def _moment(text: str) -> str:
    return f'<bdi dir="ltr">{quoted(text[:16].replace("T", " "))}</bdi>'


_SHOWN = {
    "customers": _customer,
    "calls": _call,
    "appointments": _appointment,
    "call_messages": _body,
    "messages": _message,
    "outbound_messages": _body,
}
