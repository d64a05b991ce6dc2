"""Whether a sound over the agent's words is an interruption, and when the caller has finished."""

import asyncio
from time import monotonic

import pytest

from calls_world.stage import FRAME, Stage
from calls_world.waiting import until
from prosaas_calls.call.cues import asks_for_a_moment, asks_to_spell, assents, unfinished
from prosaas_logging import capture_events


@pytest.mark.parametrize("words", ["כן", "אה", "אוקיי, בסדר.", "כן כן", "כן כן כן כן", "Uh huh", "OK", "", "תודה רבה!"])
def test_a_word_of_assent_asks_for_nothing(words: str) -> None:
    """Nor does a noise in which no word was understood."""
    assert assents(words)


@pytest.mark.parametrize("words", ["לא", "רגע", "כן, אבל", "stop", "די", "כן כן כן כן כן", "מה?"])
def test_anything_else_does(words: str) -> None:
    assert not assents(words)


@pytest.mark.parametrize(
    ("words", "more"),
    [("050", True), ("אפס חמש אפס", True), ("050-123", True), ("חמש אנשים", False), ("", False), ("כן", False)],
)
def test_a_group_of_digits_may_have_another_after_it(words: str, more: bool) -> None:
    assert unfinished(words) == more


@pytest.mark.parametrize(
    ("words", "asks"),
    [("רגע, אני בודקת", True), ("Hold on, please", True), ("one moment", True), ("ברגעים כאלה", False), ("כן", False)],
)
def test_who_asks_for_a_moment_is_understood(words: str, asks: bool) -> None:
    """They are not asked meanwhile whether they are there."""
    assert asks_for_a_moment(words) is asks


@pytest.mark.parametrize(
    ("words", "asks"), [("מה המספר שלך?", True), ("Could you spell that?", True), ("מתי נוח לך?", False), ("", False)]
)
def test_a_question_whose_answer_comes_in_pieces_is_known(words: str, asks: bool) -> None:
    assert asks_to_spell(words) is asks


async def test_a_word_of_assent_is_spoken_through() -> None:
    """Gone before we would have fallen silent: the caller hears no gap, and the model is asked for nothing."""
    stage = Stage.in_an_answer()

    with capture_events() as events:
        await stage.says("כן")

    assert not stage.twilio.events("clear")
    assert not stage.to_model
    assert stage.stats.barge_ins == 0
    assert stage.stats.false_interruptions == 1
    assert [event.fields["resumed"] for event in events if event.event == "SPOKEN_THROUGH"] == [False]
    assert stage.turns.settled.is_set()


async def test_a_cough_that_lasts_is_waited_out_and_the_sentence_goes_on_where_it_stopped() -> None:
    """What came while we were silent is said behind it."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await asyncio.sleep(0.02)
    assert len(stage.twilio.events("clear")) == 1
    stage.delta()
    assert len(stage.twilio.events("media")) == 10

    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    not_a_word = {"type": "transcription_error", "code": "audio_unintelligible"}
    stage.model("conversation.item.input_audio_transcription.failed", item_id="u1", error=not_a_word)
    await stage.judging

    assert len(stage.twilio.events("media")) == 10 + 7 + 1
    assert not stage.to_model
    assert stage.stats.false_interruptions == 1


async def test_a_sound_that_grows_loud_late_is_given_as_long_after_we_fall_silent() -> None:
    """A faint echo is heard only in its louder words: it ends with our own voice, and must get the time to."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.loud = False
    limits = stage.floor._limits
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await asyncio.sleep(limits.interruption + 2 * limits.doubt)
    stage.loud = True
    await until(lambda: stage.twilio.events("clear"))
    stage.loud = False
    await asyncio.sleep(limits.interruption / 2)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="")
    await stage.judging

    assert (stage.stats.barge_ins, stage.stats.false_interruptions) == (0, 1)


