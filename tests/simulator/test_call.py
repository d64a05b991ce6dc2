"""Whole calls through the reference bridge."""

import asyncio
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from simulator_world.bridge import TWIML
from simulator_world.strict import validate
from simulator_world.world import PUBLIC_URL, TOKEN, World


async def test_the_demo_call_is_heard_whole_and_answered(world: World) -> None:
    """The demo runs greeting, three turns, an interruption and two tool calls, and lasts as long as promised."""
    result = await world.call()

    assert result["ok"], result["problems"]
    assert result["ended_by"] == "caller"
    assert result["turns"] == 3
    assert 25_000 < result["counts"]["frames_in"] * 20 < 50_000
    assert [note["tool"] for note in world.noted("tool_call")] == ["check_availability", "book_appointment"]
    assert all(piece["intact"] for piece in result["heard"])
    assert [piece["heard_ms"] < piece["total_ms"] for piece in result["heard"]] == [False, True, False, False]


async def test_every_event_of_the_stand_in_is_what_openai_describes(world: World) -> None:
    """A call with tools and an interruption yields events that OpenAI's own types accept strictly."""
    await world.call()

    for event in world.bridge.from_model:
        validate(event)
    assert {event["type"] for event in world.bridge.from_model} >= {
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.truncated",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    }


async def test_a_call_that_is_wound_up_goes_on_for_a_turn_and_ends_well(world: World) -> None:
    """The caller hears the answer to it and hangs up, long before their story is over."""
    calling = asyncio.create_task(world.call(scenario="long"))
    await world.seen("tool_call")
    async with world.http.delete(world.url("/_/calls")) as response:
        assert response.status == 204
    result = await calling

    assert result["ok"], result["problems"]
    assert result["ended_by"] == "caller"
    assert 3 < result["turns"] <= 5
    assert len(result["heard"]) == result["turns"] + 1


async def test_speed_scales_the_clock_and_skips_nothing(world: World) -> None:
    """A faster call, too, has a frame for each 20 ms and hears as much; phone/test_line.py has when they go out."""
    slow, fast = await asyncio.gather(*(world.call({"day_spread": 1}, speed=speed) for speed in (6.0, 15.0)))

    for result in (slow, fast):
        assert result["ok"], result["problems"]
    assert len(world.bridge.frames_at) == 2
    for frames in world.bridge.frames_at.values():
        assert frames == list(range(0, len(frames) * 20, 20))
    assert [piece["total_ms"] for piece in slow["heard"]] == [piece["total_ms"] for piece in fast["heard"]]


@pytest.mark.parametrize("scenario", ["late_transcript", "slow_model", "model_error", "dtmf", "bad_line"])
async def test_each_way_a_call_can_go_yields_events_that_openai_describes(world: World, scenario: str) -> None:
    """Failures, interruptions and late transcripts validate as strictly as the rest."""
    result = await world.call(scenario=scenario)

    assert result["ok"], result["problems"]
    for event in world.bridge.from_model:
        validate(event)


async def test_many_calls_at_once_keep_to_their_own_stories(world: World) -> None:
    """The audio itself says which call a session serves, so that no two are confused."""
    results = await asyncio.gather(
        *(world.call({"greeting": f"שיחה מספר {number}", "turns": []}, speed=6.0) for number in range(12))
    )
    assert [result["heard"][0]["text"] for result in results] == [f"שיחה מספר {number}" for number in range(12)]
    assert all(result["ok"] for result in results)


async def test_a_truncation_is_compared_with_what_the_caller_heard(world: World) -> None:
    """A bridge that goes by its marks is right; one that claims more than was played is caught."""
    honest = await world.call()
    (barge_in,) = honest["barge_ins"]
    assert 3_000 <= barge_in["truncated_ms"] <= barge_in["heard_ms"]

    world.bridge.truncate_extra_ms = 1_000
    boastful = await world.call()
    assert any("truncated at" in problem for problem in boastful["problems"])


async def test_a_bridge_that_does_not_clear_is_heard_talking_on(world: World) -> None:
    """The interrupted speech is then played to its end."""
    world.bridge.clears = False
    result = await world.call()
    assert all(piece["heard_ms"] == piece["sent_ms"] for piece in result["heard"])
    assert result["counts"]["clears"] == 0


async def test_all_pending_marks_come_back_after_a_clear(world: World) -> None:
    """Played or not, each mark the bridge set is echoed exactly once."""
    result = await world.call()
    echoed = [message["mark"]["name"] for message in world.bridge.from_twilio if message["event"] == "mark"]
    assert len(echoed) == len(set(echoed)) == result["counts"]["marks_played"] + result["counts"]["marks_cleared"]
    assert result["counts"]["marks_cleared"] > 0


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"event":"hello","streamSid":"STREAM"}'], 31951),
        (['{"event":"media","streamSid":"wrong","media":{"payload":"AAAA"}}'], 31951),
        (['{"event":"media","streamSid":"STREAM","media":{"payload":"' + "/" * 3_300_000 + '"}}'] * 2, 31931),
    ],
    ids=["unknown event", "wrong stream", "ten minutes of audio"],
)
async def test_what_twilio_would_warn_about_is_a_problem(world: World, messages: list[str], code: int) -> None:
    """The result names Twilio's own code."""
    world.bridge.to_twilio_first = messages
    result = await world.call({"turns": []})
    assert [warning["code"] for warning in result["warnings"]] == [code]
    assert not result["ok"]


