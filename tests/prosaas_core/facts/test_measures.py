"""The measures of a call in words."""

from prosaas_core.facts.measures import shown


def test_a_cost_has_three_places_and_a_count_is_as_it_is() -> None:
    said = {measure.name: words.split()[0] for measure, words in shown({"cost": 0.12345, "turns": 3})}
    assert said == {"cost": "0.123", "turns": "3"}
    assert shown({}) == []
