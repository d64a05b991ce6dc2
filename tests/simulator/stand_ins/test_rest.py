"""The stand-ins for REST services."""

from typing import Any

import pytest
from aiohttp import encode_basic_auth
from openai import AsyncOpenAI, BadRequestError, RateLimitError
from openai.types.responses import Response

from simulator_world.world import TOKEN, World

TWILIO = {"Authorization": encode_basic_auth("AC1", TOKEN)}
MESSAGES = "/2010-04-01/Accounts/AC1/Messages.json"
META = {"Authorization": "Bearer key"}
META_BODY = {"messaging_product": "whatsapp", "to": "972501234567", "type": "text", "text": {"body": "שלום"}}


def openai_client(world: World, key: str = "key") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=world.url("/v1"), api_key=key, max_retries=0)


async def post(world: World, path: str, **request: Any) -> tuple[int, Any]:
    async with world.http.post(world.url(path), **request) as response:
        return response.status, await response.json()


async def requests(world: World, service: str) -> Any:
    async with world.http.get(world.url(f"/_/requests?service={service}")) as response:
        return await response.json()


async def test_openais_own_client_is_content_with_the_responses(world: World) -> None:
    """The answer validates strictly and has text to summarise with."""
    response = await openai_client(world).responses.create(model="gpt-x", input="סכם", instructions="בקצרה")
    assert response.output_text.startswith("שלום!")
    Response.model_validate(response.model_dump(), strict=True)
    assert not response.model_extra
    (request,) = await requests(world, "responses")
    assert request["body"] == {"model": "gpt-x", "input": "סכם", "instructions": "בקצרה"}


async def test_a_summary_is_answered_with_a_summary(world: World) -> None:
    """Instructions that ask for one, in Hebrew or in English, get one."""
    for instructions in ("סכם את השיחה", "Summarise the call"):
        response = await openai_client(world).responses.create(model="m", input="x", instructions=instructions)
        assert response.output_text.startswith("סיכום")


async def test_a_summary_says_what_this_call_s_own_lines_were(world: World) -> None:
    """What was asked for, and what the agent said was done; two calls have two summaries."""
    booked = (
        "Agent: שלום, במה אפשר לעזור?\nCustomer: תקבעי לי תור\nAgent: קבעתי לכם תור ליום שלישי בשעה 14:00. עוד משהו?"
    )
    asked = "Agent: שלום\nCustomer: עד מתי אתם פתוחים?\nAgent: עד חמש."

    async def summary(words: str) -> str:
        sent: Any = [{"role": "user", "content": words}]
        answer = await openai_client(world).responses.create(model="m", input=sent, instructions="Summarise the call")
        return answer.output_text

    told = await summary(booked)
    assert '"תקבעי לי תור"' in told
    assert 'נקבע תור: "קבעתי לכם תור ליום שלישי בשעה 14:00."' in told
    assert await summary(asked) == 'סיכום: הלקוח אמר "עד מתי אתם פתוחים?". לא סוכם דבר.'


async def test_openai_refuses_without_key_or_input(world: World) -> None:
    """401 and 400, in OpenAI's error shape."""
    status, body = await post(world, "/v1/responses", json={"model": "m", "input": "x"})
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    with pytest.raises(BadRequestError):
        await openai_client(world).post("/responses", body={"model": "m"}, cast_to=Response)


async def test_a_fault_strikes_as_often_as_asked(world: World) -> None:
    """Two 429 with Retry-After, then all is well; other services are not touched."""
    fault = {"responses": {"status": 429, "retry_after": 3, "count": 2}}
    await world.http.post(world.url("/_/faults"), json=fault)
    client = openai_client(world)
    for _ in range(2):
        with pytest.raises(RateLimitError) as caught:
            await client.responses.create(model="m", input="x")
        assert caught.value.response.headers["Retry-After"] == "3"
    assert (await post(world, MESSAGES, headers=TWILIO, data={"To": "a", "From": "b", "Body": "c"}))[0] == 201
    await client.responses.create(model="m", input="x")
    assert [request["fault"] for request in await requests(world, "responses")] == [429, 429, None]


async def test_setting_a_fault_of_one_service_keeps_the_others(world: World) -> None:
    """And an unknown name is refused with the known ones."""
    await world.http.post(world.url("/_/faults"), json={"twilio": {"status": 500}})
    await world.http.post(world.url("/_/faults"), json={"meta": {"status": 503}})
    assert (await post(world, MESSAGES, headers=TWILIO, data={}))[0] == 500
    assert (await post(world, "/v23.0/1/messages", headers=META, json=META_BODY))[0] == 503
    status, body = await post(world, "/_/faults", json={"telegram": {}})
    assert status == 400
    assert "telegram: unknown; known are realtime, responses, twilio, meta" in body["error"]


async def test_twilio_takes_a_message_from_whom_it_knows(world: World) -> None:
    """201 with a sid, 401 with another token, 400 without a body."""
    form = {"To": "whatsapp:+972501234567", "From": "whatsapp:+97235550100", "Body": "שלום"}
    status, body = await post(world, MESSAGES, headers=TWILIO, data=form)
    assert (status, body["sid"][:2], body["status"]) == (201, "SM", "queued")
    other = {"Authorization": encode_basic_auth("AC1", "guess")}
    assert (await post(world, MESSAGES, headers=other, data=form))[1]["code"] == 20003
    assert (await post(world, MESSAGES, headers=TWILIO, data={**form, "Body": ""}))[0] == 400


async def test_a_call_that_is_not_live_cannot_be_updated(world: World) -> None:
    """404 in Twilio's error shape."""
    path = "/2010-04-01/Accounts/AC1/Calls/CA0.json"
    status, body = await post(world, path, headers=TWILIO, data={"Status": "completed"})
    assert (status, body["code"]) == (404, 20404)


async def test_meta_takes_a_message_with_a_token(world: World) -> None:
    """200 with a message id, 401 without a token, 400 without its product."""
    status, body = await post(world, "/v23.0/100/messages", headers=META, json=META_BODY)
    assert (status, body["messages"][0]["id"][:6]) == (200, "wamid.")
    assert (await post(world, "/v23.0/100/messages", json=META_BODY))[0] == 401
    assert (await post(world, "/v23.0/100/messages", headers=META, json={"to": "1"}))[0] == 400


async def test_requests_can_be_forgotten(world: World) -> None:
    """The log starts anew."""
    await post(world, "/v23.0/100/messages", headers=META, json=META_BODY)
    assert len(await requests(world, "meta")) == 1
    await world.http.delete(world.url("/_/requests"))
    assert await requests(world, "meta") == []
