"""One phone call: the caller's leg and the model's leg joined, until one of them, or we, end it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from prosaas_calls.call.briefing import Briefing
from prosaas_calls.call.conversation import Conversation
from prosaas_calls.call.history import History
from prosaas_calls.call.interruption import Floor
from prosaas_calls.call.meter import Meter
from prosaas_calls.call.parting import Parting
from prosaas_calls.call.promises import Promises
from prosaas_calls.call.services import Services
from prosaas_calls.call.tool_calls import ToolCalls
from prosaas_calls.call.waits import Waits
from prosaas_calls.call.watchdog import Watchdog
from prosaas_calls.caller import line
from prosaas_calls.caller.keypad import Keypad
from prosaas_calls.caller.leg import CallerLeg
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.model import events
from prosaas_calls.model.leg import ModelFailed, ModelLeg, ModelUnreachable
from prosaas_calls.model.turns import Turns
from prosaas_calls.profile import Profile
from prosaas_calls.prompts import prompt
from prosaas_calls.sockets import TextSocket
from prosaas_calls.stats import CallStats
from prosaas_calls.tools.base import ToolContext
from prosaas_core.phones import caller_id
from prosaas_core.stream_token import StreamClaims
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CALL_REFUSED, CALLER_SILENT, COMFORT, DTMF, GREETING, REALTIME_ERROR

log = get_logger(__name__)

_ARE_YOU_THERE = (
    "[The caller has said nothing for a while. Ask in a few words whether they are still there.]",
    "[The caller still says nothing. Ask once more, and say that you will have to hang up.]",
)

Part = Callable[[], Coroutine[Any, Any, None]]


class Call:
    """One conversation with its own objects; nothing of it is shared with another call."""

    def __init__(self, services: Services, socket: TextSocket, stream_sid: str, claims: StreamClaims) -> None:
        self._services = services
        self._claims = claims
        self._group = asyncio.TaskGroup()
        self._profile = Profile()
        self._opening: asyncio.Task[Profile] | None = None
        self._drain = asyncio.Event()
        self.stats = CallStats()
        self.history = History(self.stats.elapsed_ms)
        settings = services.settings
        self.meter = Meter(
            services.prices,
            self.stats.elapsed_ms,
            model=settings.openai_realtime_model,
            transcription_model=settings.openai_transcription_model,
        )
        limits = services.limits
        self._turns = Turns()
        self._keypad = Keypad(limits.keys)
        self._line = CallerLine(socket, stream_sid, prompt_grace=limits.prompt_grace)
        self.promises = Promises(self.history, self._turns, self._line.playback)
        self._model = ModelLeg(
            connect=services.connect,
            brief=self._brief,
            spawn=self._group.create_task,
            turns=self._turns,
            limits=limits,
        )
        self._floor = Floor(
            line=self._line,
            turns=self._turns,
            history=self.history,
            stats=self.stats,
            limits=limits,
            send=self._model.send,
            spawn=self._group.create_task,
            loud=lambda: self._caller.loud(),
            shielded=lambda: self._briefing.shielded,
            decided=lambda answer_due: self._conversation.decided(answer_due),
        )
        self.parting = Parting(
            claims=claims,
            limits=limits,
            twilio=services.twilio,
            profile=lambda: self._profile,
            line=self._line,
            turns=self._turns,
            history=self.history,
            mute=lambda: self._conversation.mute(),
            tell=self._tell,
        )
        self.tool_calls = ToolCalls(
            limits=limits,
            context=self._tool_context,
            model=self._model,
            turns=self._turns,
            stats=self.stats,
            history=self.history,
            promises=self.promises,
            parting=self.parting,
            ask_if_due=lambda: self._conversation.ask_if_due(),
            spawn=self._group.create_task,
        )
        self._conversation = Conversation(
            line=self._line,
            turns=self._turns,
            history=self.history,
            stats=self.stats,
            meter=self.meter,
            send=self._model.send,
            floor=self._floor,
            promises=self.promises,
            use_tool=self.tool_calls.use,
            ask_later=self._ask_later,
            retry_for=limits.model_retry,
        )
        self._briefing = Briefing(
            settings=settings,
            limits=limits,
            greetings=services.greetings,
            profile=lambda: self._profile,
            returned=claims.returned,
            line=self._line,
            turns=self._turns,
            history=self.history,
            conversation=self._conversation,
            send=self._model.send,
            spawn=self._group.create_task,
        )
        self._caller = CallerLeg(
            socket,
            self._line,
            self._keypad,
            self.stats,
            hear=self._model.hear,
            heard=self._heard,
            malformed_limit=limits.malformed_messages,
            key_pressed=self._floor.take,
        )

    @property
    def profile(self) -> Profile:
        """The business and the customer, as far as they are known."""
        return self._profile

    def drain(self) -> None:
        """Ask the caller to excuse us, and end the call."""
        self._drain.set()

    async def converse(self) -> EndReason:
        """Connect the caller with the model until the call is over."""
        watchdog = Watchdog(
            limits=self._services.limits,
            stats=self.stats,
            line=self._line,
            caller=self._caller,
            model=self._model,
            conversation=self._conversation,
            floor=self._floor,
            nudge=self._ask_whether_there,
            meter=self.meter,
            leave=self.parting.leave,
        )
        waits = Waits(limits=self._services.limits, turns=self._turns, line=self._line, comfort=self._comfort)
        # A greeting is due from the first moment on.
        self._turns.want()
        return await self._until_ended(
            self._run_model, watchdog.run, waits.run, self._wait_for_drain, self._pass_keys_on
        )

    async def refuse(self, reason: EndReason) -> EndReason:
        """Tell the caller that nobody can answer now, or ring a person for them."""
        self._profile = await self._services.store.profile(self._claims)
        return await self._until_ended(partial(self.parting.leave, "busy", reason))

    async def _until_ended(self, *parts: Part) -> EndReason:
        """Run the parts until the first of them ends the call. One that fails ends it too: never dead air."""
        end: CallEnded | None = None
        try:
            async with self._group as group:
                for part in parts:
                    group.create_task(part())
                await self._caller.listen()
        except* CallEnded as ended:
            end = next(error for error in ended.exceptions if isinstance(error, CallEnded))
        except* Exception:
            log.exception("a part of the call failed")
        finally:
            end = end or CallEnded(EndReason.INTERNAL_ERROR)
            self.stats.ended = end.at
            self.stats.frames_out = self._line.frames
        return end.reason

    async def _run_model(self) -> None:
        self._opening = self._group.create_task(self._open())
        try:
            await self._model.run(self._conversation)
        except ModelFailed as failed:
            log.event(REALTIME_ERROR, code=failed.code, message="the model cannot go on")
            await self.parting.leave("failure", EndReason.MODEL_FAILED)
        except ModelUnreachable:
            await self.parting.leave("failure", EndReason.MODEL_UNREACHABLE)

    async def _open(self) -> Profile:
        """Learn who calls whom, and greet them at once where the greeting has been spoken before."""
        self._profile = profile = await self._services.store.profile(self._claims)
        audio = self._briefing.recorded()
        if audio is not None:
            log.event(GREETING)
            self._turns.unwant()
            self.stats.first_audio_ms = self.stats.elapsed_ms()
            self.history.words(line.GREETING, "ai", profile.first_words)
            self._line.play_recorded(audio, line.GREETING)
        return profile

    async def _brief(self) -> list[bytes]:
        """What a new session is told; a call whose business has spent its day's budget gets none."""
        assert self._opening is not None
        opened = await self._opening
        limit = self._services.settings.max_cost_per_day
        if limit and opened.spent_today >= limit:
            log.event(CALL_REFUSED, reason=EndReason.OVER_BUDGET.value)
            await self.parting.leave("busy", EndReason.OVER_BUDGET)
        if self.promises.deeds:
            await self._look_again()
        return self._briefing.session()

    async def _look_again(self) -> None:
        """What the caller has booked is not what it was when the call began, nor is a database that was away then."""
        fresh, known = await self._services.store.profile(self._claims), self._profile
        if known.business is None or fresh.customer_id == known.customer_id:
            self._profile = fresh if known.business is None else replace(known, booked=fresh.booked)

    def _heard(self, item_id: str) -> None:
        self.history.still(item_id)
        self._briefing.heard()
        self.promises.judge()

    async def _comfort(self) -> None:
        if not self.parting.begun:
            log.event(COMFORT)
            await self._line.say(prompt("comfort", self._profile.language))

    async def _wait_for_drain(self) -> None:
        await self._drain.wait()
        await self.parting.leave("drained", EndReason.DRAINED)

    async def _pass_keys_on(self) -> None:
        while True:
            keys = await self._keypad.entry()
            log.event(DTMF, count=len(keys))
            await self._briefing.told()
            self._tell("user", f"[The caller pressed the keys {keys}]")

    def _tell(self, role: str, text: str) -> None:
        """Add to the conversation something that deserves an answer."""
        self._model.send(events.message(role, text))
        self._turns.want()
        self._conversation.ask_if_due()

    def _ask_whether_there(self, time: int) -> None:
        log.event(CALLER_SILENT, time=time)
        self._tell("system", _ARE_YOU_THERE[min(time, len(_ARE_YOU_THERE)) - 1])

    def _ask_later(self, seconds: float) -> None:
        """Ask the model again after a pause, which counts as work under way: meanwhile nothing else asks it."""

        async def pause() -> None:
            await asyncio.sleep(seconds)
            self._turns.want()
            self._turns.work_ends()
            self._conversation.ask_if_due()

        self._turns.work_begins()
        self._group.create_task(pause())

    async def _tool_context(self) -> ToolContext:
        if self._profile.business is None:
            await self._look_again()
        return ToolContext(
            self._claims.call_sid,
            self._profile,
            self._services.store,
            caller=caller_id(self._claims.from_number) or "",
            introduce=self._introduced,
            for_record=self._services.settings.for_record,
        )

    def _introduced(self, profile: Profile) -> None:
        self._profile = profile
