"""What strangers and tenants send costs little: bounded in bytes, time, answers, lines and turns."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import asyncpg
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import ADMIN_KEY, Client, asgi, reachable, serving
from prosaas_api import __main__, intake, patience, rates
from prosaas_api.problems import Problem
from prosaas_api.rest import keys as rest_keys
from prosaas_api.state import REST_CONNECTIONS
from prosaas_core.database import raw_connection
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

HOME = "/v1/businesses/456"
UNREAD = [
    ("/v1/businesses", 401),
    ("/v1/nowhere", 401),
    ("/twilio/voice", 403),
    ("/twilio/status", 403),
    ("/whatsapp/twilio", 403),
    ("/whatsapp/meta", 403),
]
SIGNED = [
    ("/twilio/voice", "X-Twilio-Signature"),
    ("/whatsapp/twilio", "X-Twilio-Signature"),
    ("/whatsapp/meta", "X-Hub-Signature-256"),
]


@pytest.mark.parametrize(("path", "status"), UNREAD)
async def test_nobody_reads_a_body_whose_sender_shows_nothing(client: Client, path: str, status: int) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = await client.http.post(path, content=never())
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"


async def test_a_made_up_key_is_refused_before_the_body_is_read(client: Client) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for key in ("x", "psk_" + "a" * 43):
        headers = {"Authorization": f"Bearer {key}"}
        assert (await client.http.post("/v1/businesses", content=never(), headers=headers)).status_code == 401


@pytest.mark.parametrize(("path", "header"), SIGNED)
async def test_a_body_that_does_not_come_to_its_end_is_given_up(
    client: Client, path: str, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BODY_S", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"CallSid="
        await asyncio.Event().wait()

    with capture_events("INFO") as events:
        answer = await client.http.post(path, content=slow(), headers={header: "x"})
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert [(event.level, event.event) for event in events] == [("WARNING", "BODY_REJECTED")]


@pytest.mark.parametrize(("path", "header"), SIGNED)
async def test_a_webhook_that_is_broken_off_is_one_warning_without_a_stack(
    app: FastAPI, path: str, header: str
) -> None:
    news = iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(news)

    with capture_events("INFO") as events:
        assert await asgi(app, path, receive, **{header: "x"}) == []
    assert [(event.level, event.event, event.exc) for event in events] == [("WARNING", "BODY_REJECTED", None)]


async def test_of_all_who_are_being_read_the_oldest_leaves_first(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_HELD", 1000)
    held = asyncio.Event()
    answered = []

    async def reader(number: int) -> None:
        parts = iter([b"x" * 400])

        async def receive() -> Any:
            part = next(parts, None)
            if part is None:
                await held.wait()
            return {"type": "http.request", "body": part or b"", "more_body": part is not None}

        sent = await asgi(app, "/twilio/voice", receive, x_twilio_signature="x")
        answered.append((number, sent[0]["status"]))

    readers = []
    for number in range(4):
        readers.append(asyncio.create_task(reader(number)))
        for _ in range(20):
            await asyncio.sleep(0)
    await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
    assert answered[0] == (0, 408)
    held.set()
    await asyncio.gather(*readers)
    assert [number for number, status in answered if status == 408] == [0, 1]


async def test_wrong_fields_by_the_thousand_are_a_short_answer(client: Client) -> None:
    many: list[dict[str, Any]] = [
        {"opening_hours": {f"d{number}": 1 for number in range(20_000)}},
        {f"f{number}": 1 for number in range(20_000)},
        {"opening_hours": {"sun": [["x", "y"]] * 1000}},
        {"x" * 50_000: 1},
    ]
    for wrong in many:
        answer = await client.rest("PATCH", HOME, json=wrong)
        assert answer.status_code == 422
        assert 0 < len(answer.json()["errors"]) <= 20
        assert len(answer.content) < 8192


async def test_the_largest_legal_body_is_taken_however_it_is_spelt(client: Client) -> None:
    spelt = b'{"instructions": "' + b"\\ud83d\\ude00" * 20_000 + b'"}'
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    answer = await client.http.patch(HOME, content=spelt, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_key_that_asks_too_fast_is_told_when_to_come_back_and_nobody_else_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "PER_S", 0.01)
    monkeypatch.setattr(rates, "BURST", 3)
    key = (await client.rest("POST", f"{HOME}/keys", json={"name": "x"})).json()["key"]
    answers = [await client.rest("GET", HOME, key=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
    new = {"name": "another", "phone": "+97231112233"}
    other = (await client.rest("POST", "/v1/businesses", json=new)).json()["id"]
    theirs = (await client.rest("POST", f"/v1/businesses/{other}/keys", json={"name": "x"})).json()["key"]
    assert (await client.rest("GET", f"/v1/businesses/{other}", key=theirs)).status_code == 200


async def test_of_one_key_so_many_wait_and_no_more_and_of_all_so_many_are_served() -> None:
    """The one after the last is refused at once; another key has a line of its own."""
    lanes, served, go = rates.Rates(), [], asyncio.Event()

    async def ask(key: str) -> None:
        async with lanes.turn(key, paced=False) as place, place:
            served.append(key)
            await go.wait()

    asked = [asyncio.create_task(ask("busy")) for _ in range(rates.LONGEST_LINE)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await asyncio.wait_for(ask("busy"), 5)
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "1"})
    asked += [asyncio.create_task(ask(key)) for key in ("another", "a third", "a third", "a third")]
    await asyncio.sleep(0)
    assert served == ["busy"] * rates.ABREAST + ["another", "a third"]
    assert len(served) == rates.ABREAST_OF_ALL
    go.set()
    await asyncio.gather(*asked)
    assert len(served) == len(asked)
    async with lanes.turn("busy", paced=False):
        pass


@pytest.fixture
async def keys(client: Client) -> list[tuple[str, str]]:
    """Two businesses' addresses, each as often as its key gets turns, with the key."""
    new = {"name": "another", "phone": "+97231112233"}
    other = f"/v1/businesses/{(await client.rest('POST', '/v1/businesses', json=new)).json()['id']}"
    made = [(path, (await client.rest("POST", f"{path}/keys", json={"name": "x"})).json()) for path in (HOME, other)]
    return [(path, key["key"]) for path, key in made for _ in range(rates.ABREAST)]


