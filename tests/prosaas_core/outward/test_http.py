"""The client policy for other people's APIs, against a scripted transport and a clock that only moves when told."""

import asyncio
import gzip
import itertools
import ssl
from collections.abc import AsyncIterator, Callable, Iterable

import httpx
import pytest

from prosaas_core.outward.http import Outbound, Policy, Refused, Unavailable, trusted
from prosaas_core.patience import Patience
from prosaas_logging import capture_events

URL = "https://api.example.test/v1/responses"


class Clock:
    """Time that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """Answers each request with the next step; the last step repeats."""

    def __init__(self, *steps: int | httpx.Response | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, json={"ok": step}) if isinstance(step, int) else step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Callable[..., Outbound]:
    def build(script: Script, *, total_s: float = 30.0, longest_s: float = 20.0, **policy: float) -> Outbound:
        return Outbound(
            Policy(patience=Patience(first_s=0.5, longest_s=longest_s, total_s=total_s), **policy),  # type: ignore[arg-type]
            transport=httpx.MockTransport(script),
            sleep=clock.sleep,
            clock=clock,
        )

    return build


async def test_a_good_answer_is_returned_without_a_word_in_the_log(client: Callable[..., Outbound]) -> None:
    with capture_events() as events:
        response = await client(Script(200)).request("POST", URL, idempotent=True, json={"input": "שלום"})
    assert response.json() == {"ok": 200}
    assert [event for event in events if event.level != "DEBUG"] == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408, 425])
async def test_a_passing_trouble_is_tried_again(status: int, client: Callable[..., Outbound], clock: Clock) -> None:
    script = Script(status, 200)
    with capture_events() as events:
        await client(script).request("POST", URL, idempotent=True)
    assert len(script.requests) == 2
    assert len(clock.slept) == 1
    retries = [event for event in events if event.event == "OUTBOUND_RETRY"]
    assert [event.fields["status"] for event in retries] == [str(status)]
    assert retries[0].fields["host"] == "api.example.test"


async def test_the_wait_is_the_one_that_retry_after_asks_for(client: Callable[..., Outbound], clock: Clock) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "7"}), 200)
    await client(script).request("GET", URL, idempotent=True)
    assert clock.slept == [7.0]


async def test_waits_grow_from_one_attempt_to_the_next_until_patience_ends(
    client: Callable[..., Outbound], clock: Clock
) -> None:
    script = Script(503)
    with pytest.raises(Unavailable):
        await client(script, total_s=5, failures_to_open=99).request("GET", URL, idempotent=True)
    bounds = [(0.375, 0.5), (0.75, 1.0), (1.5, 2.0)]
    assert all(low <= slept <= high for slept, (low, high) in zip(clock.slept, bounds, strict=False))
    assert sum(clock.slept) == pytest.approx(5, abs=0.3)
    assert len(script.requests) == len(clock.slept) + 1


async def test_an_attempt_ends_in_time_even_when_the_answer_trickles_in() -> None:
    async def trickle(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    outbound = Outbound(Policy(patience=Patience(total_s=0), timeout_s=0.05), transport=httpx.MockTransport(trickle))
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(outbound.request("POST", URL, idempotent=False), 30)
    assert caught.value.perhaps_done


class Flood(httpx.AsyncByteStream):
    """A body that goes on."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = parts
        self.given = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.given += 1
            yield part

    async def aclose(self) -> None:
        self.closed = True


PACKED = gzip.compress(bytes(50_000_000))
FLOODS = [
    ({}, lambda: itertools.repeat(bytes(1_000_000))),
    # A few kilobytes that are sent become megabytes that are held.
    ({"content-encoding": "gzip"}, lambda: [PACKED[at : at + 2048] for at in range(0, len(PACKED), 2048)]),
]


@pytest.mark.parametrize(("status", "said"), [(200, "more than 4194304 bytes"), (500, "500")])
@pytest.mark.parametrize(("headers", "parts"), FLOODS, ids=["plain", "packed"])
async def test_an_answer_without_an_end_is_given_up_and_may_have_been_acted_on(
    status: int, said: str, headers: dict[str, str], parts: Callable[[], Iterable[bytes]]
) -> None:
    flood = Flood(parts())
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, stream=flood))
    outbound = Outbound(Policy(patience=Patience(total_s=0)), transport=transport)
    with pytest.raises(Unavailable, match=said) as caught:
        await outbound.request("POST", URL, idempotent=False)
    assert caught.value.perhaps_done
    assert flood.given <= 5
    assert flood.closed