@pytest.mark.parametrize("fifths", [0, 10], ids=["before its first sound", "in the midst of it"])
async def test_neither_a_key_nor_a_voice_stops_what_has_to_be_heard_whole(fifths: int) -> None:
    """Once it was heard, a key does."""
    stage = Stage()
    stage.shielded = True
    stage.responds(fifths=fifths)
    stage.floor.take()
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await asyncio.sleep(0.05)
    assert not stage.to_model
    assert not stage.twilio.events("clear")
    assert (stage.stats.barge_ins, stage.floor.sounds) == (0, 2)

    stage.shielded = False
    stage.floor.take()
    assert stage.to_model[0]["type"] == "response.cancel"


@pytest.mark.parametrize(("heard", "unheard"), [(0, "יש לי מקום בשמונה"), (5, "מקום בשמונה")])
async def test_a_session_is_told_in_words_what_was_not_heard_of_an_earlier_one(heard: int, unheard: str) -> None:
    """It never had the item, and was told of the whole sentence; its own items are truncated as ever."""
    stage = Stage()
    stage.responds(item_id="old", fifths=10)
    stage.model(
        "response.output_audio_transcript.done", response_id="r1", item_id="old", transcript="יש לי מקום בשמונה"
    )
    stage.done()
    stage.conversation.reconnected()
    stage.responds("r2", "new", fifths=5)
    stage.done("r2")
    stage.heard(heard)
    stage.floor.take()

    old, new = stage.to_model
    assert old["item"]["role"] == "system"
    assert old["item"]["content"][0]["text"].endswith(f": {unheard}]")
    assert (new["type"], new["item_id"]) == ("conversation.item.delete", "new")


async def test_a_word_that_means_something_interrupts_however_short_it_is() -> None:
    """ "No!" over half an answer: the rest is not said, and the model knows how much was."""
    stage = Stage.in_an_answer()

    await stage.says("לא")

    assert [event["type"] for event in stage.to_model] == ["conversation.item.truncate", "response.create"]
    assert len(stage.twilio.events("clear")) == 1


