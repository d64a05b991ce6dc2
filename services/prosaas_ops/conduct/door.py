"""The front door: whether an address of it is the world's, and, asked from here, whether it leads to the api."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.texts import conduct as words

# A path that the api alone refuses to show: that proves the whole way, and raises no alarm as a forged call would.
PROOF_PATH, LEADS_THROUGH = "/twilio/voice", 405
# Names of examples, and of one's own network.
_OWN = re.compile(r"(^|\.)(example\.(com|org|net)|localhost|local|lan|internal|home\.arpa)$")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def status(url: str, headers: Mapping[str, str] | None = None) -> object:
    """The status of a request, no proxy and no redirect followed; or why there is none."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)
    try:
        with opener.open(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def is_public(url: str) -> bool:
    """Whether providers could come in by it: with TLS, at a name or an address of the world's."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        known = ip_address(name).is_global
    except ValueError:
        # What ends in a number is an address, however short it is written.
        known = "." in name and not name.rpartition(".")[2].isdigit() and not _OWN.search(name)
    return known and url.startswith("https://")


def status_of(world: World, path: str, *, key: str = "") -> object:
    """The status of a request through this machine's own address of the front door, or why there is none."""
    url = f"http://127.0.0.1:{world.setting('API_PORT', '8000')}{path}"
    return status(url, {"Authorization": f"Bearer {key}"} if key else {})


def leads_through(world: World) -> None:
    """A Problem unless the api itself answers through the gateway before patience ends: the whole way is open."""
    deadline = time.monotonic() + 20
    said: object = ""
    while time.monotonic() < deadline:
        said = status_of(world, PROOF_PATH)
        if said == LEADS_THROUGH:
            return
        time.sleep(0.5)
    raise Problem(words.DOOR_LEADS_NOWHERE(said=said))


def proves(world: World, name: str, old: str, new: str) -> None:
    """Services are ready with what they hold; the key of the REST interface can be tried from outside as well."""
    if name != "ADMIN_API_KEY":
        return
    seen = status_of(world, "/v1/businesses", key=old), status_of(world, "/v1/businesses", key=new)
    if seen != (401, 200):
        raise Problem(words.NOT_PROVEN(old=seen[0], new=seen[1]))
