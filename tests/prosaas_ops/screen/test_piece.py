"""Text from outside, as a piece of a terminal's row or of a page."""

import time

import pytest

from prosaas_ops.screen.piece import isolated, piece, prose, quoted

HOSTILE = "\x1b]0;x\x07\x1b[2J\r\n\x9b31m\u202e\u2066\ud800<img src=x>&\"'"


@pytest.mark.parametrize("make", [piece, quoted, isolated, prose])
def test_nothing_is_left_that_acts(make: object) -> None:
    shown = make(HOSTILE)  # type: ignore[operator]
    assert all(character.isprintable() for character in shown)
    shown.encode()


@pytest.mark.parametrize("make", [quoted, isolated, prose])
def test_nothing_in_a_page_becomes_an_element(make: object) -> None:
    assert "<img" not in make(HOSTILE)  # type: ignore[operator]


def test_each_part_of_a_line_keeps_its_own_direction_and_order() -> None:
    assert prose('נקבע 2026-12-08 14:00, "שלום", משך=5.9s, 234ms') == (
        '<bdi dir="auto">נקבע <bdi dir="ltr">2026-12-08 14:00</bdi>, <bdi>&quot;<bdi>שלום</bdi>&quot;</bdi>,'
        ' משך=<bdi dir="ltr">5.9s</bdi>, <bdi dir="ltr">234ms</bdi></bdi>'.replace("&quot;<bdi>", '"<bdi>').replace(
            "</bdi>&quot;", '</bdi>"'
        )
    )


@pytest.mark.parametrize("unit", ['"', "a.", "a=", "1:", "2026-12-08 ", "a_1", "ש=", " · "])
def test_a_page_is_made_in_linear_time(unit: str) -> None:
    started = time.process_time()
    prose(unit * 40_000)
    assert time.process_time() - started < 0.2


def test_what_is_too_long_is_cut_with_a_mark() -> None:
    assert piece("x" * 50, 10) == "x" * 9 + "…"
