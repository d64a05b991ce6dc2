"""Who gets in, and how the day ends."""

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest

from calls_world.phone import phone
from calls_world.waiting import until
from calls_world.world import ENVIRON, calls_world
from clocks import Clock
from prosaas_calls import desk
from prosaas_calls.call.services import Services
from prosaas_calls.caller.media_stream import StartBody
from prosaas_calls.desk import Desk
from prosaas_calls.limits import Limits
from prosaas_calls.metrics import CallMetrics
from prosaas_core.facts.prices import Prices
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.settings import Settings, load_settings
from prosaas_core.stream_token import TokenError, issue
from prosaas_logging import EventRecord, capture_events

SID = "CA" + "1" * 32


def endings(events: Sequence[EventRecord]) -> dict[object, object]:
    """The reason of each call's end."""
    return {event.fields["call_sid"]: event.fields["reason"] for event in events if event.event == "CALL_END"}


@pytest.mark.parametrize(
    "case", ["missing", "forged", "expired", "of another call", "of a real call", "of another seat"]
)
async def test_a_stream_without_a_good_token_is_not_a_call(case: str) -> None:
    """It is closed, with a WARNING that says why; nothing is started and nothing recorded."""
    # Who has a real call's token is on no simulated one, whatever their stream says.
    sid = new_call_sid() if case == "of a real call" else SID
    async with calls_world() as world:
        secret = world.settings.call_token_secret
        claims = {"call_sid": sid, "business_id": 456, "from_number": "+1", "to_number": "+2"}
        token = {
            "missing": "",
            "forged": issue("another secret", **claims),  # type: ignore[arg-type]
            "expired": issue(secret, **claims, ttl=-1),  # type: ignore[arg-type]
            "of another call": world.token("CA" + "2" * 32),
            "of a real call": world.token(SID),
            "of another seat": world.token(SID, seat="0a" * 6),
        }[case]
        with capture_events() as events:
            async with phone(world, sid, token) as caller:
                assert await asyncio.wait_for(caller.listen(), 5) == 0

    rejected = [event for event in events if event.event == "TOKEN_REJECTED"]
    why = "of another call" if case == "of a real call" else case
    assert case == "missing" or why in str(rejected[0].fields)
    assert [event.level for event in rejected] == ["WARNING"]
    assert not [event for event in events if event.event in ("CALL_START", "CALL_END")]
    assert not world.store.records


async def test_a_token_opens_one_stream_once() -> None:
    """A second stream with the same token is a stranger, also after the first has ended."""
    async with calls_world() as world:
        token = world.token(SID)
        with capture_events() as events:
            async with phone(world, SID, token) as first:
                await until(lambda: world.desk.live)
                async with phone(world, SID, token) as second:
                    await asyncio.wait_for(second.listen(), 5)
                await first.hang_up()
            await until(lambda: not world.desk.live)
            async with phone(world, SID, token) as third:
                await asyncio.wait_for(third.listen(), 5)

    reasons = [event.fields["reason"] for event in events if event.event == "TOKEN_REJECTED"]
    assert reasons[0] == "used before"
    assert endings(events) == {SID: "customer_hangup"}


async def test_the_caller_beyond_the_last_place_hears_why_and_harms_nobody() -> None:
    """MAX_CALLS: a WARNING, a spoken refusal, CALL_END over_capacity; the call that has the place goes on."""
    async with calls_world(max_calls=1) as world:
        world.nobody_to_ring()
        with capture_events() as events:
            inside = asyncio.create_task(world.call({"turns": []}, call_sid=SID))
            await until(lambda: world.desk.active)
            assert world.desk.status == "full"
            outside = await world.call({"turns": [], "ending": {"by": "service"}})
            first = await inside
            await until(lambda: len(world.store.records) == 2)

    assert first["ok"], first["problems"]
    assert outside["unknown_ms"] > 2_000
    assert outside["verbs"] == ["Connect"]
    assert endings(events) == {SID: "customer_hangup", outside["call_sid"]: "over_capacity"}
    refused = [event for event in events if event.event == "CALL_REFUSED"]
    assert [(event.level, event.fields["call_sid"]) for event in refused] == [("WARNING", outside["call_sid"])]


async def test_a_drain_waits_for_the_running_call_and_takes_no_new_one() -> None:
    """Health says draining at once; the running call ends as if nothing had happened."""
    async with calls_world() as world:
        world.nobody_to_ring()
        with capture_events() as events:
            inside = asyncio.create_task(world.call({"turns": []}, call_sid=SID))
            await until(lambda: world.desk.active)
            draining = asyncio.create_task(world.desk.drain())
            await until(lambda: world.desk.draining)
            async with world.http.get(world.operators.with_path("/readyz")) as response:
                assert (response.status, (await response.json())["status"]) == (503, "draining")
            late = await world.call({"turns": [], "ending": {"by": "service"}})
            first = await inside
            await asyncio.wait_for(draining, 10)

    assert first["ok"], first["problems"]
    assert late["unknown_ms"] > 2_000
    assert endings(events) == {SID: "customer_hangup", late["call_sid"]: "drained"}
    names = [event.event for event in events]
    assert names.index("DRAIN_START") < names.index("DRAIN_END")


