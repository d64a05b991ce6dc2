"""Hebrew lines as their readers see them: words agree, and no value leaves its name where writing turns around."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from bidi import get_display

from prosaas_logging import catalogue, labels
from prosaas_logging.events import AnyEvent, Event
from prosaas_logging.logger import get_logger
from prosaas_logging.record import Context
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings

SERVICES = Path(__file__).parents[2] / "services"
HEBREW = re.compile(r"[\u05d0-\u05ea]")
EVENTS = [value for value in vars(catalogue).values() if isinstance(value, Event)]
# Lines that the specification has to the character, and what follows their pattern.
SPECIFIED = {
    catalogue.REALTIME_CONNECTED, catalogue.TOOL_CALL, catalogue.TOOL_RESULT, catalogue.TOOL_REFUSED, catalogue.CALL_END
}  # fmt: skip
OURS = [event for event in EVENTS if event not in SPECIFIED and HEBREW.search("".join(event.he[::2]))]
LABELS = {name: value for name, value in vars(labels).items() if name.isupper() and isinstance(value, dict)}


def rendered(event: AnyEvent, fields: Mapping[str, object]) -> str:
    record = (0.0, event.level, get_logger("t"), event, dict(fields), None)
    context = Context({"call_sid": "CA123"}, ("call_sid=CA123",))
    return TextRenderer(LogSettings("prosaas-calls")).line(record, context).decode().rstrip("\n")


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_both_languages_of_an_event_say_the_same_fields(event: AnyEvent) -> None:
    assert set(event.he[1::2]) == set(event.en[1::2])
    assert bool(event.he) == bool(event.en)


@pytest.mark.parametrize("event", OURS, ids=repr)
def test_running_hebrew_has_no_value_in_it_that_it_would_have_to_agree_with(event: AnyEvent) -> None:
    """A number or a Latin name is a field; only words of a closed list and what was said stand in the text."""
    for text, name in zip(event.he[::2], event.he[1::2], strict=False):
        as_field = text.endswith(f"{name}=") or event is catalogue.CONFIG_INVALID
        assert as_field or name in event.labels or name in event.speech, name


@pytest.mark.parametrize("event", OURS, ids=repr)
@pytest.mark.parametrize("value", ["7", "3.5", "401, our key", "/var/log/x.json", "-1", "+972..."])
def test_a_terminal_that_turns_hebrew_around_shows_each_field_whole(event: AnyEvent, value: str) -> None:
    """By the Unicode algorithm (UAX #9), in a line that begins from the left as all of ours do."""
    line = rendered(event, dict.fromkeys(event.fields, value) | {"name": "LOG_LEVEL"})
    shown = get_display(line, base_dir="L")
    fields = re.findall(rf"\w+={re.escape(value)}", line)
    assert len(fields) >= len({*event.fields} - {*event.he[1::2], *event.hidden})
    for field in fields:
        assert field in shown, shown


def test_the_terminal_of_this_test_does_turn_lines_around() -> None:
    assert "840ms" not in get_display("[INFO] הלקוח קטע את התגובה אחרי 840ms", base_dir="L")


@pytest.mark.parametrize("name", LABELS)
def test_a_closed_list_is_translated_whole_and_has_no_value_that_nobody_writes(name: str) -> None:
    sources = "".join(
        path.read_text("utf-8")
        for path in SERVICES.rglob("*.py")
        if path.name != "labels.py" and "simulator" not in path.parts
    )
    for value, (hebrew, english) in LABELS[name].items():
        assert HEBREW.search(hebrew)
        assert not HEBREW.search(english)
        assert f'"{value}"' in sources, f"nothing writes {value!r}"