async def test_a_rest_update_ends_the_live_call(world: World) -> None:
    """Status=completed closes the stream with `stop`, and the spoken fallback stays unsaid."""
    call = asyncio.create_task(world.call({"turns": [], "ending": {"by": "service"}}, call_sid="CA77"))
    await world.seen("connected")
    assert await world.update_call("CA77", {"Status": "completed"}) == 200
    result = await call
    assert result["ok"], result["problems"]
    assert (result["ended_by"], result["verbs"]) == ("service", ["Connect"])
    assert world.bridge.from_twilio[-1]["event"] == "stop"


async def test_a_rest_update_with_twiml_is_followed(world: World) -> None:
    """A transfer is a Dial in place of the stream."""
    call = asyncio.create_task(world.call({"turns": [], "ending": {"by": "service"}}, call_sid="CA78"))
    await world.seen("connected")
    twiml = "<Response><Say>רגע</Say><Dial>+97235550199</Dial></Response>"
    assert await world.update_call("CA78", {"Twiml": twiml}) == 200
    result = await call
    assert result["verbs"] == ["Connect", "Say", "Dial"]
    assert (result["ended_by"], result["transferred_to"]) == ("transferred", "+97235550199")


REJECTED = '<Response><Reject reason="busy"/></Response>'


@pytest.mark.parametrize(("answer", "ok"), [(REJECTED, True), (TWIML, False)])
async def test_a_transfer_that_is_forwarded_to_the_agent_is_not_hers(world: World, answer: str, ok: bool) -> None:
    """Who dialled is told that the line was busy; an agent who takes it would talk to herself."""
    dialled = {"turns": [], "ending": {"by": "service"}, "dialled": {"outcome": "forwarded", "after_ms": 100}}
    call = asyncio.create_task(world.call(dialled, call_sid="CA79"))
    await world.seen("connected")
    world.bridge.twiml = [answer, "<Response><Hangup/></Response>"]
    twiml = '<Response><Dial action="/twilio/transferred">+97235550199</Dial></Response>'
    assert await world.update_call("CA79", {"Twiml": twiml}) == 200
    result = await call
    rung, ended = [form for _, form, _ in world.bridge.webhooks if "ForwardedFrom" in form or "DialCallStatus" in form]
    assert rung["ForwardedFrom"] == "+97235550199"
    assert rung["CallSid"] == ended["DialCallSid"] != ended["CallSid"]
    assert ended["DialCallStatus"] == "busy"
    assert any("herself" in problem for problem in result["problems"]) is not ok


