"""Several logs at once on one clock, over the engine's own framing."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container, Gone
from prosaas_ops.stack.follow import Follow, Happening, down_since, happening, happenings, merged
from prosaas_ops.stack.lines import Line, naming

SERVICES = ("prosaas-api", "prosaas-calls")


class LiveEngine:
    """Two containers whose output, and the engine's events, a test writes as it goes."""

    def __init__(self) -> None:
        self.sinks: dict[str, socket.socket] = {}
        self.opened: list[tuple[str, float | None]] = []
        self.asked_for_events: list[float | None] = []

    def containers(self, *services: str) -> list[Container]:
        return [Container(name, name, name, "running", "i", "Up") for name in services]

    require = containers

    def _pair(self, name: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.sinks[name] = theirs
        return ours

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        self.opened.append((container, since))
        return self._pair(container)

    def follow_events(self, since: float | None = None) -> socket.socket:
        self.asked_for_events.append(since)
        return self._pair("events")

    def say(self, container: str, second: int, *texts: str) -> None:
        for text in texts:
            body = f"2024-01-25T14:00:{second:02}.000000000Z {text}\n".encode()
            self.sinks[container].sendall(bytes([1, 0, 0, 0]) + len(body).to_bytes(4, "big") + body)

    def happen(self, service: str, action: str, **attributes: str) -> None:
        body = {
            "Action": action,
            "timeNano": 1706191205 * 10**9,
            "Actor": {"ID": service, "Attributes": {"com.docker.compose.service": service, **attributes}},
        }
        self.sinks["events"].sendall(json.dumps(body).encode() + b"\n")


@pytest.fixture
def live() -> Iterator[tuple[LiveEngine, Follow]]:
    engine = LiveEngine()
    stream = Follow(engine, SERVICES, since=7.0)  # type: ignore[arg-type]
    yield engine, stream
    stream.close()


def take(stream: Follow, count: int) -> list[Line | Happening]:
    """The next items; the stream's own pauses are passed over."""
    found: list[Line | Happening] = []
    for item in stream:
        if item is not None:
            found.append(item)
        if len(found) == count:
            return found
    raise AssertionError("the stream ended")


def test_lines_come_in_the_order_of_their_time_not_of_their_arrival(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    engine.say("prosaas-calls", 2, "[INFO] second")
    engine.say("prosaas-api", 1, "[INFO] first")
    engine.say("prosaas-api", 3, "[INFO] third")
    assert [item.text for item in take(stream, 3) if isinstance(item, Line)] == ["first", "second", "third"]


def test_a_stack_trace_comes_with_its_line(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    engine.say("prosaas-api", 1, "[ERROR] x", "  Traceback", "  ValueError")
    (line,) = take(stream, 1)
    assert isinstance(line, Line)
    assert line.stack == ["  Traceback", "  ValueError"]


def test_what_happens_to_a_container_stands_among_the_lines(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    engine.happen("postgres", "die")
    engine.happen("prosaas-calls", "kill", signal="15")
    assert take(stream, 1) == [Happening(1706191205.0, "prosaas-calls", "kill", "SIGTERM")]


def test_a_restarted_container_is_followed_on_from_its_last_line(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    engine.say("prosaas-api", 1, "[INFO] before")
    engine.sinks["prosaas-api"].close()
    assert len(take(stream, 1)) == 1
    engine.happen("prosaas-api", "start")
    take(stream, 1)
    assert engine.opened[-1] == ("prosaas-api", pytest.approx(1706191201.0, abs=1e-4))
    engine.say("prosaas-api", 6, "[INFO] after")
    (line,) = take(stream, 1)
    assert isinstance(line, Line)
    assert line.text == "after"


def test_one_that_started_again_before_its_last_words_were_read_tells_them_once(
    live: tuple[LiveEngine, Follow],
) -> None:
    """As where the past was read first: followed a second time from the beginning, each of them came twice."""
    engine, stream = live
    for second in range(1, 6):
        engine.say("prosaas-api", second, f"[INFO] {'x' * 14_000}")
    engine.sinks["prosaas-api"].close()
    engine.happen("prosaas-api", "start")
    assert len(take(stream, 6)) == 6
    assert engine.opened[2:] == [("prosaas-api", pytest.approx(1706191205.0, abs=1e-4))]
    engine.say("prosaas-api", 6, "[INFO] after")
    (line,) = take(stream, 1)
    assert isinstance(line, Line)
    assert line.text == "after"


@pytest.mark.parametrize("state", ["paused", "exited"])
def test_one_that_stood_still_or_was_down_is_followed_from_where_the_following_began(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook waits for it, and what it then writes of the call is not behind all that it has ever written."""
    engine = LiveEngine()
    stopped = Container("prosaas-api", "prosaas-api", "prosaas-api", state, "i", "")
    monkeypatch.setattr(engine, "require", lambda *_: [stopped])
    with closing(Follow(engine, SERVICES, since=7.0)) as stream:  # type: ignore[arg-type]
        if state == "exited":
            engine.happen("prosaas-api", "start")
            take(stream, 1)
        assert engine.opened == [("prosaas-api", 7.0)]


def test_events_are_asked_for_again_when_their_stream_ends(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    engine.sinks["events"].close()
    assert next(iter(stream)) is None
    assert engine.asked_for_events == [None, pytest.approx(time.time(), abs=60)]
    engine.happen("prosaas-calls", "die", exitCode="137")
    assert take(stream, 1) == [Happening(1706191205.0, "prosaas-calls", "die", "exit code 137", failed=True)]


def test_an_engine_that_keeps_ending_its_events_ends_the_following_aloud(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live
    turns = iter(stream)

    def lose_events_again_and_again() -> None:
        while True:
            engine.sinks["events"].close()
            next(turns)

    with pytest.raises(Problem, match="keeps ending its stream of events"):
        lose_events_again_and_again()


def test_a_quiet_stream_gives_its_reader_a_turn(live: tuple[LiveEngine, Follow]) -> None:
    _, stream = live
    assert next(iter(stream)) is None


@pytest.mark.parametrize(
    ("action", "attributes", "said"),
    [
        ("kill", {"signal": "9"}, ("kill", "SIGKILL")),
        ("kill", {"signal": "37"}, ("kill", "signal 37")),
        ("die", {"exitCode": "137"}, ("die", "exit code 137")),
        ("oom", {}, ("oom", "out of memory")),
        ("health_status: unhealthy", {}, ("health_status", "unhealthy")),
        ("start", {}, ("start", "")),
    ],
)
def test_the_engines_events_are_said_in_an_operators_words(
    action: str, attributes: dict[str, str], said: tuple[str, str]
) -> None:
    told = happening({"Action": action, "timeNano": 10**9, "Actor": {"Attributes": attributes}})
    assert (told.what, told.detail, told.at) == (*said, 1.0)


def test_what_the_engine_has_forgotten_is_read_from_the_containers_state(engine: Any) -> None:
    engine.happen("worker", 3.2, "start")
    for service in ("worker", "prosaas-calls"):
        engine.details[service] = {
            "State": {
                "StartedAt": "2024-01-25T14:00:03.1Z",
                "FinishedAt": "2024-01-25T14:00:02.5Z",
                "ExitCode": 137,
                "OOMKilled": service == "worker",
            }
        }
    told = happenings(engine, 1706191200.0, 1706191210.0)
    assert [(item.service, item.what, item.detail) for item in told] == [
        ("prosaas-calls", "die", "exit code 137"),
        ("worker", "die", "exit code 137, out of memory"),
        ("prosaas-calls", "start", ""),
        ("worker", "start", ""),
    ]


def test_a_window_of_several_logs_is_one_list_by_time(engine: Any) -> None:
    engine.write("worker", 2, "[INFO] b")
    engine.write("prosaas-api", 1, "[INFO] a", "  stack")
    engine.write("prosaas-api", 3, "[INFO] c")
    lines = merged(engine, ["prosaas-api", "worker"], since=0.0)
    assert [(line.text, len(line.stack)) for line in lines] == [("a", 1), ("b", 0), ("c", 0)]


def test_of_a_window_only_what_is_wanted_is_held_with_what_stands_below_it(engine: Any) -> None:
    engine.write("worker", 1, "[INFO] b", "  below b", "[ERROR] a", "  below a", "[INFO] c", "", "  below c")
    found = merged(engine, ["worker"], 0.0, wanted=lambda text: text.startswith("[ERROR]"))
    assert [(line.text, line.stack) for line in found] == [("a", ["  below a"])]


def test_what_stands_below_a_line_that_is_not_wanted_goes_to_no_other(engine: Any) -> None:
    engine.write("worker", 1, "[INFO] of CA1", "[ERROR] of CA2", "  that came after CA1's", "[INFO] more of CA1")
    found = merged(engine, ["worker"], 0.0, wanted=naming("CA1"))
    assert [(line.text, line.stack) for line in found] == [("of CA1", []), ("more of CA1", [])]


def test_without_a_wish_a_row_whose_line_came_before_the_window_is_there_too(engine: Any) -> None:
    engine.write("worker", 1, "  below what came before", "[INFO] a")
    assert [line.text for line in merged(engine, ["worker"], 0.0)] == ["  below what came before", "a"]
    assert len(merged(engine, ["worker"], 0.0, wanted=naming(""))) == 2


def test_a_container_that_goes_meanwhile_is_known_by_its_events(engine: Any) -> None:
    engine.gone.add(engine.begin("prosaas-calls").id)
    engine.happen("prosaas-calls", 5.0, "die", exitCode="0")
    died = engine.happened[0]["timeNano"] / 1e9
    told = happenings(engine, died - 4, died + 4)
    assert [(each.service, each.what) for each in told] == [("prosaas-calls", "die")]
    down_since(engine, "prosaas-calls", died)


def test_following_goes_on_without_a_container_that_went(live: tuple[LiveEngine, Follow]) -> None:
    engine, stream = live

    def gone(container: str, since: float | None = None) -> socket.socket:
        raise Gone(container)

    engine.follow = gone  # type: ignore[method-assign]
    engine.happen("prosaas-calls", "start")
    engine.happen("prosaas-calls", "stop")
    assert len(take(stream, 2)) == 2
    with closing(Follow(engine, SERVICES)):  # type: ignore[arg-type]
        pass


class Ended:
    """Containers of one service, by what the engine remembers of them."""

    def __init__(self, *changes: tuple[str, str, float]) -> None:
        self.changes = changes

    def containers(self, *services: str) -> list[Container]:
        return []

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        attributes = {"com.docker.compose.service": "prosaas-calls"}
        return [
            {"Action": what, "timeNano": int(at * 1e9), "Actor": {"ID": name, "Attributes": attributes}}
            for name, what, at in self.changes
        ]


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ([], None),
        ([("old", "start", 10.0), ("old", "die", 90.0)], 90.0),
        ([("old", "die", 90.0), ("new", "start", 80.0)], None),
        # Its start is forgotten: that it ended later tells that it ran.
        ([("old", "die", 90.0), ("new", "die", 120.0)], None),
        ([("old", "die", 90.0), ("old", "start", 110.0)], 90.0),
        ([("old", "die", 120.0)], None),
    ],
)
def test_a_service_was_down_when_each_of_its_containers_had_ended(
    changes: list[tuple[str, str, float]], since: float | None
) -> None:
    assert down_since(Ended(*changes), "prosaas-calls", 100.0) == since  # type: ignore[arg-type]
