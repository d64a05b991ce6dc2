"""One simulated phone call: the webhook, the TwiML followed verb by verb, the status callback, and the verdict."""

import asyncio
import secrets
import time
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from simulator import signing, twiml
from simulator.live import LiveCall, Redirection
from simulator.media_stream import Stream
from simulator.mulaw import milliseconds
from simulator.phone_line import PhoneLine
from simulator.settings import Settings

_MS_A_LETTER: Final = 80
_VERBS_AT_MOST: Final = 20
_HTTP_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_TRUNCATION_TOLERANCE_MS: Final = 100


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
        self._from = from_number
        self._to = to_number
        self._lines: list[PhoneLine] = []
        self._verbs: list[str] = []
        self._transferred_to: str | None = None

    async def run(self) -> dict[str, Any]:
        """Go through the whole call; return its result."""
        live, started = self._live, time.monotonic()
        live.note("dialled", call_sid=live.call_sid, scenario=live.scenario.name, to=self._to)
        try:
            verbs = await self._webhook("/twilio/voice", {"CallStatus": "ringing"})
            await self._follow(verbs)
            ended_by = "end_of_twiml"
        except Hangup as end:
            ended_by = end.by
        except (aiohttp.ClientError, TimeoutError, twiml.TwimlError) as error:
            ended_by = "application_error"
            live.problem(f"the caller hears an application error: {type(error).__name__}: {error}")
        duration_ms = live.now_ms()
        await self._status_callback(duration_ms)
        return self._result(ended_by, duration_ms, wall_ms=int((time.monotonic() - started) * 1000))

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
            return await self._webhook(verb.text, {"CallStatus": "in-progress"})
        if verb.name == "Dial":
            self._transferred_to = verb.text
            await self._wait(2000)
            raise Hangup("transferred")
        raise Hangup("service")

    async def _connect(self, verb: twiml.Verb) -> list[twiml.Verb] | None:
        path = urlsplit(verb.stream_url).path
        signature = signing.twilio(self._settings.twilio_token, verb.stream_url)
        stream = Stream(f"MZ{secrets.token_hex(16)}", self._live.call_sid, self._settings.account_sid)
        line = PhoneLine(self._live, stream)
        try:
            async with self._http.ws_connect(
                self._settings.calls_url.rstrip("/") + path, headers={"X-Twilio-Signature": signature}, compress=0
            ) as ws:
                self._live.note("connected", stream_sid=stream.stream_sid)
                self._lines.append(line)
                ended_by = await line.run(ws, verb.parameters)
        except aiohttp.ClientError as error:
            self._live.note("stream_failed", error=f"31920 {error}")
            return None
        if ended_by == "caller":
            raise Hangup("caller")
        return await self._redirected(line.redirection) if line.redirection else None

    async def _wait(self, milliseconds: int) -> list[twiml.Verb] | None:
        try:
            wanted = self._live.redirections.get()
            redirection = await asyncio.wait_for(wanted, milliseconds / 1000 / self._live.speed)
        except TimeoutError:
            return None
        return await self._redirected(redirection)

    async def _redirected(self, redirection: Redirection) -> list[twiml.Verb]:
        self._live.note("updated_by_rest", status=redirection.status, url=redirection.url)
        if redirection.status is not None:
            raise Hangup("service")
        if redirection.twiml is not None:
            return twiml.parse(redirection.twiml)
        return await self._webhook(redirection.url or "", {"CallStatus": "in-progress"})

    async def _webhook(self, url: str, fields: dict[str, str]) -> list[twiml.Verb]:
        self._current_url = urljoin(getattr(self, "_current_url", self._settings.public_base + "/"), url)
        body = await self._post(self._current_url, self._form(fields))
        return twiml.parse(body)

    async def _status_callback(self, duration_ms: int) -> None:
        fields = {"CallStatus": "completed", "CallDuration": str(duration_ms // 1000)}
        try:
            await self._post(f"{self._settings.public_base}/twilio/status", self._form(fields))
        except (aiohttp.ClientError, TimeoutError) as error:
            self._live.problem(f"status callback failed: {error}")

    async def _post(self, public_url: str, form: dict[str, str]) -> str:
        parts = urlsplit(public_url)
        internal = self._settings.api_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"X-Twilio-Signature": signing.twilio(self._settings.twilio_token, public_url, form)}
        async with self._http.post(internal, data=form, headers=headers, timeout=_HTTP_TIMEOUT) as response:
            response.raise_for_status()
            return await response.text()

    def _form(self, fields: dict[str, str]) -> dict[str, str]:
        return {
            "CallSid": self._live.call_sid,
            "AccountSid": self._settings.account_sid,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "From": self._from,
            "To": self._to,
            "Caller": self._from,
            "Called": self._to,
            **fields,
        }

    def _result(self, ended_by: str, duration_ms: int, *, wall_ms: int) -> dict[str, Any]:
        live = self._live
        heard = [piece for line in self._lines for piece in line.ear.heard]
        barge_ins = self._barge_ins()
        self._judge(ended_by)
        return {
            "call_sid": live.call_sid,
            "scenario": live.scenario.name,
            "speed": live.speed,
            "ok": not live.problems,
            "problems": live.problems,
            "ended_by": ended_by,
            "transferred_to": self._transferred_to,
            "verbs": self._verbs,
            "heard": [piece.as_note() for piece in heard],
            "unknown_ms": sum(milliseconds(line.ear.unknown_bytes) for line in self._lines),
            "barge_ins": barge_ins,
            "turns": sum(line.behaviour.turns_done for line in self._lines),
            "answer_ms": [ms for line in self._lines for ms in line.behaviour.answer_ms],
            "warnings": [warning for line in self._lines for warning in line.warnings],
            "counts": _sum(line.counts for line in self._lines),
            "duration_ms": duration_ms,
            "wall_ms": wall_ms,
        }

    def _barge_ins(self) -> list[dict[str, Any]]:
        heard = {piece.said.item_id: piece.heard_ms for line in self._lines for piece in line.ear.heard}
        notes = [{**each, "heard_ms": heard.get(each["item_id"], 0)} for each in self._live.truncated]
        for note in notes:
            if note["truncated_ms"] > note["heard_ms"] + _TRUNCATION_TOLERANCE_MS:
                self._live.problem(f"truncated at {note['truncated_ms']} ms, the caller heard {note['heard_ms']} ms")
        return notes

    def _judge(self, ended_by: str) -> None:
        live = self._live
        expect = live.scenario.expect
        for line in self._lines:
            for piece in line.ear.heard:
                if not piece.intact:
                    live.problem(f"garbled within {piece.heard_ms} ms: {piece.said.text}")
            heard_to_end = line.ear.heard[:-1] if ended_by == "caller" else line.ear.heard
            for piece in heard_to_end:
                if piece.cut_short:
                    live.problem(f"cut short after {piece.heard_ms} ms: {piece.said.text}")
            if line.ear.unknown_bytes and live.model_attached and not expect.unknown_audio:
                live.problem(f"heard {milliseconds(line.ear.unknown_bytes)} ms of audio that the model never sent")
        if expect.verbs is not None and tuple(self._verbs) != expect.verbs:
            live.problem(f"TwiML verbs were {self._verbs}, expected {list(expect.verbs)}")
        if live.scenario.ending.by == "caller" and ended_by != "caller":
            live.problem(f"the call ended by {ended_by}, not by the caller")


def _sum(counts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return total
