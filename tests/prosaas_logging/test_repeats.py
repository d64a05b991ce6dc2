"""The same warning again and again becomes a count."""

from prosaas_logging.catalogue import REALTIME_RETRY, REPEATED
from prosaas_logging.levels import ERROR, WARNING
from prosaas_logging.logger import get_logger
from prosaas_logging.repeats import WINDOW_SECONDS, Repeats
from prosaas_logging.scope import Context, Record

log = get_logger("tests.repeats")
NOWHERE = Context({})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[Record] = []
        self.repeats = Repeats(
            lambda record, context: self.lines.append(record), lambda record, _: str(record[3]), self.clock
        )

    def say(self, text: str, context: Context = NOWHERE, level: int = WARNING, **fields: object) -> None:
        self.repeats.submit((0.0, level, log, text, fields, None), context)


def test_the_first_is_written_in_full_and_the_others_become_one_line_a_window() -> None:
    world = World()
    for attempt in range(100):
        world.say("refused", attempt=attempt)
    assert [record[3] for record in world.lines] == ["refused"]
    world.clock.now += WINDOW_SECONDS
    world.repeats.sweep()
    (_, level, _, what, fields, _) = world.lines[-1]
    assert (level, what, fields["count"], fields["seconds"], fields["last"]) == (WARNING, REPEATED, 99, 30, "refused")


def test_one_line_a_window_for_as_long_as_it_goes_on() -> None:
    world = World()
    for _ in range(90):
        world.say("refused")
        world.clock.now += 1
        world.repeats.sweep()
    assert len(world.lines) == 4
    assert 1 + sum(int(str(record[4]["count"])) for record in world.lines[1:]) + 0 == 90


def test_what_stopped_coming_is_new_when_it_comes_again() -> None:
    world = World()
    world.say("refused")
    world.clock.now += WINDOW_SECONDS
    world.repeats.sweep()
    world.say("refused")
    assert [record[3] for record in world.lines] == ["refused", "refused"]


def test_different_words_levels_and_calls_are_different() -> None:
    world = World()
    world.say("refused")
    world.say("refused", level=ERROR)
    world.say("refused", error="timeout")
    world.say("refused", context=Context({}, ("call_sid=CA1",)))
    world.repeats.submit((0.0, WARNING, log, REALTIME_RETRY, {"attempt": 1, "error": "timeout"}, None), NOWHERE)
    assert len(world.lines) == 5


def test_a_storm_of_different_warnings_does_not_grow_for_ever() -> None:
    world = World()
    for number in range(5000):
        world.say(f"refused {number}")
    assert len(world.lines) == 5000
    assert len(world.repeats._runs) <= 1024


def test_what_is_still_counted_at_the_end_is_said() -> None:
    world = World()
    world.say("refused")
    world.say("refused")
    world.repeats.sweep(everything=True)
    assert world.lines[-1][4]["count"] == 1