@pytest.mark.parametrize(("headers", "parts"), FLOODS, ids=["plain", "packed"])
async def test_a_refusal_without_an_end_is_a_refusal(
    headers: dict[str, str], parts: Callable[[], Iterable[bytes]]
) -> None:
    flood = Flood(parts())
    transport = httpx.MockTransport(lambda _: httpx.Response(422, headers=headers, stream=flood))
    with pytest.raises(Refused, match="answered 422"):
        await Outbound(transport=transport).request("POST", URL, idempotent=True)
    assert flood.given <= 2
    assert flood.closed


async def test_a_packed_answer_is_read_as_what_was_packed(client: Callable[..., Outbound]) -> None:
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b'{"ok": 1}'))
    assert (await client(Script(packed)).request("GET", URL, idempotent=True)).json() == {"ok": 1}


@pytest.mark.parametrize("later", [503, httpx.ConnectError("refused")])
async def test_what_one_attempt_may_have_done_is_not_undone_by_the_next_one(
    client: Callable[..., Outbound], later: int | Exception
) -> None:
    outbound = client(Script(httpx.ReadTimeout("lost"), later), total_s=0.5)
    with pytest.raises(Unavailable) as caught:
        await outbound.request("POST", URL, idempotent=True)
    assert caught.value.perhaps_done


async def test_a_wait_that_is_too_long_to_sit_through_is_handed_to_the_caller(
    client: Callable[..., Outbound], clock: Clock
) -> None:
    script = Script(httpx.Response(429, headers={"retry-after": "120"}))
    with pytest.raises(Unavailable) as caught:
        await client(script, longest_s=20).request("GET", URL, idempotent=True)
    assert (caught.value.wait_s, clock.slept, len(script.requests)) == (120.0, [], 1)


@pytest.mark.parametrize("status", [400, 404, 422, 302])
async def test_a_refusal_is_final(status: int, client: Callable[..., Outbound]) -> None:
    script = Script(status)
    with pytest.raises(Refused) as caught:
        await client(script).request("POST", URL, idempotent=True)
    assert (caught.value.status, len(script.requests)) == (status, 1)


async def test_a_refused_credential_is_an_outage_that_spares_the_host_everybodys_requests(
    client: Callable[..., Outbound],
) -> None:
    script = Script(401)
    outbound = client(script)
    with capture_events() as events:
        for reason in ("401, our credential is refused", "circuit open"):
            with pytest.raises(Unavailable, match=reason):
                await outbound.request("POST", URL, idempotent=True)
    assert len(script.requests) == 1
    assert "CIRCUIT_OPEN" in [event.event for event in events]


async def test_what_one_sender_may_not_do_is_an_outage_for_that_sender_alone(client: Callable[..., Outbound]) -> None:
    script = Script(403, 200)
    outbound = client(script, failures_to_open=1)
    with pytest.raises(Unavailable, match="403"):
        await outbound.request("POST", URL, idempotent=True)
    assert (await outbound.request("POST", URL, idempotent=True)).status_code == 200


async def test_a_full_pool_of_our_own_is_not_held_against_the_host(client: Callable[..., Outbound]) -> None:
    script = Script(httpx.PoolTimeout("ours"), 200)
    outbound = client(script, failures_to_open=1, total_s=0)
    with pytest.raises(Unavailable):
        await outbound.request("GET", URL, idempotent=True)
    assert (await outbound.request("GET", URL, idempotent=True)).status_code == 200


@pytest.mark.parametrize("trouble", [500, 502, 504, httpx.ReadTimeout("lost"), httpx.RemoteProtocolError("cut")])
async def test_what_may_have_been_done_is_not_repeated_unless_idempotent(
    trouble: int | Exception, client: Callable[..., Outbound]
) -> None:
    script = Script(trouble)
    with pytest.raises(Unavailable) as caught:
        await client(script).request("POST", URL, idempotent=False)
    assert caught.value.perhaps_done
    assert len(script.requests) == 1


@pytest.mark.parametrize("trouble", [429, 503, httpx.ConnectError("down"), httpx.ConnectTimeout("slow")])
async def test_what_was_certainly_not_done_is_repeated_even_when_not_idempotent(
    trouble: int | Exception, client: Callable[..., Outbound]
) -> None:
    script = Script(trouble, 201)
    assert (await client(script).request("POST", URL, idempotent=False)).status_code == 201
    assert len(script.requests) == 2


