"""What callers have to be told is heard whole, and after it, or when it is not to be heard, they are listened to."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from calls_world.stage import Stage as Conversing
from calls_world.waiting import until
from calls_world.world import ENVIRON, business
from prosaas_calls.call.briefing import Briefing
from prosaas_calls.call.greetings import Greetings, Spoken
from prosaas_calls.caller import line
from prosaas_calls.limits import Limits
from prosaas_calls.profile import Profile
from prosaas_core.settings import load_settings
from prosaas_core.tables import Business
from prosaas_logging import capture_events

PATIENT = 30.0
SETTINGS = load_settings(ENVIRON)


class Stage(Conversing):
    """A call whose business has a disclosure, or none."""

    def __init__(self, disclosure: str = "השיחה נרשמת.", returned: str = "", **limits: float) -> None:
        super().__init__()
        self.profile = Profile(business(disclosure=disclosure), 7, "דוד")
        self.greetings, self.ears = Greetings(), list[asyncio.Task[None]]()
        self.briefing = Briefing(
            settings=SETTINGS,
            limits=Limits(**limits),  # type: ignore[arg-type]
            greetings=self.greetings,
            profile=lambda: self.profile,
            returned=returned,
            line=self.line,
            turns=self.turns,
            history=self.history,
            conversation=self.conversation,
            send=self._send,
            spawn=self._listen,
        )

    def _listen(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.ears.append(asyncio.create_task(work))
        return self.ears[-1]

    def begins(self) -> list[dict[str, Any]]:
        """A session begins; what it is told."""
        return [json.loads(event) for event in self.briefing.session()]

    @property
    def listens(self) -> bool:
        """Whether the session was told to listen after it had begun."""
        return any(event["type"] == "session.update" for event in self.to_model)

    def echoes(self) -> None:
        """The caller has heard the next piece."""
        name, _ = self.line.playback._pending[0]
        self.line.playback.echoed(name)
        self.briefing.heard()


async def test_a_disclosure_is_heard_whole_however_long_it_is() -> None:
    """Several times as long as a caller who has nothing to be told waits at most; then they are listened to at once."""
    stage = Stage(greeting=0.4, greeting_shield=0.25)
    stage.begins()
    stage.responds(fifths=10)
    stage.model("response.output_audio.done", response_id="r1", item_id="i1")
    stage.done()
    for _ in range(10):
        assert not stage.listens
        assert stage.briefing.shielded
        await asyncio.sleep(0.08)
        stage.echoes()

    await asyncio.wait_for(until(lambda: stage.listens), 5)
    assert not stage.line.playback.holding
    assert not stage.briefing.shielded


async def test_a_disclosure_that_does_not_come_for_long_is_cut_off_by_nobody_when_it_does() -> None:
    """A model that hesitates, a connection that is lost: what was not heard yet has to be heard all the same."""
    stage = Stage(greeting_shield=0.01)
    stage.begins()
    await asyncio.sleep(0.15)
    assert not stage.listens
    assert stage.briefing.shielded

    stage.responds(fifths=1)
    stage.done()
    stage.echoes()

    await asyncio.wait_for(until(lambda: stage.listens), 5)
    assert not stage.briefing.shielded


@pytest.mark.parametrize(
    ("disclosure", "bound"), [("", {"greeting_shield": 0.1}), ("השיחה נרשמת.", {"disclosure_shield": 0.1})]
)
async def test_a_caller_who_hears_nothing_of_it_is_listened_to_all_the_same(
    disclosure: str, bound: dict[str, float]
) -> None:
    """The greeting's echo does not come, or it has no end: nobody is deaf for good."""
    stage = Stage(disclosure, "", **{"greeting_shield": PATIENT, "disclosure_shield": PATIENT, **bound})
    stage.begins()
    stage.responds(fifths=10)
    await asyncio.sleep(0)
    assert not stage.listens

    await asyncio.wait_for(until(lambda: stage.listens), 5)
    assert not stage.briefing.shielded


async def test_a_response_that_says_late_that_it_is_done_keeps_nobody_unheard() -> None:
    """The echo of its last sound is back before: nothing more will be heard that could tell of it."""
    stage = Stage(greeting_shield=PATIENT)
    stage.begins()
    stage.responds(fifths=1)
    stage.echoes()
    await asyncio.sleep(0.15)
    assert not stage.listens

    stage.done()

    await asyncio.wait_for(until(lambda: stage.listens), 5)


async def test_keys_wait_for_what_callers_have_to_be_told() -> None:
    stage = Stage(greeting_shield=PATIENT)
    stage.begins()
    stage.responds(fifths=1)
    passing_on = asyncio.create_task(stage.briefing.told())
    await asyncio.sleep(0.15)
    assert not passing_on.done()

    stage.echoes()
    stage.done()

    await asyncio.wait_for(passing_on, 5)


@pytest.mark.parametrize("why", [{"disclosure": ""}, {"returned": "busy"}], ids=["nothing to tell", "told before"])
async def test_where_nothing_has_to_be_told_keys_wait_for_nothing(why: dict[str, str]) -> None:
    stage = Stage(**why)  # type: ignore[arg-type]
    stage.begins()

    assert not stage.briefing.shielded
    await asyncio.wait_for(stage.briefing.told(), 1)


