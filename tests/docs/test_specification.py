"""The specification's own lists, lines, settings and commands, read from its file and held against what there is."""

import re
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from bundle_world.model import services
from prosaas_logging import catalogue
from prosaas_logging.events import AnyEvent, Event
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.logger import get_logger
from prosaas_logging.record import Context
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings, load_settings

ROOT = Path(__file__).parents[2]
SPECIFICATION = (ROOT / "docs/spec/production-logging-guide.he.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/guide.he.md").read_text(encoding="utf-8")
CALL = Context({"call_sid": "CA123", "business_id": "456"}, ("call_sid=CA123",))

# For each point of the list that production always has, in its order: the events that say it.
KEPT: list[tuple[AnyEvent, ...]] = [
    (catalogue.CALL_START,),
    (catalogue.DB_CONTEXT,),
    (catalogue.REALTIME_CONNECTED,),
    (catalogue.TRANSCRIPT_CUSTOMER,),
    (catalogue.RESPONSE_CREATED, catalogue.RESPONSE_DONE),
    (catalogue.TOOL_CALL, catalogue.TOOL_RESULT),
    (catalogue.BARGE_IN,),
    (catalogue.CALL_END,),
    (catalogue.TOOL_FAILED, catalogue.HTTP_FAILED, catalogue.JOB_FAILED, catalogue.CHORE_FAILED),
    (catalogue.WHATSAPP_STATUS, catalogue.WHATSAPP_IMPAIRED),
    (catalogue.WHATSAPP_RECEIVED,),
    (catalogue.WHATSAPP_SESSION_STALE,),
    (catalogue.WHATSAPP_SEND_FAILED, catalogue.SMS_SEND_FAILED, catalogue.OUTBOUND_RETRY),
    (catalogue.WORKER_START,),
    (catalogue.JOB_ENQUEUED, catalogue.JOB_DONE, catalogue.JOB_FAILED),
]
# The same for the list that production never has.
SILENT: list[tuple[AnyEvent, ...]] = [
    (catalogue.AUDIO_DELTA, catalogue.MEDIA_IN),
    (catalogue.TX_RESPONSE_START, catalogue.TX_RESPONSE_END),
    (catalogue.WATCHDOG,),
    (catalogue.WHATSAPP_SESSION,),
    (catalogue.RMS,),
    (catalogue.PAYLOAD_PREVIEW,),
    (catalogue.QUEUE_SIZE,),
    (catalogue.HEALTH_PING,),
]


def section(heading: str) -> list[str]:
    """The lines below the heading that begins so, up to the next one."""
    lines = SPECIFICATION.splitlines()
    start = next(number for number, line in enumerate(lines) if re.match(rf"#+ {heading}", line))
    return list(takewhile(lambda line: not line.startswith("#"), lines[start + 1 :]))


def points(heading: str) -> list[str]:
    return [line.removeprefix("- ").removeprefix("[ ] ") for line in section(heading) if line.startswith("- ")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", SPECIFICATION, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("heading", "kept"), [("✅ תמיד נרשם", KEPT), ("❌ לא נרשם", SILENT)], ids=["✅", "❌"])
def test_each_point_of_the_lists_has_its_events_at_its_level(heading: str, kept: list[tuple[AnyEvent, ...]]) -> None:
    found = points(heading)
    assert len(found) == len(kept)
    for point, events in zip(found, kept, strict=True):
        levels = {event.level for event in events}
        assert levels <= ({DEBUG} if kept is SILENT else {INFO, WARNING, ERROR}), point
        # A point that names a thing by its own name names our event or what its line says.
        for name in re.findall(r"[A-Z]{2,}_[A-Z]+|Found \d|watchdog|RMS|payload", point):
            assert any(name.lower() in f"{event.name} {event.tag} {event.he} {event.doc}".lower() for event in events)


def test_a_start_of_a_call_says_every_field_that_the_list_names() -> None:
    assert set(re.findall(r"`(\w+)`", points("✅ תמיד נרשם")[0])) == {"call_sid", "business_id", "כיוון", "מצב"}
    assert set(catalogue.CALL_START.fields) == {"call_sid", "business_id", "direction", "mode"}


def test_every_error_of_the_list_has_room_for_its_stack() -> None:
    (point,) = [point for point in points("✅ תמיד נרשם") if "stacktrace" in point]
    assert all(event.explains for event in KEPT[points("✅ תמיד נרשם").index(point)])


def said(line: str) -> AnyEvent:
    """The event of the same tag and level whose words are all in the line."""
    level = INFO if line.startswith("[INFO]") else DEBUG
    tag = re.findall(r"\[([A-Z_]+)\]", line)[-1]
    events = [event for event in vars(catalogue).values() if isinstance(event, Event)]
    known = [event for event in events if (event.tag, event.level) == (tag, level)]
    return next(event for event in known if all(words in line for words in event.he[::2]))


def examples(after: str) -> list[str]:
    """The lines of the block that stands after these words."""
    block = SPECIFICATION[SPECIFICATION.index(after) :].split("```")[1]
    return [line for line in block.strip().splitlines() if line.startswith("[")]


@pytest.mark.parametrize("example", examples("דוגמה ללוגים בפרודקשן") + examples("דוגמה לספאם"))
def test_each_example_line_is_one_of_ours_with_the_same_words(example: str) -> None:
    """The values are taken out of the example by our own text and put in again: it begins with the same characters."""
    example = example.removesuffix("...") if example.endswith("resp_12345...") else example
    event = said(example)
    text = example[example.rindex("] ") + 2 :]
    fields: dict[str, object] = dict(re.findall(r"(\w+)=([^,]+)", text))
    if event.he:
        parts = (f"(?P<{part}>.*)" if number % 2 else re.escape(part) for number, part in enumerate(event.he))
        found = re.fullmatch("".join(parts), text)
        assert found, (event, text)
        fields = dict(found.groupdict())
    record = (0.0, event.level, get_logger("t"), event, fields, None)
    line = TextRenderer(LogSettings("svc")).line(record, CALL).decode()
    assert line.startswith(example if event.level == INFO else f"[DEBUG] {example}")


SETTINGS = {line for block in blocks("bash") for line in re.findall(r"^ *([A-Z_]+=\w+)", block, re.MULTILINE)}


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_each_setting_is_understood_and_is_in_our_guide(setting: str) -> None:
    name, _, value = setting.partition("=")
    assert load_settings("svc", {name: value}).problems == ()
    assert setting in GUIDE


def test_each_command_is_in_our_guide_whose_commands_are_run() -> None:
    commands = {line.strip() for block in blocks("bash") for line in block.splitlines() if "docker compose" in line}
    assert len(commands) == 2
    for command in commands:
        assert command in GUIDE


@pytest.mark.docker
def test_production_renders_what_the_file_in_the_specification_sets() -> None:
    (block,) = blocks("yaml")
    wanted = yaml.safe_load(block)["services"]
    rendered = services("prod")
    assert len(wanted) == 3
    for name, service in wanted.items():
        for variable, value in service["environment"].items():
            assert str(rendered[name]["environment"][variable]) == str(value)


def test_the_block_to_copy_is_ours_to_the_letter() -> None:
    (block,) = [block for block in blocks("bash") if block.startswith("# ===")]
    assert block == (ROOT / "env/prod.env").read_text(encoding="utf-8")


def test_the_checklist_has_as_many_points_here_as_there() -> None:
    ours = GUIDE[GUIDE.index("## צ'קליסט") :]
    assert ours.count("- [ ]") == len(points("✅ צ'קליסט")) == 7
