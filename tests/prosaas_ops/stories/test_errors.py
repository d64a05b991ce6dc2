"""The same trouble is one row."""

from datetime import UTC, datetime

import pytest

from prosaas_ops.stack.buried import file_of
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, parse
from prosaas_ops.stories import errors
from prosaas_ops.stories.errors import Death, deaths, group_errors


def lines(*texts: str, service: str = "prosaas-api") -> list[Line]:
    return [parse(RawLine(f"2024-01-25T14:00:{at:02}Z", service, text)) for at, text in enumerate(texts)]


def test_what_differs_in_ids_numbers_and_quoted_words_is_the_same_trouble() -> None:
    (group,) = group_errors(
        lines(
            "[ERROR] ❌ [HTTP_FAILED] הבקשה נכשלה, method=POST, path=/twilio/voice · request_id=0a1b2c3d",
            "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CA1, business_id=456",
            "[ERROR] ❌ [HTTP_FAILED] הבקשה נכשלה, method=POST, path=/twilio/voice · request_id=99 · call_sid=CA2",
        )
    )
    assert (group.event, group.count, group.calls, group.last - group.first) == ("HTTP_FAILED", 2, {"CA2"}, 2.0)
    assert "path=/twilio/voice" in group.example.text


def test_other_words_another_event_or_service_are_another_trouble_and_errors_come_first() -> None:
    found = group_errors(
        [
            *lines("[WARNING] a", "[WARNING] b", "[WARNING] b", "[ERROR] c"),
            *lines("[WARNING] a", service="worker"),
        ]
    )
    assert [(group.service, group.example.text, group.count) for group in found] == [
        ("prosaas-api", "c", 1), ("prosaas-api", "b", 2), ("prosaas-api", "a", 1), ("worker", "a", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "repeated",
    [
        "אותה שורה חזרה שוב ושוב, count=41, seconds=30, last=x failed 8",
        "the same line again, count=41, seconds=30, last=x failed 8",
    ],
)
def test_repeats_that_the_log_folded_count_where_they_belong(repeated: str) -> None:
    (group,) = group_errors(lines("[ERROR] ❌ [CHORE_FAILED] x failed 7", f"[WARNING] 🔁 [REPEATED] {repeated}"))
    assert (group.event, group.count) == ("CHORE_FAILED", 42)


def test_a_flood_of_unlike_troubles_takes_time_by_their_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is compared with none of the others."""
    compared = 0

    class Words(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    monkeypatch.setattr(errors, "wording", Words)
    names = [f"{chr(97 + number // 20)}{chr(97 + number % 20)}" for number in range(400)]
    assert (
        len(
            group_errors(
                [
                    parse(RawLine(f"2024-01-25T14:00:00.{at}Z", "worker", f"[ERROR] {name}"))
                    for at, name in enumerate(names)
                ]
            )
        )
        == 400
    )
    assert compared < 4 * 400


def test_what_began_after_a_start_or_a_switch_says_so() -> None:
    start = "[INFO] 🟢 [SERVICE_START] השירות עלה, service=prosaas-api, version=1.2"
    first, second = group_errors(lines(start, "[ERROR] new", "[WARNING] other"))
    assert "version=1.2" in first.since
    assert second.since == ""


@pytest.mark.parametrize(("at", "since", "before"), [(5, True, ""), (11, False, "version=1.2")])
def test_a_start_is_the_cause_of_what_comes_at_once_and_else_stands_shortly_before(
    at: int, since: bool, before: str
) -> None:
    start = "[INFO] 🟢 [SERVICE_START] השירות עלה, service=prosaas-api, version=1.2"
    (group,) = group_errors(lines(start, *["[INFO] -"] * (at - 1), "[ERROR] new"))
    assert (bool(group.since), before in group.before) == (since, True)
    assert group.apart == (0 if since else 11)


def test_a_database_that_starts_is_the_cause_of_what_misses_it_and_of_nothing_else() -> None:
    missed, beside = lines("[ERROR] boom", "[ERROR] no connection to OpenAI")
    missed.stack = ["  asyncpg.exceptions.CannotConnectNowError"]
    first, second = group_errors([missed, beside], [Happening(missed.at - 11, "postgres", "start", "")])
    assert (first.since, first.before) == ("postgres container start", "")
    assert (second.since, second.before, second.apart) == ("", "postgres container start", 12.0)


def test_a_change_a_minute_ago_is_not_blamed_and_the_databases_end_is() -> None:
    start = parse(RawLine("2024-01-25T13:59:00Z", "worker", "[INFO] 🟢 [WORKER_START] the worker is up"))
    (lost,) = lines("[WARNING] ⚠️ [QUEUE_LOST] the queue is away", service="worker")
    (group,) = group_errors([start, lost])
    assert group.since == ""
    died = Happening(lost.at - 2, "postgres", "die", "exit code 0")
    (group,) = group_errors([start, lost], [Happening(lost.at - 900, "postgres", "start", ""), died])
    assert group.since == "postgres container die, exit code 0"


CHANGED = "[WARNING] 🎚️ [LOG_LEVEL_CHANGED] log level changed, level=DEBUG, target=CA1, for_s=900, by=cli"
REVERTED = "[WARNING] 🎚️ [LOG_LEVEL_REVERTED] log level taken back: its time is over, level=INFO, target=CA1"


DEMO = "[WARNING] 🎭 [DEMO] the voice agent is simulated. To leave: set DEMO=0"


def test_a_switch_its_end_and_a_demo_are_no_troubles_and_a_switch_stands_before_what_comes_after_it() -> None:
    (group,) = group_errors(lines(CHANGED, DEMO, REVERTED, "[ERROR] boom"))
    assert (group.example.text, group.count) == ("boom", 1)
    assert group.since == ""
    assert group.before.startswith("LOG_LEVEL_CHANGED log level changed, level=DEBUG")


def test_a_black_box_is_a_trouble_only_where_nothing_else_tells_of_its_call() -> None:
    box = "[WARNING] ⚫ [BLACKBOX_WRITTEN] the last moments were kept, records=9 · call_sid="
    for said in (lines(f"{box}CA1", "[ERROR] boom · call_sid=CA1"), [*lines(f"{box}CA1"), its_death("CA1")]):
        assert [group.event for group in group_errors(said)] == [""]
    (group,) = group_errors(lines(f"{box}CA1", f"{box}CA2", "[INFO] [CALL_END] x · call_sid=CA1"))
    assert (group.event, group.count, group.calls) == ("BLACKBOX_WRITTEN", 2, {"CA1", "CA2"})


def its_death(call: str) -> Death:
    return Death("2024-01-25T14:00:09Z", "prosaas-calls", "ERROR", "", "the container was killed", calls={call})


CALLS = {"CA1": "one", "CA2": "two", "CA3": str(file_of("prosaas-calls", "gone"))}


def spoken(at: int, call_sid: str, container: str, event: str = "CALL_START", rest: str = "") -> Line:
    text = f"[INFO] [{event}] {rest} · call_sid={call_sid}"
    line = parse(RawLine(f"2024-01-25T14:00:{at:02}Z", "prosaas-calls", text))
    line.container = container
    return line


def killed(at: int, container: str) -> Happening:
    moment = datetime(2024, 1, 25, 14, 0, at, tzinfo=UTC).timestamp()
    return Happening(moment, "prosaas-calls", "die", "exit code 137", failed=True, container=container)


def test_a_container_that_was_killed_takes_its_own_calls_along_and_not_those_of_another_replica() -> None:
    """Also one of which the lines alone are left, and not what goes on or had ended before."""
    said = [spoken(1, call, container) for call, container in CALLS.items()]
    ended, goes_on = spoken(2, "CA4", "one", "CALL_END"), spoken(9, "CA5", "one")
    happened = [killed(5, "one"), killed(6, "gone")]
    first, second = deaths([ended, goes_on], happened, [*said, spoken(1, "CA4", "one"), spoken(1, "CA5", "one")])
    assert (first.calls, second.calls) == ({"CA1"}, {"CA3"})


@pytest.mark.parametrize(("call", "rows"), [("CA1", [{"CA1"}]), ("CA2", [set(), {"CA2"}]), ("CA9", [{"CA1", "CA9"}])])
def test_a_call_whose_record_alone_tells_of_its_end_is_of_the_container_that_had_it(
    call: str, rows: list[set[str]]
) -> None:
    """Whoever found the record; one that nobody wrote of is that of the last that ended before."""
    said = [spoken(1, call, CALLS[call]) for call in CALLS if call != "CA3"]
    if call == "CA2":
        said[0] = spoken(1, "CA1", "two")
    found = spoken(8, call, "next", "CALL_END", "duration_s=1, reason=crashed")
    assert [death.calls for death in deaths([*said, found], [killed(5, "one")])] == rows
