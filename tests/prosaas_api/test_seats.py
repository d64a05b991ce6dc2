"""A call goes to the ready seat with the fewest calls, and to one that drains or is gone never."""

import json
from typing import Any

import httpx
import pytest

from prosaas_api import seats as module
from prosaas_api.seats import Seats
from prosaas_core.settings import load_settings

OLD, NEW = "0" * 12, "a" * 12
ENVIRON = {"DATABASE_URL": "postgresql://x@y/z", "PUBLIC_URL": "https://voice.example"}


def seats(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], **environ: str) -> Seats:
    """Seats over a DNS that names these addresses, each with its answer: what /readyz says, or an error."""

    async def named(_self: object, _host: str, port: int, **_: object) -> list[Any]:
        return [(None, None, None, "", (address, port)) for address in answers]

    def answer(request: httpx.Request) -> httpx.Response:
        said = answers[request.url.host]
        if isinstance(said, Exception):
            raise said
        return httpx.Response(200 if said["status"] == "ready" else 503, content=json.dumps(said))

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", named)
    return Seats(load_settings(ENVIRON | environ), httpx.AsyncClient(transport=httpx.MockTransport(answer)))


def said(seat: str, status: str = "ready", active: int = 0, capacity: int = 100) -> dict[str, Any]:
    return {"seat": seat, "status": status, "active": active, "capacity": capacity}


async def test_a_draining_generation_gets_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few calls it has."""
    found = seats(monkeypatch, {"10.0.0.1": said(OLD, "draining"), "10.0.0.2": said(NEW, active=9)})
    assert await found.state() == "open"
    assert [found.take(f"CA{n}") for n in range(3)] == [NEW] * 3


async def test_calls_go_where_the_fewest_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that come before anybody is asked again."""
    found = seats(monkeypatch, {"10.0.0.1": said(OLD, active=2), "10.0.0.2": said(NEW)})
    await found.state()
    assert sorted(found.take(f"CA{n}") for n in range(4)) == [OLD, NEW, NEW, NEW]


async def test_no_seat_gets_more_than_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes beyond it is asked to wait, although nobody was asked anew."""
    found = seats(monkeypatch, {"10.0.0.1": said(OLD, active=1, capacity=2), "10.0.0.2": said(NEW, "full", 2, 2)})
    assert (await found.state(), found.take("CA1")) == ("open", OLD)
    assert (await found.state(), found.take("CA2")) == ("full", "")


async def test_a_call_that_is_asked_for_again_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The front door asks anew for one whose answer it did not get: it keeps its place, also the last one."""
    found = seats(monkeypatch, {"10.0.0.1": said(OLD, capacity=2)})
    await found.state()
    assert [found.take("CA1") for _ in range(3)] == [OLD] * 3
    assert (await found.state("CA2"), found.take("CA2")) == ("open", OLD)
    assert (await found.state("CA1"), found.take("CA1")) == ("open", OLD)
    assert (await found.state("CA3"), found.take("CA3")) == ("full", "")


async def test_a_call_is_led_where_it_was_only_until_everybody_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place may be gone by then."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    answers: dict[str, Any] = {"10.0.0.1": said(OLD)}
    found = seats(monkeypatch, answers)
    await found.state()
    assert found.take("CA1") == OLD
    answers |= {"10.0.0.1": said(OLD, "draining"), "10.0.0.2": said(NEW, "full")}
    assert (await found.state("CA1"), found.take("CA1")) == ("full", "")


async def test_while_dns_does_not_answer_all_are_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a seat the call would go to any, one that drains among them, and could come twice."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    answers: dict[str, Any] = {"10.0.0.1": said(OLD, "draining"), "10.0.0.2": said(NEW)}
    found = seats(monkeypatch, answers)
    await found.state()

    async def failing(*_: object, **__: object) -> list[Any]:
        raise OSError("no answer from DNS")

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", failing)
    assert (await found.state(), found.take("CA1"), found.knows(OLD)) == ("open", NEW, True)
    monkeypatch.setattr(module, "REMEMBERED_S", 0.0)
    assert (await found.state(), found.take("CA1")) == ("open", "")


