"""The front door, asked from this machine whether it leads to the api."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

# A path that the api alone refuses to show: that proves the whole way, and raises no alarm as a forged call would.
PROOF_PATH, LEADS_THROUGH = "/twilio/voice", 405


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
