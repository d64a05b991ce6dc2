"""A worker's tools against a real database, with stand-ins for the APIs that it calls."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from postgres_world import as_role
from prosaas_core.database import make_engine
from prosaas_core.facts.prices import shipped
from prosaas_core.jobs import WHATSAPP_REPLY
from prosaas_core.outward.http import Outbound, Policy
from prosaas_core.patience import Patience
from prosaas_core.settings import Settings, load_settings
from prosaas_core.tables import Business, Conversation, Customer, Message
from prosaas_worker.job import Job, Tools
from worker_world import StandIn

BUSINESS, CUSTOMER = 456, 7


class Providers:
    """OpenAI, Twilio and Meta as one transport: remembers what it was asked, fails when told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []
        self.sent: list[dict[str, str]] = []
        # What the operator's own system was told, and what it answers.
        self.hooked: list[dict[str, Any]] = []
        self.hook_status = 204
        self.faults: deque[int | httpx.Response | Exception | None] = deque()
        self.usage: object = None
        self.words: str | None = None
        self.fault_after_sending: Exception | httpx.Response | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.url.host == "crm.example":
            told = {"authorization": request.headers.get("Authorization"), "body": json.loads(request.content)}
            self.hooked.append(told)
            return httpx.Response(self.hook_status)
        if request.method == "GET":
            wanted = dict(request.url.params)
            found = [m for m in self.sent if m["from"] == wanted["From"] and m["to"] == wanted["To"]]
            return httpx.Response(200, json={"messages": found})
        if self.faults:
            fault = self.faults.popleft()
            if isinstance(fault, Exception):
                raise fault
            if fault is not None:
                return fault if isinstance(fault, httpx.Response) else httpx.Response(fault)
        if path == "/v1/responses":
            self.asked.append(json.loads(request.content))
            words = f"answer {len(self.asked)}" if self.words is None else self.words
            output = [{"type": "message", "content": [{"type": "output_text", "text": words}]}]
            return httpx.Response(200, json={"output": output, "usage": self.usage})
        return self._send(path, request)

    def _send(self, path: str, request: httpx.Request) -> httpx.Response:
        number = f"{len(self.sent) + 1:032x}"
        if path.endswith("/Messages.json"):
            form = dict(parse_qsl(request.content.decode()))
            message = {"sid": f"SM{number}", "from": form["From"], "to": form["To"], "body": form["Body"]}
            answer: dict[str, object] = {"sid": message["sid"], "status": "queued"}
        else:
            body = json.loads(request.content)
            to = body.get("to") or body["recipient"]
            message = {"sid": f"wamid.{number}", "from": path.split("/")[2], "to": to}
            message["body"] = body["text"]["body"] if body["type"] == "text" else json.dumps(body["template"])
            message["key"] = body["biz_opaque_callback_data"]
            answer = {"messages": [{"id": message["sid"]}]}
        self.sent.append({**message, "date_created": format_datetime(datetime.now(UTC))})
        if self.fault_after_sending is not None:
            fault, self.fault_after_sending = self.fault_after_sending, None
            if isinstance(fault, httpx.Response):
                return fault
            raise fault
        return httpx.Response(201, json=answer)


@pytest.fixture
async def outside() -> AsyncIterator[StandIn]:
    """The providers over a real socket, for a worker that is a process of its own."""
    stand_in = StandIn()
    async with TestServer(stand_in.app(), shutdown_timeout=0.1) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        yield stand_in


@pytest.fixture
def providers() -> Providers:
    return Providers()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return load_settings(
        {
            "DATABASE_URL": as_role(database_url, "prosaas_worker"),
            "OPENAI_API_KEY": "sk-test",
            "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": "token",
            "WHATSAPP_ACCESS_TOKEN": "meta-token",
            "REPLY_PAUSE_SECONDS": "0",
        }
    )


@pytest.fixture
async def engine(settings: Settings, database_url: str) -> AsyncIterator[AsyncEngine]:
    """The tests' own way into the database, as its owner."""
    engine = make_engine(settings.model_copy(update={"database_url": database_url}), pool_size=20)
    async with engine.begin() as connection:
        await connection.execute(
            insert(Business).values(
                id=BUSINESS,
                name="מספרת דנה",
                phone="+97235550100",
                whatsapp_phone_number_id="1055",
                instructions="חייכן",
            )
        )
        await connection.execute(
            insert(Customer).values(
                id=CUSTOMER, business_id=BUSINESS, channel="whatsapp", external_id="972501234567", name="דוד"
            )
        )
    yield engine
    await engine.dispose()


@pytest.fixture
async def tools(settings: Settings, engine: AsyncEngine, providers: Providers) -> AsyncIterator[Tools]:
    """The worker's, which goes into the database with the rights that it has."""
    own = make_engine(settings, pool_size=20)
    policy = Policy(patience=Patience(total_s=0), failures_to_open=1000)
    async with Outbound(policy, transport=httpx.MockTransport(providers)) as outbound:
        yield Tools(settings, own, outbound, shipped())
    await own.dispose()


@pytest.fixture
def message(engine: AsyncEngine) -> Callable[..., Awaitable[int]]:
    """Puts a message into the customer's open conversation and returns the conversation's id."""

    async def put(
        message_id: str, body: str = "שלום", *, channel: str = "twilio", direction: str = "in", ago: float = 0
    ) -> int:
        async with engine.begin() as connection:
            conversation_id = await connection.scalar(select(Conversation.id).where(Conversation.channel == channel))
            if conversation_id is None:
                opened = insert(Conversation).values(business_id=BUSINESS, customer_id=CUSTOMER, channel=channel)
                conversation_id = await connection.scalar(opened.returning(Conversation.id))
            await connection.execute(
                insert(Message).values(
                    id=message_id,
                    conversation_id=conversation_id,
                    direction=direction,
                    body=body,
                    sent_at=func.now() - timedelta(seconds=ago),
                    wants_answer=direction == "in",
                )
            )
        assert conversation_id is not None
        return conversation_id

    return put


@pytest.fixture
def reply_job() -> Callable[..., Job]:
    """The job of the conversation in which this message is."""

    def make(message_id: str, attempt: int = 1) -> Job:
        cause = {"message_id": message_id}
        payload = {"message_id": message_id, "conversation_id": 1, "cause": cause}
        key = f"{WHATSAPP_REPLY}:1"
        return Job(id="1", name=WHATSAPP_REPLY, key=key, payload=payload, cause=cause, attempt=attempt)

    return make
