"""What Postgres cannot hold of a text is not asked of it."""

import pytest

from prosaas_core.storable import storable, storable_name, storable_text


@pytest.mark.parametrize(
    ("given", "kept"),
    [("plain", "plain"), ("a\0b", "ab"), ("ש\0לום", "שלום"), ("a\ud83d", "a\ufffd"), ("\ud83d\ude00", "😀")],
)
def test_nul_goes_and_half_a_pair_is_marked(given: str, kept: str) -> None:
    assert storable_text(given) == kept
    assert storable({given: [given, 1, None]}) == {kept: [kept, 1, None]}


def test_a_name_is_one_line_of_bounded_length() -> None:
    assert storable_name(" Dana\r\n\x1b[2J\u202e" + "x" * 300, 20) == "Dana [2J xxxxxxxx"
