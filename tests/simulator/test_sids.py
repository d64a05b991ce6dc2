"""How simulated calls are named."""

import re

from simulator.sids import new_call_sid
from simulator_world.world import World

SIMULATED = re.compile(f"CA[0-9a-f]{{8}}{b'simulate'.hex()}[0-9a-f]{{8}}")


def test_no_two_calls_have_one_id() -> None:
    assert len({new_call_sid() for _ in range(1000)}) == 1000


async def test_every_call_says_by_its_id_that_it_is_simulated(world: World) -> None:
    """The one that rings the agent, and the one that somebody's phone forwards back to it."""
    dialled = {"turns": [], "ending": {"by": "service"}, "dialled": {"outcome": "forwarded", "after_ms": 100}}
    world.bridge.twiml = [
        "<Response><Dial><Number>+15550009</Number></Dial></Response>",
        "<Response><Reject/></Response>",
    ]
    result = await world.call(dialled)
    named = {form["CallSid"] for _, form, _ in world.bridge.webhooks}
    assert result["call_sid"] in named
    assert len(named) == 2
    assert all(SIMULATED.fullmatch(call_sid) for call_sid in named), named
