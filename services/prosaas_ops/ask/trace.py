"""`make trace`: the whole story of one call, over every service, the containers and the database."""

from datetime import UTC, datetime

from prosaas_ops.files import output_folder
from prosaas_ops.options import FINE, LEVELS, NOTHING, Options, Usage, complain, spoken_duration
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.screen.trace_page import render
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.lines import RANK
from prosaas_ops.stack.records import Record, calls_of
from prosaas_ops.stories.call import MEASURES, SLOW_SECONDS, Entry, Story, latencies, spoken_text, tell, transcript

OPTIONS = ("CALL", "PHONE", "OUT", "LEVEL")

_KIND = {
    "error": "1;31",
    "warning": "33",
    "container": "33",
    "call": "1",
    "speech": "",
    "tool": "36",
    "detail": "2",
    "around": "2",
}


def run(options: Options) -> int:
    screen = Screen()
    page = options.choice("OUT", ("text", "html"), "text") == "html"
    least = options.choice("LEVEL", LEVELS, "INFO")
    call_sid = options.call_sid() or _newest_of(options.text("PHONE"), screen)
    if not call_sid:
        return NOTHING
    story = tell(Engine(), call_sid)
    if story is None:
        complain(f"trace: no log line and no record knows {call_sid}. `make trace PHONE=+972…` finds calls by number")
        return NOTHING
    if page:
        target = output_folder() / f"trace-{call_sid}.html"
        target.write_text(render(story), encoding="utf-8")
        screen.say(f"wrote {target}: open it in a browser; it holds everything and asks the network for nothing")
        return FINE
    for line in describe(story, screen, least):
        screen.say(line)
    return FINE


def _newest_of(phone: str, screen: Screen) -> str:
    if not phone:
        raise Usage("which call? CALL=CA… or PHONE=+972…")
    found = calls_of(phone)
    if not found:
        complain(f"trace: the database knows no call from or to {phone}")
        return ""
    if len(found) > 1:
        screen.say(screen.dim(f"{len(found)} calls of this number, newest first; this is the first of them:"))
        for call in found:
            when = f"{call.started_at:%Y-%m-%d %H:%M:%S}" if call.started_at else "?"
            length = spoken_duration(call.duration_s) if call.duration_s is not None else "live"
            screen.say(screen.dim(f"  {when}  {length:>7}  {call.end_reason:<20}  make trace CALL={call.call_sid}"))
        screen.say()
    return found[0].call_sid


def describe(story: Story, screen: Screen, least: str = "INFO") -> list[str]:
    """The story as lines of text, without what is below the least level."""
    return [
        *heading(story, screen),
        "",
        *_timeline(story, screen, RANK[least]),
        *_spoken(story, screen),
        *_queued(story, screen),
        "",
        screen.dim(f"next: make blackbox CALL={story.call_sid} · make trace CALL={story.call_sid} OUT=html"),
    ]


def heading(story: Story, screen: Screen) -> list[str]:
    """Who called whom, how it ended, and where the story is known from."""
    when = f"{datetime.fromtimestamp(story.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"{screen.bold(story.call_sid)}  {when}"]
    if story.record is not None:
        lines += _outcome(story.record, screen)
    elif story.without_record:
        lines.append(screen.bad(f"without the record: {story.without_record}"))
    else:
        lines.append("no record yet: the call is live, or its record is on its way")
    sources = [f"{name} {story.count(name)}" for name in ("prosaas-api", "prosaas-calls", "worker")]
    recalled = sum(entry.origin == "record" for entry in story.entries)
    happened = sum(entry.origin == "engine" for entry in story.entries)
    lines.append(
        screen.dim(
            "lines: " + " · ".join([*sources, f"from the record only {recalled}", f"container events {happened}"])
        )
    )
    return lines


def _outcome(record: Record, screen: Screen) -> list[str]:
    parties = f"{record.direction} {record.from_number} → {record.to_number}"
    if record.business:
        parties += f" · business {record.business}"
    if record.customer:
        parties += f" · customer {record.customer}"
    ended = f"ended {record.end_reason}" if record.end_reason else f"status {record.status}"
    if record.duration_s is not None:
        ended += f" after {spoken_duration(record.duration_s)}"
    metrics = " · ".join(measures(record))
    return [parties, f"{screen.bold(ended)}" + (f" · {metrics}" if metrics else "")]


def measures(record: Record) -> list[str]:
    """The record's numbers as `name value`, in the order in which an operator asks for them."""
    known = [name for name in MEASURES if record.metrics.get(name) is not None]
    return [f"{_spaced(name)} {record.metrics[name]}{' ms' if name.endswith('_ms') else ''}" for name in known]


def _spaced(name: str) -> str:
    return name.removesuffix("_ms").replace("_", " ")


def _timeline(story: Story, screen: Screen, least: int) -> list[str]:
    waits = latencies(story)
    lines = []
    for place, entry in enumerate(story.entries):
        if RANK[entry.level] < least:
            continue
        lines.append(_moment(entry, story, screen))
        lines += [screen.paint(f"{'':20}{row}", "31") for row in entry.stack]
        if place in waits:
            mark = f"{'':20}└ {waits[place] * 1000:.0f} ms from the caller's last word to its first sound"
            lines.append(screen.paint(mark, "33" if waits[place] > SLOW_SECONDS else "2"))
    if hidden := sum(RANK[entry.level] < least for entry in story.entries):
        lines.append(screen.dim(f"{'':12}… {hidden} more below this level: LEVEL=DEBUG shows them"))
    return lines


def _moment(entry: Entry, story: Story, screen: Screen) -> str:
    offset = f"{entry.at - story.started:+10.3f}"
    text = spoken_text(entry, story.call_sid)
    if entry.origin == "record":
        text += screen.dim("  (record)")
    return f"{screen.dim(offset)}  {screen.name(entry.source)} {screen.paint(text, _KIND.get(entry.kind, ''))}"


def _spoken(story: Story, screen: Screen) -> list[str]:
    said = transcript(story)
    if not said:
        return []
    lines = ["", screen.bold("Transcript")]
    for turn in said:
        who = "AI      " if turn.get("who") == "ai" else "customer"
        cut = screen.paint("  (interrupted)", "33") if turn.get("interrupted") else ""
        at = f"{float(turn.get('at_ms', 0)) / 1000:+10.3f}"
        lines.append(f"{screen.dim(at)}  {who} {turn.get('text', '')}{cut}")
    if story.record is not None and story.record.summary:
        lines += ["", screen.bold("Summary"), f"  {story.record.summary}"]
    return lines


def _queued(story: Story, screen: Screen) -> list[str]:
    if story.record is None or not story.record.jobs:
        return []
    lines = ["", screen.bold("Jobs still in the queue")]
    for job in story.record.jobs:
        due = f", due {job.due:%H:%M:%S}" if job.due else ""
        lines.append(f"  {job.name}  {job.status}, attempt {job.attempts}{due}")
    return lines
