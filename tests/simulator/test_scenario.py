"""Scenarios as files."""

from datetime import date
from pathlib import Path

import pytest

from simulator import days
from simulator.scenario import Library, ScenarioError, parse

MINIMAL = "description: d\ngreeting: g\n"


@pytest.mark.parametrize("name", Library().names())
def test_every_shipped_scenario_loads(name: str) -> None:
    """No file has a mistake."""
    assert Library().load(name).name == name


def test_a_users_folder_adds_scenarios_and_hides_shipped_ones(tmp_path: Path) -> None:
    """The later folder wins."""
    (tmp_path / "mine.yaml").write_text(MINIMAL)
    (tmp_path / "demo.yaml").write_text("description: d\ngreeting: mine\n")
    shipped = Path(days.__file__).parent / "scenarios"
    library = Library(shipped, tmp_path)
    assert library.load("mine").greeting == "g"
    assert library.load("demo").greeting == "mine"
    assert library.load("long").greeting


def test_overrides_are_laid_over_the_file() -> None:
    """A nested key changes alone."""
    scenario = parse("x", MINIMAL + "ending: {how: close, after_ms: 5}\n", {"ending": {"how": "abort"}})
    assert (scenario.ending.how, scenario.ending.after_ms) == ("abort", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("description: d", "greeting: missing"),
        (MINIMAL + "colour: red", "colour: unknown; known are name, description"),
        (MINIMAL + "turns: [{caler: hi}]", r"turns\[0\].caler: unknown"),
        (MINIMAL + "turns: hi", "turns: 'hi'; must be a list"),
        (MINIMAL + "ending: {how: politely}", "ending.how: 'politely'; must be one of stop, close, abort"),
        (MINIMAL + "patience_ms: long", "patience_ms: 'long'; must be a int"),
        (MINIMAL + "line: {lost: yes}", "line.lost: True; must be a float"),
        ("- a list", "must be a mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, message: str) -> None:
    """The error says where and what would be right."""
    with pytest.raises(ScenarioError, match=message):
        parse("x", text)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A typing mistake is easy to mend."""
    with pytest.raises(ScenarioError, match=r"^no scenario 'dmeo'\. Did you mean demo\?$"):
        Library().load("dmeo")


@pytest.mark.parametrize(
    ("today", "ahead", "expected"),
    [
        (date(2026, 1, 25), 1, date(2026, 1, 26)),
        (date(2026, 1, 29), 1, date(2026, 2, 1)),
        (date(2026, 1, 30), 1, date(2026, 2, 1)),
        (date(2026, 1, 25), 6, date(2026, 2, 2)),
    ],
)
def test_business_days_skip_friday_and_saturday(today: date, ahead: int, expected: date) -> None:
    """Thursday's next business day is Sunday."""
    assert days.business_day(ahead, today) == expected


def test_the_demos_day_which_may_be_weeks_ahead_is_asked_for_and_confirmed_by_its_date() -> None:
    """Of "the coming Thursday" there is one alone."""
    demo = Library().load("demo")
    assert demo.day_spread > 5
    said = [demo.turns[0].caller, demo.turns[0].agent, demo.turns[1].agent_when["נקבע"]]
    assert all("{weekday}, {spoken_date}" in text for text in said)


@pytest.mark.parametrize("name", Library().names())
def test_no_scenario_calls_a_day_the_coming_one(name: str) -> None:
    turns = Library().load(name).turns
    assert not [turn for turn in turns if "{weekday} הקרוב" in f"{turn.caller}{turn.agent}{turn.agent_when}"]


def test_placeholders_are_filled_at_any_depth_and_unknown_ones_stay() -> None:
    """Texts, lists and mappings."""
    known = days.words(date(2026, 1, 25))
    filled = days.fill({"a": ["{date}", "{weekday} {spoken_date}"], "b": 3, "c": "{else}"}, known)
    assert filled == {"a": ["2026-01-25", "ראשון 25 בינואר"], "b": 3, "c": "{else}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3 זמנים פנויים: 09:30, 10:00", "09:30"), ("2026-01-25T14:00:00+02:00", "14:00"), ("nothing", None)],
)
def test_the_first_free_time_is_found_in_a_tools_answer(text: str, expected: str | None) -> None:
    """Whatever the answer's wording."""
    assert days.first_time(text) == expected


def test_the_same_callers_next_call_is_as_the_first_but_for_what_it_says() -> None:
    text = "description: d\ngreeting: hello\nday: 3\nending: {tool: book}\nturns: [{caller: a}]\n"
    again = parse("x", f"{text}again: {{turns: [{{caller: b}}], ending: {{tool: ''}}}}").again
    assert again is not None
    assert (again.greeting, again.day, again.turns[0].caller, again.ending.tool) == ("hello", 3, "b", "")
    assert again.again is None
    with pytest.raises(ScenarioError, match="again: 'soon'; must be a mapping"):
        parse("x", f"{text}again: soon")
    with pytest.raises(ScenarioError, match=r"again\.turn: unknown"):
        parse("x", f"{text}again: {{turn: []}}")