def lane_of(app: FastAPI, path: str) -> rates.Lane:
    lanes: dict[str, rates.Lane] = app.state.prosaas.rates._lanes
    return lanes.get(f"business {path.rpartition('/')[2]}") or rates.Lane()


class Questions:
    """Whose a key is, asked over a connection that is held until `go`, but for one key."""

    def __init__(self, patch: pytest.MonkeyPatch, but: str = "") -> None:
        self.asked = asyncio.Semaphore(0)
        self.go = asyncio.Event()
        whose = rest_keys._whose

        async def held(state: Any, key: str) -> Any:
            if key != rest_keys.hashed(but):
                async with raw_connection(state.rest_engine):
                    self.asked.release()
                    await self.go.wait()
            return await whose(state, key)

        patch.setattr(rest_keys, "_whose", held)


@pytest.mark.parametrize("made_up", [True, False], ids=["made-up keys", "another good key"])
async def test_a_good_key_waits_for_no_question_about_others(
    client: Client, keys: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, made_up: bool
) -> None:
    """Each question takes one of REST's few connections."""
    (path, key), (other, busy) = keys[0], keys[-1]
    for home, good in ((path, key), (other, busy)):
        assert (await client.rest("GET", home, key=good)).status_code == 200
    questions = Questions(monkeypatch, but=key)
    flood = [rest_keys.new_key() if made_up else busy for _ in range(2 * REST_CONNECTIONS)]
    asking = [asyncio.create_task(client.rest("GET", other, key=each)) for each in flood]
    await questions.asked.acquire()
    assert (await client.rest("GET", path, key=key)).status_code == 200
    questions.go.set()
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {401 if made_up else 200}


