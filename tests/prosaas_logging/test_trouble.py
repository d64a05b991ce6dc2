"""The same warning again and again becomes a count, whatever numbers and ids are in it."""

import time
from collections.abc import Callable

import pytest

from clocks import Clock
from prosaas_logging.catalogue import (
    BLACKBOX_WRITTEN,
    BODY_REJECTED,
    HTTP_FAILED,
    MEDIA_MALFORMED,
    REALTIME_RETRY,
    REPEATED,
    SIGNATURE_REJECTED,
)
from prosaas_logging.events import Event
from prosaas_logging.levels import ERROR, WARNING
from prosaas_logging.logger import get_logger
from prosaas_logging.record import Context, Record
from prosaas_logging.trouble import MOST_ALIKE, WINDOW_SECONDS, Repeats, Said, kind_of, wording

from .conftest import grown

log = get_logger("tests.repeats")
NOWHERE = Context({})


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[Record] = []
        self.repeats = Repeats(lambda record, _: str(record[3]), self.clock)

    def say(self, text: str, context: Context = NOWHERE, level: int = WARNING, **fields: object) -> None:
        self.write(self.repeats.sift((0.0, level, log, text, fields, None), context))

    def sweep(self, *, everything: bool = False) -> None:
        self.write(self.repeats.sweep(everything=everything))

    def write(self, said: list[Said]) -> None:
        self.lines += [record for record, _ in said]


def test_the_first_is_written_in_full_and_the_others_become_one_line_a_window() -> None:
    world = World()
    for attempt in range(100):
        world.say("refused", attempt=attempt)
    assert [record[3] for record in world.lines] == ["refused"]
    world.clock.now += WINDOW_SECONDS
    world.sweep()
    (_, level, _, what, fields, _) = world.lines[-1]
    assert (level, what, fields["count"], fields["seconds"], fields["last"]) == (WARNING, REPEATED, 99, 30, "refused")


def test_one_line_a_window_for_as_long_as_it_goes_on() -> None:
    world = World()
    for _ in range(90):
        world.say("refused")
        world.clock.now += 1
        world.sweep()
    assert len(world.lines) == 4
    assert 1 + sum(int(str(record[4]["count"])) for record in world.lines[1:]) + 0 == 90


def test_what_stopped_coming_is_new_when_it_comes_again() -> None:
    world = World()
    world.say("refused")
    world.clock.now += WINDOW_SECONDS
    world.sweep()
    world.say("refused")
    assert [record[3] for record in world.lines] == ["refused", "refused"]


def test_different_words_levels_and_details_are_different_troubles() -> None:
    world = World()
    world.say("refused")
    world.say("refused", level=ERROR)
    world.say("refused", error="timeout")
    world.write(
        world.repeats.sift((0.0, WARNING, log, REALTIME_RETRY, {"attempt": 1, "error": "timeout"}, None), NOWHERE)
    )
    assert len(world.lines) == 4


def test_a_trouble_is_the_same_whomever_it_befalls() -> None:
    world = World()
    for number in range(5519):
        request = f"{number:032x}"
        context = Context({"request_id": request}, (f"request_id={request}",))
        world.say(f"POST /calls/{number} failed", context, ERROR, request_id=request, path=f"/calls/CA{number:032x}")
    world.sweep(everything=True)
    assert len(world.lines) == 2
    assert world.lines[1][4]["count"] == 5518


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no answer after 250 ms", "no answer after # ms"),
        ("call CA7fa278 of +972501234567", "call # of +#"),
        ("job 550e8400-e29b-41d4-a716-446655440000: gone", "job #: gone"),
        ("GET /calls/17?x=3", "GET /calls/#?x=#"),
        ("שיחה 17 נכשלה", "שיחה # נכשלה"),
        ("nothing to take out", "nothing to take out"),
    ],
)
def test_wording_has_no_ids_and_no_numbers(text: str, words: str) -> None:
    assert wording(text) == words


def test_wording_takes_no_longer_for_a_hostile_text() -> None:
    for unit in ("a", "-", "1", "a-", "a1", " ", "-1", "\u05d0"):
        began = time.thread_time()
        kind_of((0.0, ERROR, log, unit * 1_000_000, {"text": unit * 1_000_000}, None))
        assert time.thread_time() - began < 0.1


def test_a_storm_of_different_warnings_writes_each_and_still_counts_what_came_after() -> None:
    world = World()
    storm = [f"refused {'x' * length}" for length in range(150)]
    for number in range(20):
        for text in storm:
            world.say(f"{'y' * number} {text}")
    world.say(f"{'y' * 19} {storm[-1]}")
    assert len(world.lines) == 20 * 150
    world.sweep(everything=True)
    assert len(world.lines) == 20 * 150 + 1


