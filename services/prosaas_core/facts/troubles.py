"""What can be wrong with a call: one row for each trouble, worst first, with its sentence and the next command."""

from collections.abc import Callable
from typing import NamedTuple

from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.endings import FINE, EndReason, Fault, ending_of
from prosaas_core.facts.measures import SILENCE_MS, SLOW_MS
from prosaas_core.facts.simulated import said_first


class Trouble(NamedTuple):
    """One thing that can be wrong; `he` and `en` are formatted with the call's facts and its ending."""

    name: str
    he: str
    en: str
    next: str
    seen_in: Callable[[CallFacts], bool]


def _ended_badly(call: CallFacts) -> bool:
    return bool(call.end_reason) and call.end_reason not in FINE


_UNHEARD_ENDINGS = (EndReason.OVER_CAPACITY, EndReason.CRASHED)


def _put_through(call: CallFacts) -> bool:
    """Whether the caller was sent on to a person because nobody could take the call."""
    return call.end_reason == EndReason.TRANSFERRED and not call.reached


def _unheard(call: CallFacts) -> bool:
    """Whether it never reached the agent, and nothing that is known of it says why."""
    explained = call.unknown_number or call.refused_at_door or call.lost or call.forgotten or _put_through(call)
    return not (call.reached or call.live or explained)


TROUBLES = (
    Trouble(
        "unknown_number",
        "המספר {unknown_number} לא שייך לאף עסק",
        "no business has the number {unknown_number}",
        "make go-live PHONE={unknown_number}",
        lambda call: bool(call.unknown_number) and not call.reached,
    ),
    Trouble(
        "refused_at_door",
        "השיחה נדחתה לפני שהתחילה: {refused_at_door}",
        "the call was turned away before it began: {refused_at_door}",
        "make logs S=api LEVEL=WARNING SINCE=2h",
        lambda call: bool(call.refused_at_door) and not (call.reached or _put_through(call)),
    ),
    Trouble(
        "put_through",
        "השיחה לא הגיעה אל הנציגה: אף prosaas-calls לא קיבל שיחות חדשות, והיא הועברה לאדם",
        "it never reached the agent: no prosaas-calls took new calls, and it was put through to a person",
        "make logs S=api LEVEL=WARNING SINCE=2h",
        _put_through,
    ),
    Trouble(
        "not_running",
        "prosaas-calls לא רץ: הוא נעצר {down_for} לפני השיחה",
        "prosaas-calls did not run: it had stopped {down_for} before the call",
        "make ps",
        lambda call: bool(call.down_for) and not call.reached,
    ),
    Trouble(
        "no_stream_listed",
        "זרם השמע לא הגיע; make trace אומר למה",
        "no audio stream ever came; make trace says why",
        "make trace CALL={call_sid}",
        lambda call: _unheard(call) and not call.looked_into,
    ),
    Trouble(
        "given_up",
        "זרם השמע לא הגיע, ובאותו זמן שער הכניסה ויתר על webhooks של שיחות בלי תשובה של prosaas-api, פעמים: {given_up}",
        "no audio stream ever came, and at that time the front door gave up webhooks of calls without an answer of"
        " prosaas-api, times: {given_up}",
        "make logs S=gateway,api SINCE=2h",
        lambda call: _unheard(call) and call.looked_into and call.given_up > 0 and not call.down_for,
    ),
    Trouble(
        "no_stream",
        "זרם השמע לא הגיע: Twilio לא קיבל מאיתנו תשובה או לא הצליח להגיע אל CALLS_PUBLIC_URL, או שהמתקשר ניתק קודם",
        "no audio stream ever came: Twilio did not get our answer or reach CALLS_PUBLIC_URL, or the caller left before",
        "make logs S=calls GREP='TOKEN_REJECTED|MEDIA_MALFORMED|DRAIN' SINCE=2h",
        lambda call: _unheard(call) and call.looked_into and not (call.down_for or call.given_up),
    ),
    Trouble(
        "killed",
        "prosaas-calls נפל {killed_after} אחרי תחילת השיחה ({killed_how})",
        "prosaas-calls died {killed_after} into the call ({killed_how})",
        "make logs CALL={call_sid} SINCE=1d",
        lambda call: call.lost and bool(call.killed_after),
    ),
    Trouble(
        "unread",
        "אי אפשר לקרוא את הרשומה של השיחה, כי מסד הנתונים לא עונה: איך היא הסתיימה ידוע רק מהלוג",
        "its record could not be read, for the database does not answer: how it ended is known from the log alone",
        "make status",
        lambda call: call.lost and call.unread,
    ),
    Trouble(
        "no_ending",
        "לא ידוע איך השיחה הסתיימה: היא לא ב-prosaas-calls, והרשומה שלה לא נסגרה",
        "nobody knows how the call ended: prosaas-calls does not have it, and its record was never closed",
        "make logs CALL={call_sid} SINCE=1d",
        lambda call: call.lost and not (call.killed_after or call.unread),
    ),
    Trouble("bad_ending", "{ending_he}", "{ending_en}", "make blackbox CALL={call_sid}", _ended_badly),
    Trouble(
        "false_claim",
        "הנציגה אמרה שזה נעשה, ואף כלי לא עשה זאת: \u201c{false_claim}\u201d",
        "the agent said it was done, and no tool had done it: \u201c{false_claim}\u201d",
        "make trace CALL={call_sid}",
        lambda call: bool(call.false_claim),
    ),
    Trouble(
        "errors",
        "שגיאות במהלך השיחה: {errors}",
        "errors during the call: {errors}",
        "make blackbox CALL={call_sid}",
        lambda call: call.errors > 0,
    ),
    Trouble(
        "unanswered",
        "המילים האחרונות של המתקשר נשארו בלי תשובה, במילישניות: {unanswered_ms:.0f}",
        "the caller's last words got no answer for {unanswered_ms:.0f} ms, to the end of the call",
        "make blackbox CALL={call_sid}",
        lambda call: call.unanswered_ms >= SILENCE_MS and not call.live,
    ),
    Trouble(
        "transfer_failed",
        "המתקשר ביקש נציג אנושי, ואיש לא ענה: {returned}",
        "the caller asked for a person, and none took the call: {returned}",
        "make trace CALL={call_sid}",
        lambda call: bool(call.returned),
    ),
    Trouble(
        "noisy",
        "היה רעש בקו והמתקשר לא הובן, פעמים: {noisy}",
        "a long noise on the line kept the caller from being understood, times: {noisy}",
        "make trace CALL={call_sid}",
        lambda call: call.noisy > 0,
    ),
    Trouble(
        "unwritten",
        "דברי המתקשר לא תומללו, פעמים: {unwritten}",
        "what the caller said was not written down, times: {unwritten}",
        "make trace CALL={call_sid}",
        lambda call: call.unwritten > 0 and not call.live,
    ),
    Trouble(
        "reconnects",
        "החיבור למודל נותק וחודש, פעמים: {reconnects}",
        "the model's connection was lost and made again, times: {reconnects}",
        "make blackbox CALL={call_sid}",
        lambda call: call.reconnects > 0,
    ),
    Trouble(
        "slow_greeting",
        "הברכה נשמעה באיחור, במילישניות: {first_audio_ms:.0f}",
        "the greeting came after {first_audio_ms:.0f} ms",
        "make trace CALL={call_sid}",
        lambda call: (call.first_audio_ms or 0) >= SLOW_MS,
    ),
    Trouble(
        "slow_answer",
        "התגובה האיטית ביותר, במילישניות: {slowest_ms:.0f}{slow_he}",
        "the slowest answer came after {slowest_ms:.0f} ms{slow_en}",
        "make trace CALL={call_sid}",
        lambda call: (call.slowest_ms or 0) >= SLOW_MS,
    ),
    Trouble(
        "database_away",
        "מסד הנתונים לא היה זמין, ולכן כלים סירבו: {unmended}",
        "the database was away, so that tools refused: {unmended}",
        "make ps",
        lambda call: call.unmended > 0 and call.database_away > 0 and not call.false_claim,
    ),
    Trouble(
        "tool_refused",
        "סירובים של כלים שלא נמצא להם פתרון בשיחה: {unmended}",
        "tools refused, and nothing came in place of it: {unmended}",
        "make trace CALL={call_sid}",
        lambda call: call.unmended > 0 and not (call.false_claim or call.database_away),
    ),
    Trouble(
        "no_words",
        "המתקשר לא אמר דבר",
        "the caller said nothing",
        "make trace CALL={call_sid}",
        # Of a call that went down with its service nobody knows what was said after the last sign of life.
        lambda call: (
            call.turns == 0
            and call.reached
            and not (call.live or call.unwritten)
            and call.end_reason not in _UNHEARD_ENDINGS
        ),
    ),
)