@pytest.mark.parametrize("hurry", [False, True])
async def test_when_the_drain_is_over_the_remaining_caller_hears_a_sentence(hurry: bool) -> None:
    """After DRAIN_SECONDS, or at once when told to hurry: an excuse, a hang-up, CALL_END drained."""
    async with calls_world(drain=60.0 if hurry else 0.3) as world:
        world.nobody_to_ring()
        with capture_events() as events:
            staying = asyncio.create_task(
                world.call({"turns": [], "ending": {"by": "service"}, "patience_ms": 60_000}, call_sid=SID)
            )
            await until(lambda: world.noted("hearing"))
            draining = asyncio.create_task(world.desk.drain())
            if hurry:
                world.desk.hurry()
            await asyncio.wait_for(draining, 20)
            result = await staying

    assert result["verbs"] == ["Connect"]
    assert endings(events) == {SID: "drained"}
    assert [event.fields["left"] for event in events if event.event == "DRAIN_END"] == [0]


async def test_twenty_calls_at_once_do_not_meet() -> None:
    """Each keeps its own transcript, its own audio and its own record."""
    async with calls_world() as world:
        overrides = {"turns": [{"caller": "מה השעה?", "agent": "השעה שלוש."}]}
        with capture_events() as events:
            results = await asyncio.gather(*(world.call(overrides, speed=4.0) for _ in range(20)))
            await until(lambda: len(world.store.records) == 20)

    assert [result["problems"] for result in results] == [[]] * 20
    assert set(endings(events)) == {result["call_sid"] for result in results}
    for record in world.store.records:
        assert [line["text"] for line in record.transcript] == ["שלום, הגעתם למספרת דנה.", "מה השעה?", "השעה שלוש."]


async def test_a_call_has_one_stream_whether_its_token_names_the_seat_or_not() -> None:
    settings, nobody = load_settings(ENVIRON), cast("Any", None)
    front = Desk(Services(settings, Limits(), nobody, nobody, nobody, nobody, nobody, Prices()), seat="0a" * 6)
    claims = {"call_sid": SID, "business_id": 456, "from_number": "+1", "to_number": "+2"}
    named, bare = (issue(settings.call_token_secret, **claims, seat=seat) for seat in ("0a" * 6, ""))  # type: ignore[arg-type]
    front.claims(StartBody("MZ1", SID, {"token": named}))
    with pytest.raises(TokenError, match="used before"):
        front.claims(StartBody("MZ2", SID, {"token": bare}))


async def test_who_was_led_to_a_seat_that_is_gone_is_taken_by_another() -> None:
    async with calls_world() as world:
        world.store.led[SID] = "0a" * 6
        with capture_events() as events:
            async with phone(world, SID, world.token(SID, seat="0a" * 6)):
                await until(lambda: [event for event in events if event.event == "CALL_START"])
    assert world.store.led[SID] == socket.gethostname()
    assert not [event for event in events if event.event == "TOKEN_REJECTED"]


async def test_a_caller_who_is_taken_over_may_speak_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may take two seconds, and a guest who says so much is shown out."""
    async with calls_world() as world:
        asked, may_answer, take_over = asyncio.Event(), asyncio.Event(), world.store.take_over

        async def slow(*args: Any, **options: Any) -> bool:
            asked.set()
            await may_answer.wait()
            return bool(await take_over(*args, **options))

        monkeypatch.setattr(world.store, "take_over", slow)
        world.store.led[SID] = "0a" * 6
        with capture_events() as events:
            async with phone(world, SID, world.token(SID, seat="0a" * 6)) as caller:
                await asked.wait()
                frame = {"event": "media", "streamSid": "MZ1", "media": {"payload": "/" * 216, "timestamp": "0"}}
                for _ in range(200):
                    await caller.socket.send_json(frame)
                may_answer.set()
                await until(lambda: [event for event in events if event.event == "CALL_START"])
    assert not [event for event in events if event.event == "MEDIA_MALFORMED"]


async def test_tokens_in_use_are_bounded_and_none_is_good_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has expired makes room; what has not is never forgotten, and who comes beyond it is refused."""
    monkeypatch.setattr(desk, "_MAX_TOKENS", 3)
    settings, now, nobody = load_settings(ENVIRON), time.time(), cast("Any", None)
    front = Desk(Services(settings, Limits(), nobody, nobody, nobody, nobody, nobody, Prices()), now=lambda: now)
    starts = [StartBody("MZ1", f"CA{number}", {"token": token(settings, number)}) for number in range(6)]

    def refused(*cases: tuple[int, str]) -> None:
        for number, reason in cases:
            with pytest.raises(TokenError, match=reason):
                front.claims(starts[number])

    for start in starts[:3]:
        front.claims(start)
    refused((0, "used before"), (3, "too many at once"))

    now += 61.0
    front.claims(starts[3])
    refused((0, "expired"), (1, "used before"), (3, "used before"), (4, "too many at once"))


