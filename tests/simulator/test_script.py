"""What the scripted model says next."""

import json

from simulator.scenario import ToolCall, parse
from simulator.script import Script

TEXT = """
description: d
greeting: ברוכים הבאים
turns:
  - caller: תור
    tools:
      - name: check_availability
        arguments: {date: "{date}"}
    agent_when: {מלא: היומן מלא}
    agent: פנוי ב-{free}
  - dtmf: "1"
    agent: אחת
"""


def script() -> Script:
    return Script(parse("x", TEXT))


def test_the_greeting_comes_first_and_once() -> None:
    """Asked again with nothing new, the model says that it is there."""
    model = script()
    assert model.next_reply().text == "ברוכים הבאים"
    assert model.next_reply().text == model.scenario.filler


def test_who_is_to_wind_up_has_one_thing_more_to_say_and_no_more() -> None:
    """Besides what they may be saying now; who has said all has nothing to add."""
    model = Script(parse("x", f"{TEXT}repeat: 4\n"))
    model.hear(1)
    model.wind_up()
    assert len(model.turns) == 3
    model.hear(3)
    model.wind_up()
    assert len(model.turns) == 3


def test_instructions_may_dictate_the_words() -> None:
    """A service that greets with its own words is obeyed."""
    assert script().next_reply("Greet. Say exactly this, warmly: שלום מדנה").text == "שלום מדנה"


def test_a_turn_is_answered_after_its_tools() -> None:
    """The first time in a tool's result is the one that is offered."""
    model = script()
    assert model.hear(1) == "תור"
    call = model.next_reply()
    assert call.tool == "check_availability"
    assert set(json.loads(call.arguments)) == {"date"}
    assert model.busy
    model.tool_output("3 פנויים: 09:30, 10:00")
    assert model.next_reply().text == "פנוי ב-09:30"
    assert not model.busy


def test_the_answer_depends_on_what_the_tool_said() -> None:
    """A piece of the result picks another answer."""
    model = script()
    model.hear(1)
    model.next_reply()
    model.tool_output("היומן מלא")
    assert model.next_reply().text == "היומן מלא"


def test_speech_that_says_nothing_new_is_not_understood() -> None:
    """A turn split in two by the line yields no second transcript."""
    model = script()
    model.hear(1)
    assert model.hear(1) == ""
    assert model.next_reply().text == model.scenario.unclear


def test_keys_are_a_turn_only_where_the_story_has_one() -> None:
    """Keys pressed elsewhere change nothing."""
    model = script()
    model.read_keys()
    assert model.heard_turns == 0
    model.hear(1)
    model.read_keys()
    assert model.next_reply().text == "אחת"


def test_a_reply_that_was_broken_off_comes_again() -> None:
    """After the model's connection died, the next session goes on with it."""
    model = script()
    model.hear(1)
    model.unsaid(model.next_reply())
    assert model.next_reply().tool == ToolCall("check_availability").name


def test_a_claim_is_held_against_what_the_tools_said() -> None:
    """Whatever the agent says: booked is what a result calls booked."""
    script = Script(parse("x", "description: x\ngreeting: שלום"))
    assert script.unkept("קבעתי לך תור") == "קבעתי"
    script.tool_output("הפגישה נקבעה: יום ראשון, 10:00.")
    assert script.unkept("קבעתי לך תור") == ""
    assert script.unkept("ביטלתי") == "ביטלתי"
