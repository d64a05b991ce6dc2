"""How the agent speaks Hebrew: of herself in the feminine, to callers in the plural, in all that we wrote for her."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from calls_world.world import business
from prosaas_api.twiml import SENTENCES
from prosaas_calls.profile import Profile
from prosaas_core.words import counted, prefixed
from prosaas_worker import words

SERVICES = Path(__file__).parents[2] / "services"
HEBREW = re.compile(r"[\u05d0-\u05ea]")
# Said to one man, or to one person at all.
_TO_ONE = r"אתה|שלך|אליך|אותך|לך|ממך|התקשרת|קבעת|רצית|תרצה|תוכל|אינך יודע"
# Commands to a man: the model would take itself for one.
_TO_A_MAN = r"הצע|התנצל|היפרד|אמור|ודא|בקש|אשר|ענה|סכם|כתוב|הזכר"
_WRONG = re.compile(rf"(?<![\u05d0-\u05ea])(?<!לא )[ושכ]?(?:{_TO_ONE}|{_TO_A_MAN})(?![\u05d0-\u05ea])")


def said_in(value: Any) -> Iterator[str]:
    """What the agent says in a scenario; what the caller says is their own."""
    match value:
        case dict():
            for key, part in value.items():
                if key in ("agent", "agent_when", "greeting", "filler", "unclear", "say"):
                    yield from strings(part)
                elif key != "caller":
                    yield from said_in(part)
        case list():
            for part in value:
                yield from said_in(part)


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from strings(part)
        case list() | tuple():
            for part in value:
                yield from strings(part)


def literals(path: Path) -> list[str]:
    return [text for text in re.findall(r'"([^"\n]*)"', path.read_text("utf-8")) if HEBREW.search(text)]


TEXTS: dict[str, list[str]] = {
    "tools": [text for path in (SERVICES / "prosaas_calls/tools").glob("*.py") for text in literals(path)],
    "recorded": list(strings(json.loads((SERVICES / "prosaas_calls/prompts/sentences.json").read_text("utf-8"))["he"])),
    "at the door": list(strings(SENTENCES)),
    "written": [text for name, text in vars(words).items() if name.isupper() for text in strings(text)],
    "scenarios": [
        text
        for path in (SERVICES / "simulator/scenarios").glob("*.yaml")
        for text in said_in(yaml.safe_load(path.read_text("utf-8")))
    ],
}


@pytest.mark.parametrize("where", TEXTS)
def test_nothing_of_ours_makes_the_agent_a_man_or_speaks_to_one(where: str) -> None:
    assert len(TEXTS[where]) > 3
    assert [text for text in TEXTS[where] if _WRONG.search(text)] == []


@pytest.mark.parametrize("text", ["הצע זמן אחר", "נחזור אליך. שלום", "תודה שהתקשרת!", "אתה נציג"])
def test_this_test_knows_the_wrong_words(text: str) -> None:
    assert _WRONG.search(text)


def test_in_hebrew_the_model_is_told_how_to_speak_and_in_english_it_has_no_choice_to_make() -> None:
    now = datetime(2026, 1, 25, tzinfo=UTC)
    hebrew = Profile(business()).instructions(now)
    assert "in the feminine" in hebrew
    assert "in the plural" in hebrew
    assert "שמונה עשר בנובמבר, בשתיים וחצי" in hebrew
    assert not HEBREW.search(Profile(business(language="en", name="Dana")).instructions(now))


def test_one_thing_is_not_counted_in_the_plural() -> None:
    assert [counted(n, "זמן פנוי אחד", "{} זמנים פנויים") for n in (1, 3)] == ["זמן פנוי אחד", "3 זמנים פנויים"]


@pytest.mark.parametrize(("name", "shown"), [("דנה", "בדנה"), ("Dana", "ב-Dana"), ("24/7", "ב-24/7"), ("", "ב-")])
def test_a_latin_name_gets_a_hyphen_behind_its_prefix(name: str, shown: str) -> None:
    assert prefixed("ב", name) == shown
