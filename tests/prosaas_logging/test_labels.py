"""Values of closed lists are words in both languages, and each is told by the word that it has in code."""

import re

import pytest

from prosaas_logging import labels

ROWS = [
    (value, *words)
    for table in vars(labels).values()
    if isinstance(table, dict) and all(isinstance(words, tuple) for words in table.values())
    for value, words in table.items()
]


@pytest.mark.parametrize(("value", "hebrew", "english"), ROWS)
def test_a_value_is_hebrew_in_the_one_language_and_recognised_in_the_other(
    value: str, hebrew: str, english: str
) -> None:
    assert re.search("[א-ת]{2}", hebrew)
    assert not re.search("[א-ת]", english)
    if value in labels.FOLDED:
        # Where they are is no word of ours: what is said is how to have them in a file.
        assert "LOG_FOLDED=file" in hebrew
        assert "LOG_FOLDED=file" in english
    else:
        assert any(f" {word[:4]}" in f" {english}" for word in value.split("_"))