def verdict(call: CallFacts) -> list[Trouble]:
    """The call's troubles, worst first; none of a call that went well."""
    return [trouble for trouble in TROUBLES if trouble.seen_in(call)]


_SLOW_OF = {
    "model": (", בלי כלי שרץ בה: זמן של המודל", ": no tool ran in it, it was the model's time"),
    "tool": (", וכלי רץ בה", ": a tool ran in it"),
}


def next_command(trouble: Trouble, call: CallFacts) -> str:
    """What to type next about the trouble, for this call."""
    return trouble.next.format(call_sid=call.call_sid, unknown_number=call.unknown_number)


def sentence(trouble: Trouble, call: CallFacts, language: str = "en") -> str:
    """The trouble in words, for this call."""
    ending = ending_of(call.end_reason)
    values = {name: getattr(call, name) for name in CallFacts.__slots__}
    values["slow_he"], values["slow_en"] = _SLOW_OF.get(call.slow_of, ("", ""))
    values["ending_he"] = ending.he if ending else call.end_reason
    values["ending_en"] = ending.en if ending else call.end_reason
    return (trouble.he if language == "he" else trouble.en).format(**values)


def opening(call: CallFacts, language: str = "en") -> str:
    """The first sentence of a call's story."""
    return said_first(call.call_sid, language) + _opening(call, language)


def _opening(call: CallFacts, language: str) -> str:
    he = language == "he"
    if call.live:
        return "השיחה מתנהלת עכשיו" if he else "the call is live"
    troubles, ending = verdict(call), ending_of(call.end_reason)
    if call.forgotten:
        known = (ending.he if he else ending.en) if ending is not None else ""
        known = sentence(troubles[0], call, language) if troubles else known
        return "; ".join(filter(None, (known, "פרטי המתקשר נמחקו" if he else "who called was forgotten")))
    if troubles:
        words = sentence(troubles[0], call, language)
        if ending is not None and ending.fault is Fault.MODEL and call.cause:
            words += f": {call.cause}"
        # What broke off was ended by nobody; what we ended we explained to the caller.
        if troubles[0].name == "bad_ending" and ending is not None and ending.fault is Fault.OURS and ending.explained:
            return f"אנחנו סיימנו את השיחה: {words}" if he else f"we ended it: {words}"
        return words
    if ending is not None:
        return ending.he if he else ending.en
    return "סופה של השיחה לא ידוע" if he else "nobody knows how the call ended"
