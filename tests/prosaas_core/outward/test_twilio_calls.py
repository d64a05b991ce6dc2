"""What we ask of Twilio, judged by Twilio's own package."""

from typing import Any

import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer
from twilio.base.exceptions import TwilioException
from twilio.http.response import Response
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

from calls_world.world import ACCOUNT, TOKEN
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import load_settings

CALL = "CA" + "1" * 32
CHILD = "CA" + "2" * 32
PUBLIC = "https://voice.example"


def theirs(**update: str) -> tuple[str, str, dict[str, str], tuple[str, str]]:
    """The request that Twilio's own package makes for an update of a call."""
    sent: list[tuple[str, str, dict[str, str], tuple[str, str]]] = []

    class Http:
        def request(self, method: str, uri: str, **kwargs: Any) -> Response:
            sent.append((method, uri, dict(kwargs["data"]), kwargs["auth"]))
            return Response(500, "{}")

    with pytest.raises(TwilioException):
        Client(ACCOUNT, TOKEN, http_client=Http()).calls(CALL).update(**update)  # type: ignore[arg-type]
    return sent[0]


async def ours(
    action: str, *arguments: str, status: int = 200
) -> tuple[bool | None, list[tuple[str, str, dict[str, Any], Any]]]:
    """What we send for the same, and what we make of the answer."""
    sent: list[tuple[str, str, dict[str, Any], Any]] = []

    async def handler(request: web.Request) -> web.Response:
        auth = BasicAuth.decode(request.headers["Authorization"])
        sent.append((request.method, request.path, dict(await request.post()), (auth.login, auth.password)))
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        environ = {
            "DATABASE_URL": "postgresql://x",
            "PUBLIC_URL": PUBLIC,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_BASE_URL": str(server.make_url("")).rstrip("/"),
        }
        calls = TwilioCalls(load_settings(environ))
        worked: bool | None = await getattr(calls, action)(CALL, *arguments)
        await calls.close()
    return worked, sent


async def test_a_hang_up_is_the_request_of_twilios_own_package() -> None:
    """Method, path, form and credentials are theirs."""
    method, url, form, auth = theirs(status="completed")

    worked, sent = await ours("hang_up")

    assert worked
    assert sent == [(method, url.removeprefix("https://api.twilio.com"), form, auth)]


async def test_a_transfer_is_the_twiml_of_twilios_own_package() -> None:
    """A <Dial> to the number, in a document that their builder would have made: it rings, judges, and comes back."""
    number = "+97235550199"
    twiml, dial = VoiceResponse(), Dial(action=f"{PUBLIC}/twilio/transferred", timeout=20)
    answered_by = f"{PUBLIC}/twilio/answered-by?call={CALL}"
    dial.number(number, machine_detection="Enable", amd_status_callback=answered_by)
    twiml.append(dial)
    method, url, _, auth = theirs(twiml=str(twiml))

    worked, sent = await ours("transfer", number)

    assert worked
    assert [(each[0], each[1], each[3]) for each in sent] == [
        (method, url.removeprefix("https://api.twilio.com"), auth)
    ]
    assert str(twiml).endswith(sent[0][2]["Twiml"])


async def test_a_caller_is_taken_back_by_the_request_of_twilios_own_package() -> None:
    """To the address that says what to do with them."""
    method, url, form, auth = theirs(url=f"{PUBLIC}/twilio/transferred?outcome=machine&dialled={CHILD}", method="POST")

    worked, sent = await ours("take_back", CHILD)

    assert worked
    assert sent == [(method, url.removeprefix("https://api.twilio.com"), form, auth)]


@pytest.mark.parametrize(("status", "answer"), [(400, False), (401, False), (404, False), (503, False), (500, None)])
async def test_a_refusal_is_an_answer_and_not_an_error(status: int, answer: bool | None) -> None:
    """The call goes on to end in another way. After a failure on their side it is asked again."""
    worked, sent = await ours("hang_up", status=status)

    assert worked is answer
    assert len(sent) == (2 if status >= 500 else 1)


async def test_without_an_account_twilio_is_not_asked() -> None:
    """A bundle without Twilio credentials just closes its sockets."""
    calls = TwilioCalls(load_settings({"DATABASE_URL": "postgresql://x", "TWILIO_AUTH_TOKEN": "t"}))

    assert await calls.hang_up(CALL) is False
    await calls.close()


async def test_what_is_closed_asks_nobody_any_more() -> None:
    calls = TwilioCalls(load_settings({"DATABASE_URL": "postgresql://x", "TWILIO_ACCOUNT_SID": ACCOUNT}))
    await calls.close()
    with pytest.raises(RuntimeError, match="closed"):
        await calls.hang_up(CALL)