async def test_whoever_waits_among_made_up_keys_is_told_in_time_that_nobody_can_say_whose_theirs_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = Questions(monkeypatch)
    first = asyncio.create_task(client.rest("GET", HOME, key=rest_keys.new_key()))
    await questions.asked.acquire()
    monkeypatch.setattr(rest_keys, "REST_S", 0.05)
    refused = await client.rest("GET", HOME, key=rest_keys.new_key())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, intake.RETRY_AFTER_S)
    questions.go.set()
    assert (await first).status_code == 401


async def test_no_more_than_so_many_wait_to_be_told_whose_their_key_is() -> None:
    """Each holds a connection, of which callers need some. Whoever gave up is in the line no longer."""
    lanes, go = rates.Rates(), asyncio.Event()

    async def held() -> str | None:
        await go.wait()
        return None

    # One whose question is asked, and as many as may wait for theirs.
    some = [asyncio.create_task(lanes.asked(str(number), held)) for number in range(1 + rates.LONGEST_LINE)]
    await asyncio.sleep(0)
    some[7].cancel()
    await asyncio.sleep(0)
    some += [asyncio.create_task(lanes.asked("in the place of who gave up", held))]
    await asyncio.sleep(0.05)
    assert [task.done() for task in some].count(True) == 1
    more = [asyncio.create_task(lanes.asked(f"{number} too many", held)) for number in range(3)]
    await asyncio.sleep(0.05)
    go.set()
    told = await asyncio.gather(*some, *more, return_exceptions=True)
    refused = [each for each in told if isinstance(each, Problem)]
    assert [(each.status_code, each.headers) for each in refused] == [(429, {"Retry-After": "1"})] * 3
    assert told.count(None) == 1 + rates.LONGEST_LINE


async def test_a_new_good_key_gets_in_among_made_up_ones_that_ask_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After each start all keys are new."""
    monkeypatch.setattr(rates.random, "randrange", random.Random(4).randrange)
    lanes = rates.Rates()

    async def nobodys() -> str | None:
        await asyncio.sleep(0)
        return None

    async def ours() -> str | None:
        return "ours"

    async def asks_again(key: str) -> None:
        while True:
            with suppress(Problem):
                await lanes.asked(key, nobodys)
            await asyncio.sleep(0)

    strangers = [asyncio.create_task(asks_again(str(number))) for number in range(2 * rates.LONGEST_LINE)]
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.001)
            with suppress(Problem):
                assert await lanes.asked("good", ours) == "ours"
                break
    for stranger in strangers:
        stranger.cancel()


async def test_a_key_that_is_good_no_longer_waits_among_the_made_up_ones() -> None:
    lanes, go = rates.Rates(), asyncio.Event()

    async def good() -> str | None:
        return "whose"

    async def bad() -> str | None:
        return None

    async def held() -> str | None:
        await go.wait()
        return None

    assert await lanes.asked("revoked", good) == "whose"
    assert await lanes.asked("revoked", bad) is None
    waiting = [asyncio.create_task(lanes.asked(key, ask)) for key, ask in (("made up", held), ("revoked", good))]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    go.set()
    assert await asyncio.gather(*waiting) == [None, "whose"]


async def test_bodies_that_are_slow_to_come_keep_nobody_waiting_but_their_own_key(
    client: Client, keys: list[tuple[str, str]]
) -> None:
    begun = asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        begun.release()
        await asyncio.Event().wait()

    stuck = [asyncio.create_task(client.rest("PATCH", path, key=key, content=slow())) for path, key in keys]
    async with asyncio.timeout(5):
        for _ in stuck:
            await begun.acquire()
        assert (await client.rest("GET", "/v1/businesses")).status_code == 200
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


async def test_of_bodies_that_wait_for_their_place_no_more_are_kept_than_there_is_room_for(
    app: FastAPI, client: Client, keys: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key may have two, and there is no end of keys. Room is made as they go."""
    monkeypatch.setattr(intake, "MAX_KEPT", 100_000)
    asked = asyncio.Semaphore(0)

    class Full(asyncio.Semaphore):
        async def acquire(self) -> Literal[True]:
            asked.release()
            await asyncio.Event().wait()
            return True

    monkeypatch.setattr(app.state.prosaas.rates, "_all", Full())

    async def ask(number: int) -> Any:
        path, key = keys[number]
        return await client.rest("PATCH", path, key=key, content=b"x" * 60_000)

    async with asyncio.timeout(5):
        first = asyncio.create_task(ask(0))
        await asked.acquire()
        refused = await ask(-1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = asyncio.create_task(ask(-1))
        await asked.acquire()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, intake.RETRY_AFTER_S)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