async def test_a_machine_that_died_while_the_others_are_full_gets_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who can wait for a place is not led to one that does not answer."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    answers: dict[str, Any] = {"10.0.0.1": said(OLD, active=5), "10.0.0.2": said(NEW)}
    found = seats(monkeypatch, answers)
    await found.state()
    answers |= {"10.0.0.1": said(OLD, "full"), "10.0.0.2": httpx.ConnectTimeout("its machine is gone")}
    assert await found.state() == "full"


async def test_a_seat_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends is in DNS for another moment."""
    found = seats(monkeypatch, {"10.0.0.1": httpx.ConnectError("refused"), "10.0.0.2": said(NEW)})
    assert await found.state() == "open"
    assert found.take("CA1") == NEW


async def test_a_silent_seat_is_the_last_that_a_call_goes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that died is in DNS for a while, and was the emptiest when it last said so."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    answers: dict[str, Any] = {"10.0.0.1": said(OLD, active=5), "10.0.0.2": said(NEW)}
    found = seats(monkeypatch, answers)
    await found.state()
    answers["10.0.0.2"] = httpx.ConnectTimeout("its machine is gone")
    assert (await found.state(), found.take("CA1")) == ("open", OLD)
    answers["10.0.0.1"] = said(OLD, "draining")
    assert (await found.state(), found.take("CA1")) == ("open", NEW)


async def test_one_that_is_too_busy_to_answer_is_as_it_last_said_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a seat the call would go to any, and the old generation refuses it."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    answers: dict[str, Any] = {"10.0.0.1": said(OLD, "draining"), "10.0.0.2": said(NEW)}
    found = seats(monkeypatch, answers)
    assert await found.state() == "open"
    for address in answers:
        answers[address] = httpx.ReadTimeout("busy")
    assert (await found.state(), found.take("CA1")) == ("open", NEW)
    answers["10.0.0.1"] = said(OLD, "draining")
    assert (await found.state(), found.take("CA1")) == ("open", NEW)
    del answers["10.0.0.2"]
    assert (await found.state(), found.take("CA1")) == ("draining", "")
    monkeypatch.setattr(module, "REMEMBERED_S", 0.0)
    answers["10.0.0.1"] = httpx.ReadTimeout("busy")
    assert found.take("CA1") == ""
    assert (await found.state(), found.take("CA1")) == ("open", "")


@pytest.mark.parametrize(("states", "door"), [(["full", "draining"], "full"), (["draining"], "draining"), ([], "open")])
async def test_what_the_caller_hears_without_a_ready_seat(
    monkeypatch: pytest.MonkeyPatch, states: list[str], door: str
) -> None:
    """Full or draining: wait. Nobody answers: the stream is tried, for the TwiML has a sentence after it."""
    found = seats(monkeypatch, {f"10.0.0.{n}": said(f"{n:012x}", status) for n, status in enumerate(states)})
    assert await found.state() == door
    assert found.take("CA1") == ""


async def test_a_seat_is_known_as_long_as_it_answers_draining_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is asked for again goes where it was led before, unless that is gone."""
    found = seats(monkeypatch, {"10.0.0.1": said(OLD, "draining"), "10.0.0.2": said(NEW)})
    await found.state()
    assert [found.knows(name) for name in (OLD, NEW, "b" * 12, "")] == [True, True, False, False]


async def test_one_in_two_networks_is_one_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses of one container are not two places."""
    found = seats(monkeypatch, {"10.0.0.1": said(NEW), "10.1.0.1": said(NEW)})
    await found.state()
    assert len(found._seats) == 1


@pytest.mark.parametrize("name", ["", "my-host", "../../etc", "A" * 12, "0" * 13])
async def test_only_a_containers_own_name_becomes_part_of_the_address(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What else a service may call itself, the front door could not find, and must not try to."""
    found = seats(monkeypatch, {"10.0.0.1": said(name)})
    await found.state()
    assert found.take("CA1") == ""


async def test_calls_with_an_address_of_their_own_have_no_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a platform no front door of ours leads to one container."""
    found = seats(monkeypatch, {"10.0.0.1": said(NEW)}, CALLS_PUBLIC_URL="https://calls.example")
    await found.state()
    assert found.take("CA1") == ""


async def test_nobody_is_asked_more_than_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls come in."""
    answers = {"10.0.0.1": said(OLD)}
    found = seats(monkeypatch, answers)
    await found.state()
    answers["10.0.0.1"] = said(OLD, "draining")
    assert await found.state() == "open"
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    assert await found.state() == "draining"
