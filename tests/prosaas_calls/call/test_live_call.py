"""A call from its first line to its record, cut off wherever it may be."""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calls_world.sockets import FakeSocket
from calls_world.stage import FIFTH
from calls_world.waiting import until
from calls_world.world import ENVIRON, FakeStore, business
from clocks import Clock
from prosaas_calls.call import live_call, tool_calls
from prosaas_calls.call.call import Call
from prosaas_calls.call.greetings import Spoken
from prosaas_calls.call.live_call import LiveCall
from prosaas_calls.call.services import Services
from prosaas_calls.ending import EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.model.events import Item
from prosaas_calls.model.realtime import RealtimeConnection
from prosaas_calls.stats import CallStats
from prosaas_calls.tools.base import Answer
from prosaas_core.facts.prices import shipped
from prosaas_core.kept.journal import Journal, Journals, read
from prosaas_core.records import CallRecord
from prosaas_core.settings import load_settings
from prosaas_core.stream_token import StreamClaims
from prosaas_logging import EventRecord, capture_events

CLAIMS = StreamClaims("CA1", 456, "+972501234567", "+97235550100", 0.0, "nonce")
HANG_UP = '{"event":"stop"}'

in_the_call = contextvars.ContextVar("in_the_call", default=False)


class Axe:
    """Counts the suspensions of all tasks of a call, and cancels the call at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.suspensions = 0
        self.call: asyncio.Task[None] | None = None

    def task(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> Any:
        """The loop's task factory."""
        if not in_the_call.get():
            return asyncio.Task(coroutine, loop=loop, **options)
        task = asyncio.Task(self._watch(coroutine), loop=loop, **options)
        # A task that is cancelled before its first step never gets to what it was to run.
        task.add_done_callback(lambda _: coroutine.close())
        return task

    async def _watch(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await _Watched(coroutine, self._suspended)

    def _suspended(self) -> None:
        self.suspensions += 1
        if self.suspensions == self.at and self.call is not None:
            asyncio.get_running_loop().call_soon(self.call.cancel)


class _Watched:
    def __init__(self, coroutine: Coroutine[Any, Any, Any], suspended: Any) -> None:
        self._coroutine = coroutine
        self._suspended = suspended

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        value: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waiting = steps.send(value) if raised is None else steps.throw(raised)
            except StopIteration as done:
                return done.value
            self._suspended()
            value = raised = None
            try:
                value = yield waiting
            except BaseException as error:
                raised = error


class SlowStore(FakeStore):
    """Each question takes its time."""

    async def profile(self, claims: StreamClaims) -> Any:
        await asyncio.sleep(0)
        return await super().profile(claims)

    async def save(self, record: CallRecord) -> None:
        await asyncio.sleep(0.001)
        await super().save(record)


class SlowTwilio:
    """Twilio's REST interface, which takes its time to hang up."""

    def __init__(self) -> None:
        self.hung_up: list[str] = []

    async def hang_up(self, call_sid: str) -> bool:
        for _ in range(3):
            await asyncio.sleep(0)
        self.hung_up.append(call_sid)
        return True

    async def transfer(self, call_sid: str, number: str) -> bool:
        return await self.hang_up(call_sid)


class Stage:
    """One call with everything around it."""

    def __init__(
        self, folder: Path, refusal: EndReason | None = None, claims: StreamClaims = CLAIMS, **limits: float
    ) -> None:
        self.folder = folder
        self.store = SlowStore()
        self.twilio = SlowTwilio()
        self.metrics = CallMetrics()
        self.caller = FakeSocket()
        self.model = FakeSocket()
        self.model.transport.vanish()
        self.caller.transport.vanish()
        self.services = services = Services(
            load_settings({**ENVIRON, "SPOOL_DIR": str(folder)}),
            Limits(**{"watch": 0.002, **limits}),  # type: ignore[arg-type]
            self.store,  # type: ignore[arg-type]
            self.twilio,  # type: ignore[arg-type]
            self.metrics,
            self._connect,
            journals := Journals(folder),
            shipped(),
        )
        self.journals = journals
        self.call = Call(services, self.caller, "MZ1", claims)
        self.live = LiveCall(services, self.call, claims, refusal)

    async def _connect(self) -> RealtimeConnection:
        await asyncio.sleep(0)
        return RealtimeConnection(self.model)

    @property
    def active(self) -> float:
        value = self.metrics.registry.get_sample_value("prosaas_calls_active")
        assert value is not None
        return value

    @property
    def kept(self) -> int:
        """Records, and files that will be some; once the thread of the journals has done all that it was told."""
        self.journals.close(20)
        return len(self.store.records) + len(list(self.folder.iterdir()))


async def hang_up_in_the_end(stage: Stage) -> None:
    """The other side of the call: it answers marks, and hangs up after a while."""
    for _ in range(10):
        await asyncio.sleep(0.001)
        for mark in stage.caller.events("mark"):
            stage.caller.say({"event": "mark", "mark": mark["mark"]})
    stage.caller.say(HANG_UP)


async def axed(stage: Stage, axe: Axe) -> list[EventRecord]:
    """Live through the call, as far as the axe lets it."""
    loop = asyncio.get_running_loop()
    with capture_events() as events:
        other_side = asyncio.create_task(hang_up_in_the_end(stage))
        loop.set_task_factory(axe.task)  # type: ignore[arg-type]
        in_the_call.set(True)
        axe.call = asyncio.create_task(stage.live.run())
        in_the_call.set(False)
        with suppress(asyncio.CancelledError):
            await axe.call
        loop.set_task_factory(None)
        await other_side
    return events


@pytest.mark.parametrize("refusal", [None, EndReason.OVER_CAPACITY])
@pytest.mark.parametrize("away", [False, True], ids=["database", "no database"])
async def test_a_call_ends_once_wherever_it_is_cancelled(tmp_path: Path, refusal: EndReason | None, away: bool) -> None:
    """One CALL_END, one record or one file, nobody counted as on the line: at each suspension of each of its tasks."""
    seen = Counter[bool]()
    for at in range(1, 500):
        folder = tmp_path / str(at)
        folder.mkdir()
        stage, axe = Stage(folder, refusal), Axe(at)
        stage.store.away = away
        events = await axed(stage, axe)
        names = Counter(event.event for event in events)
        where = f"cancelled at {at} of {axe.suspensions}"
        assert axe.call is not None
        begun = names["CALL_START"]
        assert names["CALL_END"] == begun == 1, where
        assert stage.kept == 1, where
        assert stage.active == 0.0, where
        assert not list(folder.glob(".*")), where
        seen[axe.call.cancelled()] += 1
        if axe.suspensions < at:
            break

    assert seen[False]
    assert seen[True] > 5


async def test_what_the_database_refuses_is_an_error_and_the_record_goes_to_disk(tmp_path: Path) -> None:
    """A bug is not called an outage: it has its stack."""
    stage = Stage(tmp_path)

    async def refuse(record: CallRecord) -> None:
        raise ZeroDivisionError

    stage.store.save = refuse  # type: ignore[method-assign]
    events = await axed(stage, Axe(0))

    names = [event.event for event in events]
    assert "DB_UNAVAILABLE" not in names
    assert [event.exc.kind for event in events if event.exc] == ["ZeroDivisionError"]
    assert names[-1] == "CALL_RECORD_SPOOLED"
    assert stage.kept == 1


@pytest.mark.parametrize("away", [False, True], ids=["database", "no database"])
@pytest.mark.parametrize("asked_for", [False, True])
async def test_what_is_kept_of_a_call_has_no_card_number_unless_asked_for(
    tmp_path: Path, away: bool, asked_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disk neither; a telephone number, by which a caller is called back, stays."""
    monkeypatch.setitem(ENVIRON, "MASK_IN_RECORDS", "0" if asked_for else "1")
    stage = Stage(tmp_path)
    stage.store.away = away
    stage.call.history.words("item", "customer", "הכרטיס 4580 2600 0000 0000, טלפון 050-1234567")
    await axed(stage, Axe(0))

    assert stage.kept == 1
    kept = [record.to_json() for record in stage.store.records]
    kept += [path.read_text() for path in tmp_path.iterdir()]  # noqa: ASYNC240
    (text,) = kept
    assert "050-1234567" in text
    assert ("4580 2600 0000 0000" in text) is asked_for


async def test_an_absence_is_a_warning_and_the_record_goes_to_disk(tmp_path: Path) -> None:
    """Without a stack: nobody here can mend it."""
    stage = Stage(tmp_path)
    stage.store.away = True
    events = await axed(stage, Axe(0))

    assert [event.event for event in events if event.level == "WARNING"] == ["DB_UNAVAILABLE", "CALL_RECORD_SPOOLED"]
    assert stage.kept == 1


@pytest.mark.parametrize("failure", [OSError(28, "full"), ValueError("odd")])
async def test_a_record_that_nothing_can_keep_is_told_and_ends_the_call_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Whatever the disk, or the writing, fails with."""

    def fail(self: Journal) -> None:
        raise failure

    monkeypatch.setattr(Journal, "_flush", fail)
    stage = Stage(tmp_path)
    stage.store.away = True
    events = await axed(stage, Axe(0))

    assert [event.text for event in events if event.exc] == ["the call record is on no disk"]
    assert [event.event for event in events].count("CALL_END") == 1
    assert stage.active == 0.0


async def test_twilio_is_asked_to_hang_up_within_its_limit(tmp_path: Path) -> None:
    """A farewell is the sum of its parts, so each part keeps to its own."""
    stage = Stage(tmp_path, EndReason.DRAINED, hang_up=0.01)

    async def never(call_sid: str) -> bool:
        await asyncio.Event().wait()
        return True

    stage.twilio.hang_up = never  # type: ignore[method-assign]
    async with asyncio.timeout(5) as waiting:
        events = await axed(stage, Axe(0))

    assert not waiting.expired()
    assert [event.fields["reason"] for event in events if event.event == "CALL_END"] == ["drained"]
    assert stage.kept == 1


async def test_a_trace_that_fails_costs_nobody_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told with its stack, after CALL_END, and the call is kept as it was."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(live_call, "trace", fail)
    stage = Stage(tmp_path)
    events = await axed(stage, Axe(0))

    assert [event.text for event in events if event.exc] == ["the call has no trace"]
    assert [event.event for event in events].count("CALL_END") == 1
    assert len(stage.store.records) == stage.kept == 1


async def test_a_journal_is_told_what_is_new_and_every_five_seconds_that_the_call_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it stands, then the words and lines since; a card number in them is as masked there as in the record."""
    clock, asked, at_first = Clock(), list[Callable[[], Any]](), list[Any]()
    opened = Journals.open

    def listen(journals: Journals, call_sid: str, news: Callable[[], Any]) -> Journal:
        asked.append(news)
        at_first.extend(news())
        return opened(journals, call_sid, lambda: iter(()))

    monkeypatch.setattr(live_call, "monotonic", clock)
    monkeypatch.setattr(Journals, "open", listen)
    stage = Stage(tmp_path)
    calling = asyncio.create_task(stage.live.run())
    await until(lambda: stage.model.events("session.update"))
    (news,) = asked
    assert [list(entry) for entry in at_first] == [["call"]]
    began, *lines = news()
    assert "transcript" not in began["call"]
    assert (began["call"]["call_sid"], began["call"]["end_reason"]) == ("CA1", "crashed")
    assert lines[0]["line"]["event"] == "CALL_START"
    assert list(news()) == []
    stage.caller.say({"event": "dtmf", "dtmf": {"digit": "#"}})
    lines.clear()
    await until(lambda: lines.extend(news()) or lines)
    assert [list(entry) for entry in lines] == [["call"], ["line"]]

    since = clock.now
    clock.now = since + 4.9
    assert list(news()) == []
    clock.now = since + 5
    assert [list(entry) for entry in news()] == [["call"]]
    clock.now = since + 9.9
    assert list(news()) == []

    stage.call.history.words("u1", "customer", "הכרטיס 4580 2600 0000 0000")
    _, said = news()
    number, words = said["said"]
    assert (number, words["who"]) == (0, "customer")
    assert "4580 2600 0000 0000" not in words["text"]
    stage.caller.say(HANG_UP)
    await calling
    assert next(news())["call"]["end_reason"] == "customer_hangup"


async def test_a_journal_is_told_each_number_as_the_record_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read back from it is the record, moments and charges included."""
    asked: list[Callable[[], Any]] = []
    opened = Journals.open

    def listen(journals: Journals, call_sid: str, news: Callable[[], Any]) -> Journal:
        asked.append(news)
        return opened(journals, call_sid, lambda: iter(()))

    monkeypatch.setattr(Journals, "open", listen)
    stage = Stage(tmp_path)
    calling = asyncio.create_task(stage.live.run())
    await until(lambda: stage.model.events("session.update"))
    stage.caller.say(HANG_UP)
    await calling
    (news,) = asked
    told, record = next(news())["call"], stage.store.records[0]

    expected = asdict(record)
    assert told.pop("metrics").keys() <= expected.pop("metrics").keys()
    assert told.pop("charges")[-1].keys() == expected["charges"][-1].keys()
    assert told == {name: expected[name] for name in expected if name not in ("transcript", "events", "charges")}
    assert isinstance(told["started_at"], datetime)


async def instructions(stage: Stage) -> str:
    """What the session of the model that is open now has been told."""
    await until(lambda: stage.model.events("session.update"))
    return str(stage.model.events("session.update")[0]["session"]["instructions"])


def hearing(stage: Stage) -> Any:
    """By what the session of the model that is open now tells that the caller speaks, as it was opened."""
    return stage.model.events("session.update")[0]["session"]["audio"]["input"]["turn_detection"]


async def test_a_new_session_of_the_model_knows_who_calls_and_what_they_have_booked_by_then(tmp_path: Path) -> None:
    """The first one was told what the call began with."""
    stage = Stage(tmp_path)
    calling = asyncio.create_task(stage.live.run())
    assert "appointments: none" in await instructions(stage)

    stage.call._introduced(replace(stage.call.profile, customer_name="רות"))
    stage.call.promises.done("book_appointment", Answer("", "", wrote=1))
    stage.store.known = replace(stage.store.known, booked=(datetime(2026, 1, 25, 12, tzinfo=UTC),))
    first, stage.model = stage.model, FakeSocket()
    stage.model.transport.vanish()
    first.vanish()

    told = await instructions(stage)
    assert "The caller is רות. Their coming appointments: Sunday 2026-01-25 14:00." in told
    stage.caller.say(HANG_UP)
    await calling


async def test_a_new_session_in_the_midst_of_a_call_hears_the_caller_from_its_first_moment(tmp_path: Path) -> None:
    """Nobody is greeted any more, so that nothing has to be kept from being interrupted."""
    stage = Stage(tmp_path)
    calling = asyncio.create_task(stage.live.run())
    await until(lambda: stage.model.events("session.update"))
    assert hearing(stage) is None

    stage.call.history.words("i1", "customer", "שלום")
    stage.call._briefing._greeted.set()
    first, stage.model = stage.model, FakeSocket()
    stage.model.transport.vanish()
    first.vanish()

    await until(lambda: stage.model.events("session.update"))
    assert hearing(stage) is not None
    stage.caller.say(HANG_UP)
    await calling


async def test_a_new_session_hears_nothing_of_whom_the_caller_claims_to_be(tmp_path: Path) -> None:
    """It knows that they have said who they are; and the call is not kept as that customer's."""
    stage = Stage(tmp_path, claims=replace(CLAIMS, from_number="anonymous"))
    stage.store.known = replace(stage.store.known, customer_id=None, customer_name="")
    calling = asyncio.create_task(stage.live.run())
    assert "hidden" in await instructions(stage)

    stage.call._introduced(replace(stage.call.profile, customer_id=7, customer_name="נועה", numbers_said=1))
    stage.call.promises.done("book_appointment", Answer("", "", wrote=1))
    first, stage.model = stage.model, FakeSocket()
    stage.model.transport.vanish()
    first.vanish()

    told = await instructions(stage)
    assert "The caller is נועה." in told
    assert "hidden" not in told
    assert "appointments: none" not in told
    stage.caller.say(HANG_UP)
    await calling
    assert [record.customer_id for record in stage.store.records] == [None]


@pytest.mark.parametrize(("taken", "rescued", "hung_up"), [(True, 1, 0), (None, 0, 0), (False, 0, 1)])
async def test_a_caller_for_whom_a_person_is_rung_is_not_told_of_and_not_cut_off(
    tmp_path: Path, taken: bool | None, rescued: int, hung_up: int
) -> None:
    """Who is perhaps being connected is not cut off either, and the business hears of them all the same."""
    stage = Stage(tmp_path, EndReason.OVER_CAPACITY)

    async def transfer(call_sid: str, number: str) -> bool | None:
        return taken

    stage.twilio.transfer = transfer  # type: ignore[method-assign, assignment]
    await axed(stage, Axe(0))
    (record,) = stage.store.records
    assert record.metrics.get("rescued", False) == bool(rescued)
    assert len(stage.twilio.hung_up) == hung_up


async def speaks(stage: Stage, response: str) -> None:
    """Let the model say something, and the caller hear it."""
    heard = len(stage.caller.events("mark"))
    stage.model.say({"type": "session.updated"})
    stage.model.say({"type": "response.created", "response": {"id": response}})
    delta = {"response_id": response, "item_id": f"i{response}", "delta": FIFTH}
    stage.model.say({"type": "response.output_audio.delta", **delta})
    stage.model.say({"type": "response.done", "response": {"id": response, "status": "completed"}})
    await until(lambda: len(stage.caller.events("mark")) > heard)
    for mark in stage.caller.events("mark")[heard:]:
        stage.caller.say({"event": "mark", "mark": mark["mark"]})


async def test_a_caller_who_says_nothing_is_asked_whether_they_are_there_and_then_told_of_the_end(
    tmp_path: Path,
) -> None:
    """However often they are asked; each time the model has to say it."""
    stage = Stage(tmp_path, nudges=(0.01, 0.02, 0.03))  # type: ignore[arg-type]
    calling = asyncio.create_task(stage.live.run())
    await until(lambda: stage.model.events("response.create"))

    def asked() -> list[str]:
        items = [event["item"] for event in stage.model.events("conversation.item.create")]
        assert {item["role"] for item in items} <= {"system"}
        return [item["content"][0]["text"] for item in items]

    with capture_events() as events:
        for number in range(3):
            await speaks(stage, f"r{number}")
            await until(lambda: len(asked()) > number)  # noqa: B023
    stage.caller.say(HANG_UP)
    await calling

    assert ["hang up" in each for each in asked()] == [False, True, True]
    assert [event.fields["time"] for event in events if event.event == "CALLER_SILENT"] == [1, 2, 3]


async def answering(stage: Stage) -> asyncio.Task[None]:
    """A call whose model has been asked to greet."""
    calling = asyncio.create_task(stage.live.run())
    await until(lambda: stage.model.events("response.create"))
    return calling


def told(stage: Stage) -> list[tuple[str, str]]:
    """What the model has been told besides what it said: by whom, and in which words."""
    items = [event["item"] for event in stage.model.events("conversation.item.create")]
    return [(item["role"], item["content"][0]["text"]) for item in items]


async def test_how_long_a_call_and_its_answers_took_is_told_at_its_end_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CallStats, "elapsed_ms", lambda _: 61_260)
    stage = Stage(tmp_path)
    stage.call.stats.response_ms.extend(range(100, 4100, 100))
    events = await axed(stage, Axe(0))

    (record,) = stage.store.records
    (end,) = [event.fields for event in events if event.event == "CALL_END"]
    assert record.duration_s == end["duration_s"] == 61.3
    for told in (record.metrics, end):
        assert (told["response_p50_ms"], told["response_p95_ms"]) == (2100, 3900)


async def test_the_words_of_a_trace_have_no_card_number_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = list[CallRecord]()
    monkeypatch.setattr(live_call.tracing, "with_words", lambda: True)
    monkeypatch.setattr(live_call, "trace", lambda scope, record, *, model: traced.append(record))
    stage = Stage(tmp_path)
    stage.call.history.words("item", "customer", "הכרטיס 4580 2600 0000 0000")
    await axed(stage, Axe(0))
    (record,) = traced
    assert "4580 2600 0000 0000" not in record.to_json()
    assert len(record.transcript) == 1


async def test_a_record_has_what_was_heard_of_what_was_said_and_how_much_was_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.store.known = replace(stage.store.known, business=business(disclosure="השיחה נרשמת."))
    calling = await answering(stage)
    stage.call.history.words("ir1", "ai", "שלום")
    await speaks(stage, "r1")
    await until(lambda: not stage.call._line.playback.holding)
    stage.caller.say(HANG_UP)
    await calling

    (record,) = stage.store.records
    (line,) = record.transcript
    assert (line["text"], "until_ms" in line) == ("שלום", True)
    assert record.metrics["frames_out"] == len(stage.caller.events("media")) == 1
    assert record.metrics["first_audio_ms"] >= 0
    assert record.ended_at - record.started_at == timedelta(seconds=record.duration_s)


async def test_keys_are_told_to_the_model_which_is_asked_to_answer_them(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    calling = await answering(stage)
    await speaks(stage, "r1")
    with capture_events() as events:
        for digit in "12#":
            stage.caller.say({"event": "dtmf", "dtmf": {"digit": digit}})
        await until(lambda: len(stage.model.events("response.create")) == 2)
    stage.caller.say(HANG_UP)
    await calling

    assert told(stage) == [("user", "[The caller pressed the keys 12#]")]
    assert [event.fields["count"] for event in events if event.event == "DTMF"] == [3]


async def test_a_kept_greeting_is_heard_though_no_model_answers_yet_and_is_said_by_nobody_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    settings, words = stage.services.settings, stage.store.known.first_words
    key = Spoken(settings.openai_realtime_model, settings.openai_voice, words)
    stage.services.greetings.keep(key, b"\x00" * 1600)
    with capture_events() as events:
        calling = asyncio.create_task(stage.live.run())
        await until(lambda: told(stage))
        stage.caller.say(HANG_UP)
        await calling

    assert told(stage) == [("assistant", words)]
    assert not stage.model.events("response.create")
    assert len(stage.caller.events("media")) == 1
    assert [event.event for event in events].count("GREETING") == 1
    (record,) = stage.store.records
    assert [line["text"] for line in record.transcript] == [words]
    assert record.metrics["first_audio_ms"] is not None


async def test_a_model_that_is_to_be_asked_later_is_asked_once_the_pause_is_over(tmp_path: Path) -> None:
    """Meanwhile the caller's wait goes on, and nothing else asks it."""
    stage = Stage(tmp_path)
    calling = await answering(stage)
    busy = {"type": "x", "code": "rate_limit_exceeded", "message": "Please try again in 10ms."}
    stage.model.say({"type": "session.updated"})
    stage.model.say({"type": "response.created", "response": {"id": "r1"}})
    details = {"status_details": {"type": "failed", "error": busy}}
    stage.model.say({"type": "response.done", "response": {"id": "r1", "status": "failed", **details}})
    stage.call._conversation.ask_if_due()
    assert len(stage.model.events("response.create")) == 1
    assert not stage.call._turns.settled.is_set()
    await until(lambda: len(stage.model.events("response.create")) == 2)
    stage.caller.say(HANG_UP)
    await calling


@pytest.mark.parametrize(("spent", "limit", "refused"), [(5.0, 5, True), (4.9, 5, False), (5.0, 0, False)])
async def test_a_call_beyond_what_a_day_may_cost_asks_nothing_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: float, limit: float, refused: bool
) -> None:
    """Where there is no limit, no day costs too much."""
    monkeypatch.setitem(ENVIRON, "MAX_COST_PER_DAY", str(limit))
    stage = Stage(tmp_path, prompt_grace=0.0)
    stage.store.known = replace(stage.store.known, spent_today=spent)
    with capture_events() as events:
        calling = asyncio.create_task(stage.live.run())
        await until(lambda: stage.caller.events("media") if refused else stage.model.events("response.create"))
        stage.caller.say(HANG_UP)
        await calling

    assert [event.fields["reason"] for event in events if event.event == "CALL_REFUSED"] == ["over_budget"] * refused
    assert bool(stage.model.events("session.update")) is not refused


async def test_a_caller_for_whom_there_is_nobody_to_ring_is_hung_up_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, EndReason.OVER_CAPACITY)
    stage.store.known = replace(stage.store.known, business=business(transfer_number=""))
    events = await axed(stage, Axe(0))
    (record,) = stage.store.records
    assert "rescued" not in record.metrics
    assert stage.twilio.hung_up == ["CA1"]
    assert [event.fields["reason"] for event in events if event.event == "CALL_REFUSED"] == ["over_capacity"]


