"""The console's own pages; the story and the charts are drawn where the commands draw them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from prosaas_core.facts.endings import ending_of
from prosaas_core.facts.measures import SLOW_MS
from prosaas_core.facts.troubles import opening, verdict
from prosaas_ops.ask.blackbox import Recording
from prosaas_ops.console.frame import Frame
from prosaas_ops.console.live import Batch, Wanted
from prosaas_ops.console.world import Numbers, shortened
from prosaas_ops.options import LEVELS, SERVICES
from prosaas_ops.screen import trace_page
from prosaas_ops.screen.charts import columns
from prosaas_ops.screen.page import scroll, table, tag
from prosaas_ops.screen.piece import isolated, prose, quoted, tagged
from prosaas_ops.screen.terminal import short
from prosaas_ops.stack.day import Day, HeldJob, Waits
from prosaas_ops.stack.lines import Line, clock
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.search import MOST, Hit
from prosaas_ops.stories.call import Story
from prosaas_ops.stories.lasted import lasted
from prosaas_ops.stories.moment import kind_of
from prosaas_ops.texts import Text
from prosaas_ops.texts import console as texts
from prosaas_ops.texts.machine import AT_WORK
from prosaas_ops.texts.pages import KINDS

# A card's number in what was said never comes here; the page shows a line's beginning, the story and the log have it.
_LONGEST_LINE = 2000


class Face(Frame):
    """One viewer's pages."""

    # The list

    def home(self, typed: str, hits: Sequence[Hit]) -> str:
        search = (
            f'<h1>{self.say(texts.CALLS)}</h1><form role="search" action="/" method="get">'
            f'<label class="field" for="q">{self.say(texts.SEARCH)}</label>'
            f'<input id="q" name="q" type="search" value="{quoted(typed)}" maxlength="64" autocomplete="off" autofocus'
            ' data-hx-get="/calls" data-hx-trigger="input changed delay:80ms" data-hx-target="#found"'
            ' data-hx-sync="this:replace"></form>'
        )
        another = self.form("/link", texts.ANOTHER_LINK, look="#another")
        found = f'<div id="found" aria-live="polite">{self.found(hits)}</div>'
        return self.page(
            self.say(texts.CALLS), f'{search}{found}<div class="row">{another}</div><div id="another"></div>', "/"
        )

    def found(self, hits: Sequence[Hit]) -> str:
        """The calls as a table, and in words how many there are."""
        if not hits:
            return self.note(texts.FOUND_NONE)
        more = len(hits) > MOST
        told = texts.FOUND_MORE if more else texts.FOUND
        names = (
            ("", texts.WHEN), ("", texts.FROM), ("", texts.CUSTOMER), ("n", texts.LASTED), ("n", texts.FIRST_SOUND),
            ("n", texts.INTERRUPTIONS), ("", texts.WHAT),
        )  # fmt: skip
        head = [(css, text.say(self.language)) for css, text in names]
        rows = "".join(map(self._hit, hits[:MOST]))
        listed = table(head, rows, "stacked")
        return f'<p class="dim">{self.say(told, count=min(len(hits), MOST))}</p>{scroll(self.say(texts.CALLS), listed)}'

    def _hit(self, hit: Hit) -> str:
        facts = hit.facts
        time = self._whole(lasted(hit.duration_s, facts.end_reason) or "–")
        sound = self._whole(f"{facts.first_audio_ms / 1000:.1f} s" if facts.first_audio_ms is not None else "–")
        slow = " bad" if (facts.first_audio_ms or 0) >= SLOW_MS else ""
        words, when = isolated(opening(facts, self.language)), self._whole(f"{hit.started_at:%m-%d %H:%M:%S}")
        look = "bad" if verdict(facts) and not facts.live else "good" if facts.live else ""
        return (
            f'<tr><td><a href="/call/{quote(facts.call_sid)}">{when}</a></td>'
            f"<td>{self._whole(shortened(hit.from_number))}</td><td>{isolated(hit.customer)}</td>"
            f'<td class="n">{time}</td><td class="n{slow}" data-name="{self.say(texts.FIRST_SOUND)}">{sound}</td>'
            f'<td class="n" data-name="{self.say(texts.INTERRUPTIONS)}">{hit.barge_ins}</td>'
            f'<td class="t"><span class="{look}">{words}</span></td></tr>'
        )

    @staticmethod
    def _whole(text: str) -> str:
        """What is read from left to right and never broken in two."""
        return f'<bdi dir="ltr" class="whole">{quoted(text)}</bdi>'

    # One call

    def call(self, story: Story, debug_left: float | None) -> str:
        """The story with what can be done about the call; a live one asks for itself anew."""
        sid = story.call_sid
        path = f"/call/{quote(sid)}"
        live = story.live is not False
        growing = f' data-hx-get="{path}/story" data-hx-trigger="every 1s" data-hx-swap="innerMorph"' if live else ""
        links = (
            f'<p><a href="/live?call={quote(sid)}">{self.say(texts.LINES_OF_CALL)}</a> · '
            f'<a href="{path}/recorder">{self.say(texts.RECORDER)}</a></p>'
        )
        hidden = f'<input type="hidden" name="call" value="{quoted(sid)}">'
        actions = self.form(f"{path}/numbers", texts.SHOW_NUMBERS, look="#numbers")
        actions += self.form("/capture", texts.CAPTURE, hidden)
        switch = f'<div id="switch">{self.switch(sid, debug_left)}</div>' if debug_left is not None else ""
        return self.page(
            texts.STORY_OF.say(self.language, call=sid),
            f'{links}<div class="row">{actions}{switch}</div><p id="numbers" role="status"></p>'
            f"{trace_page.boxes(story, self.language)}"
            f'<div id="story"{growing}>{self.story(story)}</div>',
        )

    def story(self, story: Story) -> str:
        return trace_page.body(story, self.language, with_boxes=False)

    def switch(self, call_sid: str, left: float) -> str:
        """DEBUG for the call: the clock of what is on, or the button for it."""
        path = f"/call/{quote(call_sid)}"
        if left <= 0:
            return self.form(f"{path}/debug", texts.DEBUG_ON, look="#switch")
        clock_ = f'<b data-left="{left:.0f}">{int(left) // 60}:{int(left) % 60:02}</b>'
        told = texts.DEBUG_UNTIL.say(self.language, left=clock_)
        return f'<span role="status">{told}</span> {self.form(f"{path}/quiet", texts.DEBUG_OFF, look="#switch")}'

    def numbers(self, numbers: Numbers) -> str:
        return self.say(texts.NUMBERS, caller=numbers.caller, called=numbers.called)

    def recorder(self, call_sid: str, found: Sequence[Recording]) -> str:
        """Every dump of the call's recorder, frame by frame."""
        back = f'<p><a href="/call/{quote(call_sid)}">{self.say(texts.BACK_TO_STORY)}</a></p>'
        parts = [f"<h1>{self.say(texts.RECORDER)}</h1>", back]
        for recording in found:
            start = recording.moments[0][0] if recording.moments else 0.0
            rows = "".join(self._row(line, f"{at - start:+.3f}") for at, line in recording.moments)
            parts += [
                f"<h2>{isolated(recording.title)}</h2>",
                scroll(recording.title, f'<table class="wide">{rows}</table>'),
            ]
        return self.page(self.say(texts.RECORDER), "".join(parts if found else [*parts, self.note(texts.NO_RECORDING)]))

    # Live

    def live(self, wanted: Wanted, calls: Sequence[LiveCall] | None) -> str:
        levels, services = list(LEVELS), ["", *SERVICES.values(), "postgres", "gateway"]
        fields = [
            self._choice("service", texts.SERVICE, services, wanted.service),
            self._choice("level", texts.LEVEL, levels, wanted.level),
            *(
                f'<label class="field">{self.say(text)}<input type="text" name="{name}" value="{quoted(value)}"'
                ' maxlength="100" autocomplete="off" dir="auto"></label>'
                for name, text, value in (
                    ("call", texts.CALL, wanted.call_sid), ("event", texts.EVENT, wanted.event),
                    ("text", texts.TEXT, wanted.text),
                )
            ),
        ]  # fmt: skip
        pause, resume = texts.PAUSE.say(self.language), texts.RESUME.say(self.language)
        buttons = (
            f'<button type="button" id="pause" aria-pressed="false" data-pause="{pause}" data-resume="{resume}">'
            f"{pause}</button>"
            f'<button type="button" id="clear">{self.say(texts.CLEAR)}</button>'
        )
        state = (
            f'<p id="state" class="dim" role="status" data-following="{self.say(texts.FOLLOWING)}"'
            f' data-paused="{self.say(texts.PAUSED)}" data-away="{self.say(texts.AWAY)}"></p>'
        )
        return self.page(
            self.say(texts.LIVE),
            f"<h1>{self.say(texts.LIVE)}</h1><h2>{self.say(texts.LIVE_CALLS)}</h2>"
            f'<div id="calls" data-hx-get="/live/calls" data-hx-trigger="every 2s">{self.live_calls(calls)}</div>'
            f'<h2>{self.say(texts.LINES)}</h2><form id="filters" class="row">{"".join(fields)}{buttons}</form>{state}'
            + scroll(self.say(texts.LINES), '<table class="wide"><tbody id="rows"></tbody></table>'),
            "/live",
        )

    def _choice(self, name: str, text: Text, values: Iterable[str], chosen: str) -> str:
        options = "".join(
            f'<option value="{value}"{" selected" if value == chosen else ""}>'
            f"{short(value) or self.say(texts.ALL)}</option>"
            for value in values
        )
        return f'<label class="field">{self.say(text)}<select name="{name}">{options}</select></label>'

    def live_calls(self, calls: Sequence[LiveCall] | None) -> str:
        if not calls:
            return self.note(texts.UNKNOWN_LIVE if calls is None else texts.NO_LIVE_CALLS)
        rows = "".join(
            f'<tr><td class="t"><a href="/call/{quote(call.call_sid)}">{quoted(call.call_sid)}</a></td>'
            f"<td>{quoted(call.business_id)}</td><td>{quoted(call.started_at[:19])}</td></tr>"
            for call in calls
        )
        head = [("", text.say(self.language)) for text in (texts.CALL, texts.BUSINESS, texts.SINCE)]
        return scroll(self.say(texts.LIVE_CALLS), table(head, rows, "stacked"))

    def rows(self, batch: Batch) -> str:
        """Lines as rows of the table that grows, and what is not among them."""
        told = ((batch.lost, texts.LOST), (batch.hidden, texts.HIDDEN))
        notes = "".join(
            f'<tr><td colspan="4" class="dim">… {self.say(text, count=count)}</td></tr>'
            for count, text in told
            if count
        )
        return "".join(self._row(line, clock(line.at)) for line in batch.lines) + notes

    # Today

    def today(self, told: Day, alerts: Sequence[str], at_work: str = "") -> str:
        working = f'<p class="bad" role="status">{self.say(AT_WORK, which=at_work)}</p>' if at_work else ""
        parts = [f"<h1>{self.say(texts.TODAY)}</h1>", working, self._alerts(alerts), *self._charts(told)]
        parts += [f"<h2>{self.say(texts.HELD_JOBS)}</h2><div id=held>{self.held(told.held)}</div>"]
        if told.messages:
            head = [(css, text.say(self.language)) for css, text in
                    (("", texts.DIRECTION), ("", texts.STATUS), ("n", texts.COUNT))]  # fmt: skip
            rows = "".join(
                f"<tr><td>{quoted(way)}</td><td>{quoted(status)}</td><td class=n>{count:,}</td></tr>"
                for way, status, count in told.messages
            )
            parts += [f"<h2>{self.say(texts.MESSAGES)}</h2>", scroll(self.say(texts.MESSAGES), table(head, rows))]
        return self.page(self.say(texts.TODAY), "".join(parts), "/today")

    def _alerts(self, alerts: Sequence[str]) -> str:
        rows = "".join(f'<li class="bad">{isolated(alert)}</li>' for alert in alerts)
        return f"<h2>{self.say(texts.ALERTS)}</h2><ul>{rows}</ul>" if rows else ""

    def _charts(self, told: Day) -> list[str]:
        """Calls by ending, the waits, and the lines, an hour a column; nothing to draw is said."""
        if not any(told.endings.values()):
            return [self.note(texts.NOTHING_TODAY)]
        hours = [f"{hour:%H:00}" for hour in told.hours]
        counted = sum(told.endings.values(), Counter[str]())
        endings = {
            self._ending(reason): [told.endings[hour][reason] for hour in told.hours]
            for reason, _ in counted.most_common()
        }
        waits = [told.waits.get(hour, Waits(None, None, None, None)) for hour in told.hours]
        first, answer, lines = (
            {texts.FIRST_SOUND_MS.say(self.language): _lines_up_to(wait.first_audio for wait in waits)},
            {texts.ANSWER_MS.say(self.language): _lines_up_to(wait.answer for wait in waits)},
            {texts.MOST.say(self.language): _lines_up_to(wait.most_lines for wait in waits)},
        )
        drawn = (
            (texts.BY_HOUR, endings, ""), (texts.FIRST_SOUNDS, first, " ms"), (texts.ANSWERS, answer, " ms"),
            (texts.LINES_A_CALL, lines, ""),
        )  # fmt: skip
        return [
            f"<h2>{self.say(title)}</h2>{columns(title.say(self.language), hours, series, unit, 3, self.language)}"
            for title, series, unit in drawn
        ]

    def _ending(self, reason: str) -> str:
        ending = ending_of(reason)
        if ending is None:
            return reason or texts.UNENDED.say(self.language)
        return ending.he if self.language == "he" else ending.en

    def held(self, jobs: Sequence[HeldJob], said: str = "") -> str:
        """The jobs that wait for somebody, each with its button; above them what the last one pressed came to."""
        told = f"<p>{isolated(said)}</p>" if said else ""
        if not jobs:
            return told + self.note(texts.NO_HELD_JOBS)
        head = [("", text.say(self.language)) for text in (texts.JOB, texts.SINCE, texts.RETRY)]
        rows = "".join(
            f"<tr><td>{job.id} {quoted(job.name)}</td><td>{self._whole(f'{job.since:%m-%d %H:%M}')}</td>"
            f"<td>{self.form(f'/job/{job.id}/retry', texts.RETRY, look='#held')}</td></tr>"
            for job in jobs
        )
        return told + scroll(self.say(texts.HELD_JOBS), table(head, rows, "stacked"))

    def _row(self, line: Line, when: str) -> str:
        kind = kind_of(line.level, line.event)
        stack = f"<pre>{quoted(chr(10).join(line.stack)[:_LONGEST_LINE])}</pre>" if line.stack else ""
        text = line.text.replace(f" · call_sid={line.call_sid}", "")[:_LONGEST_LINE]
        sid = f' <a href="/call/{quote(line.call_sid)}">{quoted(line.call_sid[:8])}</a>' if line.call_sid else ""
        return (
            f'<tr><td class="n">{when}</td><td>{quoted(short(line.service))}</td>'
            f"<td>{tag(kind, KINDS[kind].say(self.language))}</td>"
            f'<td class="t">{tagged(line.emoji, line.event)}{prose(text)}{sid}{stack}</td></tr>'
        )


def _lines_up_to(values: Iterable[float | None]) -> list[float]:
    """An hour without a call has no bar."""
    return [value or 0.0 for value in values]


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """The filters of a form; what is none of the choices counts as not given."""
    level = query.get("level", "DEBUG")
    return Wanted(
        call_sid=query.get("call", "").strip()[:42],
        service=query.get("service", "")[:40],
        level=level if level in LEVELS else "DEBUG",
        event=query.get("event", "").strip().upper()[:40],
        text=query.get("text", "").strip().casefold()[:100],
    )