async def test_a_session_that_is_lost_in_the_disclosure_is_followed_by_one_that_does_not_listen_either() -> None:
    """Its words are known and its sound goes on: a voice over it would cut it off."""
    stage = Stage(greeting_shield=PATIENT)
    stage.begins()
    stage.responds(fifths=10)
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="השיחה נרשמת.")
    stage.echoes()

    stage.conversation.reconnected()
    update = stage.begins()[0]

    assert update["session"]["audio"]["input"]["turn_detection"] is None
    assert stage.briefing.shielded
    await asyncio.sleep(0)
    assert [ears.cancelled() for ears in stage.ears] == [True, False]


async def test_a_recorded_disclosure_that_was_heard_before_the_session_stands_shields_nobody() -> None:
    stage = Stage(greeting_shield=PATIENT)
    stage.history.words(line.GREETING, "ai", stage.profile.first_words)
    stage.line.play_recorded(b"\x00" * 1600, line.GREETING)
    assert stage.briefing.shielded
    stage.echoes()

    update = stage.begins()[0]

    assert update["session"]["audio"]["input"]["turn_detection"] is not None
    assert not stage.briefing.shielded


async def test_a_greeting_that_came_to_nothing_is_asked_for_again_in_its_own_words() -> None:
    """Else nobody would be told; the answer after it is asked for without them."""
    stage = Stage(greeting_shield=PATIENT)
    *_, greeting = stage.begins()
    stage.model("response.created", response={"id": "r0"})
    stage.done("r0")
    stage.responds()
    stage.done()
    stage.turns.want()
    stage.conversation.ask_if_due()

    assert stage.profile.disclosure in greeting["response"]["instructions"]
    assert [event for event in stage.to_model if event["type"] == "response.create"] == [
        greeting,
        {"type": "response.create"},
    ]


async def test_who_has_nothing_to_be_told_is_listened_to_once_they_have_heard_the_first_words() -> None:
    """Before them a "hello?" cuts nothing off; after them the greeting is interrupted as anything else."""
    stage = Stage("", greeting=1.0, greeting_shield=PATIENT)
    stage.begins()
    stage.responds(fifths=10)
    for number in range(1, 6):
        stage.echoes()
        for _ in range(10):
            await asyncio.sleep(0)
        assert stage.listens is (number == 5)
    assert stage.line.playback.holding


@pytest.mark.parametrize(
    ("known", "voice", "languages", "names"),
    [
        (business(voice="cedar", language="ru-RU"), "cedar", ["ru", "he", "en", "ar"], ["מספרת דנה"]),
        (business(), SETTINGS.openai_voice, ["he", "en", "ar", "ru"], ["מספרת דנה"]),
        (None, SETTINGS.openai_voice, ["he", "en", "ar", "ru"], []),
    ],
)
async def test_a_session_has_the_voice_of_the_business_and_listens_for_its_language_and_its_name(
    known: Business | None, voice: str, languages: list[str], names: list[str]
) -> None:
    """The settings' own where nobody knows whose call it is; nothing is written down that the model refuses to."""
    stage = Stage()
    stage.profile = Profile(known)
    audio = stage.begins()[0]["session"]["audio"]
    assert audio["output"]["voice"] == voice
    written = audio["input"]["transcription"]
    assert (written["languages"], written["keywords"]) == (languages, names)

    stage.conversation.transcribes = False
    assert stage.begins()[0]["session"]["audio"]["input"]["transcription"] is None


async def test_a_session_in_the_midst_of_a_call_is_told_what_was_said_and_greets_nobody() -> None:
    stage = Stage("")
    with capture_events() as events:
        *_, greeting = stage.begins()
        stage.history.words("i1", "ai", "שלום")
        stage.history.words("u1", "customer", "אני רוצה תור")
        _, *told = stage.begins()

    assert greeting["type"] == "response.create"
    assert [(each["item"]["role"], each["item"]["content"][0]["text"]) for each in told] == [
        ("assistant", "שלום"),
        ("user", "אני רוצה תור"),
    ]
    assert [event.event for event in events] == ["GREETING"]
    assert stage.conversation.opening == ""


@pytest.mark.parametrize(
    ("returned", "status", "kept"), [("", "completed", True), ("", "incomplete", False), ("busy", "completed", False)]
)
async def test_a_greeting_is_kept_for_the_next_caller_where_it_was_whole_and_an_apology_is_not(
    returned: str, status: str, *, kept: bool
) -> None:
    """Nor is the kept one played to who comes back from a transfer."""
    stage = Stage(returned=returned)
    words = stage.profile.first_words
    stage.begins()
    stage.responds(fifths=2)
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=words)
    stage.done(status=status)

    key = Spoken(SETTINGS.openai_realtime_model, SETTINGS.openai_voice, words)
    assert (stage.greetings.get(key) is not None) is kept
    stage.greetings.keep(key, b"hello")
    assert stage.briefing.recorded() == (None if returned else b"hello")