async def test_a_lost_stream_falls_through_to_the_spoken_fallback(world: World) -> None:
    """When the model cannot be reached and the bridge closes, the caller hears the Say behind Connect."""
    await world.http.post(world.url("/_/faults"), json={"realtime": {"refuse": 1}})
    result = await world.call({"ending": {"by": "service"}})
    assert result["verbs"] == ["Connect", "Say"]
    assert result["ended_by"] == "end_of_twiml"


async def test_a_stream_that_cannot_be_had_falls_through_too(world: World) -> None:
    """Twilio counts a refused handshake as the end of Connect."""
    world.bridge.twiml = [TWIML.replace("/media-stream", "/nowhere")]
    result = await world.call({"ending": {"by": "service"}})
    assert result["verbs"] == ["Connect", "Say"]
    assert "404" in world.noted("stream_failed")[0]["error"]


async def test_a_busy_service_is_asked_again(world: World) -> None:
    """Say, Pause and Redirect are followed; the redirect is signed with its own URL."""
    wait = "<Response><Say>רגע</Say><Pause length='1'/><Redirect>/twilio/voice?attempt=1</Redirect></Response>"
    world.bridge.twiml = [wait, TWIML]
    result = await world.call({"turns": []})
    assert result["ok"], result["problems"]
    assert result["verbs"] == ["Say", "Pause", "Redirect", "Connect"]
    path, form, signature = world.bridge.webhooks[1]
    assert path == "/twilio/voice?attempt=1"
    assert RequestValidator(TOKEN).validate(PUBLIC_URL + path, form, signature)


async def test_a_caller_who_is_turned_away_has_not_been_answered(world: World) -> None:
    """That the service hangs up is as planned only where there was a call to hang up."""
    world.bridge.twiml = ["<Response><Say>no</Say><Hangup/></Response>"]

    result = await world.call({"ending": {"by": "service"}}, scenario="short")

    assert (result["ended_by"], result["turns"]) == ("service", 0)
    assert result["problems"] == ["the caller never reached an agent: the TwiML was ['Say', 'Hangup']"]


async def test_a_caller_who_is_turned_away_is_fine_where_that_is_the_plan(world: World) -> None:
    world.bridge.twiml = ["<Response><Reject/></Response>"]

    result = await world.call({"ending": {"by": "service"}, "expect": {"verbs": ["Reject"]}}, scenario="short")

    assert result["problems"] == []


async def test_twiml_that_twilio_refuses_is_an_application_error(world: World) -> None:
    """The caller hears no call at all, and the result says why."""
    world.bridge.twiml = ['<Response><Connect><Stream url="ws://phone.example/m"/></Connect></Response>']
    result = await world.call()
    assert result["ended_by"] == "application_error"
    assert any("31920" in problem for problem in result["problems"])


