"""Which calls are simulated, and which of them count."""

import asyncio

import asyncpg
import pytest

from prosaas_api import forms
from prosaas_core.facts import simulated
from prosaas_core.settings import load_settings
from simulator import sids

REAL = ["CA1", "", "CA" + "0" * 32, "CA" + "f" * 32, "CA00a7391a82de429ebed364c493509aca"]


@pytest.fixture(params=["0", "1"], ids=["live", "demo"])
def demo(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("DEMO", request.param)
    return bool(request.param == "1")


def test_the_simulator_and_the_tools_name_calls_alike_and_as_the_door_takes_them() -> None:
    """The simulator shares no code with what it judges."""
    for call_sid in (simulated.new_call_sid(), sids.new_call_sid()):
        assert simulated.is_simulated(call_sid)
        assert forms.FORMS["CallSid"].fullmatch(call_sid)


@pytest.mark.parametrize("call_sid", REAL)
def test_no_id_of_twilio_s_is_that_of_a_simulated_call(call_sid: str) -> None:
    assert not simulated.is_simulated(call_sid)
    assert simulated.said_first(call_sid, "en") == ""


def test_the_mark_counts_in_its_own_place_alone() -> None:
    """Else there would be more ids that look so by chance."""
    assert not simulated.is_simulated(f"CA{simulated.MARK}{'0' * 16}")
    assert not simulated.is_simulated(f"CA{'0' * 16}{simulated.MARK}")


def test_simulated_calls_are_told_apart_by_how_their_ids_begin_and_end() -> None:
    """So lists show them, and so they are asked for."""
    made = [simulated.new_call_sid() for _ in range(50)]
    assert len({call_sid[:8] for call_sid in made}) > 45
    assert len({call_sid[-4:] for call_sid in made}) > 45


@pytest.mark.parametrize("asked", ["1", " Yes ", "on", "true", "0", "", "no"])
def test_a_demo_is_what_the_services_take_for_one(asked: str) -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://x", "DEMO": asked})
    assert simulated.in_demo({"DEMO": asked}) == settings.demo


def test_a_simulated_call_counts_in_a_demo_alone_and_a_real_one_everywhere(demo: bool) -> None:
    assert simulated.counts(simulated.new_call_sid()) == demo
    assert all(simulated.counts(call_sid) for call_sid in REAL)


@pytest.mark.postgres
def test_sql_counts_the_same_calls_and_what_is_of_none(demo: bool, database_url: str) -> None:
    made = [*REAL, simulated.new_call_sid(), sids.new_call_sid()]

    async def ask() -> list[bool]:
        connection = await asyncpg.connect(database_url)
        try:
            question = f"select {simulated.counted('name')} as counted from unnest($1::text[]) as names (name)"
            return [row["counted"] for row in await connection.fetch(question, [*made, None])]
        finally:
            await connection.close()

    assert asyncio.run(ask()) == [*map(simulated.counts, made), True]
