"""What the model's events mean for the call: audio to the caller, transcripts, turns, interruptions and tools."""

from binascii import a2b_base64
from collections.abc import Callable

from prosaas_calls.call.greetings import Recording
from prosaas_calls.call.history import History
from prosaas_calls.call.interruption import Floor
from prosaas_calls.call.meter import Meter
from prosaas_calls.call.pace import Pace
from prosaas_calls.call.promises import Promises
from prosaas_calls.call.retries import Retries
from prosaas_calls.caller.audio import Sampling
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.model import events
from prosaas_calls.model.events import Item, ServerEvent
from prosaas_calls.model.leg import ModelFailed
from prosaas_calls.model.realtime import RealtimeLost
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    AUDIO_DELTA,
    REALTIME_BENIGN,
    REALTIME_ERROR,
    RESPONSE_CREATED,
    RESPONSE_DONE,
    TRANSCRIPT_AI,
    TRANSCRIPT_CUSTOMER,
    TX_RESPONSE_END,
    TX_RESPONSE_START,
)

log = get_logger(__name__)

_NOT_DONE = "Not done, because the caller interrupted. Call it again only if they still want it."


class Conversation:
    """Turns the model's events into what the caller hears and into what the call remembers."""

    def __init__(
        self,
        *,
        line: CallerLine,
        turns: Turns,
        history: History,
        stats: CallStats,
        meter: Meter,
        send: Callable[[bytes], None],
        floor: Floor,
        promises: Promises,
        use_tool: Callable[[Item], None],
        ask_later: Callable[[float], None],
        retry_for: float,
    ) -> None:
        self._line = line
        self._history = history
        self._stats = stats
        self._meter = meter
        self._send = send
        self._floor = floor
        self._promises = promises
        self._use_tool = use_tool
        self._ask_later = ask_later
        self._retries = Retries(retry_for)
        # Whether the active response has given the caller, or us, anything.
        self._produced = False
        self.turns = turns
        self.pace = Pace(line=line, turns=turns, stats=stats)
        # Whether the caller's words are asked for in writing.
        self.transcribes = True
        # Whether this session has taken our settings.
        self._configured = False
        # Whether this connection has completed a response.
        self.answered = False
        # What the first response is to be, until there was one.
        self.opening = ""
        # Keeps the greeting, when there is one to keep.
        self.recording = Recording()
        self._sampling = Sampling()
        self._handlers: dict[str, Callable[[ServerEvent], None]] = {
            "response.output_audio.delta": self._audio_delta,
            "response.output_audio.done": self._audio_done,
            "response.output_audio_transcript.done": self._ai_transcript,
            "response.created": self._response_created,
            "response.done": self._response_done,
            "response.output_item.done": self._item_done,
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "input_audio_buffer.committed": self._committed,
            "conversation.item.input_audio_transcription.completed": self._customer_transcript,
            "conversation.item.input_audio_transcription.failed": self._transcription_failed,
            "session.updated": self._session_updated,
            "error": self._error,
        }

    def handle(self, event: ServerEvent) -> None:
        """Act on one server event; those that mean nothing to a phone call are passed over."""
        if (handler := self._handlers.get(event.type)) is not None:
            handler(event)
        if self.turns.spoke and event.response_id and event.response_id == self.turns.active:
            # It goes on. One that stops in the middle, and never says that it is done, is noticed by that.
            self.pace.expect()

    def ask_if_due(self) -> None:
        """Ask the model to speak, if something waits for its answer and nothing is in the way."""
        if self.turns.may_ask:
            self.expect_response()
            self._send(events.create_response(self.opening))
        elif self.turns.owing and not self.pace.expecting:
            # What the caller said meanwhile must not hide from the watchdog that the model does not move.
            self.pace.expect()

    def decided(self, answer_due: bool) -> None:
        """It is clear now what the caller's sound was: something to answer, or not."""
        if not answer_due:
            self.pace.nobody_waits()
        self._promises.judge()
        self.ask_if_due()

    def mute(self) -> None:
        """Nothing more of the model is for the caller's ears, and nothing of the caller's stops what is played."""
        self.turns.closed = True
        self._floor.close()

    def expect_response(self) -> None:
        """The model was asked to speak."""
        self.turns.asked()
        self.pace.asked()

    def reconnected(self) -> None:
        """The model is a new one that knows only what it is told: drop what the old one left half done."""
        unfinished = self.turns.active is not None or self.pace.expecting
        self.answered = self._configured = False
        self.pace.model_is_new()
        self._floor.reset()
        self.turns.reset()
        if unfinished:
            self.turns.want()

    def _audio_delta(self, event: ServerEvent) -> None:
        self._meter.heard(len(event.delta))
        if self.turns.is_discarded(event.response_id):
            return
        try:
            audio = a2b_base64(event.delta, strict_mode=True)
        except ValueError as error:
            log.warning("unreadable audio from the model", error=str(error))
            return
        if not (length := len(audio)):
            return
        self.recording.hear(audio)
        self._produced = True
        if self.turns.gives(event.spoken, event.item_id):
            self._history.begin(event.spoken, "ai")
        if not self.turns.spoke:
            self._first_audio(event)
        self.pace.sounds()
        self._line.play(event.delta.encode(), length, event.spoken)
        if log.tracing and self._sampling.takes(self._line.frames):
            log.event(AUDIO_DELTA, response_id=event.response_id, bytes=length)

    def _first_audio(self, event: ServerEvent) -> None:
        self.turns.spoke = True
        if (waited := self.pace.first_sound()) is not None:
            self._history.waited(event.spoken, waited)
        log.event(TX_RESPONSE_START, response_id=event.response_id)

    def _audio_done(self, event: ServerEvent) -> None:
        if not self.turns.is_discarded(event.response_id):
            self._line.end_item()
            log.event(TX_RESPONSE_END, response_id=event.response_id)

    def _ai_transcript(self, event: ServerEvent) -> None:
        if self.turns.is_withheld(event.response_id, event.spoken):
            return
        self._history.words(event.spoken, "ai", event.transcript)
        self.recording.understand(event.transcript)
        log.event(TRANSCRIPT_AI, text=event.transcript)
        self._promises.said(event.spoken)

    def _customer_transcript(self, event: ServerEvent) -> None:
        self._meter.transcribed(event)
        text = event.transcript.strip()
        self._history.words(event.item_id, "customer", text)
        if text:
            log.event(TRANSCRIPT_CUSTOMER, text=text)
        self._floor.understood(event.item_id, text)

    def _response_created(self, event: ServerEvent) -> None:
        response = event.response
        if response is None:
            return
        self.turns.created(response.id)
        self._meter.response_began()
        self._produced = False
        if self._floor.listening:
            # Asked for before they began to speak: it would be played over them, and answer less than they say.
            self.turns.drop()
            self.turns.want()
            self._send(events.CANCEL)
        self.pace.response_begins()
        log.event(RESPONSE_CREATED, response_id=response.id)

    def _response_done(self, event: ServerEvent) -> None:
        response = event.response
        if response is None:
            return
        self._meter.response_done(event)
        discarded = self.turns.is_discarded(response.id)
        self.turns.done(response.id)
        self._promises.judge()
        self.recording.end(whole=response.status == "completed" and not discarded)
        status = response.status or "unknown"
        log.event(RESPONSE_DONE, response_id=response.id, status=status, ms=self.pace.response_ends())
        if status == "failed":
            self._response_failed(response)
        elif not self._produced and not discarded and status != "cancelled":
            # Stopped by a filter or a limit, or simply empty: the caller still waits.
            self._again("empty_response", "a response without a word")
        else:
            self._retries.answered()
            self.answered = True
            self.opening = ""
        self.ask_if_due()

    def _response_failed(self, response: events.ResponseInfo) -> None:
        details = response.status_details
        error = (details and details.error) or events.ErrorInfo(code="response_failed")
        if error.fatal:
            log.event(REALTIME_ERROR, code=error.name, message=error.message or "")
            raise ModelFailed(error.name)
        self._again(error.name, error.message or "", error.retry_after)

    def _again(self, code: str, message: str, retry_after: float | None = None) -> None:
        log.event(REALTIME_ERROR, code=code, message=message)
        pause = self._retries.pause(code, retry_after)
        if pause > 0:
            self._ask_later(pause)
        else:
            self.turns.want()

    def _item_done(self, event: ServerEvent) -> None:
        """A function call counts once its item is complete and while its response stands."""
        item = event.item
        if item is None:
            return
        if item.type == "message" and item.id and self.turns.is_withheld(event.response_id, item.id):
            # The model must not take for said what nobody heard.
            self._send(events.delete(item.id))
        if not item.is_call or item.status != "completed":
            return
        self.pace.expect_nothing()
        self._produced = True
        if self.turns.is_discarded(event.response_id):
            self._send(events.tool_output(item.call_id, _NOT_DONE))
        else:
            self._use_tool(item)

    def _speech_started(self, event: ServerEvent) -> None:
        self.pace.caller_begins()
        self._history.begin(event.item_id, "customer")
        self._floor.begins(event.item_id)

    def _speech_stopped(self, event: ServerEvent) -> None:
        self._history.still(event.item_id)
        self.pace.caller_ends()
        self._floor.ends(event.item_id)
        self.ask_if_due()

    def _committed(self, event: ServerEvent) -> None:
        self._stats.turns += 1

    def _transcription_failed(self, event: ServerEvent) -> None:
        log.debug("no transcript", item_id=event.item_id, error=event.error and event.error.name)
        # Else it is the writer that failed: the model has heard the caller all the same.
        if event.error is not None and event.error.code == events.UNINTELLIGIBLE:
            self._floor.understood(event.item_id, "")

    def _session_updated(self, event: ServerEvent) -> None:
        self._configured = True

    def _error(self, event: ServerEvent) -> None:
        error = event.error or events.ErrorInfo()
        if error.code in events.BENIGN_ERRORS:
            log.event(REALTIME_BENIGN, code=error.name, message=error.message or "")
            if error.code == events.ALREADY_ACTIVE:
                self.turns.refused()
            return
        log.event(REALTIME_ERROR, code=error.name, message=error.message or "")
        if not self._configured and self.transcribes and error.refuses_transcription:
            # A call without a transcript is better than none.
            self.transcribes = False
            raise RealtimeLost("it refuses the transcription's settings", retriable=True)
        if not self._configured and error.passing:
            raise RealtimeLost(error.name, retriable=True)
        # A session that refuses our settings would speak another audio format.
        if error.fatal or not self._configured:
            raise ModelFailed(error.name)