def token(settings: Settings, number: int) -> str:
    """The first lives a minute, the others two."""
    claims = {"call_sid": f"CA{number}", "business_id": 456, "from_number": "+1", "to_number": "+2"}
    return issue(settings.call_token_secret, **claims, ttl=120 if number else 60)  # type: ignore[arg-type]


async def test_a_call_that_was_led_here_before_the_drain_is_taken() -> None:
    """Whoever heard "ready" may have answered Twilio: the drain waits for that call, and it is no caller put off."""
    async with calls_world() as world:
        with capture_events() as events:
            async with world.http.get(world.operators.with_path("/readyz")) as response:
                assert response.status == 200
            draining = asyncio.create_task(world.desk.drain())
            await until(lambda: world.desk.draining)
            async with phone(world, SID, world.token(SID)):
                await until(lambda: world.desk.active)
            await asyncio.wait_for(draining, 20)
    assert endings(events) == {SID: "customer_hangup"}


async def test_a_place_that_another_took_meanwhile_is_no_place_for_who_was_led_here() -> None:
    other = "CA" + "2" * 32
    async with calls_world(max_calls=1) as world:
        with capture_events() as events:
            world.desk.offer()
            async with phone(world, SID, world.token(SID)) as first:
                await until(lambda: world.desk.active)
                draining = asyncio.create_task(world.desk.drain())
                await until(lambda: world.desk.draining)
                async with phone(world, other, world.token(other)):
                    await until(lambda: [event for event in events if event.event == "CALL_REFUSED"])
                await first.hang_up()
            await asyncio.wait_for(draining, 20)
    assert [event.fields["reason"] for event in events if event.event == "CALL_REFUSED"] == ["drained"]


async def test_five_seconds_after_it_was_offered_a_place_is_nobodys_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drain waits for no call then, and who comes all the same is put off."""
    clock = Clock()
    monkeypatch.setattr(desk, "monotonic", clock)
    async with calls_world() as world:
        world.nobody_to_ring()
        with capture_events() as events:
            world.desk.offer()
            clock.now += 5.0
            await world.desk.drain()
            async with phone(world, SID, world.token(SID)):
                await until(lambda: [event for event in events if event.event == "CALL_REFUSED"])
    assert [event.fields["reason"] for event in events if event.event == "CALL_REFUSED"] == ["drained"]


async def test_a_drain_that_nobody_was_led_to_ends_at_once() -> None:
    """Nobody asked for a seat: a restart by hand waits for nothing."""
    async with calls_world() as world:
        await asyncio.wait_for(world.desk.drain(), 1)


async def test_a_drain_that_lasts_is_told_by_how_much_it_is_over_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the conversations and that of the farewell."""
    clock, metrics, nobody = Clock(), CallMetrics(), cast("Any", None)
    monkeypatch.setattr(desk, "monotonic", clock)
    limits = Limits(drain=60.0)
    front = Desk(Services(load_settings(ENVIRON), limits, nobody, nobody, metrics, nobody, nobody, Prices()))
    await front.drain()

    overdue = []
    for seconds in (0.0, 60.0 + limits.farewell, 7.0):
        clock.now += seconds
        overdue.append(metrics.registry.get_sample_value("prosaas_drain_overdue_seconds"))
    assert overdue == [0, 0, pytest.approx(7)]


async def test_one_number_has_so_many_calls_and_no_more() -> None:
    """A robot that dials itself takes the places of nobody else; who hides their number is counted with nobody."""
    stays = {"turns": [], "ending": {"by": "service"}, "patience_ms": 60_000}
    async with calls_world(calls_of_one_number=2) as world:
        talking = [asyncio.create_task(world.call(stays)) for _ in range(2)]
        await until(lambda: world.desk.active == 2)
        with capture_events() as events:
            await world.call({"turns": []})
            for number in ("anonymous", "+972501110000"):
                talking.append(asyncio.create_task(world.call(stays, from_number=number)))
            await until(lambda: world.desk.active == 4)
        world.desk.hurry()
        await world.desk.drain()
        await asyncio.gather(*talking)

    assert [event.fields["reason"] for event in events if event.event == "CALL_REFUSED"] == ["over_capacity"]
