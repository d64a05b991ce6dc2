"""Twilio's webhooks about one call: signed with the public URL, delivered to the api's real address."""

import contextlib
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from simulator import signing
from simulator.settings import Settings

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)


class CallWebhooks:
    """Tells the api about one call, and returns what it answers."""

    def __init__(
        self, settings: Settings, http: aiohttp.ClientSession, *, call_sid: str, from_number: str, to_number: str
    ) -> None:
        self._settings = settings
        self._http = http
        self._call = {
            "CallSid": call_sid,
            "AccountSid": settings.account_sid,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "From": from_number,
            "To": to_number,
            "Caller": from_number,
            "Called": to_number,
        }
        self._url = settings.public_base + "/"

    async def ask(self, url: str, status: str, **fields: str) -> str:
        """Return the TwiML at this URL, which may be relative to the last one asked."""
        self._url = urljoin(self._url, url)
        return await self._post(self._url, CallStatus=status, **fields)

    async def ring_forwarded(self, call_sid: str, by: str) -> str:
        """Return the TwiML for the call that the dialled number forwards to where this one came in."""
        url = f"{self._settings.public_base}/twilio/voice"
        return await self._post(url, CallSid=call_sid, CallStatus="ringing", ForwardedFrom=by)

    async def report_machine(self, url: str, call_sid: str) -> None:
        """Send the callback about who answered a call that was dialled from this one."""
        await self._post(url, CallSid=call_sid, AnsweredBy="machine_start", MachineDetectionDuration="1800")

    async def report_stream(self, url: str, stream_sid: str, *, error: str = "") -> None:
        """Send the callback about a stream that has opened, or could not; whether it is taken changes nothing."""
        told = {"StreamEvent": "stream-error", "StreamError": error} if error else {"StreamEvent": "stream-started"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await self._post(url, StreamSid=stream_sid, **told)

    async def report_end(self, duration_s: int) -> None:
        """Send the status callback at the call's end."""
        url = f"{self._settings.public_base}/twilio/status"
        await self._post(url, CallStatus="completed", CallDuration=str(duration_s))

    async def _post(self, public_url: str, **fields: str) -> str:
        form = {**self._call, **fields}
        parts = urlsplit(public_url)
        internal = self._settings.api_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"X-Twilio-Signature": signing.twilio(self._settings.twilio_token, public_url, form)}
        async with self._http.post(internal, data=form, headers=headers, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            return await response.text()