async def test_answers_that_nobody_takes_are_not_piled_up_and_keep_nobody_waiting_but_their_own_key(
    app: FastAPI, client: Client, keys: list[tuple[str, str]]
) -> None:
    made, parts = asyncio.Semaphore(0), []

    @app.post("/v1/long")
    async def long() -> str:
        return "x" * 10 * intake.PART

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def never(message: Any) -> None:
        if message["type"] == "http.response.body":
            parts.append(message["body"])
            made.release()
            await asyncio.Event().wait()

    async def ask(key: str) -> Any:
        return await asgi(app, "/v1/long", receive, never, authorization=f"Bearer {key}")

    stuck = [asyncio.create_task(ask(key)) for _, key in keys]
    async with asyncio.timeout(5):
        for _ in stuck:
            await made.acquire()
        waiting = asyncio.create_task(ask(keys[0][1]))
        assert (await client.rest("GET", "/v1/businesses")).status_code == 200
    assert [len(part) for part in parts] == [intake.PART] * len(keys)
    for task in (waiting, *stuck):
        task.cancel()
    await asyncio.gather(waiting, *stuck, return_exceptions=True)


@asynccontextmanager
async def impatient(app: Any, port: int) -> AsyncIterator[None]:
    """Served in this process, over a connection of the kind that gives up."""
    config = uvicorn.Config(app, port=port, http=patience.Impatient, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running


async def test_whoever_takes_nothing_of_an_answer_is_hung_up_on_and_their_key_has_its_turns_again(
    app: FastAPI, client: Client, keys: list[tuple[str, str]], unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the server of a machine that died does, whose connection nobody ends."""
    monkeypatch.setattr(intake, "TAKEN_S", 0.2)

    @app.get("/v1/long")
    async def long() -> str:
        return "x" * 20_000_000

    async with impatient(app, unused_tcp_port):
        (path, key), *_ = keys
        with capture_events("WARNING") as events:
            async with asyncio.timeout(10):
                asked = f"GET /v1/long HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
                open_ones = [await asyncio.open_connection("127.0.0.1", unused_tcp_port) for _ in range(rates.ABREAST)]
                for _, writer in open_ones:
                    writer.write(asked)
                while lane_of(app, path).inside < rates.ABREAST:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert (await client.rest("GET", path, key=key)).status_code == 200
        assert events == []
        for _, writer in open_ones:
            writer.close()


async def test_an_answer_in_parts_is_the_whole_answer(app: FastAPI, client: Client) -> None:
    @app.get("/v1/long")
    async def long(length: int) -> str:
        return "".join(str(number % 10) for number in range(length))

    for length in (intake.PART - 2, intake.PART - 1, 3 * intake.PART):
        answer = await client.rest("GET", f"/v1/long?length={length}")
        assert (answer.json(), len(answer.content)) == (await long(length), length + 2)


async def test_a_pace_is_made_up_by_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "PER_S", 10.0)
    monkeypatch.setattr(rates, "BURST", 2)
    lane = rates.Lane()
    assert [lane.wait_s(100.0) for _ in range(2)] == [0, 0]
    wait_s = lane.wait_s(100.0)
    assert wait_s == pytest.approx(0.1)
    assert lane.wait_s(100.0 + wait_s + 0.001) == 0


async def test_a_rest_that_waits_for_postgres_takes_no_connection_of_the_webhooks(
    app: FastAPI, client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its keys would let it have more turns than there are connections."""
    monkeypatch.setattr(rates, "ABREAST", 100)
    monkeypatch.setattr(app.state.prosaas.rates, "_all", asyncio.Semaphore(100))
    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE"))
        stuck = [asyncio.create_task(client.rest("GET", f"{HOME}/conversations")) for _ in range(40)]
        while not (await connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted"))).first():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        call = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": "+97235550100"}
        async with asyncio.timeout(5):
            with capture_events("WARNING") as events:
                answer = await client.twilio("/twilio/voice", call)
        assert "<Stream" in answer.text
        assert events == []
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize("race", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
async def test_a_race_lost_in_the_database_is_run_once_more_and_never_a_500(
    app: FastAPI, client: Client, race: type[Exception]
) -> None:
    failing = [2, 9]

    @app.post("/v1/race")
    async def racing(body: dict[str, int]) -> dict[str, int]:
        if failing[0]:
            failing[0] -= 1
            raise race("lost")
        return body

    assert (await client.rest("POST", "/v1/race", json={"a": 1})).json() == {"a": 1}
    failing[0] = failing[1]
    answer = await client.rest("POST", "/v1/race", json={"a": 1})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_lists_read_only_what_they_show(app: FastAPI, client: Client) -> None:
    seen: list[str] = []
    engine = app.state.prosaas.rest_engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    assert (await client.rest("GET", f"{HOME}/calls")).status_code == 200
    (query,) = [query for query in seen if "FROM calls" in query]
    # Of the numbers those that a list shows, each by itself.
    assert not re.search(r"transcript|events|metrics(?! ->)", query)


@pytest.mark.usefixtures("engine")
async def test_a_head_that_does_not_come_is_not_waited_for(
    environ: dict[str, str], unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server of its own in this process, whose patience is short."""
    monkeypatch.setattr(patience, "HEAD_S", 0.2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with impatient(app, unused_tcp_port):
        for said in (b"", b"POST /twi", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"):
            reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
            writer.write(said)
            async with asyncio.timeout(3):
                await reader.read()
            writer.close()
        monkeypatch.setattr(patience, "HEAD_S", 60)
        monkeypatch.setattr(patience, "MAX_WAITING", 5)
        open_ones = [await asyncio.open_connection("127.0.0.1", unused_tcp_port) for _ in range(6)]
        async with asyncio.timeout(3):
            assert await open_ones[0][0].read() == b""
        for _, writer in open_ones:
            writer.close()


async def test_a_thousand_broken_off_webhooks_delay_nobody(
    environ: dict[str, str], unused_tcp_port: int, engine: AsyncEngine
) -> None:
    async with serving(environ, unused_tcp_port) as server:
        http = await reachable(server)
        half = b"POST /twilio/voice HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Length: 9\r\n\r\na"
        for _ in range(1000):
            _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
            writer.write(half)
            writer.close()
        async with asyncio.timeout(3):
            assert (await http.get("/healthz")).status_code == 200
        await http.aclose()
        server.process.terminate()
        assert not await server.listen_to("never")
    assert not [line for line in server.said if "ERROR" in line or "Traceback" in line]


def test_docker_waits_longer_than_the_requests_under_way_are_given() -> None:
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text()
    service = compose.split("\n  prosaas-api:\n")[1].split("\n  prosaas-calls:\n")[0]
    (grace,) = re.findall(r"stop_grace_period: (\d+)s", service)
    assert int(grace) > __main__.GRACE_S