async def test_the_status_callback_says_how_long_the_call_was(world: World) -> None:
    """It is signed, and comes whatever way the call ended."""
    result = await world.call({"turns": []})
    path, form, signature = world.bridge.webhooks[-1]
    assert path == "/twilio/status"
    assert (form["CallStatus"], form["CallDuration"]) == ("completed", str(result["duration_ms"] // 1000))
    assert RequestValidator(TOKEN).validate(PUBLIC_URL + path, form, signature)


async def test_a_stream_that_opened_is_told_where_its_verb_asks_for_that(world: World) -> None:
    """Signed, while the call goes on; a stream that asks for nothing is not told of."""
    (asked_for_nothing,) = world.bridge.twiml
    assert (await world.call({"turns": []}))["ok"]
    assert len(world.bridge.webhooks) == 2
    world.bridge.twiml = [
        asked_for_nothing.replace("<Stream ", f'<Stream statusCallback="{PUBLIC_URL}/twilio/stream" ')
    ]
    assert (await world.call({"turns": []}))["ok"]
    path, form, signature = world.bridge.webhooks[-2]
    assert (path, form["StreamEvent"]) == ("/twilio/stream", "stream-started")
    assert RequestValidator(TOKEN).validate(PUBLIC_URL + path, form, signature)


@pytest.mark.parametrize("how", ["stop", "close", "abort"])
async def test_a_caller_hangs_up_in_each_way(world: World, how: str) -> None:
    """Only a `stop` says so beforehand."""
    result = await world.call({"turns": [], "ending": {"how": how}})
    assert result["ok"], result["problems"]
    assert ([message["event"] for message in world.bridge.from_twilio][-1] == "stop") == (how == "stop")


async def test_keys_are_pressed_and_answered(world: World) -> None:
    """Each digit is a message of its own."""
    result = await world.call({"turns": [{"dtmf": "1", "agent": "בחרתם אחת"}]})
    assert result["ok"], result["problems"]
    assert [piece["text"] for piece in result["heard"]][1:] == ["בחרתם אחת"]


async def test_a_bad_line_loses_frames_and_not_the_conversation(world: World) -> None:
    """Frames are missing and others there twice, and every turn is understood."""
    result = await world.call(scenario="bad_line")
    assert result["ok"], result["problems"]
    (frames,) = world.bridge.frames_at.values()
    assert len(set(frames)) < max(frames) // 20
    assert len(set(frames)) < len(frames)


async def test_dead_air_is_a_problem_unless_the_scenario_expects_it(world: World) -> None:
    """A model that falls silent leaves the caller with nothing."""
    silent = {"turns": [{"caller": "הלו"}], "patience_ms": 2_000, "model": {"silent_from_turn": 1}}
    result = await world.call(silent)
    assert any("dead air" in problem for problem in result["problems"])
    expected = await world.call({**silent, "expect": {"all_answered": False}})
    assert expected["ok"], expected["problems"]


@pytest.mark.parametrize("speed", [4.0, 12.0])
async def test_an_agent_who_never_speaks_is_a_problem_in_every_story(world: World, speed: float) -> None:
    """Also in one that has no answer for each turn, and at any speed."""
    story = {"turns": [], "patience_ms": 2_000, "model": {"silent_from_turn": 0}, "expect": {"all_answered": False}}
    result = await world.call(story, speed=speed)
    assert result["problems"] == ["the agent never spoke"]
    assert (await world.call({**story, "model": {}}, speed=speed))["ok"]


async def test_an_endless_call_is_ended_by_the_caller(world: World) -> None:
    """max_ms bounds every call."""
    result = await world.call({"turns": [], "ending": {"by": "service"}, "max_ms": 3_000, "patience_ms": 60_000})
    assert any("still up" in problem for problem in result["problems"])


@pytest.mark.parametrize("when", ["before", "after", "failed"])
async def test_transcripts_come_when_the_scenario_says(world: World, when: str) -> None:
    """Before the answer, behind it, or as a failure."""
    await world.call({"turns": [{"caller": "מה השעה", "agent": "שלוש", "transcript": when}]})
    kinds = [event["type"] for event in world.bridge.from_model]
    transcription = "conversation.item.input_audio_transcription."
    assert (transcription + "failed" in kinds) == (when == "failed")
    if when != "failed":
        last_done = len(kinds) - 1 - kinds[::-1].index("response.done")
        assert (kinds.index(transcription + "completed") > last_done) == (when == "after")


BOOK: dict[str, Any] = {
    "caller": "תקבעי לי",
    "tools": [{"name": "check_availability", "arguments": {"date": "{date}"}}],
    "agent": "כן",
}


async def test_an_answer_of_a_tool_that_the_story_does_not_have_is_a_problem(world: World) -> None:
    """What was booked, refused or found is what the caller was there for."""
    tool = BOOK["tools"][0]
    fitting = await world.call({"turns": [{**BOOK, "tools": [{**tool, "result": "15:30"}]}]})
    assert fitting["ok"], fitting["problems"]
    other = await world.call({"turns": [{**BOOK, "tools": [{**tool, "result": "הפגישה נקבעה"}]}]})
    (problem,) = other["problems"]
    assert problem.startswith("check_availability answered '{")
    assert "expected 'הפגישה נקבעה' in it" in problem


async def test_a_service_that_runs_a_call_which_was_cut_off_is_caught(world: World) -> None:
    """The reference bridge acts on the arguments alone, which come for such a call, too."""
    result = await world.call({"turns": [BOOK], "model": {"cuts_tool_at_turn": 1}})
    assert any("the model refused an event: invalid_tool_call_id" in problem for problem in result["problems"])


async def test_arguments_that_are_no_json_reach_the_service_as_they_are(world: World) -> None:
    torn = {**BOOK, "tools": [{"name": "check_availability", "raw": '{"da'}]}
    result = await world.call({"turns": [torn]})
    assert result["ok"], result["problems"]
    done = [event for event in world.bridge.from_model if event["type"] == "response.function_call_arguments.done"]
    assert [event["arguments"] for event in done] == ['{"da']


async def test_a_model_that_was_not_told_what_it_needs_is_a_problem(world: World) -> None:
    turns = [{"caller": "עד מתי אתם פתוחים?", "agent": "עד חמש."}]
    told = await world.call({"turns": turns, "expect": {"instructed": ["Answer the phone"]}})
    assert told["ok"], told["problems"]
    untold = await world.call({"turns": turns, "expect": {"instructed": ["Sun 09:00-17:00"]}})
    assert untold["problems"] == ["the model was not told 'Sun 09:00-17:00'"]


async def test_a_scenario_may_hide_its_callers_number(world: World) -> None:
    await world.call({"turns": [], "from_number": "anonymous"})
    assert {form["From"] for _, form, _ in world.bridge.webhooks} == {"anonymous"}


async def test_words_that_are_never_written_down_are_answered_without_a_transcript(world: World) -> None:
    turns = [{"caller": "שלום, כמה עולה תספורת?", "transcript": "never", "agent": "שמונים שקלים."}]
    result = await world.call({"turns": turns})
    assert result["ok"], result["problems"]
    assert not [event for event in world.bridge.from_model if "input_audio_transcription" in event["type"]]


async def test_a_caller_who_calls_again_knows_the_dates_of_the_first_call_and_both_count(world: World) -> None:
    again = {"turns": [{"caller": "מתי?", "agent": "בשעה {asked}"}], "expect": {"instructed": ["nobody says so"]}}
    book = {**BOOK, "tools": [{"name": "book_appointment", "arguments": {"date": "{date}", "time": "16:30"}}]}
    result = await world.call({"turns": [book], "again": again, "day_spread": 20}, speed=6.0)
    assert result["again"]["heard"][-1]["text"] == "בשעה 16:30"
    assert result["again"]["call_sid"] != result["call_sid"]
    assert result["problems"] == result["again"]["problems"] == ["the model was not told 'nobody says so'"]
    assert not result["ok"]


async def test_a_stream_that_does_not_open_is_told_of_and_the_call_goes_on_behind_it(world: World) -> None:
    (twiml,) = world.bridge.twiml
    world.bridge.twiml = [twiml.replace("<Stream ", f'<Stream statusCallback="{PUBLIC_URL}/twilio/stream" ')]
    result = await world.call({"line": {"opens": False}, "expect": {"verbs": ["Connect", "Say"]}})
    (told,) = [form for path, form, _ in world.bridge.webhooks if path == "/twilio/stream"]
    assert (told["StreamEvent"], told["StreamError"]) == ("stream-error", "31920 the handshake failed")
    assert (result["verbs"], result["streams"]) == (["Connect", "Say"], 0)


async def test_what_is_cut_off_and_not_told_to_the_model_is_a_problem(world: World) -> None:
    """The reference bridge truncates one sentence, and forgets the one behind it."""
    first = {"name": "check_availability", "arguments": {"date": "{date}"}, "say": "רגע, אני בודקת. " * 8}
    cut_in = {"caller": "לא, לא", "barge_in_ms": 3000, "agent": "טוב"}
    turns = [{**BOOK, "tools": [first], "agent": "יש לי מקום בבוקר"}, cut_in]
    result = await world.call({"turns": turns}, speed=6.0)
    assert any("the model believes" in each and "יש לי מקום בבוקר" in each for each in result["problems"])
