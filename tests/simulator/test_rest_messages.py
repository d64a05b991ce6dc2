"""Twilio's stand-in remembers the messages that it took, as Twilio's own list does."""

from email.utils import parsedate_to_datetime

import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestClient, TestServer

from simulator.faults import FaultBoard
from simulator.live import Registry
from simulator.settings import Settings
from simulator.stand_ins.rest import RestStandIns

PATH = "/2010-04-01/Accounts/AC1/Messages.json"
MESSAGE = {"From": "whatsapp:+97235550100", "To": "whatsapp:+972501234567", "Body": "שלום"}


@pytest.fixture
async def twilio():
    settings = Settings(twilio_token="token")
    app = web.Application()
    app.add_routes(RestStandIns(Registry(), FaultBoard(), settings).routes())
    async with TestClient(TestServer(app), headers={"Authorization": encode_basic_auth("AC1", "token")}) as client:
        yield client


async def test_a_message_that_was_taken_is_listed_for_its_pair_of_numbers(twilio):
    taken = await (await twilio.post(PATH, data=MESSAGE)).json()
    await twilio.post(PATH, data={**MESSAGE, "To": "whatsapp:+972509999999"})
    response = await twilio.get(PATH, params={"From": MESSAGE["From"], "To": MESSAGE["To"]})
    (listed,) = (await response.json())["messages"]
    assert (listed["sid"], listed["body"]) == (taken["sid"], "שלום")
    assert parsedate_to_datetime(listed["date_created"]).tzinfo is not None


async def test_a_page_holds_the_newest_messages(twilio):
    await twilio.post(PATH, data={**MESSAGE, "Body": "first"})
    await twilio.post(PATH, data={**MESSAGE, "Body": "second"})
    response = await twilio.get(PATH, params={"PageSize": "1"})
    assert [message["body"] for message in (await response.json())["messages"]] == ["second"]


async def test_a_stranger_is_not_shown_the_list(twilio):
    response = await twilio.get(PATH, headers={"Authorization": encode_basic_auth("AC1", "wrong")})
    assert response.status == 401