async def test_words_that_do_not_come_are_taken_for_meant() -> None:
    """A transcript that is late must not swallow a "stop"."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.done()
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    await stage.judging

    assert stage.asked() == 1
    assert stage.stats.barge_ins == 1


async def test_a_yes_over_the_end_of_a_question_is_its_answer() -> None:
    """The question is heard to its end all the same."""
    stage = Stage()
    stage.responds(fifths=5)
    stage.model("response.output_audio_transcript.done", item_id="i1", transcript="לקבוע ליום שלישי?")
    stage.done()
    stage.heard(3)
    stage.loud = False

    await stage.says("כן")

    assert not stage.twilio.events("clear")
    assert stage.asked() == 1


async def test_a_caller_who_interrupts_hears_silence_within_a_fifth_of_a_second() -> None:
    """With the limits of production; where a busy machine is late, in one of a few tries."""

    async def silent_after() -> float:
        stage = Stage()
        stage.floor._limits = type(stage.floor._limits)()
        stage.responds(fifths=10)
        began = monotonic()
        stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        await until(lambda: stage.twilio.events("clear"))
        took = monotonic() - began
        stage.floor.take()
        return took

    for _ in range(5):
        if (took := await silent_after()) < 0.2:
            break
    assert took < 0.2


async def test_a_number_in_groups_is_let_finish() -> None:
    """The answer to the first group is called back before it sounds; one answer comes, to all of it."""
    stage = Stage()
    for number, group in enumerate(["050", "123", "4567"]):
        item = f"u{number}"
        stage.model("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
        stage.model("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=0)
        if number == 0:
            stage.model("response.created", response={"id": "r1"})
        stage.model("conversation.item.input_audio_transcription.completed", item_id=item, transcript=group)
        if number == 0:
            stage.done(status="cancelled")
    await stage.judging

    assert [event["type"] for event in stage.to_model] == ["response.create", "response.cancel", "response.create"]


@pytest.mark.parametrize(("number", "whole"), [("0501234567", True), ("031234567", True), ("03123456", False)])
async def test_after_a_question_for_a_number_nobody_is_answered_in_the_first_pause(number: str, *, whole: bool) -> None:
    """Nor is the model asked before the pause is over; a whole number ends the wait."""
    stage = Stage()
    stage.responds(fifths=1)
    stage.model("response.output_audio_transcript.done", item_id="i1", transcript="מה מספר הטלפון שלך?")
    stage.done()
    stage.heard(1)
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    assert stage.asked() == 0

    stage.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript=number)
    assert stage.asked() == whole
    await asyncio.wait({stage.judging})
    assert stage.asked() == 1


async def test_noise_without_an_end_is_answered() -> None:
    """What was heard of it is a turn; from the third time on the caller is told that it is hard to hear them."""
    stage = Stage()
    stage.model("session.updated")
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    assert not stage.floor.noisy(monotonic() + 14)
    assert stage.floor.noisy(monotonic() + 16)

    with capture_events() as events:
        for number in range(3):
            stage.floor.enough()
            stage.responds(f"r{number}", f"i{number}", fifths=1)
            stage.done(f"r{number}")

    kinds = [event["type"] for event in stage.to_model]
    assert kinds == ["input_audio_buffer.commit", "conversation.item.create", "response.create"] * 3
    assert hard_to_hear(stage) == [False, False, True]
    told = [event.fields for event in events if event.event == "LINE_NOISY"]
    assert [(each["seconds"], each["count"]) for each in told] == [(15, 1), (15, 2), (15, 3)]
    assert not stage.floor.noisy(monotonic() + 14)
    assert stage.floor.noisy(monotonic() + 16)


def hard_to_hear(stage: Stage) -> list[bool]:
    """Of each time that the model was told of noise, whether it is to say that it is hard to hear the caller."""
    hints = [event["item"]["content"][0]["text"] for event in stage.to_model if "item" in event]
    assert all("for 15 seconds" in hint or "hard to hear" in hint for hint in hints)
    return ["hard to hear" in hint for hint in hints]


async def test_a_pause_ends_a_noise_and_the_next_one_is_the_first_again() -> None:
    stage = Stage()
    for number in range(2):
        stage.model("input_audio_buffer.speech_started", item_id=f"u{number}", audio_start_ms=0)
        for _ in range(2):
            stage.floor.enough()
        stage.model("input_audio_buffer.speech_stopped", item_id=f"u{number}", audio_end_ms=0)
        assert not stage.floor.noisy(monotonic() + 60)

    assert hard_to_hear(stage) == [False] * 4


async def test_a_noise_over_what_has_to_be_heard_whole_is_no_turn() -> None:
    stage = Stage()
    stage.shielded = True
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.floor.enough()
    assert stage.to_model == []


@pytest.mark.parametrize("late", [False, True])
async def test_what_was_said_before_decides_nothing_of_the_next_sound(late: bool) -> None:
    """Nor do the words of it that come only then: each sound is judged by its own."""
    stage = Stage.in_an_answer()
    await stage.says("לא")
    stage.responds("r2", "i2", fifths=10)
    stage.done("r2")
    stage.model("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)
    if late:
        stage.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="לא, תבטלי")
    stage.model("input_audio_buffer.speech_stopped", item_id="u2", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u2", transcript="כן")
    await stage.judging

    assert (stage.stats.barge_ins, stage.stats.false_interruptions) == (1, 1)


async def test_a_lost_connection_leaves_nobody_silent() -> None:
    """What was held while we judged is said: the new session knows nothing of the sound."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await asyncio.sleep(0.02)

    stage.conversation.reconnected()

    assert len(stage.twilio.events("media")) == 10 + 7
    assert not stage.line.playback.held
    await asyncio.wait({stage.judging})
    assert (stage.stats.barge_ins, stage.stats.false_interruptions) == (0, 0)


