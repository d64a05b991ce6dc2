"""The one way we speak HTTP to other people's APIs: time limits, retries, a circuit breaker, no bodies in the log."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Self

import httpx

from prosaas_core import tracing
from prosaas_core.outward.breaker import Breaker
from prosaas_core.outward.preview import preview
from prosaas_core.patience import Patience, retry_after
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CIRCUIT_CLOSED, CIRCUIT_OPEN, OUTBOUND_RETRY, PAYLOAD_PREVIEW

log = get_logger(__name__)

# Far above what any interface that we ask answers with.
_LONGEST_ANSWER = 4 * 1024 * 1024
_LONGEST_ERROR = 64 * 1024
_LONGEST_CODE = 60


class OutboundError(Exception):
    """A request that did not succeed; its text names the host and the reason, never what was sent or answered."""

    # What the other side answered, where it did: the status of HTTP, and its own code of the error.
    status = 0
    code = ""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host
        self.reason = reason

    def answered(self, status: int, code: str) -> Self:
        """Return this error with what the other side said."""
        self.status, self.code = status, code
        return self


class Refused(OutboundError):
    """The other side understood and said no: the same request will not fare better later."""

    def __init__(self, host: str, status: int, code: str = "") -> None:
        super().__init__(host, f"answered {status}" + (f", code {code}" if code else ""))
        self.answered(status, code)


class Unavailable(OutboundError):
    """The other side could not serve us now; another try later is worth it.

    A refused credential is one too: it is the account that is out of order, not the request.
    """

    def __init__(self, host: str, reason: str, *, wait_s: float = 0.0, perhaps_done: bool = False) -> None:
        super().__init__(host, reason)
        self.wait_s = wait_s
        self.perhaps_done = perhaps_done


def bearer(token: str) -> str:
    """Return the Authorization header's value; the demo has no token, and a header may not end in a space."""
    return f"Bearer {token or 'demo'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How patient we are; the defaults suit a job, which is patient itself, a live call passes shorter ones.

    *timeout_s* bounds an attempt as a whole, from its first byte to the answer's last.
    """

    patience: Patience = field(default_factory=lambda: Patience(first_s=0.5, longest_s=5.0, total_s=3.0))
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    failures_to_open: int = 5
    open_for_s: float = 30.0
    connections: int = 200


@dataclass(frozen=True, slots=True)
class _Failure:
    """One attempt that did not succeed, and what may be done about it."""

    reason: str
    perhaps_done: bool = False
    wait_s: float = 0.0
    final: bool = False
    status: int = 0
    code: str = ""


class _TooLong(Exception):
    """The answer goes on beyond what anybody would answer."""


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that every client of this process trusts: each reading of them takes tens of milliseconds."""
    return httpx.create_ssl_context()


