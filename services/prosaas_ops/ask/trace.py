"""`make trace`: the whole story of one call, over every service, the containers and the database."""

from datetime import UTC, datetime, timedelta

from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.measures import shown
from prosaas_core.facts.troubles import next_command, opening, sentence, verdict
from prosaas_ops.ask.messages import describe as describe_message
from prosaas_ops.ask.timeline import timeline
from prosaas_ops.files import output_folder, replace
from prosaas_ops.options import (
    FINE,
    LEVELS,
    NOTHING,
    SERVICES,
    Options,
    Problem,
    Usage,
    complain,
    operators_zone,
    spoken_duration,
)
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.screen.trace_page import render
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.found import CUT, Calls, Row, calls_of, is_ending, numbers_of
from prosaas_ops.stack.lines import RANK, clock
from prosaas_ops.stack.live_calls import live_ids
from prosaas_ops.stack.messages import Talk, talk_of
from prosaas_ops.stack.naming import one_call, one_story
from prosaas_ops.stack.records import Away, Record, missing_digits, searched
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stories.call import Story, tell
from prosaas_ops.stories.judged import changed_before, disputed, facts_of, paid
from prosaas_ops.stories.lasted import lasted
from prosaas_ops.stories.message import MessageStory, complaints, fine, tell_message
from prosaas_ops.texts import language, refused
from prosaas_ops.texts import told as words
from prosaas_ops.texts.pages import PAID

OPTIONS = ("CALL", "PHONE", "MESSAGE", "N", "SINCE", "AT", "OUT", "LEVEL")

_LISTED, _MOST_NUMBERS = 20, 5
# What AT= names is a minute that somebody remembers.
_NEAR_SECONDS = 900.0
# A call that is further from the moment asked for is another one: the list is shown in its place.
_FAR_SECONDS = 3600.0
_FAR = timedelta(seconds=_FAR_SECONDS)


def run(options: Options) -> int:
    one_story(options)
    try:
        return _run(options, opened())
    except Away as away:
        raise Problem(words.WITHOUT_DATABASE(away=away)) from None


def _run(options: Options, engine: Engine) -> int:
    screen = Screen()
    page = options.choice("OUT", ("text", "html"), "text") == "html"
    least = options.choice("LEVEL", LEVELS, "INFO")
    if message := options.text("MESSAGE"):
        if page:
            raise Usage(str(words.NO_PAGE_OF_A_MESSAGE))
        nothing = words.NO_SUCH_MESSAGE(message=message)
        return _tell_message(screen, tell_message(engine, message=message), least, nothing)
    call_sid = one_call(engine, options)
    if not call_sid:
        phone = searched(options.phone_typed())
        if not phone:
            raise Usage(str(words.WHICH_CALL))
        at, since, live = options.since("AT", clock=operators_zone()), options.since("SINCE"), live_ids(engine)
        found = calls_of(phone, since, live)
        if not found.rows:
            return _tell_message(screen, tell_message(engine, phone=phone), least, _nobody(options))
        numbers = numbers_of(found.rows, phone) if is_ending(phone) else [phone]
        phone = numbers[0] if len(numbers) == 1 else f"{CUT}{phone.removeprefix(CUT)}"
        talk = talk_of(phone=phone) if len(numbers) == 1 else None
        # Of a number with many calls the list has the newest alone, which may be those of the last hour.
        near = calls_of(phone, max(at - _FAR, since or at - _FAR), live, at + _FAR).rows if at else []
        call_sid = _picked(near or found.rows, at, options, alone=talk is None)
        if not call_sid:
            screen.say(*listing(found, phone, screen, talk))
            return FINE
    story = tell(engine, call_sid)
    if story is None:
        complain(f"trace: {words.NOBODY_KNOWS(call_sid=call_sid)}")
        return NOTHING
    if page:
        target = output_folder() / f"trace-{call_sid}.html"
        replace(target, render(story, language()))
        screen.say(Prose(words.PAGE_WROTE(target=target)))
        return FINE
    rows = describe(story, screen, least)
    screen.say(*rows)
    if not screen.holds(rows):
        # The first rows have left the screen.
        screen.say(Prose(f"{screen.bold(call_sid)}  {_verdict(story, facts_of(story), screen)}"))
    return FINE


def _tell_message(screen: Screen, story: MessageStory | None, least: str, nothing: object) -> int:
    if story is None:
        complain(f"trace: {nothing}")
        return NOTHING
    screen.say(*describe_message(story, screen, least))
    return FINE


def _nobody(options: Options) -> object:
    within, phone = words.IN_THAT_TIME if options.text("SINCE") else "", options.phone_typed()
    if not phone.startswith(CUT) and (short := missing_digits(phone)):
        return words.DIGITS_MISSING(phone=phone, count=short)
    return words.NO_SUCH_NUMBER(phone=phone, within=within)