async def test_a_farewell_is_said_whatever_sound_was_being_judged() -> None:
    """Who speaks on while the call is taken leave of must not have the last sentence held back."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)
    stage.loud = False
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)

    stage.conversation.mute()
    stage.line.cut()
    stage.line.play_recorded(b"\x00" * 1600, "")
    stage.loud = True
    await asyncio.wait({stage.judging})

    assert not stage.line.playback.held
    assert len(stage.twilio.events("clear")) == 1


def test_turns_without_a_word_are_counted_as_unintelligible_until_there_is_a_word() -> None:
    floor, counts = Stage().floor, list[int]()
    for words in ("", "", "שלום", ""):
        floor.understood("u1", words)
        counts.append(floor.unintelligible)
    assert counts == [1, 2, 0, 1]


async def test_a_writer_that_fails_makes_nobody_unintelligible() -> None:
    """The model hears the caller by itself: neither is the call ended for it, nor an interruption taken for noise."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.done()
    stage.heard(3)
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    away = {"type": "server_error", "code": "internal_error"}
    stage.model("conversation.item.input_audio_transcription.failed", item_id="u1", error=away)
    await stage.judging

    assert stage.floor.unintelligible == 0
    assert stage.stats.barge_ins == stage.asked() == 1


@pytest.mark.parametrize("in_time", [True, False])
async def test_words_that_were_meant_are_not_lost_to_the_assent_behind_them(in_time: bool) -> None:
    """ "Cancel it, … yes": two sounds in one judgement, the first one's words before the second or after it."""
    stage = Stage()
    stage.responds(fifths=20)
    stage.done()
    stage.heard(3)
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    written = {"item_id": "u1", "transcript": "תבטלי את התור"}
    if in_time:
        stage.model("conversation.item.input_audio_transcription.completed", **written)
    stage.model("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)
    if not in_time:
        stage.model("conversation.item.input_audio_transcription.completed", **written)
    stage.model("input_audio_buffer.speech_stopped", item_id="u2", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u2", transcript="כן")
    await stage.judging

    assert stage.stats.barge_ins == stage.asked() == 1


async def test_sound_upon_sound_does_not_hold_the_agents_tongue_for_good() -> None:
    """A dog that barks on, each bark before the last one's words have come: it ends as one long sound would."""
    stage = Stage()
    stage.responds(fifths=20)
    stage.done()
    stage.heard(3)
    for number in range(12):
        stage.model("input_audio_buffer.speech_started", item_id=f"u{number}", audio_start_ms=0)
        await asyncio.sleep(0.08)
        stage.model("input_audio_buffer.speech_stopped", item_id=f"u{number}", audio_end_ms=0)

    assert stage.stats.barge_ins == 1
    assert not stage.line.playback.held
    assert stage.asked() == 1


@pytest.mark.parametrize("late", [False, True])
async def test_short_sounds_do_not_hold_it_either(late: bool) -> None:
    """Clicks after a sound that lasted: each is gone before it is judged, and comes before the last one's words do."""
    stage = Stage()
    stage.responds(fifths=40)
    stage.done()
    stage.heard(3)
    stage.model("input_audio_buffer.speech_started", item_id="u0", audio_start_ms=0)
    await until(lambda: stage.line.playback.held)
    limits = stage.floor._limits
    stage.model("input_audio_buffer.speech_stopped", item_id="u0", audio_end_ms=0)
    for number in range(1, 40):
        await asyncio.sleep(limits.words / 3)
        if not stage.line.playback.held:
            break
        stage.model("input_audio_buffer.speech_started", item_id=f"u{number}", audio_start_ms=0)
        stage.model("input_audio_buffer.speech_stopped", item_id=f"u{number}", audio_end_ms=0)
        if late:
            written = {"item_id": f"u{number - 1}", "transcript": ""}
            stage.model("conversation.item.input_audio_transcription.completed", **written)

    # Counted in clicks, of which each takes a third of that time or, on a busy machine, more.
    assert number < 3 * 2 * (limits.words + limits.interruption) / limits.words
    assert stage.stats.barge_ins == 1


async def test_an_okay_that_ends_a_sentence_is_answered() -> None:
    """Nothing would come behind it: without an answer, both would wait for the other. In the midst it asks for none."""
    stage = Stage()
    stage.responds(fifths=3)
    stage.model("response.output_audio_transcript.done", item_id="i1", transcript="אפשר לאשר עכשיו.")
    stage.heard(2)
    stage.loud = False
    await stage.says("אוקיי")
    assert stage.asked() == 0

    stage.done()
    await stage.says("אוקיי", "u2")

    assert stage.asked() == 1
    assert not stage.twilio.events("clear")


@pytest.mark.parametrize(
    ("words", "frames", "answered"),
    [("יש לי מקום.", 26, 0), ("יש לי מקום.", 25, 1), ("לקבוע ליום שלישי?", 101, 0), ("לקבוע ליום שלישי?", 100, 1)],
)
async def test_a_yes_is_an_answer_to_a_question_of_two_seconds_and_to_half_a_second_of_anything(
    words: str, frames: int, answered: int
) -> None:
    """Where so much or more is still to be heard, it says "go on". One frame has been heard of each."""
    stage = Stage()
    stage.responds(fifths=0)
    for _ in range(frames):
        stage.delta(audio=FRAME)
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=words)
    stage.done()
    stage.heard(1)
    stage.loud = False
    await stage.says("כן")

    assert stage.asked() == answered
    assert stage.stats.barge_ins == 0
    stage.responds("r2", "i2")
    assert len(stage.stats.response_ms) == answered


async def test_a_number_that_has_been_answered_is_not_answered_again() -> None:
    """Its words may come after the answer is whole: there is nothing to call back any more."""
    stage = Stage()
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    stage.responds(fifths=2)
    stage.done()
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="050")
    await asyncio.sleep(0.15)

    assert stage.asked() == 1


