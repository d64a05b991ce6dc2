"""What we ask of Twilio about a running call: hang it up, connect it to a person, or take it back from one."""

from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from prosaas_core.outward.http import Outbound, OutboundError, Policy, Unavailable
from prosaas_core.patience import Patience
from prosaas_core.settings import Settings
from prosaas_logging import get_logger

log = get_logger(__name__)

# Somebody is on the line.
POLICY = Policy(patience=Patience(first_s=0.2, longest_s=1.0, total_s=0.2), timeout_s=3.0, connect_timeout_s=2.0)
# Four or five rings; most voicemails answer later.
RING_S = 20

# Where Twilio tells the api what became of a transfer, and whether a person or a machine took it.
TRANSFERRED = "/twilio/transferred"
ANSWERED_BY = "/twilio/answered-by"


def dial(public_url: str, call_sid: str, number: str) -> str:
    """TwiML that rings a person; who is not answered by one comes back, to TRANSFERRED."""
    answered_by = quoteattr(f"{public_url}{ANSWERED_BY}?call={quote(call_sid, safe='')}")
    return (
        f'<Response><Dial action={quoteattr(public_url + TRANSFERRED)} timeout="{RING_S}">'
        f'<Number amdStatusCallback={answered_by} machineDetection="Enable">{escape(number)}</Number>'
        "</Dial></Response>"
    )


class TwilioCalls:
    """Twilio's REST resource of a call. Every method answers whether it worked, None for perhaps; none raises."""

    def __init__(self, settings: Settings) -> None:
        self._account = settings.twilio_account_sid
        self._auth = (settings.twilio_account_sid, settings.twilio_auth_token)
        self._base = settings.twilio_base_url
        self._public = settings.public_url
        self._outbound = Outbound(POLICY)

    async def close(self) -> None:
        await self._outbound.close()

    async def hang_up(self, call_sid: str) -> bool | None:
        """End the call, so that nothing after <Connect> is spoken."""
        return await self._update(call_sid, {"Status": "completed"})

    async def transfer(self, call_sid: str, number: str) -> bool | None:
        """Take the call from us and dial the number; who is not answered by a person comes back, to TRANSFERRED."""
        return await self._update(call_sid, {"Twiml": dial(self._public, call_sid, number)})

    async def take_back(self, call_sid: str, dialled: str) -> bool | None:
        """End a <Dial> whose call, `dialled`, a machine has answered; the caller goes on at TRANSFERRED."""
        url = f"{self._public}{TRANSFERRED}?outcome=machine&dialled={quote(dialled, safe='')}"
        return await self._update(call_sid, {"Url": url, "Method": "POST"})

    async def _update(self, call_sid: str, form: dict[str, str]) -> bool | None:
        if not self._account:
            return False
        url = f"{self._base}/2010-04-01/Accounts/{self._account}/Calls/{quote(call_sid, safe='')}.json"
        try:
            await self._outbound.request("POST", url, form=form, auth=self._auth, idempotent=True)
        except OutboundError as error:
            log.warning("Twilio did not take the call update", update=next(iter(form)), error=str(error))
            return None if isinstance(error, Unavailable) and error.perhaps_done else False
        return True