def _picked(found: list[Row], at: datetime | None, options: Options, *, alone: bool) -> str:
    """The call that is meant: the N-th, the one nearest to AT, the only one of who wrote nothing either; else none."""
    if at is not None:
        nearest = min(found, key=lambda call: abs(call.started_at - at))
        apart = abs(nearest.started_at - at).total_seconds()
        if apart > _NEAR_SECONDS:
            zone = operators_zone()
            own, started = (f"{moment.astimezone(zone):%m-%d %H:%M}" for moment in (at, nearest.started_at))
            complain(f"trace: {words.NEAREST(at=own, started=started, zone=zone, apart=spoken_duration(apart))}")
        return nearest.facts.call_sid if apart <= _FAR_SECONDS else ""
    if options.text("N"):
        number = options.number("N", 1)
        if number > len(found):
            raise Usage(refused.FEWER_CALLS(number=number, calls=len(found)))
        return found[number - 1].facts.call_sid
    return found[0].facts.call_sid if alone and len(found) == 1 else ""


def listing(found: Calls, phone: str, screen: Screen, talk: Talk | None = None) -> list[str]:
    """The calls of a number, newest first, each with the number by which it is told; and what was written from it.

    Of several numbers with one end each stands in its row, and has a command of its own. The clock is that of AT=.
    """
    now, zone = datetime.now(UTC), operators_zone()
    numbers = numbers_of(found.rows, phone) if is_ending(phone) else []
    rows = [screen.dim(words.CALLS_OF(phone=phone, zone=zone))]
    for number, call in enumerate(found.rows[:_LISTED], 1):
        time = lasted(call.duration_s, call.facts.end_reason) or "-"
        ago = words.AGO(time=spoken_duration((now - call.started_at).total_seconds()))
        row = f"{number:>3}  {call.started_at.astimezone(zone):%m-%d %H:%M:%S}  {call.facts.call_sid[:8]:<8}"
        row += f"  {ago:>12}  {time:>7}  "
        row += f"{', '.join(map(screen.value, numbers_of([call], phone)))}  " if numbers else ""
        said = screen.value(opening(call.facts, language()))
        rows.append(Prose(row + (screen.warn(said) if verdict(call.facts) else said)))
    again = f"make trace PHONE={phone}"
    if found.every > _LISTED:
        rows.append(Prose(screen.dim(words.FINDS_AT(shown=_LISTED, all=found.every, again=again, zone=zone))))
    commands = [f"{again} N=1", *(f"make trace PHONE={screen.value(number)}" for number in numbers[:_MOST_NUMBERS])]
    if talk is not None and talk.messages:
        written = MessageStory(talk)
        wrong = complaints(written)
        state = screen.value(wrong[0].words if wrong else fine(written))
        sent = f"{talk.messages[-1].sent_at.astimezone(zone):%m-%d %H:%M:%S}"
        rows.append(f"WhatsApp  {sent}  {screen.warn(state) if wrong else state}")
        commands.append(f"make trace MESSAGE={talk.messages[-1].id}")
    rows.append(Prose(screen.dim(words.NEXT(commands=" · ".join(commands)))))
    return rows


def describe(story: Story, screen: Screen, least: str = "INFO") -> list[str]:
    """The story as rows of text, its verdict first, without what is below the least level."""
    facts = facts_of(story)
    return [
        *heading(story, facts, screen),
        "",
        *timeline(story, screen, RANK[least]),
        *_summary(story, screen),
        *_queued(story, screen),
        "",
        Prose(screen.dim(words.NEXT(commands=" · ".join(_next(story, facts))))),
    ]


