"""Limits that must fit one another: what the front door lets in, what the api takes, what Postgres serves."""

import re

import pytest
import yaml

from bundle_world.checkout import ROOT
from bundle_world.model import OURS, services
from prosaas_api import voice, whatsapp
from prosaas_api.intake import MAX_HELD, SOURCES, TOLD_ONCE_S
from prosaas_api.seats import TIMEOUT_S
from prosaas_api.state import REST_CONNECTIONS, WEBHOOK_CONNECTIONS
from prosaas_api.voice import LOOKUP_S
from prosaas_core.database import make_engine
from prosaas_core.settings import load_settings
from prosaas_worker.service import POOL_SIZE

# What make doctor wants of the limits' sum: containers seldom need theirs at once.
SHARE = 0.6
CADDYFILE = (ROOT / "deploy/gateway/Caddyfile").read_text()
UNITS = {"KiB": 2**10, "MiB": 2**20}
# Two generations of each beside one another; a queue's own connections; migrate, the tools, a person with psql.
GENERATIONS, QUEUE, OTHERS = 2, 3, 6
RESERVED = 3
TWILIO_WAITS_S = 15


def size(name: str) -> int:
    """A size in the front door's configuration, in bytes."""
    found = re.search(rf"{name} (\d+)(KiB|MiB)", CADDYFILE)
    assert found is not None, name
    return int(found[1]) * UNITS[found[2]]


def seconds(after: str) -> float:
    """The time that comes after this in the front door's configuration."""
    found = re.search(rf"{after} (\d+)(m?)s\b", CADDYFILE, re.DOTALL)
    assert found is not None, after
    return float(found[1]) / (1000 if found[2] else 1)


def memory(service: str) -> int:
    return int(services("prod")[service]["deploy"]["resources"]["limits"]["memory"])


def test_the_front_door_lets_in_what_the_api_takes_and_no_more() -> None:
    """A message of Meta's that the api would take must not be lost on the way."""
    assert size("max_size") == max(source.limit for source in SOURCES)


def test_the_front_door_tells_of_each_webhook_that_it_gave_up_and_of_nothing_else() -> None:
    """A caller lost there is in no other log; a path of a stranger's own choice would be their words in ours."""
    named = re.search(r"@given_up \{\s+path_regexp told \^\((.*)\)\$\n", CADDYFILE)
    assert named is not None
    routes = [*voice.router.routes, *whatsapp.router.routes]
    assert sorted(named[1].split("|")) == sorted({route.path for route in routes})  # type: ignore[attr-defined]


def test_the_front_door_offers_no_protocol_at_a_port_that_is_not_published() -> None:
    """HTTP/3 goes over UDP, and each answer would name the port inside the container."""
    published = yaml.safe_load((ROOT / "deploy/overlays/public-host.yml").read_text())["services"]["gateway"]["ports"]
    offered = re.search(r"protocols (.*)", CADDYFILE)
    assert offered is not None
    assert ("h3" in offered[1].split()) == any(port.endswith("/udp") for port in published)


def patience(handled: str) -> tuple[float, float]:
    """Of the front door with an api: until it is taken for silent, and for how long it is tried anew, in seconds."""
    named = re.search(rf"(@\w+) path .*{handled}\b", CADDYFILE)
    assert named is not None, handled
    found = re.search(rf"handle {named[1]} \{{\s+import api (\d+)s (\d+)s\n", CADDYFILE)
    assert found is not None, handled
    return float(found[1]), float(found[2])


AWAITED = ("/twilio/voice", "/twilio/transferred")


@pytest.mark.parametrize("handled", ["/twilio/status", *AWAITED])
def test_an_api_that_falls_silent_over_a_webhook_leaves_time_for_another_to_answer_it(handled: str) -> None:
    """Twilio's 15 s end no sooner; and one that asks a slow database who is called is not taken for silent."""
    silent, tried = patience(handled)
    found = seconds(r"\(api\).*?dial_timeout")
    # DNS, a connection and its answer; and the two looks of one webhook at most.
    looks = 1 if handled in AWAITED else 2
    assert looks * LOOKUP_S + 3 * TIMEOUT_S < silent < tried
    assert 2 * silent <= TOLD_ONCE_S
    assert tried + found + silent <= TWILIO_WAITS_S


@pytest.mark.parametrize("handled", AWAITED)
def test_a_caller_is_led_to_another_api_in_five_seconds(handled: str) -> None:
    """Also where the next try meets the dead one again."""
    silent, between = patience(handled)[0], seconds(r"\(api\).*?lb_try_interval")
    assert silent + between + seconds(r"\(api\).*?dial_timeout") + between < 5


def test_a_connection_that_says_nothing_is_not_kept_for_long() -> None:
    """One stranger could have every descriptor of the front door for minutes."""
    assert seconds("idle") <= 30


@pytest.mark.docker
def test_what_strangers_may_have_held_at_the_front_door_fits_its_memory() -> None:
    """A connection has two descriptors at most, a buffer for its body, and some room of its own."""
    door = services("prod")["gateway"]
    descriptors = int(door["ulimits"]["nofile"])
    of_its_own = 64 * 2**10
    held = (descriptors // 2) * (size("request_buffers") + of_its_own)
    limit = int(str(door["environment"]["GOMEMLIMIT"]).removesuffix("MiB")) * 2**20
    assert held < limit < memory("gateway") * 0.9


@pytest.mark.docker
def test_whoever_the_front_door_lets_in_finds_a_descriptor_behind_it() -> None:
    """Whatever the engine gives by itself: 1,024 is what some do, which is fewer than 350 calls."""
    model = services("prod")
    let_in = int(model["gateway"]["ulimits"]["nofile"]) // 2
    assert {name for name in OURS if int(model[name]["ulimits"]["nofile"]) < let_in} == set()


@pytest.mark.docker
def test_what_strangers_may_have_held_in_the_api_fits_its_memory() -> None:
    assert memory("prosaas-api") / 4 > MAX_HELD


@pytest.mark.docker
def test_every_pool_of_two_generations_fits_the_server() -> None:
    """Also while a deploy has each service twice."""
    calls = make_engine(load_settings({"DATABASE_URL": "postgresql://x@y/z"})).pool.size()  # type: ignore[attr-defined]
    pools = WEBHOOK_CONNECTIONS + REST_CONNECTIONS + calls + POOL_SIZE + QUEUE
    command = " ".join(services("prod")["postgres"]["command"])
    found = re.search(r"max_connections=(\d+)", command)
    assert found is not None
    assert GENERATIONS * pools + OTHERS <= int(found[1]) - RESERVED


@pytest.mark.parametrize(
    ("page", "asked"), [("README.md", r"(\d+) GB of memory"), ("README.he.md", r"(\d+) GB</code> זיכרון")]
)
@pytest.mark.docker
def test_a_machine_as_the_first_page_asks_for_is_large_enough_for_make_doctor(page: str, asked: str) -> None:
    """With the demo, which a fresh machine runs."""
    found = re.search(asked, (ROOT / page).read_text("utf-8"))
    assert found is not None
    fresh = [name for name, each in services("prod").items() if set(each.get("profiles", ["demo"])) == {"demo"}]
    # What is sold as so many GB has somewhat less of them.
    assert int(found[1]) * 0.95 * 2**30 > SHARE * sum(memory(name) for name in fresh)
