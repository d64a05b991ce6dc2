"""The calls under way."""

from simulator.live import LiveCall, Note, Registry, Said, kept_number
from simulator.scenario import parse

SCENARIO = parse("x", "description: d\ngreeting: g\n")


def opened(registry: Registry, notes: list[Note], call_sid: str | None = None) -> LiveCall:
    return registry.open(SCENARIO, speed=10.0, listener=notes.append, call_sid=call_sid)


def test_a_call_is_found_by_number_and_by_sid_until_it_is_over() -> None:
    """Two calls are two numbers."""
    registry = Registry()
    first, second = opened(registry, [], "CA1"), opened(registry, [])
    assert first.number != second.number
    assert registry.by_sid("CA1") is registry.by_number(first.number) is first
    assert list(registry) == [first, second]
    registry.close(first)
    assert registry.by_sid("CA1") is None
    assert registry.by_number(first.number) is None


def test_a_slip_sets_the_clock_back() -> None:
    """A second that the machine lost is ten of audio time at speed 10."""
    call = opened(Registry(), [])
    call.began -= 5
    before = call.now_ms()
    call.slip(1.0)
    assert 9_000 <= before - call.now_ms() <= 10_000
    assert call.slipped_ms == 10_000


def test_a_problem_is_noted_at_once_and_kept() -> None:
    """Whoever watches sees it when it happens."""
    notes: list[Note] = []
    call = opened(Registry(), notes)
    call.problem("dead air")
    assert (notes[0]["what"], notes[0]["text"]) == ("problem", "dead air")
    assert call.problems == ["dead air"]


def test_a_greeting_that_one_call_still_hears_is_known_whole_to_another_that_hears_it_kept() -> None:
    """Many calls begin at once, and some of them before it was kept."""
    registry = Registry()
    number = kept_number("שלום")
    opened(registry, []).say(number, Said("שלום", b"x" * 800, "item_1"))
    assert opened(registry, []).spoken[number].sent_bytes == 800


def test_a_greeting_that_each_caller_hears_is_known_however_much_else_is_said() -> None:
    """A service keeps it for good; of all that is said once, only the last pieces are remembered."""
    call = opened(Registry(), [])
    for number in range(1000):
        call.say(number, Said("שלום", b"", f"item_{number}"))
        if number % 100 == 0:
            assert call.spoken[0].item_id == "item_0"
    assert 1 not in call.spoken
    assert len(call.spoken) <= 200
