"""When the caller speaks, interrupts, waits and hangs up."""

from dataclasses import dataclass

from simulator.audio.mulaw import milliseconds
from simulator.live import LiveCall
from simulator.phone.ear import Ear, Heard
from simulator.phone.playback import Playback
from simulator.scenario import Turn

_HEARD_UNKNOWN_MS = 300
# A service's own delays do not shrink with the call's speed, so patience lasts some real seconds too.
_REAL_PATIENCE_MS = 4_000
# Nobody speaks for so long: it is noise, into which somebody has to say that it is. Real time, too.
_LONGEST_TURN_MS = 20_000


@dataclass(frozen=True)
class Speak:
    """Take the next turn, over the model's speech or after it."""

    turn: Turn
    barge_in: bool


class HangUp:
    """End the call."""


class Behaviour:
    """Walks through the scenario's turns on the call's own clock."""

    def __init__(self, live: LiveCall, ear: Ear, playback: Playback) -> None:
        self._live = live
        self._ear = ear
        self._playback = playback
        patience_ms = live.scenario.patience_ms
        self._patience_ms = max(patience_ms, min(patience_ms, _REAL_PATIENCE_MS) * live.speed)
        self._next = live.script.heard_turns
        self._mine_ended_at = 0
        self._active_at = 0
        self._pieces_before = self._pieces_at_start = 0
        self._unknown_before = 0
        self._answer_noted = False
        self._heard_at = 0
        self._quiet_at = 0
        self.longest_silence_ms = 0
        self.longest_monologue_ms = 0
        self.answer_ms: list[int] = []
        # What the caller only listened to with a word, and therefore has to hear to its end.
        self.spoken_over: list[Heard] = []
        # What the caller interrupted because they want an answer, and how much of it they had heard by then.
        self.interrupted: list[tuple[Heard, int]] = []

    @property
    def _turns(self) -> tuple[Turn, ...]:
        return self._live.script.turns

    @property
    def turns_done(self) -> int:
        """How many turns the caller has begun."""
        return self._next

    def spoke(self, now_ms: int) -> None:
        """Note that the caller's own speech ends now: what begins from here on answers it."""
        self._mine_ended_at = self._active_at = now_ms
        # Who only said "hello?" into the greeting has their answer already.
        wants_answer = self._next == 0 or self._turns[self._next - 1].wants_answer
        noise_ms = self._turns[self._next - 1].noise_ms if self._next > 0 else 0
        unanswered = len(self._ear.heard) == self._pieces_at_start
        if unanswered and noise_ms > _LONGEST_TURN_MS * max(1.0, self._live.speed):
            self._live.problem(f"nothing was said into {noise_ms} ms of noise")
        # Noise is not waited for: what is said meanwhile is the answer.
        self._pieces_before = (self._pieces_at_start if noise_ms else len(self._ear.heard)) if wants_answer else -1
        self._unknown_before = self._ear.unknown_bytes
        self._answer_noted = False

    def step(self, now_ms: int, *, hearing: bool) -> Speak | HangUp | None:
        """Decide, one frame's time later; `hearing` is whether something was played just now."""
        if hearing or self._live.generating:
            self._active_at = now_ms
        if hearing:
            self._heard_at = now_ms
            self.longest_monologue_ms = max(self.longest_monologue_ms, now_ms - self._quiet_at)
        else:
            self._quiet_at = now_ms
        answered = self._answered()
        if not answered or self._live.script.busy:
            silence = now_ms - max(self._mine_ended_at, self._heard_at)
            self.longest_silence_ms = max(self.longest_silence_ms, silence)
        if answered and not self._answer_noted:
            self._answer_noted = True
            self.answer_ms.append(now_ms - self._mine_ended_at)
        if now_ms > self._live.scenario.max_ms:
            self._live.problem(f"the call was still up after {now_ms} ms")
            return HangUp()
        if self._next < len(self._turns):
            return self._next_turn(now_ms, answered=answered)
        return self._end(now_ms, answered=answered)

    def _next_turn(self, now_ms: int, *, answered: bool) -> Speak | HangUp | None:
        turn = self._turns[self._next]
        if turn.barge_in_ms is not None and answered and self._over_agent(turn.barge_in_ms):
            return self._take(turn, barge_in=True)
        if answered and not self._awaited and self._quiet(now_ms, turn.pause_ms):
            return self._take(turn)
        if self._quiet(now_ms, self._patience_ms):
            self._dead_air(now_ms)
            return self._take(turn)
        return None

    def _end(self, now_ms: int, *, answered: bool) -> Speak | HangUp | None:
        ending = self._live.scenario.ending
        if ending.tool and ending.tool in self._live.called:
            return HangUp()
        if ending.barge_in_ms is not None and answered and self._over_agent(ending.barge_in_ms):
            return HangUp()
        satisfied = answered and not self._live.script.busy
        if ending.by == "caller" and satisfied and self._quiet(now_ms, ending.after_ms):
            return HangUp()
        if self._quiet(now_ms, self._patience_ms):
            if ending.by == "service":
                self._live.problem("the service did not end the call")
            else:
                self._dead_air(now_ms)
            return HangUp()
        return None

    def _take(self, turn: Turn, *, barge_in: bool = False) -> Speak:
        self._next += 1
        self._pieces_at_start = len(self._ear.heard)
        if barge_in and self._ear.current is not None:
            if turn.backchannel:
                self.spoken_over.append(self._ear.current)
            elif turn.wants_answer:
                self.interrupted.append((self._ear.current, self._ear.current.heard_ms))
        return Speak(turn, barge_in)

    @property
    def _awaited(self) -> bool:
        """Whether the model has not said all yet that the caller waits for."""
        return self._live.script.busy and (self._next == 0 or self._turns[self._next - 1].wants_answer)

    def _answered(self) -> bool:
        if len(self._ear.heard) > self._pieces_before:
            return True
        unknown = milliseconds(self._ear.unknown_bytes - self._unknown_before)
        return not self._live.recognised and unknown >= _HEARD_UNKNOWN_MS

    def _over_agent(self, after_ms: int) -> bool:
        current = self._ear.current
        playing = self._playback.buffered_ms > 0 and not self._live.script.busy
        return playing and current is not None and current.heard_ms >= after_ms

    def _quiet(self, now_ms: int, for_ms: float) -> bool:
        return not self._playback.buffered_ms and now_ms - self._active_at >= for_ms

    def _dead_air(self, now_ms: int) -> None:
        if self._live.scenario.expect.all_answered:
            self._live.problem(f"dead air: nothing heard for {now_ms - self._active_at} ms after turn {self._next}")
        else:
            self._live.note("dead_air", turn=self._next)