@pytest.mark.parametrize(
    ("event", "details"),
    [
        (SIGNATURE_REJECTED, lambda text: {"source": text, "reason": text}),
        (BODY_REJECTED, lambda text: {"source": "10.0.0.1", "reason": text}),
        (HTTP_FAILED, lambda text: {"method": "POST", "path": f"/{text}"}),
        (MEDIA_MALFORMED, lambda text: {"error": text}),
    ],
    ids=["signature", "body", "path", "media"],
)
def test_strangers_who_vary_their_words_a_thousand_times_a_second_get_less_than_a_line_a_second(
    event: Event[...], details: Callable[[str], dict[str, object]]
) -> None:
    world = World()
    letters = str.maketrans("0123456789", "abcdefghij")
    for second in range(60):
        for number in range(1000):
            text = str(second * 1000 + number).translate(letters)
            world.write(world.repeats.sift((0.0, event.level, log, event, details(text), None), NOWHERE))
        world.clock.now += 1
        world.sweep()
    assert len(world.lines) < 60
    world.sweep(everything=True)
    counted = sum(int(str(record[4]["count"])) for record in world.lines if record[3] is REPEATED)
    assert counted + sum(record[3] is event for record in world.lines) == 60_000


def test_details_are_told_apart_again_when_the_flood_is_over() -> None:
    world = World()
    for word in "abcdefgh":
        world.say("refused", reason=word)
    for _ in range(2):
        world.clock.now += WINDOW_SECONDS
        world.sweep()
    before = len(world.lines)
    for word in "xyz":
        world.say("refused", reason=word)
    assert [record[4]["reason"] for record in world.lines[before:]] == ["x", "y", "z"]


def test_a_flood_of_details_is_told_apart_as_little_each_time_it_comes() -> None:
    world = World()

    def flood() -> list[object]:
        world.lines.clear()
        for letter in "abcdefghijkl":
            world.say("refused", reason=f"by {letter}")
        return [record[4]["reason"] for record in world.lines]

    first = flood()
    assert len(first) == MOST_ALIKE + 1
    for _ in range(3):
        for _ in range(2):
            world.clock.now += WINDOW_SECONDS
            world.sweep()
        assert flood() == first


def test_what_is_told_apart_already_stays_so_when_there_is_room_for_no_more() -> None:
    world = World()
    for letter in "abcdefgh"[:MOST_ALIKE] * 2:
        world.say("refused", reason=f"by {letter}")
    assert len(world.lines) == MOST_ALIKE


def test_what_cannot_be_rendered_is_told_without_its_words_and_counted_once() -> None:
    world = World()

    def refuse(record: Record, context: Context) -> str:
        raise ValueError

    world.repeats = Repeats(refuse, world.clock)
    for _ in range(3):
        world.say("unrenderable")
    world.clock.now += WINDOW_SECONDS
    world.sweep()
    world.clock.now += WINDOW_SECONDS
    world.sweep()
    assert [record[4].get("count") for record in world.lines] == [None, 2]
    assert world.lines[1][4]["last"] == "<ValueError>"


def test_what_the_log_says_of_itself_is_always_written() -> None:
    world = World()
    own = get_logger("prosaas_logging")
    for _ in range(3):
        world.write(
            world.repeats.sift((0.0, WARNING, own, BLACKBOX_WRITTEN, {"path": "x", "records": 1}, None), NOWHERE)
        )
    assert len(world.lines) == 3


def test_what_is_still_counted_at_the_end_is_said() -> None:
    world = World()
    world.say("refused")
    world.say("refused")
    world.sweep(everything=True)
    assert world.lines[-1][4]["count"] == 1


def refused(name: str, value: str) -> Record:
    return 0.0, WARNING, log, "refused", {name: value}, None


@pytest.mark.parametrize(
    ("name", "same"),
    [
        *((name, True) for name in ("call_sid", "business_id", "request_id", "job_id", "id", "sid", "ip", "phone")),
        *((name, True) for name in ("from", "to", "name", "session_id", "parent_sid", "client_ip", "idempotency_key")),
        *((name, False) for name in ("reason", "tool", "error", "keyed", "idle", "path")),
    ],
)
def test_of_whom_makes_no_difference_and_why_does(name: str, same: bool) -> None:
    """Words without a digit in them, which would be taken for a number."""
    one, other = (kind_of(refused(name, word)) for word in ("dana", "ruth"))
    assert (one == other) is same


def test_only_the_beginning_of_a_text_tells_troubles_apart() -> None:
    assert wording("x" * 199 + "a") != wording("x" * 199 + "b")
    assert wording("x" * 200 + "a") == wording("x" * 200 + "b")
    for same, length in ((True, 64), (False, 63)):
        one, other = (kind_of(refused("why", "x" * length + end)) for end in "ab")
        assert (one == other) is same


def test_troubles_that_somebody_makes_up_are_not_remembered_for_ever() -> None:
    repeats = Repeats(lambda record, _: "")
    letters = "abcdefghij"

    def say(number: int) -> None:
        words = "".join(letters[int(digit)] for digit in str(number))
        repeats.sift((0.0, WARNING, log, f"trouble {words}", {}, None), NOWHERE)

    assert grown(say, 20_000) < 2 * 1024**2
