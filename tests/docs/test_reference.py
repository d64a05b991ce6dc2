"""The tables of events in the documentation say what the catalogue says."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs_world import reference
from prosaas_logging.levels import DEBUG, INFO

ROOT = Path(__file__).parents[2]
AREAS = tomllib.loads((ROOT / "docs/events.he.toml").read_text(encoding="utf-8"))
TITLES = {"title", "title_he"}
PAGES = ["docs/events.md", "docs/guide.md", "docs/guide.he.md"]


def test_every_event_has_its_area_and_its_hebrew_once() -> None:
    listed = [name for area in AREAS.values() for name in area if name not in TITLES]
    assert sorted(listed) == sorted(reference.events())


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_current(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- events:" in text
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    current = reference.stamped(reference.filled(text, AREAS), changelog)
    assert current == text, f"{page} is not current: run make docs"


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        ("## Unreleased\n\n## 1.0.0 - 2026-01-02\n", "**Version**: unreleased"),
        ("## 1.2.0 - 2026-12-01\n\n## 1.0.0 - 2026-01-02\n", "**Last updated**: 2026-12-01 · **Version**: 1.2.0"),
        ("## [1.2.0] - 2026-12-01\n", "**Version**: 1.2.0 · **Status**: ✅ ready for production"),
        ("", "**Version**: unreleased"),
    ],
)
def test_a_guide_tells_date_version_and_status_of_its_release(heading: str, says: str) -> None:
    page = "<!-- release lang=en -->\n<!-- /release -->\n<!-- release lang=he -->\n<!-- /release -->\n"
    stamped = reference.stamped(page, f"# Changelog\n\n{heading}")
    assert says in stamped
    assert "**סטטוס**" in stamped
    for guide in PAGES[1:]:
        assert "<!-- release lang=" in (ROOT / guide).read_text(encoding="utf-8")


def test_what_makes_room_in_a_long_call_is_every_line_of_a_call_at_info() -> None:
    table = reference.folding(AREAS, "en")
    calls = [event for event in map(reference.events().get, AREAS["calls"]) if event is not None]
    for event in calls:
        assert (f"`{event.name}`" in table) == (event.level == INFO), event
    assert table.index("RESPONSE_CREATED") < table.index("TRANSCRIPT_AI") < table.index("CALL_START")


def test_a_table_splits_the_events_at_info() -> None:
    production = reference.tables(AREAS, "production", "en")
    development = reference.tables(AREAS, "development", "en")
    for name, event in reference.events().items():
        assert (f"| `{name}` |" in production) == (event.level >= INFO), name
        assert (f"| `{name}` |" in development) == (event.level <= DEBUG), name


def test_a_row_shows_the_line_as_the_renderer_writes_it() -> None:
    event = reference.events()["CALL_END"]
    assert reference.line(event, "he").startswith("🔚 [CALL_END] משך=…s, סיבה=…, turns=…")
    assert reference.line(reference.events()["TX_RESPONSE_START"], "en") == "[TX_RESPONSE] start response_id=…"


def test_the_command_rewrites_only_what_stands_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- events: show=development lang=he -->\nold\n<!-- /events -->\nafter\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "docs_world.reference", str(ROOT / "docs/events.he.toml"), str(page)]
    environ = {"PYTHONPATH": f"{ROOT / 'services'}:{ROOT / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    text = page.read_text(encoding="utf-8")
    assert done.stdout == f"{page}: written\n"
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "`AUDIO_DELTA`" in text
    assert "`CALL_START`" not in text


def test_the_command_without_a_page_says_how_it_is_used() -> None:
    assert reference.main(["areas.toml"]) == 2
