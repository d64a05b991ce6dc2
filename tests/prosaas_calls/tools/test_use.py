"""Using a tool: an answer whatever happens."""

import asyncio
import json
import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from calls_world.world import business
from prosaas_calls.ending import EndReason
from prosaas_calls.profile import Profile
from prosaas_calls.tools import toolbox
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_calls.tools.use import use
from prosaas_logging import capture_events
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.labels import SUMMARIES
from prosaas_logging.policy import Policy, apply, in_force
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings


def context() -> ToolContext:
    return ToolContext("CA1", Profile(business(), 7, "דוד"), store=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("end_call", "{}"),
        ("my_appointments", "{}"),
        ("stay_on_the_line", "{}"),
        ("transfer_to_human", '{"reason":""}'),
        ("take_message", '{"text":"לחזור אליי"}'),
        ("remember_caller", '{"name":"דוד"}'),
    ],
)
def test_what_a_tool_was_called_for_is_said_in_words_of_the_log_s_language(name: str, arguments: str) -> None:
    """Also where nothing was asked: a dash says no more than an empty line."""
    tool = toolbox()[name]
    said = tool.describe(tool.arguments.model_validate_json(arguments))
    hebrew, english = SUMMARIES[said]
    assert english == said
    assert not re.search("[a-z]", hebrew)


DAY = '"date":"2026-01-25"'


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("check_availability", f"{{{DAY}}}", "2026-01-25"),
        ("check_availability", f'{{{DAY},"time":"14:00"}}', "2026-01-25 14:00"),
        ("book_appointment", f'{{{DAY},"time":"14:00"}}', "2026-01-25 14:00"),
        ("cancel_appointment", f'{{{DAY},"time":"14:00"}}', "2026-01-25 14:00"),
        (
            "reschedule_appointment",
            f'{{{DAY},"time":"14:00","current_date":"2026-01-26","current_time":"15:00"}}',
            "2026-01-25 14:00",
        ),
        ("remember_caller", '{"name":"דוד","number":"0501234567"}', "name and number"),
        ("remember_caller", '{"number":"0501234567"}', "number"),
        ("take_message", '{"text":"דחוף","urgent":true}', "urgent"),
        ("transfer_to_human", '{"reason":"wants Dana"}', "wants Dana"),
    ],
)
def test_the_log_says_for_when_and_for_what_a_tool_was_called(name: str, arguments: str, said: str) -> None:
    tool = toolbox()[name]
    assert tool.describe(tool.arguments.model_validate_json(arguments)) == said


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("launch_rocket", "{}", "no such tool"),
        ("check_availability", "{", "JSON"),
        ("check_availability", "{}", "date"),
        ("check_availability", '{"date":"next Tuesday"}', "date"),
        ("book_appointment", '{"date":"2026-01-25"}', "time"),
        ("book_appointment", "[1]", "object"),
        ("cancel_appointment", "", "JSON"),
        ("cancel_appointment", "{}", "time"),
        ("transfer_to_human", "", "JSON"),
    ],
)
async def test_what_cannot_be_called_is_explained_to_the_model(name: str, arguments: str, complaint: str) -> None:
    """The model makes mistakes; it is told which, and the log has it once."""
    with capture_events() as events:
        answer = await use(context(), name, arguments, limit=1)

    assert answer.then is None
    assert answer.text
    failed = [event for event in events if event.event == "TOOL_FAILED"]
    assert len(failed) == 1
    assert complaint in str(failed[0].fields["error"])


class Slow(BaseModel):
    """Arguments of a tool that fails as it is told to."""

    why: str


async def fail(context: ToolContext, arguments: Slow) -> Answer:
    if arguments.why == "slow":
        await asyncio.sleep(60)
    raise ZeroDivisionError(arguments.why)


