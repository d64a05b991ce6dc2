"""How a call ends that we end: once, and in the words of whoever was first."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from calls_world.waiting import until
from calls_world.world import BUSINESS, business
from prosaas_calls.call.history import History
from prosaas_calls.call.parting import Parting
from prosaas_calls.caller.playback import Cut, Piece, Playback
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.model.turns import Turns
from prosaas_calls.profile import Profile
from prosaas_calls.prompts import PromptName, prompt
from prosaas_core.stream_token import StreamClaims

CLAIMS = StreamClaims("CA1", 1, "+972501112222", "+97231234567", 0.0, "seat:nonce")


class Line:
    """A line on which a sentence takes until it is `heard`."""

    def __init__(self) -> None:
        self.words: list[bytes] = []
        self.heard = asyncio.Event()
        self.parting: EndReason | None = None
        self.playback = Playback()

    def cut(self) -> list[Cut]:
        return [Cut("i1", 500, 2000)]

    @property
    def said(self) -> int:
        return len(self.words)

    async def say(self, audio: bytes) -> None:
        self.words.append(audio)
        await self.heard.wait()


class Twilio:
    """Takes a transfer, refuses it, or says nothing of it."""

    def __init__(self, taken: bool | None) -> None:
        self.taken = taken
        self.rung: list[tuple[str, str]] = []

    async def transfer(self, call_sid: str, number: str) -> bool | None:
        self.rung.append((call_sid, number))
        return self.taken


class Stage:
    def __init__(
        self,
        taken: bool | None = True,
        profile: Callable[[], Profile] = Profile,
        returned: str = "",
        **limits: float,
    ) -> None:
        self.line, self.twilio, self.told = Line(), Twilio(taken), list[str]()
        self.muted = 0
        self.turns, self.playback = Turns(), self.line.playback
        self.history = History(lambda: 0)
        parts: dict[str, Any] = {"line": self.line, "twilio": self.twilio}
        self.parting = Parting(
            claims=replace(CLAIMS, returned=returned),
            limits=Limits(handover=0.01, **limits),  # type: ignore[arg-type]
            profile=profile,
            turns=self.turns,
            history=self.history,
            mute=self._mute,
            tell=lambda _role, text: self.told.append(text),
            **parts,
        )

    def _mute(self) -> None:
        self.muted += 1


async def test_of_two_reasons_to_end_a_call_the_first_is_said_and_the_second_says_nothing() -> None:
    """A sentence over another is understood by nobody, and the record has one reason."""
    stage = Stage()
    first = asyncio.create_task(stage.parting.leave("limit", EndReason.MAX_DURATION))
    await asyncio.sleep(0)
    await asyncio.wait_for(stage.parting.leave("drained", EndReason.DRAINED), 1)
    assert (stage.line.said, stage.line.parting, stage.muted) == (1, EndReason.MAX_DURATION, 1)
    stage.line.heard.set()
    with pytest.raises(CallEnded) as ended:
        await first
    assert ended.value.reason is EndReason.MAX_DURATION


@pytest.mark.parametrize(
    ("reason", "person", "words"),
    [
        (EndReason.DRAINED, True, "comfort"),
        (EndReason.DRAINED, False, "drained"),
        (EndReason.MAX_DURATION, True, "limit"),
    ],
)
async def test_only_who_is_put_through_to_a_person_instead_hears_no_goodbye(
    reason: EndReason, person: bool, words: PromptName
) -> None:
    known = Profile(business() if person else business(transfer_number=""))
    stage = Stage(profile=lambda: known)
    stage.line.heard.set()
    with pytest.raises(CallEnded):
        await stage.parting.leave("drained" if reason is EndReason.DRAINED else "limit", reason)
    assert stage.line.words == [prompt(words, known.language)]


async def test_what_the_last_sentence_cuts_off_is_no_sentence_that_was_heard() -> None:
    """The record says so, and whoever reads it does not take for said what was not."""
    stage = Stage()
    stage.history.words("i1", "ai", "יש לי מקום בשמונה בבוקר")
    stage.line.heard.set()
    with pytest.raises(CallEnded):
        await stage.parting.leave("limit", EndReason.LIMIT)
    (line,) = stage.history
    assert (line.interrupted, line.heard) == (True, 0.25)


@pytest.mark.parametrize(
    ("returned", "number", "rung"),
    [("", "+972501119999", "+972501119999"), ("busy", "+972501119999", ""), ("", "", ""), ("", BUSINESS, "")],
)
def test_a_person_is_rung_once_in_a_call_for_whom_nobody_can_serve(returned: str, number: str, rung: str) -> None:
    """And never we ourselves, where the business's calls go to us."""
    known = Profile(business(transfer_number=number))
    assert Stage(profile=lambda: known, returned=returned).parting.rescue == rung


