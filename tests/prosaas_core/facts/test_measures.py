"""The measures of a call in words."""

from prosaas_core.facts.measures import MEASURES, SILENCE_MS, shown


def test_a_cost_has_three_places_and_a_count_is_as_it_is() -> None:
    said = {measure.name: words.split()[0] for measure, words in shown({"cost": 0.12345, "turns": 3})}
    assert said == {"cost": "0.123", "turns": "3"}
    assert shown({}) == []


def test_an_answer_is_slow_after_a_second_and_a_half_and_very_slow_after_three() -> None:
    slow = {row.name: (row.slow, row.very_slow, row.unit) for row in MEASURES if row.slow}
    assert slow == dict.fromkeys(("first_audio_ms", "response_p50_ms", "response_p95_ms"), (1500, 3000, "ms"))
    assert SILENCE_MS == 5000


def test_a_measure_has_its_unit_behind_it_and_a_cost_its_currency() -> None:
    told = dict(shown({"first_audio_ms": 310, "cost": 2, "currency": "ILS", "tools": 0, "errors": None}))
    assert {row.name: words for row, words in told.items()} == {
        "tools": "0",
        "first_audio_ms": "310 ms",
        "cost": "2 ILS",
    }
