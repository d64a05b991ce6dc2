"""The stand-ins of what going live asks, as the providers' own clients see them."""

import asyncio

import pytest
from aiohttp import encode_basic_auth
from openai import AsyncOpenAI, AuthenticationError, NotFoundError
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from simulator_world.world import TOKEN, World

ACCOUNT = "AC" + "0" * 32
NUMBERS = f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers"
AUTH = {"Authorization": encode_basic_auth(ACCOUNT, TOKEN)}


async def test_openais_own_client_knows_a_good_key_and_a_good_model(world: World) -> None:
    def client(key: str) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=world.url("/v1"), api_key=key, max_retries=0)

    assert (await client("sk-1").models.retrieve("gpt-realtime")).id == "gpt-realtime"
    with pytest.raises(AuthenticationError):
        await client("bad").models.retrieve("gpt-realtime")
    with pytest.raises(NotFoundError):
        await client("sk-1").models.retrieve("no-such-model")


async def test_twilios_own_client_leads_a_number_and_a_sender(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes addresses of its own: only their host is changed here."""
    send = TwilioHttpClient.request

    def here(self: TwilioHttpClient, method: str, url: str, *rest: object, **options: object) -> object:
        return send(self, method, world.url("/" + url.split("/", 3)[3]), *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(TwilioHttpClient, "request", here)
    client = Client(ACCOUNT, TOKEN)
    assert (await asyncio.to_thread(client.api.accounts(ACCOUNT).fetch)).status == "active"
    (number,) = await asyncio.to_thread(client.incoming_phone_numbers.list)
    changed = await asyncio.to_thread(number.update, voice_url="https://voice.example/twilio/voice")
    assert (changed.voice_url, changed.phone_number) == ("https://voice.example/twilio/voice", number.phone_number)
    (sender,) = await asyncio.to_thread(lambda: client.messaging.v2.channels_senders.list(channel="whatsapp"))
    assert sender.sender_id == f"whatsapp:{number.phone_number}"


async def test_another_token_another_account_and_an_address_without_https_are_refused(world: World) -> None:
    wrong = {"Authorization": encode_basic_auth(ACCOUNT, "other")}
    async with world.http.get(world.url(f"{NUMBERS}.json"), headers=wrong) as response:
        assert response.status == 401
    async with world.http.get(world.url("/2010-04-01/Accounts/AC1.json"), headers=AUTH) as response:
        assert response.status == 404
    form = {"VoiceUrl": "http://voice.example"}
    async with world.http.post(world.url(f"{NUMBERS}/PN{'1' * 32}.json"), headers=AUTH, data=form) as response:
        assert response.status == 400