def heading(story: Story, facts: CallFacts, screen: Screen) -> list[str]:
    """Which call, the verdict in words, its troubles, then the numbers and where the story is known from."""
    record = story.record
    when = f"{datetime.fromtimestamp(story.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    time = f"  {lasted(record.duration_s, record.end_reason)}".rstrip() if record is not None else ""
    version = words.VERSION(version=screen.value(record.version)) if record is not None and record.version else ""
    if record is not None and record.local_start is not None:
        when += f" ({record.local_start:%H:%M} {record.timezone})"
    rows = [f"{screen.bold(story.call_sid)}  {when}{time}{version}"]
    rows += _parties(record, screen) if record is not None else []
    rows += [screen.warn(f"  {screen.value(row)}") for row in changed_before(story)]
    rows.append(_verdict(story, facts, screen))
    rows += [screen.warn(f"  {screen.value(sentence(trouble, facts, language()))}") for trouble in verdict(facts)[1:]]
    if record is not None:
        numbers = measures(record)
        rows += [screen.dim("  " + " · ".join(numbers))] if numbers else []
        rows += [screen.dim(f"  {PAID}: {screen.value(bill)}")] if (bill := paid(record)) else []
        rows += [f"  {words.CALENDAR(row=row)}" for row in _calendar(record, screen)]
    elif story.without_record:
        rows.append(screen.bad(f"  {words.WITHOUT_RECORD(why=story.without_record)}"))
    sources = [f"{name} {story.rows(name)}" for name in SERVICES.values()]
    recalled = sum(entry.origin == "record" for entry in story.entries)
    happened = sum(entry.origin == "engine" for entry in story.entries)
    known = [*sources, words.RECALLED(count=recalled), words.HAPPENED(count=happened)]
    if story.events_from is not None:
        known[-1] += words.FORGOTTEN(first=f"{datetime.fromtimestamp(story.events_from, UTC):%m-%d %H:%M}")
    rows.append(screen.dim(f"  {words.SOURCES(known=' · '.join(known))}"))
    return [Prose(row) for row in rows]


def _verdict(story: Story, facts: CallFacts, screen: Screen) -> str:
    how = screen.value(opening(facts, language()))
    if facts.live:
        said = sum(entry.kind == "speech" for entry in story.entries)
        known = "" if story.live else words.AS_FAR_AS_KNOWN
        return f"{screen.bold('●')} {words.LIVE(words=how, since=clock(story.started)[:8], said=said)}{known}"
    reason = f" ({facts.end_reason})" if facts.end_reason else f" (status {facts.status})" if facts.status else ""
    if verdict(facts):
        return screen.bad(f"✗ {how}{reason}")
    # Of whoever was forgotten nobody can say that all went well.
    return f"· {how}{reason}" if facts.forgotten else screen.good(f"✓ {how}{reason}")


def _parties(record: Record, screen: Screen) -> list[str]:
    parties = f"{record.direction} {screen.value(record.from_number)} → {screen.value(record.to_number)}"
    named = ((words.BUSINESS, record.business), (words.CUSTOMER, record.customer))
    return [parties + "".join(f" · {what} {screen.value(name)}" for what, name in named if name)]


def _calendar(record: Record, screen: Screen) -> list[str]:
    return [
        f"{found.starts_at:%Y-%m-%d %H:%M} {words.STATUSES.get(found.status, found.status)}"
        + _whose(found.call_sid, record.call_sid)
        + (f" · {screen.value(found.note)}" if found.note else "")
        for found in record.appointments
    ]


def _whose(booked_by: str, call_sid: str) -> str:
    if booked_by == call_sid:
        return str(words.BY_THIS_CALL)
    return words.BY_ANOTHER(call_sid=booked_by) if booked_by else str(words.BY_NO_CALL)


def measures(record: Record) -> list[str]:
    """The record's numbers as `name value`, in the order in which an operator asks for them."""
    spoken = language()
    return [f"{row.he if spoken == 'he' else row.en} {value}" for row, value in shown(record.metrics)]


def _summary(story: Story, screen: Screen) -> list[str]:
    if story.record is None or not story.record.summary:
        return []
    if not any(turn.get("who") != "ai" and turn.get("text") for turn in story.record.transcript):
        return ["", screen.dim(str(words.NO_SUMMARY))]
    rows = ["", screen.bold(str(words.SUMMARY)), Prose(f"  {screen.value(story.record.summary)}")]
    return [*rows, Prose(screen.warn(f"  {words.NOT_THE_RECORD}"))] if disputed(story) else rows


def _queued(story: Story, screen: Screen) -> list[str]:
    if story.record is None or not story.record.jobs:
        return []
    lines = ["", screen.bold(str(words.QUEUED))]
    for job in story.record.jobs:
        due = words.DUE(due=f"{job.due:%Y-%m-%d %H:%M:%S}") if job.due else ""
        lines.append(f"  {job.name}  {job.status}, {words.ATTEMPT(attempt=job.attempts)}{due}")
    return lines


def _next(story: Story, facts: CallFacts) -> list[str]:
    """The commands that have an answer for this call."""
    commands = [next_command(trouble, facts) for trouble in verdict(facts)[:1]]
    recorded = facts.live or any(entry.event == "BLACKBOX_WRITTEN" for entry in story.entries)
    commands = [words for words in commands if not words.startswith(("make trace", "make blackbox"))]
    if recorded:
        commands.append(f"make blackbox CALL={story.call_sid}")
    if facts.live:
        commands.append(f"make logs CALL={story.call_sid}")
    return [*commands, f"make trace CALL={story.call_sid} OUT=html"]
