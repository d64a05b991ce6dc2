"""The scripted model behind a Realtime session: which call it serves, and its one response at a time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import orjson

from simulator.audio.mulaw import milliseconds
from simulator.audio.speech import speak
from simulator.faults import FaultBoard
from simulator.live import LiveCall, Registry
from simulator.model.conversation import Conversation
from simulator.model.response import Response, Send
from simulator.model.session_config import BadEventError
from simulator.scenario import Scenario
from simulator.script import Reply

_RECOGNISE_S: Final = 2.0
_BREAK_OFF_MS: Final = 400
_RUNS_ON_MS: Final = 120_000
_MS_A_TOKEN: Final = 50


class ScriptedModel:
    """Answers from the script of the call whose audio the session hears."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        send: Send,
        close: Callable[[int], Awaitable[None]],
        registry: Registry,
        faults: FaultBoard,
        fallback: Callable[[], Scenario],
    ) -> None:
        self._conversation = conversation
        self._send = send
        self._close = close
        self._registry = registry
        self._faults = faults
        self._fallback = fallback
        self._recognised = asyncio.Event()
        self._response: Response | None = None
        self._generation: asyncio.Task[None] | None = None
        self.live: LiveCall | None = None
        self.tools: list[dict[str, Any]] = []
        # In tokens, where the session sets an end to an answer.
        self.longest_answer: int | str = "inf"

    @property
    def responding(self) -> bool:
        """Whether a response is in progress."""
        return self._response is not None

    def recognise(self, number: int) -> None:
        """Take the call with this number as the one that the session serves."""
        if self.live is None and (live := self._registry.by_number(number)):
            self._attach(live)

    def call_or_default(self) -> LiveCall:
        """Return the call this session serves; audio that names none gets the default scenario."""
        if self.live is None:
            self._attach(Registry().open(self._fallback(), speed=1.0, listener=lambda _note: None))
        assert self.live is not None
        return self.live

    async def respond(self, instructions: str | None = None) -> None:
        """Begin a response."""
        if self._response is not None:
            raise BadEventError(
                f"Conversation already has an active response in progress: {self._response.id}. "
                "Wait until the response is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        self._response = Response(self._conversation, self._send)
        if not (self.live and self.live.scenario.model.begin_ms):
            await self._begin(self._response)
        self._generation = asyncio.create_task(self._generate(self._response, instructions))

    async def cancel(self, response_id: str | None) -> None:
        """Cancel the response in progress because the client asked for it."""
        if self._response is None or response_id not in (None, self._response.id):
            raise BadEventError("Cancellation failed: no active response found", "response_cancel_not_active")
        await self.interrupt("client_cancelled")

    async def interrupt(self, reason: str) -> None:
        """Stop the response in progress, if there is one."""
        response, generation = self._response, self._generation
        if response is None or generation is None:
            return
        generation.cancel()
        await asyncio.wait([generation])
        self._rest()
        if response.begun:
            await response.finish("cancelled", reason=reason)

    async def answered(self) -> None:
        """Wait until the response in progress is over."""
        if self._generation:
            await asyncio.wait([self._generation])

    def leave(self) -> None:
        """Stop for good: the session is over."""
        if self._generation:
            self._generation.cancel()
        self._rest()

    def _attach(self, live: LiveCall) -> None:
        self.live = live
        live.recognised = True
        live.generating = self.responding
        self._recognised.set()

    def _set_generating(self, generating: bool) -> None:
        if self.live:
            self.live.generating = generating

    async def _begin(self, response: Response) -> None:
        self._set_generating(True)
        await response.begin()

    def _rest(self) -> None:
        self._response = self._generation = None
        self._set_generating(False)

    async def _generate(self, response: Response, instructions: str | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RECOGNISE_S):
                await self._recognised.wait()
        live = self.call_or_default()
        model = live.scenario.model
        if not response.begun:
            await asyncio.sleep(model.begin_ms / 1000 / live.speed)
            await self._begin(response)
        await asyncio.sleep((model.think_ms + self._faults.faults.realtime.delay_ms) / 1000 / live.speed)
        reply = live.script.next_reply(instructions)
        if model.silent_from_turn is not None and reply.turn >= model.silent_from_turn:
            live.generating = False
        elif self._errs("error", reply, model.error_at_turn, model.error_times):
            live.script.unsaid(reply)
            self._rest()
            hint = "" if model.error_hint_ms is None else f" Please try again in {model.error_hint_ms / 1000}s."
            error = {"type": "server_error", "code": model.error_code, "message": f"The model had an error.{hint}"}
            await response.finish("failed", error=error)
        elif self._errs("empty", reply, model.empty_at_turn, model.empty_times):
            live.script.unsaid(reply)
            self._rest()
            await response.finish(model.empty_status, reason="content_filter")
        elif self._errs("stop", reply, model.stops_at_turn, 1):
            await response.speak(reply, live, self._registry.number_of(reply), _BREAK_OFF_MS)
            live.generating = False
            live.script.unsaid(reply)
        elif reply.text and self._errs("close", reply, model.close_at_turn, model.close_times):
            await response.speak(reply, live, self._registry.number_of(reply), _BREAK_OFF_MS)
            live.script.unsaid(reply)
            live.note("model_closes", code=model.close_code)
            await self._close(model.close_code)
        else:
            await self._say(response, reply, live)

    def _errs(self, how: str, reply: Reply, at_turn: int | None, times: int) -> bool:
        """Whether the model is to do this wrong now; if so, it counts."""
        misdeeds = self.call_or_default().misdeeds
        if reply.turn != at_turn or misdeeds[how] >= times:
            return False
        misdeeds[how] += 1
        return True

    async def _say(self, response: Response, reply: Reply, live: LiveCall) -> None:
        if (claim := live.script.unkept(reply.text)) and live.scenario.expect.promises_kept:
            live.problem(f"the agent said {claim!r}, and no tool had done so: {reply.text}")
        if self._errs("run on", reply, live.scenario.model.runs_on_at_turn, 1):
            once_ms = milliseconds(len(speak(reply.text, "agent")))
            reply = replace(reply, text=" ".join([reply.text] * (_RUNS_ON_MS // once_ms)))
        if reply.text and not await self._speak(response, reply, live):
            return
        if reply.tool and self._errs("cut", reply, live.scenario.model.cuts_tool_at_turn, 1):
            await response.call_function(reply.tool, reply.arguments, cut=True)
            live.script.unsaid(replace(reply, text=""))
            self._rest()
            await response.finish("incomplete", reason="max_output_tokens")
            return
        if reply.tool:
            self._check_tool(live, reply.tool, reply.arguments)
            live.note("tool_call", tool=reply.tool, arguments=reply.arguments)
            live.script.call_tool(reply)
            await response.call_function(reply.tool, reply.arguments)
        self._rest()
        await response.finish("completed")
        if reply.tool:
            live.called.append(reply.tool)

    async def _speak(self, response: Response, reply: Reply, live: LiveCall) -> bool:
        """Say the words; False where the session's limit ends the response before they do."""
        longest_ms = self.longest_answer * _MS_A_TOKEN if isinstance(self.longest_answer, int) else None
        await response.speak(reply, live, self._registry.number_of(reply), longest_ms)
        if not response.speaking:
            return True
        self._rest()
        await response.finish("incomplete", reason="max_output_tokens")
        return False

    def _check_tool(self, live: LiveCall, name: str, written: str) -> None:
        offered = {tool["name"]: tool.get("parameters") or {} for tool in self.tools}
        if name not in offered:
            live.problem(f"the scenario calls {name}, the session offers {sorted(offered)}")
            return
        try:
            arguments = orjson.loads(written)
        except orjson.JSONDecodeError:
            # Sent so on purpose.
            return
        properties, required = offered[name].get("properties", {}), offered[name].get("required", [])
        if wrong := [*(set(required) - set(arguments)), *(set(arguments) - set(properties))]:
            live.problem(f"the arguments of {name} do not fit what the session offers: {sorted(wrong)}")