async def test_the_circuit_opens_after_repeated_failures_and_closes_with_one_good_probe(
    client: Callable[..., Outbound], clock: Clock
) -> None:
    script = Script(500, 500, 500, 200)
    outbound = client(script, failures_to_open=3, total_s=0, open_for_s=30)
    with capture_events() as events:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await outbound.request("GET", URL, idempotent=True)
        with pytest.raises(Unavailable, match="circuit open") as caught:
            await outbound.request("GET", URL, idempotent=True)
        assert (len(script.requests), caught.value.wait_s, caught.value.perhaps_done) == (3, 30.0, False)
        clock.now += 30
        await outbound.request("GET", URL, idempotent=True)
        await outbound.request("GET", URL, idempotent=True)
    assert [event.event for event in events if event.event and event.event.startswith("CIRCUIT")] == [
        "CIRCUIT_OPEN",
        "CIRCUIT_CLOSED",
    ]


async def test_a_failed_probe_keeps_the_circuit_open_without_announcing_it_again(
    client: Callable[..., Outbound], clock: Clock
) -> None:
    script = Script(500)
    outbound = client(script, failures_to_open=1, total_s=0, open_for_s=30)
    with capture_events() as events:
        for wait in (0, 30):
            clock.now += wait
            with pytest.raises(Unavailable):
                await outbound.request("GET", URL, idempotent=True)
        with pytest.raises(Unavailable, match="circuit open"):
            await outbound.request("GET", URL, idempotent=True)
    assert len(script.requests) == 2
    assert [event.event for event in events].count("CIRCUIT_OPEN") == 1


async def test_one_hosts_open_circuit_does_not_stop_another_host(client: Callable[..., Outbound]) -> None:
    outbound = client(Script(500, 200), failures_to_open=1, total_s=0)
    with pytest.raises(Unavailable):
        await outbound.request("GET", "https://broken.example.test/", idempotent=True)
    assert (await outbound.request("GET", "https://fine.example.test/", idempotent=True)).status_code == 200


async def test_neither_bodies_nor_credentials_reach_a_line_at_any_level(client: Callable[..., Outbound]) -> None:
    secret = "sk-abcdef0123456789"
    answers = Script(httpx.Response(500, text="the answer about דוד"), httpx.Response(400, text="the answer about דוד"))
    with capture_events() as events, pytest.raises(Refused) as caught:
        await client(answers).request(
            "POST",
            URL,
            idempotent=True,
            json={"model": "gpt-test", "input": [{"role": "user", "content": "my name is דוד"}]},
            headers={"Authorization": f"Bearer {secret}"},
            auth=("AC123", "twilio-token"),
        )
    lines = "\n".join(f"{event.text} {event.fields} {event.exc}" for event in events) + str(caught.value)
    assert all(private not in lines for private in ("דוד", secret, "twilio-token"))
    shown = next(event for event in events if event.event == "PAYLOAD_PREVIEW")
    assert shown.fields["preview"] == '{"model": "gpt-test", "input": [{"role": "user", "content": "<14>"}]}'


async def test_of_an_address_that_is_a_secret_the_log_has_the_host_alone(client: Callable[..., Outbound]) -> None:
    with capture_events("DEBUG") as events:
        await client(Script(200)).request("POST", URL, idempotent=True, json={"a": 1}, secret_path=True)
    shown = next(event for event in events if event.event == "PAYLOAD_PREVIEW")
    assert shown.fields["type"] == f"POST {httpx.URL(URL).host}"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": {"code": 131031, "message": "Account has been locked"}}, "131031"),
        (401, {"error": {"code": 190, "type": "OAuthException"}}, "190"),
        (429, {"code": 20429, "message": "Too Many Requests", "status": 429}, "20429"),
        (429, {"error": {"code": "rate_limit_exceeded"}}, "rate_limit_exceeded"),
        (400, {"error": {"code": ["x"]}}, ""),
        (400, {"code": "x" * 100}, ""),
        (400, {"code": "two\nlines"}, ""),
        (400, {"code": 7, "more": "x" * 70_000}, ""),
        (400, [1], ""),
        (400, "[" * 50_000, ""),
    ],
)
async def test_the_other_sides_own_code_goes_with_the_error(
    client: Callable[..., Outbound], status: int, body: object, code: str
) -> None:
    answer = httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)
    async with client(Script(answer), total_s=0.1) as outbound:
        with pytest.raises((Refused, Unavailable)) as caught:
            await outbound.request("POST", URL, idempotent=False)
    assert (caught.value.status, caught.value.code) == (status, code)


async def test_what_this_machine_trusts_is_read_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reading keeps a service's start waiting."""
    read, made = [], ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda *given, **named: read.append(1) or made(*given, **named))
    trusted.cache_clear()
    for _ in range(3):
        await Outbound().close()
    assert read == [1]