async def test_a_promise_is_judged_with_the_end_of_its_call_though_its_response_never_ended(tmp_path: Path) -> None:
    stage = Stage(tmp_path, EndReason.OVER_CAPACITY)
    stage.call._turns.created("r1")
    stage.call.history.words("i1", "ai", "קבעתי לכם תור.")
    stage.call.promises.said("i1")
    await axed(stage, Axe(0))
    (record,) = stage.store.records
    assert record.metrics["unkept"] == "קבעתי לכם תור"


async def test_a_call_that_is_cut_off_waits_for_a_disk_that_does_not_answer_no_longer_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says of no file that it is written."""
    asked = asyncio.Event()

    def close(_: Journal) -> Future[Path]:
        asked.set()
        return Future()

    monkeypatch.setattr(Journal, "close", close)
    stage = Stage(tmp_path, spool=0.01)
    stage.store.away = True
    with capture_events() as events:
        calling = asyncio.create_task(stage.live.run())
        stage.caller.say(HANG_UP)
        await asyncio.wait_for(asked.wait(), 5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(calling, 5)

    assert [event.event for event in events][-1] == "DB_UNAVAILABLE"


@pytest.mark.parametrize("kept", [True, False], ids=["database", "no database"])
async def test_what_a_tool_was_committing_as_its_call_was_cancelled_is_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Of a call that outlived the whole farewell: what was booked stays booked, whoever reads of the call."""

    async def commit(*_: object, **__: object) -> Answer:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        # The database's answer takes a few turns.
        for _turn in range(5):
            await asyncio.sleep(0)
        return Answer("booked", "-", wrote=31)

    monkeypatch.setattr(tool_calls, "use", commit)
    stage = Stage(tmp_path, note=20.0)
    stage.store.away = not kept
    calling = await answering(stage)
    stage.call.tool_calls.use(Item(type="function_call", call_id="c1", name="book_appointment", arguments="{}"))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait({calling})

    assert stage.kept == 1
    if kept:
        (record,) = stage.store.records
    else:
        (record,) = (read(path.read_bytes())[0] for path in tmp_path.iterdir())  # noqa: ASYNC240
    assert record.metrics["deeds"] == [{"tool": "book_appointment", "id": 31}]