async def test_the_last_words_are_over_when_the_model_has_spoken_and_the_caller_has_heard_it() -> None:
    """Also where it goes on once more after the first of them was heard."""
    stage = Stage()
    stage.turns.created("r1")
    stage.playback.sent(Piece(b"", 1600, "i1"))
    last = asyncio.create_task(stage.parting.last_words())
    stage.turns.done("r1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stage.turns.created("r2")
    stage.playback.interrupt()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not last.done()
    stage.turns.done("r2")
    await asyncio.wait_for(last, 5)


async def test_last_words_that_do_not_end_are_waited_for_no_longer_than_their_limit() -> None:
    stage = Stage(last_words=0.01)
    stage.turns.created("r1")
    await asyncio.wait_for(stage.parting.last_words(), 5)


async def test_a_transfer_that_is_refused_goes_on_as_a_call() -> None:
    stage = Stage(taken=False)
    await stage.parting.part(EndReason.TRANSFERRED)
    assert stage.line.parting is EndReason.CUSTOMER_HANGUP
    assert stage.told == ["The transfer did not work. Apologise, and offer to take a message."]


async def test_a_transfer_of_which_nothing_is_heard_is_given_a_moment_before_anybody_apologises() -> None:
    """In which Twilio ends the stream, where it has taken it after all."""
    stage = Stage(taken=None)
    parting = asyncio.create_task(stage.parting.part(EndReason.TRANSFERRED))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (stage.told, stage.line.parting) == ([], EndReason.TRANSFERRED)
    await asyncio.wait_for(parting, 5)
    assert len(stage.told) == 1


async def test_a_transfer_that_was_taken_is_the_end() -> None:
    """Of the call, to the number that the business has given."""
    known = Profile(business(transfer_number="+972501119999"))
    stage = Stage(profile=lambda: known)
    with pytest.raises(CallEnded) as ended:
        await stage.parting.part(EndReason.TRANSFERRED)
    assert ended.value.reason is EndReason.TRANSFERRED
    assert stage.twilio.rung == [("CA1", "+972501119999")]


async def test_a_call_that_is_hung_up_rings_nobody() -> None:
    stage = Stage()
    with pytest.raises(CallEnded):
        await stage.parting.part(EndReason.AGENT_ENDED)
    assert stage.twilio.rung == []


class SlowTwilio(Twilio):
    """Answers once it is let."""

    def __init__(self, taken: bool | None) -> None:
        super().__init__(taken)
        self.answers = asyncio.Event()

    async def transfer(self, call_sid: str, number: str) -> bool | None:
        await super().transfer(call_sid, number)
        await self.answers.wait()
        return self.taken


@pytest.mark.parametrize(
    ("taken", "reason"),
    [
        (False, EndReason.CUSTOMER_HANGUP),
        (True, EndReason.TRANSFERRED),
        (None, EndReason.TRANSFERRED),
    ],
)
async def test_of_a_call_that_ends_while_twilio_is_asked_for_a_transfer_its_answer_tells_whether_it_was(
    taken: bool | None, reason: EndReason
) -> None:
    """A caller who hangs up and a transfer that is taken look the same to us: the stream ends."""
    stage = Stage()
    twilio = stage.parting._twilio = SlowTwilio(taken)  # type: ignore[assignment]
    parting = asyncio.create_task(stage.parting.part(EndReason.TRANSFERRED))
    await until(lambda: twilio.rung)  # type: ignore[attr-defined]
    parting.cancel()
    await asyncio.wait({parting})
    outcome = asyncio.create_task(stage.parting.outcome(EndReason.TRANSFERRED))
    await asyncio.sleep(0)
    assert not outcome.done()
    twilio.answers.set()  # type: ignore[attr-defined]
    assert await outcome is reason
    assert await stage.parting.outcome(EndReason.AGENT_ENDED) is EndReason.AGENT_ENDED


async def test_an_answer_of_twilios_that_does_not_come_is_waited_for_no_longer_than_the_tools_are() -> None:
    """Then it may be: the person who is perhaps being rung is believed."""
    stage = Stage(settle=0.01)
    stage.parting._twilio = SlowTwilio(False)  # type: ignore[assignment]
    parting = asyncio.create_task(stage.parting.part(EndReason.TRANSFERRED))
    await asyncio.sleep(0)
    parting.cancel()
    assert await asyncio.wait_for(stage.parting.outcome(EndReason.TRANSFERRED), 5) is EndReason.TRANSFERRED
    assert stage.parting._asking is not None
    await asyncio.wait({stage.parting._asking}, timeout=5)
    assert stage.parting._asking.cancelled()


async def test_of_a_call_that_ends_otherwise_meanwhile_no_transfer_is_asked_for_any_longer() -> None:
    """It would ring somebody for a caller to whom we have said goodbye."""
    stage = Stage()
    stage.parting._twilio = SlowTwilio(True)  # type: ignore[assignment]
    parting = asyncio.create_task(stage.parting.part(EndReason.TRANSFERRED))
    await asyncio.sleep(0)
    parting.cancel()
    assert await stage.parting.outcome(EndReason.DRAINED) is EndReason.DRAINED
    assert stage.parting._asking is not None
    await asyncio.wait({stage.parting._asking}, timeout=5)
    assert stage.parting._asking.cancelled()
