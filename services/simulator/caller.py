"""One simulated phone call: the webhook, the TwiML followed verb by verb, the status callback, and the verdict."""

import asyncio
import secrets
import time
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from simulator import signing, verdict
from simulator.live import LiveCall, Redirection
from simulator.phone import twiml
from simulator.phone.line import PhoneLine
from simulator.phone.media_stream import Stream
from simulator.phone.webhooks import CallWebhooks
from simulator.settings import Settings
from simulator.sids import new_call_sid

_MS_A_LETTER: Final = 80
_VOICEMAIL_MS: Final = 20_000
_NO_STREAM: Final = "31920 the handshake failed"
_VERBS_AT_MOST: Final = 20
# Real time: a call of which nobody has a record is looked for once in a while.
_TOLD_WITHIN_S: Final = 480


class Hangup(Exception):
    """The call is over."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Caller:
    """Places one call as Twilio would."""

    def __init__(
        self, live: LiveCall, settings: Settings, http: aiohttp.ClientSession, *, from_number: str, to_number: str
    ) -> None:
        self._live = live
        self._settings = settings
        self._http = http
        self._to = to_number
        from_number = live.from_number = live.scenario.from_number or from_number
        self._webhooks = CallWebhooks(
            settings,
            http,
            call_sid=live.call_sid,
            from_number=from_number,
            to_number=to_number,
        )
        self._lines: list[PhoneLine] = []
        self._verbs: list[str] = []
        self._transferred_to: str | None = None

    async def run(self) -> dict[str, Any]:
        """Go through the whole call; return its result."""
        live, started = self._live, time.monotonic()
        live.note("dialled", call_sid=live.call_sid, scenario=live.scenario.name, to=self._to)
        try:
            await self._follow(await self._ask("/twilio/voice", "ringing"))
            ended_by = "end_of_twiml"
        except Hangup as end:
            ended_by = end.by
        except (aiohttp.ClientError, TimeoutError, twiml.TwimlError) as error:
            ended_by = "application_error"
            live.problem(f"the caller hears an application error: {type(error).__name__}: {error}")
        duration_ms = live.now_ms()
        await self._report_end(duration_ms)
        await self._await_news()
        return {
            **verdict.reach(live, self._lines, ended_by=ended_by, verbs=self._verbs),
            "transferred_to": self._transferred_to,
            "duration_ms": duration_ms,
            "wall_ms": int((time.monotonic() - started) * 1000),
        }

    async def _follow(self, verbs: list[twiml.Verb]) -> None:
        remaining = list(verbs)
        while remaining:
            verb = remaining.pop(0)
            self._verbs.append(verb.name)
            if len(self._verbs) > _VERBS_AT_MOST:
                raise twiml.TwimlError("12400 the call goes round in circles")
            self._live.note("verb", verb=verb.name, text=verb.text or verb.stream_url)
            replaced = await self._do(verb)
            if replaced is not None:
                remaining = replaced

    async def _do(self, verb: twiml.Verb) -> list[twiml.Verb] | None:
        if verb.name == "Connect":
            return await self._connect(verb)
        if verb.name in ("Say", "Play"):
            return await self._wait(len(verb.text) * _MS_A_LETTER)
        if verb.name == "Pause":
            return await self._wait(int(verb.attributes.get("length", "1")) * 1000)
        if verb.name == "Redirect":
            return await self._ask(verb.text)
        if verb.name == "Dial":
            return await self._dial(verb)
        raise Hangup("service")

    async def _dial(self, verb: twiml.Verb) -> list[twiml.Verb] | None:
        """Ring somebody. Without an action, Twilio goes on with what follows the verb, if anything does."""
        dialled, child = self._live.scenario.dialled, new_call_sid()
        self._live.note("ringing", number=verb.text, outcome=dialled.outcome)
        if (redirected := await self._wait(dialled.after_ms)) is not None:
            return redirected
        if dialled.outcome == "machine":
            if url := verb.number.get("amdStatusCallback"):
                await self._webhooks.report_machine(url, child)
            if (redirected := await self._wait(_VOICEMAIL_MS)) is not None:
                return redirected
            self._live.problem("the caller was left to a voicemail")
            raise Hangup("service")
        if dialled.outcome == "answered":
            self._transferred_to = verb.text
            await self._wait(2000)
            raise Hangup("transferred")
        outcome: str = dialled.outcome
        if outcome == "forwarded":
            outcome = "busy"
            answer = twiml.parse(await self._webhooks.ring_forwarded(child, verb.text))
            if [each.name for each in answer] != ["Reject"]:
                self._live.problem("the transfer rang the agent herself, and she took it")
        if action := verb.attributes.get("action"):
            ended = {"DialCallStatus": outcome, "DialCallSid": child}
            return twiml.parse(await self._webhooks.ask(action, "in-progress", **ended))
        self._live.problem(f"nobody took the transfer ({dialled.outcome}), and nothing is done about it")
        return None

    async def _connect(self, verb: twiml.Verb) -> list[twiml.Verb] | None:
        path = urlsplit(verb.stream_url).path
        signature = signing.twilio(self._settings.twilio_token, verb.stream_url)
        stream = Stream(f"MZ{secrets.token_hex(16)}", self._live.call_sid, self._settings.account_sid)
        line = PhoneLine(self._live, stream)
        if not self._live.scenario.line.opens:
            self._live.note("stream_failed", error=_NO_STREAM)
            await self._tell_stream(verb, stream, error=_NO_STREAM)
            return None
        if delay_ms := self._live.scenario.line.opens_after_ms:
            await asyncio.sleep(delay_ms / 1000)
        try:
            async with self._http.ws_connect(
                self._settings.calls_url.rstrip("/") + path, headers={"X-Twilio-Signature": signature}, compress=0
            ) as ws:
                self._live.note("connected", stream_sid=stream.stream_sid)
                self._lines.append(line)
                telling = asyncio.create_task(self._tell_stream(verb, stream))
                try:
                    ended_by = await line.run(ws, verb.parameters)
                finally:
                    await telling
        except aiohttp.ClientError as error:
            self._live.note("stream_failed", error=f"31920 {error}")
            return None
        if ended_by == "caller":
            raise Hangup("caller")
        redirection = line.redirection
        if redirection is None and not self._live.redirections.empty():
            # Told by REST, and then the stream closed before this line's next frame: Twilio goes by what it was told.
            redirection = self._live.redirections.get_nowait()
        return await self._redirected(redirection) if redirection else None

    async def _tell_stream(self, verb: twiml.Verb, stream: Stream, *, error: str = "") -> None:
        if url := verb.attributes.get("statusCallback"):
            await self._webhooks.report_stream(url, stream.stream_sid, error=error)

    async def _wait(self, audio_ms: int) -> list[twiml.Verb] | None:
        try:
            wanted = self._live.redirections.get()
            redirection = await asyncio.wait_for(wanted, audio_ms / 1000 / self._live.speed)
        except TimeoutError:
            return None
        return await self._redirected(redirection)

    async def _redirected(self, redirection: Redirection) -> list[twiml.Verb]:
        self._live.note("updated_by_rest", status=redirection.status, url=redirection.url)
        if redirection.status is not None:
            raise Hangup("service")
        if redirection.twiml is not None:
            return twiml.parse(redirection.twiml)
        return await self._ask(redirection.url or "")

    async def _ask(self, url: str, status: str = "in-progress") -> list[twiml.Verb]:
        return twiml.parse(await self._webhooks.ask(url, status))

    async def _await_news(self) -> None:
        """Wait until the business has heard of this caller, where the story has it so."""
        if not self._live.scenario.expect.business_told:
            return
        try:
            await asyncio.wait_for(self._live.business_told.wait(), _TOLD_WITHIN_S)
        except TimeoutError:
            self._live.problem(f"the business was told nothing about this caller in {_TOLD_WITHIN_S} s")

    async def _report_end(self, duration_ms: int) -> None:
        try:
            await self._webhooks.report_end(duration_ms // 1000)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._live.problem(f"status callback failed: {error}")