@pytest.mark.parametrize("json_lines", [False, True])
@pytest.mark.parametrize(
    ("name", "arguments", "within"),
    [
        ("launch_rocket", "{}", ["KeyError: 'launch_rocket'", "in use"]),
        ("failing", "[1]", ["ValidationError", "in use"]),
        ("failing", '{"why":"slow"}', ["TimeoutError", "in fail", "in use"]),
        ("failing", '{"why":"broken"}', ["ZeroDivisionError: broken", "in fail", "in use"]),
    ],
    ids=["no such tool", "arguments", "timeout", "defect"],
)
async def test_each_way_to_fail_has_its_stack_in_both_formats(
    monkeypatch: pytest.MonkeyPatch, name: str, arguments: str, within: list[str], json_lines: bool
) -> None:
    failing = Tool("failing", "Fails as it is told to.", Slow, lambda arguments: arguments.why, fail)
    monkeypatch.setitem(toolbox(), "failing", failing)
    written: list[bytes] = []
    settings = LogSettings("prosaas-calls", json=json_lines)
    text = TextRenderer(settings)
    render = JsonRenderer(settings, text).line if json_lines else text.line
    former = in_force()
    apply(Policy(submit=lambda record, context: written.append(render(record, context))))
    try:
        await use(context(), name, arguments, limit=0.01)
    finally:
        apply(former)
    line = written[-1].decode()
    stack = json.loads(line)["error"]["stack"] if json_lines else line
    assert "TOOL_FAILED" in line
    for words in ["Traceback (most recent call last):", *within]:
        assert words in stack


@pytest.mark.parametrize(("language", "said"), [("he", "רישום הודעה: דחוף"), ("en", "taking a message: urgent")])
async def test_a_message_that_cannot_wait_is_called_urgent_in_the_log(language: str, said: str) -> None:
    """In words of its language, and not by a mark that somebody has to know."""
    written: list[str] = []
    renderer = TextRenderer(LogSettings("svc", lang=language))
    former = in_force()
    apply(Policy(submit=lambda record, context: written.append(renderer.entry(record, context))))
    try:
        await use(context(), "take_message", '{"text": "x", "urgent": true}', limit=1)
    finally:
        apply(former)
    assert written[0] == said


async def test_a_tool_without_arguments_takes_an_empty_string() -> None:
    """As the model sends it."""
    assert (await use(context(), "end_call", "", limit=1)).then is EndReason.AGENT_ENDED


async def test_what_no_column_takes_is_left_out_of_what_the_model_writes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models put a NUL where a letter should be: a message without the letter is worth more than none."""
    kept: list[Slow] = []

    async def keep(context: ToolContext, arguments: Slow) -> Answer:
        kept.append(arguments)
        return Answer("", "")

    monkeypatch.setitem(toolbox(), "keeping", Tool("keeping", "Keeps it.", Slow, lambda arguments: arguments.why, keep))
    await use(context(), "keeping", json.dumps({"why": "דו\0ד"}), limit=1)
    assert kept == [Slow(why="דוד")]


async def test_a_message_of_which_nothing_is_left_is_asked_for_again() -> None:
    answer = await use(context(), "take_message", json.dumps({"text": "\0"}), limit=1)
    assert answer.text.startswith("The arguments are not usable: text")


@pytest.mark.parametrize(
    ("name", "field", "most"),
    [
        ("book_appointment", "note", 500),
        ("book_appointment", "for_whom", 100),
        ("remember_caller", "name", 100),
        ("remember_caller", "number", 30),
        ("take_message", "text", 1000),
        ("take_message", "name", 100),
        ("take_message", "number", 30),
        ("transfer_to_human", "reason", 200),
    ],
)
def test_what_the_model_writes_down_has_room_for_so_much_and_no_more(name: str, field: str, most: int) -> None:
    """A model that goes on and on fills neither the diary nor a message; one letter is a message."""
    arguments, wanted = toolbox()[name].arguments, {"date": "2026-01-25", "time": "14:00", "text": "x"}
    arguments.model_validate({**wanted, field: "x" * most})
    with pytest.raises(ValidationError):
        arguments.model_validate({**wanted, field: "x" * (most + 1)})


@pytest.mark.parametrize("name", sorted(toolbox()))
def test_every_tool_is_declared_as_the_model_needs_it(name: str) -> None:
    """A description, and a closed JSON schema whose every property says what it is."""
    declaration: dict[str, Any] = toolbox()[name].declaration()

    assert declaration["name"] == name
    assert len(declaration["description"]) > 20
    schema = declaration["parameters"]
    assert schema["type"] == "object"
    assert set(schema) <= {"type", "properties", "required"}
    assert all(each["description"] for each in schema["properties"].values())
    json.dumps(declaration)
