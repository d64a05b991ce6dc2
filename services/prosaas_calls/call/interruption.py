"""Who has the floor: whether a sound over the agent's words is an interruption, and when the caller has finished."""

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from time import monotonic
from typing import Any

from prosaas_calls.call.cues import WHOLE_NUMBER, asks_for_a_moment, asks_to_spell, assents, unfinished
from prosaas_calls.call.history import History
from prosaas_calls.caller.audio import BYTES_PER_MS
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.caller.playback import Cut
from prosaas_calls.limits import Limits, within
from prosaas_calls.model import events
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BARGE_IN, LINE_NOISY, SPOKEN_THROUGH

log = get_logger(__name__)

# A question this close to its end has been understood.
_NEARLY_HEARD_MS = 2_000
# So little is left of a sentence that whoever says "okay" to it has waited for its end.
_ALL_BUT_HEARD_MS = 500
# So many sounds over her words without a word in them are her own echo; what is said in her pauses tells nothing of it.
_ECHOES = 2
_HARD_TO_HEAR = (
    "[The line has been noisy for {seconds:.0f} seconds without a pause. Answer what you understood of it; if that was "
    "nothing, ask the caller to repeat.]",
    "[The line is still noisy. Say that it is hard to hear the caller, and offer to use the keypad or to be "
    "connected to a person.]",
)
_NOT_HEARD = "[The caller interrupted, and did not hear this of what you said: {words}]"

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Floor:
    """Gives the floor to a caller who wants it, and to the model once the caller has finished.

    A sound over the agent's words is judged: gone within a moment, it is spoken through; else the agent falls silent,
    and goes on where it stopped when the sound turns out to be a cough, an echo or an "uh-huh". Who speaks on, or says
    something, interrupts.
    """

    def __init__(
        self,
        *,
        line: CallerLine,
        turns: Turns,
        history: History,
        stats: CallStats,
        limits: Limits,
        send: Callable[[bytes], None],
        spawn: Spawn,
        loud: Callable[[], bool],
        shielded: Callable[[], bool],
        decided: Callable[[bool], None],
    ) -> None:
        self._line = line
        self._turns = turns
        self._history = history
        self._stats = stats
        self._limits = limits
        self._send = send
        self._spawn = spawn
        self._loud = loud
        # Whether what is being said has to be heard whole.
        self._shielded = shielded
        self._decided = decided
        self._pondering: asyncio.Task[None] | None = None
        self._patient = self._in_groups = False
        self._over, self._words = asyncio.Event(), asyncio.Event()
        self._item = self._said = ""
        # The sounds that are judged together, and whether the words of an earlier one of them were meant.
        self._judged: set[str] = set()
        # When we fell silent for these sounds; 0 if we did not.
        self._silent_since = 0.0
        self._meant = False
        self._speech_since = 0.0
        self._noises = self._wordless = 0
        # How often the caller has made themselves heard.
        self.sounds = 0
        # Turns in a row of which no word was understood.
        self.unintelligible = 0

    @property
    def open(self) -> bool:
        """Whether anything that the caller says or presses stops what is being said."""
        return not (self._turns.closed or self._shielded())

    @property
    def listening(self) -> bool:
        """Whether the caller speaks, or is let finish."""
        return self._turns.caller_speaking or self._patient

    @property
    def asked_to_wait(self) -> bool:
        """Whether the last that the caller said was that they need a moment."""
        return asks_for_a_moment(self._history.last("customer"))

    def begins(self, item_id: str) -> None:
        """The caller makes themselves heard."""
        if self._pondering is None or self._patient:
            self._judged.clear()
            self._silent_since = 0.0
            self._meant = False
        elif not assents(self._said):
            self._meant = True
        self._judged.add(item_id)
        self._stop_pondering()
        self._turns.caller_starts()
        self.sounds += 1
        self._speech_since = monotonic()
        self._item, self._said = item_id, ""
        self._over.clear()
        self._words.clear()
        if not self.open:
            return
        if self._line.playback.holding:
            self._ponder(self._judge())
        else:
            self._drop()

    def ends(self, item_id: str) -> None:
        """The caller has fallen silent."""
        self._speech_since = 0.0
        self._noises = 0
        self._turns.caller_stops()
        self._over.set()
        if self._pondering is None:
            self._finished(patient=self._in_groups or asks_to_spell(self._history.last("ai")))

    def understood(self, item_id: str, words: str) -> None:
        """The words of a turn have come; none where it was noise, or could not be understood."""
        judging = self._pondering is not None and not self._patient
        self.unintelligible = 0 if words else self.unintelligible + (not judging)
        if judging:
            self._wordless = 0 if words else self._wordless + 1
        if item_id != self._item:
            self._meant = self._meant or (item_id in self._judged and not assents(words))
            return
        self._said = words
        self._words.set()
        self._in_groups = unfinished(words)
        if not self._over.is_set():
            return
        if self._pondering is None and self._in_groups and self._turns.answer_due:
            # The answer to half a number has not begun to sound: let them finish.
            self._drop()
            self._finished(patient=True)
        elif self._patient and sum(map(str.isdigit, words)) >= WHOLE_NUMBER:
            self._stop_pondering()
            self._decided(True)

    def close(self) -> None:
        """What is being said stays so: nothing is judged any more."""
        self._stop_pondering()

    def take(self) -> None:
        """The caller pressed a key: they have the floor without further ado, once it is to be had."""
        self.sounds += 1
        self._stop_pondering()
        self._yield()

    def noisy(self, now: float) -> bool:
        """Whether there has been sound for longer than anybody speaks."""
        return self._speech_since > 0 and now - self._speech_since > self._limits.speech

    def enough(self) -> None:
        """Take what there is for a turn, though the sound goes on: a television is no reason not to answer."""
        if not self.open:
            return
        self._stop_pondering()
        self._speech_since = monotonic()
        self._noises += 1
        log.event(LINE_NOISY, seconds=round(self._limits.speech), count=self._noises)
        self._send(events.COMMIT)
        hint = _HARD_TO_HEAR[self._noises >= self._limits.noises]
        self._send(events.message("system", hint.format(seconds=self._limits.speech)))
        self._turns.caller_stops()
        self._line.resume()
        self._turns.want()
        self._decided(True)

    def reset(self) -> None:
        """A new session has heard nothing of this speech."""
        self._stop_pondering()
        self._speech_since = 0.0
        self._line.resume()

    def _ponder(self, thoughts: Coroutine[Any, Any, None]) -> None:
        # Work under way: meanwhile the model is not asked, and nothing is settled.
        self._turns.work_begins()
        self._pondering = self._spawn(thoughts)

    def _stop_pondering(self) -> None:
        if self._pondering is not None:
            self._pondering.cancel()
            self._done_pondering()

    def _done_pondering(self) -> None:
        self._pondering = None
        self._patient = False
        self._turns.work_ends()

    async def _judge(self) -> None:
        wanted = await self._wanted()
        self._done_pondering()
        if not wanted:
            self._decided(self._go_on())
            return
        self._yield()
        if self._over.is_set():
            self._turns.want()
        self._decided(True)

    async def _wanted(self) -> bool:
        """Whether the caller wants the floor."""
        limits = self._limits
        # On a line that echoes nobody falls silent for a sound: what counts there is what was said.
        echoes = self._wordless >= _ECHOES
        began, wait = monotonic(), limits.doubt
        while not self._over.is_set():
            await within(wait, self._over)
            wait = limits.doubt / 2
            if echoes or self._over.is_set():
                continue
            if self._loud():
                self._silent_since = self._silent_since or monotonic()
                self._line.hold()
            if self._silent_since and monotonic() > self._long_enough(began):
                return True
        patience = limits.words
        if self._silent_since:
            patience = min(patience, self._long_enough(inf) - monotonic())
        await within(patience, self._words)
        return self._meant or not self._words.is_set() or not assents(self._said)

    def _long_enough(self, began: float) -> float:
        """When whoever made a sound that began then wants the floor: our echo ends once we are silent, and they do not.

        One sound after another does not keep us silent for longer than the two waits take.
        """
        silent = self._silent_since
        return min(max(began, silent), silent + self._limits.words) + self._limits.interruption

    def _go_on(self) -> bool:
        """It was no interruption. Whether it is to be answered all the same: a "yes" over the end of a question is.

        So is an "okay" with which the agent's words end, for nothing comes behind them that would go on.
        """
        question = self._history.text(self._line.playback.hearing).rstrip().endswith("?")
        left_ms = self._line.playback.held_bytes / BYTES_PER_MS
        at_its_end = self._turns.active is None and left_ms < _ALL_BUT_HEARD_MS
        self._stats.false_interruptions += 1
        log.event(SPOKEN_THROUGH, resumed=self._line.playback.held)
        self._line.resume()
        answers = bool(self._said) and (at_its_end or (question and left_ms < _NEARLY_HEARD_MS))
        if answers:
            self._turns.want()
        return answers

    def _finished(self, *, patient: bool) -> None:
        self._turns.want()
        if patient:
            self._ponder(self._wait_for_more())
            self._patient = True

    async def _wait_for_more(self) -> None:
        await asyncio.sleep(self._limits.patience)
        self._done_pondering()
        self._decided(True)

    def _yield(self) -> None:
        """Stop saying what we say, and tell the model how much of it was heard."""
        if not self.open:
            return
        self._drop()
        if not (cuts := self._line.cut()):
            return
        self._stats.barge_ins += 1
        for cut in cuts:
            self._history.interrupted(cut.item_id, heard=cut.share)
            self._correct(cut)
        log.event(BARGE_IN, heard_ms=cuts[0].heard_ms)

    def _correct(self, cut: Cut) -> None:
        """The model must not take for heard what was not; what another session said it knows by its words alone."""
        if cut.item_id in self._turns.items:
            self._send(events.truncate(cut.item_id, cut.heard_ms) if cut.heard_ms else events.delete(cut.item_id))
        elif unheard := self._history.unheard(cut.item_id):
            self._send(events.message("system", _NOT_HEARD.format(words=unheard)))

    def _drop(self) -> None:
        """What the model is still saying is not for the caller's ears."""
        if self._turns.drop():
            self._send(events.CANCEL)