@pytest.mark.parametrize(("taken", "reason"), [(False, "customer_hangup"), (True, "transferred")])
async def test_who_hangs_up_while_twilio_is_asked_for_a_transfer_was_not_transferred(
    tmp_path: Path, taken: bool, reason: str
) -> None:
    """Twilio's answer tells, which comes after the stream's end; it takes no transfer of a call that is over."""
    stage, asked, answers = Stage(tmp_path), asyncio.Event(), asyncio.Event()

    async def transfer(call_sid: str, number: str) -> bool:
        asked.set()
        await answers.wait()
        return taken

    stage.twilio.transfer = transfer  # type: ignore[method-assign]
    calling = await answering(stage)
    stage.call._group.create_task(stage.call.parting.part(EndReason.TRANSFERRED))
    await asked.wait()
    stage.caller.say(HANG_UP)
    await until(lambda: stage.call.stats.ended)
    answers.set()
    await calling
    (record,) = stage.store.records
    assert record.end_reason == reason


async def test_a_caller_whom_no_model_greets_yet_hears_that_somebody_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first moment on something is due to them; and once they have hung up, no time of theirs goes on."""

    async def never(_: Stage) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Stage, "_connect", never)
    stage = Stage(tmp_path, comfort=0.01, comfort_look=0.002)
    with capture_events() as events:
        calling = asyncio.create_task(stage.live.run())
        await until(lambda: stage.caller.events("media"))
        stage.caller.say(HANG_UP)
        await calling
    assert [event.event for event in events].count("COMFORT") == 1
    assert stage.call.stats.ended is not None