async def wordless(stage: Stage, item_id: str) -> None:
    """A sound over the agent's words in which the model finds no word."""
    stage.model("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
    await asyncio.sleep(0.03)
    stage.model("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id=item_id, transcript="")
    await stage.judging


async def test_on_a_line_that_echoes_the_agent_falls_silent_twice_and_then_no_more() -> None:
    """Her own voice comes back over each sentence, as long as the sentence; nobody is called unintelligible for it."""
    stage = Stage.in_an_answer()
    stage.loud = True
    for number in range(2):
        await wordless(stage, f"u{number}")
    assert len(stage.twilio.events("clear")) == 2

    stage.model("input_audio_buffer.speech_started", item_id="u3", audio_start_ms=0)
    await asyncio.sleep(0.5)
    assert len(stage.twilio.events("clear")) == 2
    assert stage.stats.barge_ins == 0
    assert stage.floor.unintelligible == 0

    stage.model("input_audio_buffer.speech_stopped", item_id="u3", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u3", transcript="רגע, לא הבנתי")
    await stage.judging
    assert stage.stats.barge_ins == 1


async def test_what_the_caller_says_in_a_pause_does_not_make_an_echo_a_sound_of_theirs() -> None:
    """Each answer comes after words of the caller: the next one is not torn by what is known of the line."""
    stage = Stage.in_an_answer()
    stage.loud = True
    for number in range(2):
        await wordless(stage, f"u{number}")
    for mark in stage.twilio.events("mark")[-10:]:
        stage.line.playback.echoed(mark["mark"]["name"])
    assert not stage.line.playback.holding
    stage.model("input_audio_buffer.speech_started", item_id="u3", audio_start_ms=0)
    stage.model("input_audio_buffer.speech_stopped", item_id="u3", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u3", transcript="מה שעות הפתיחה?")
    stage.responds("r2", "i2", fifths=10)
    stage.done("r2")

    stage.model("input_audio_buffer.speech_started", item_id="u4", audio_start_ms=0)
    await asyncio.sleep(0.1)

    assert len(stage.twilio.events("clear")) == 2


async def test_a_sound_that_was_never_as_loud_as_a_voice_interrupts_by_its_words_alone() -> None:
    """However long it lasts."""
    stage = Stage.in_an_answer()
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await asyncio.sleep(0.5)
    assert stage.stats.barge_ins == 0
    assert not stage.twilio.events("clear")

    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    stage.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="לא, רגע")
    await stage.judging
    assert stage.stats.barge_ins == 1
