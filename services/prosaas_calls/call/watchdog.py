"""Looks at a call once a second, for what no event announces: silence, half-dead sockets and time running out."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from prosaas_calls.call.conversation import Conversation
from prosaas_calls.call.interruption import Floor
from prosaas_calls.call.meter import Meter
from prosaas_calls.caller.leg import CallerLeg
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.model.leg import ModelLeg
from prosaas_calls.prompts import PromptName
from prosaas_calls.stats import CallStats
from prosaas_logging import get_logger
from prosaas_logging.catalogue import QUEUE_SIZE, WATCHDOG

log = get_logger(__name__)

Leave = Callable[[PromptName, EndReason], Awaitable[None]]


class Watchdog:
    """Ends a call that is dead, silent, too long or too dear, and drops a model that has stopped answering."""

    def __init__(
        self,
        *,
        limits: Limits,
        stats: CallStats,
        line: CallerLine,
        caller: CallerLeg,
        model: ModelLeg,
        conversation: Conversation,
        floor: Floor,
        nudge: Callable[[int], None],
        meter: Meter,
        leave: Leave,
    ) -> None:
        self._limits = limits
        self._stats = stats
        self._line = line
        self._caller = caller
        self._model = model
        self._conversation = conversation
        self._floor = floor
        self._nudge = nudge
        self._meter = meter
        self._leave = leave
        self._nudges = 0
        self._silence = 0.0
        self._sounds = 0

    async def run(self) -> None:
        """Watch until the call ends."""
        while True:
            await asyncio.sleep(self._limits.watch)
            await self._look(monotonic())

    async def _look(self, now: float) -> None:
        limits = self._limits
        idle = self._conversation.pace.idle_for(now)
        if log.tracing:
            log.event(WATCHDOG, idle_s=round(idle, 1))
            log.event(QUEUE_SIZE, size=self._line.playback.held_bytes)
        stuck = self._line.stuck_for(now) > limits.send
        if stuck or now - self._caller.last_frame_at > limits.silent_stream:
            log.warning("the caller's stream is dead", sending=stuck)
            raise CallEnded(EndReason.CALLER_LOST)
        self._look_at_model(now)
        if self._stats.elapsed_ms() > limits.max_call * 1000:
            await self._leave("limit", EndReason.MAX_DURATION)
        if limits.max_cost and self._meter.spent >= limits.max_cost:
            await self._leave("limit", EndReason.LIMIT)
        if self._floor.noisy(now):
            self._floor.enough()
        await self._look_at_silence(idle)

    async def _look_at_silence(self, idle: float) -> None:
        """Ask a silent caller whether they are there, twice, and then hang up; who asked for a moment gets longer."""
        limits, floor = self._limits, self._floor
        if floor.sounds != self._sounds:
            self._sounds, self._silence, self._nudges = floor.sounds, 0.0, 0
        silent = (self._silence + idle) / (limits.moment if self._floor.asked_to_wait else 1.0)
        if silent > limits.idle or floor.unintelligible >= limits.unintelligible:
            await self._leave("idle", EndReason.IDLE_TIMEOUT)
        if self._nudges < len(limits.nudges) and silent > limits.nudges[self._nudges]:
            # What we say now is no sign of life of theirs: the silence goes on behind it.
            self._silence += idle
            self._nudges += 1
            self._nudge(self._nudges)

    def _look_at_model(self, now: float) -> None:
        connection = self._model.connection
        if connection is None:
            return
        if connection.stuck_for(now) > self._limits.send:
            connection.give_up("it does not read")
        elif self._conversation.pace.silent_for(now) > self._limits.model_silence:
            connection.give_up("it does not answer")
        else:
            self._model.renew_if_due(now)