class Outbound:
    """A shared httpx client under one policy; `async with` it, or call `close`."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy or Policy()
        self._sleep = sleep
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(self._policy.timeout_s, connect=self._policy.connect_timeout_s),
            limits=httpx.Limits(max_connections=self._policy.connections, max_keepalive_connections=20),
            transport=transport,
            verify=trusted(),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        idempotent: bool,
        json: object = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        secret_path: bool = False,
    ) -> httpx.Response:
        """Return the 2xx answer, or raise `Refused` or `Unavailable`.

        Of an address with a *secret_path*, one to which whoever knows it may post, the log has the host alone.
        Without *idempotent*, a request that the other side may have acted on (a lost answer, a 500) is never repeated
        here: the caller learns of it through `Unavailable.perhaps_done`.
        """
        request = self._client.build_request(method, url, json=json, data=form, params=params, headers=headers)
        host = request.url.netloc.decode("ascii")
        breaker = self._breakers.setdefault(
            host, Breaker(self._policy.failures_to_open, self._policy.open_for_s, self._clock)
        )
        if log.tracing:
            path = "" if secret_path else request.url.path
            log.event(PAYLOAD_PREVIEW, type=f"{method} {host}{path}", preview=preview(json or form or {}))
        attempt, waited, perhaps_done = 0, 0.0, False
        while True:
            attempt += 1
            if (closed_for_s := breaker.refuses_for()) > 0:
                why = "circuit open after repeated failures"
                raise Unavailable(host, why, wait_s=closed_for_s, perhaps_done=perhaps_done)
            outcome = await self._attempt(request, host, breaker, auth)
            if isinstance(outcome, httpx.Response):
                return outcome
            perhaps_done = perhaps_done or outcome.perhaps_done
            repeatable = (idempotent or not outcome.perhaps_done) and not outcome.final
            patience = self._policy.patience
            delay = patience.pause(attempt, waited) if repeatable else None
            # A wait that is too long to sit through is the caller's.
            if delay is None or outcome.wait_s > patience.longest_s:
                error = Unavailable(host, outcome.reason, wait_s=outcome.wait_s, perhaps_done=perhaps_done)
                raise error.answered(outcome.status, outcome.code)
            delay = max(delay, outcome.wait_s)
            waited += delay
            log.event(OUTBOUND_RETRY, host=host, status=outcome.reason, attempt=attempt, delay_s=round(delay, 2))
            await self._sleep(delay)

    async def _attempt(
        self, request: httpx.Request, host: str, breaker: Breaker, auth: tuple[str, str] | None
    ) -> httpx.Response | _Failure:
        started, period = self._clock(), breaker.period
        try:
            asked = {"http_request_method": request.method, "server_address": request.url.host}
            with tracing.span(request.method, kind="client", **asked) as told:
                async with asyncio.timeout(self._policy.timeout_s):
                    response = await _whole(await self._client.send(request, auth=auth, stream=True))
                told["http_response_status_code"] = response.status_code
        except httpx.PoolTimeout as error:
            # Our own limit: it says nothing about the host.
            breaker.abandoned(period)
            return _Failure(type(error).__name__)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self._failed(breaker, host, period)
            return _Failure(type(error).__name__)
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            self._failed(breaker, host, period)
            return _Failure(type(error).__name__, perhaps_done=True)
        except _TooLong:
            self._failed(breaker, host, period)
            return _Failure(f"an answer of more than {_LONGEST_ANSWER} bytes", perhaps_done=True)
        except BaseException:
            breaker.abandoned(period)
            raise
        status = response.status_code
        wait_s = retry_after(response.headers) or 0.0
        code = "" if response.is_success else _code(response)
        said = f"{status}, code {code}" if code else str(status)
        log.debug("outbound request", host=host, status=status, ms=round((self._clock() - started) * 1000))
        if status >= 500:
            self._failed(breaker, host, period)
            # A 503 says that the request was not taken on; any other 5xx may come after the deed.
            return _Failure(said, perhaps_done=status != 503, wait_s=wait_s, status=status, code=code)
        if status == 401:
            # Nobody's request fares better with this credential. A 403 may concern one sender alone.
            self._failed(breaker, host, period, at_once=True)
            return _Failure("401, our credential is refused", final=True, status=status, code=code)
        if breaker.succeeded(period):
            log.event(CIRCUIT_CLOSED, host=host)
        if status == 403:
            return _Failure("403, our credential does not allow it", final=True, status=status, code=code)
        if status in (408, 425, 429):
            return _Failure(said, wait_s=wait_s, status=status, code=code)
        if not response.is_success:
            raise Refused(host, status, code)
        return response

    def _failed(self, breaker: Breaker, host: str, period: int, *, at_once: bool = False) -> None:
        if breaker.failed(period, at_once=at_once):
            log.event(CIRCUIT_OPEN, host=host)


async def _whole(response: httpx.Response) -> httpx.Response:
    """The answer with its body, unpacked: nobody else's server decides how much of our memory it fills.

    An error is what its status says, however long it goes on.
    """
    body = bytearray()
    most = _LONGEST_ANSWER if response.is_success else _LONGEST_ERROR
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > most:
                if response.is_success:
                    raise _TooLong
                break
    finally:
        await response.aclose()
    headers = httpx.Headers(response.headers)
    for of_the_way in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(of_the_way, None)
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


def _code(response: httpx.Response) -> str:
    """The other side's own code of the error, as Meta, Twilio and OpenAI name it; empty where there is none."""
    try:
        answer = response.json() if len(response.content) <= _LONGEST_ERROR else None
    except (ValueError, RecursionError):
        return ""
    said = answer.get("error", answer) if isinstance(answer, dict) else None
    code = said.get("code") if isinstance(said, dict) else None
    told = str(code) if isinstance(code, str | int) and not isinstance(code, bool) and code else ""
    return told if len(told) <= _LONGEST_CODE and told.isprintable() else ""
