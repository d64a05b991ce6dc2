"""What the pages show of the commands' output is what the commands make."""

import pytest

from docs_world.samples import PAGES, SAMPLES, filled, named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_sample_in_a_page_is_what_the_command_prints(page: object) -> None:
    """`make docs` writes them anew."""
    text = PAGES[0].read_text("utf-8")
    assert filled(text) == text


def test_every_sample_that_can_be_made_has_its_place_in_a_page() -> None:
    shown = [name for page in PAGES for name in named(page.read_text("utf-8"))]
    assert sorted(shown) == sorted(SAMPLES)


def test_this_test_sees_a_sample_that_was_written_by_hand() -> None:
    by_hand = "<!-- sample: quiet -->\n\n```text\nprosaas-calls is quiet\n```\n"
    assert "at its configured level" in filled(by_hand)
