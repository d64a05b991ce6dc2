"""The control interface."""

import hashlib
import hmac
import json
from urllib.parse import parse_qsl

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from twilio.request_validator import RequestValidator

from simulator.app import make_app
from simulator.settings import Settings
from simulator_world.world import META_SECRET, PUBLIC_URL, TOKEN, World

QUICK = {"turns": [], "greeting": "שלום"}


async def test_a_call_is_told_line_by_line_and_its_result_last(world: World) -> None:
    """The stream is ndjson; the numbers and the call_sid are the ones asked for."""
    order = {"speed": 12, "call_sid": "CA5", "from": "+15550001", "to": "+15550002", "overrides": QUICK}
    async with world.http.post(world.url("/_/calls"), json=order) as response:
        assert response.content_type == "application/x-ndjson"
        notes = [json.loads(line) async for line in response.content]
    assert [note["what"] for note in notes][:3] == ["dialled", "verb", "connected"]
    assert notes[-1]["what"] == "result"
    assert (notes[-1]["call_sid"], notes[-1]["ok"]) == ("CA5", True)
    form = world.bridge.webhooks[0][1]
    assert (form["CallSid"], form["From"], form["To"]) == ("CA5", "+15550001", "+15550002")


async def test_several_calls_at_once_are_told_apart_by_their_sid(world: World) -> None:
    """One stream tells of all of them."""
    order = {"speed": 12, "count": 3, "overrides": QUICK}
    async with world.http.post(world.url("/_/calls"), json=order) as response:
        notes = [json.loads(line) async for line in response.content]
    results = [note for note in notes if note["what"] == "result"]
    assert len({result["call_sid"] for result in results}) == 3
    assert all(result["ok"] for result in results)
    assert all("call_sid" in note for note in notes)


async def test_a_wrong_order_is_refused_with_the_right_choices(world: World) -> None:
    """Unknown scenario, unknown field, senseless speed, no JSON."""
    for order, message in [
        ({"scenario": "dmeo"}, "no scenario 'dmeo'"),
        ({"scenarios": "demo"}, "scenarios: unknown"),
        ({"speed": 0}, "speed must be above 0"),
        ({"overrides": {"patience": 1}}, "patience: unknown"),
        ([], "must be a JSON object"),
    ]:
        async with world.http.post(world.url("/_/calls"), json=order) as response:
            assert response.status == 400
            assert message in (await response.json())["error"]


async def test_scenarios_and_health_are_shown(world: World) -> None:
    """Every scenario with its description."""
    async with world.http.get(world.url("/_/scenarios")) as response:
        assert "appointment" in (await response.json())["demo"]
    async with world.http.get(world.url("/healthz")) as response:
        assert response.status == 200


async def test_a_webhook_that_nobody_takes_says_so() -> None:
    """502 with the reason, where the api is not there."""
    async with (
        TestServer(make_app(Settings(api_url="http://127.0.0.1:1"))) as simulator,
        ClientSession() as http,
        http.post(str(simulator.make_url("/_/whatsapp"))) as response,
    ):
        assert response.status == 502
        assert "the api did not take it" in (await response.json())["error"]


async def test_whatsapp_webhooks_are_signed_as_twilio_and_meta_sign_them() -> None:
    """Copies carry the same message id."""
    received: list[tuple[str, dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        received.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=200)

    api = web.Application()
    api.router.add_post("/whatsapp/{channel}", take)
    async with TestServer(api) as server:
        settings = Settings(
            api_url=str(server.make_url("")), public_url=PUBLIC_URL, twilio_token=TOKEN, meta_secret=META_SECRET
        )
        async with TestServer(make_app(settings)) as simulator, ClientSession() as http:
            url = str(simulator.make_url("/_/whatsapp"))
            order = {"channel": "twilio", "text": "שלום", "from": "+972500000000", "copies": 2}
            async with http.post(url, json=order) as response:
                assert (await response.json())["statuses"] == [200, 200]
            async with http.post(url, json={"channel": "meta", "message_id": "wamid.1"}) as response:
                assert (await response.json())["message_id"] == "wamid.1"
            async with http.post(url, json={"channel": "pigeon"}) as response:
                assert response.status == 400
    (path, headers, body), again, (_, meta_headers, meta_body) = received
    form = read_form(body)
    assert form == read_form(again[2])
    assert form["From"] == "whatsapp:+972500000000"
    assert RequestValidator(TOKEN).validate(PUBLIC_URL + path, form, headers["X-Twilio-Signature"])
    digest = hmac.new(META_SECRET.encode(), meta_body, hashlib.sha256).hexdigest()
    assert meta_headers["X-Hub-Signature-256"] == f"sha256={digest}"
    value = json.loads(meta_body)["entry"][0]["changes"][0]["value"]
    assert value["messages"][0]["id"] == "wamid.1"


def read_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))
