"""Checks each request body before it is parsed: who sends it, how long it is, and how long it takes to come.

What runs behind it may be run again with the same body: where Postgres had two transactions wait for each other, and
where it is away for a moment and the sender tells a thing once. That one's time counts from the head of its request,
what the front door took to find us with it; an attempt that is under way when it is over is cut short. Whoever hangs up
meanwhile, as the front door does to ask once more, is tried for no further.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prosaas_api import bodies
from prosaas_api.patience import ABORT
from prosaas_api.problems import Problem, problem_response
from prosaas_api.request_scope import header, waited_s
from prosaas_api.rest import keys
from prosaas_core.database import DatabaseUnavailable, is_race
from prosaas_logging import get_logger
from prosaas_logging.catalogue import DB_UNAVAILABLE, SIGNATURE_REJECTED

# A body that is honest is here at once.
BODY_S = 10.0
# What is being read, of all who have not shown yet who they are: the oldest leaves first.
MAX_READERS = 500
MAX_HELD = 32 * 1024 * 1024
# What has been read and waits for its place, of all keys.
MAX_KEPT = 32 * 1024 * 1024
ATTEMPTS = 3
RETRY_AFTER_S = "5"
# Twilio waits 15 s, and does not come again for a 5xx; to give back the connection of an attempt that is cut short
# takes up to 2 s more.
TOLD_ONCE_S = 12.0
# About so long, each a little longer or shorter: what failed together does not come back together.
PAUSE_S = 0.5
# A server waits for who takes an answer between two parts of it, and with the last one for nobody.
PART = 16 * 1024
# Whoever takes nothing for so long is gone, or means harm; their key's turn is for somebody else.
TAKEN_S = 30.0
# Requests that have failed and are tried again, with their bodies; who fails after these is told so at once.
MAX_AGAIN = 100

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends to this path, what they must show, and how many bytes they may send."""

    name: str
    path: str
    proof: bytes
    limit: int
    told_once: bool = False


SOURCES = (
    Source("meta", "/whatsapp/meta", b"x-hub-signature-256", 3 * 1024 * 1024),
    Source("twilio", "/whatsapp/twilio", b"x-twilio-signature", 64 * 1024, told_once=True),
    Source("twilio", "/twilio/", b"x-twilio-signature", 64 * 1024, told_once=True),
    # The largest legal body: instructions of 20,000 characters, each of which JSON may spell in twelve bytes.
    Source("rest", "/v1/", b"authorization", 256 * 1024),
)


class BrokenOff(Exception):
    """Whoever sent this is gone: there is nobody to answer."""


class Intake:
    """Refuses early, reads within its limits, and hands on a request whose body is there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reading: dict[asyncio.Timeout, int] = {}
        self._held = 0
        self._kept = 0
        self._again = 0

    async def __call__(self, conn: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal here; it closes the connection, for the rest of its body is not wanted."""
        source = _source(conn["path"]) if conn["type"] == "http" else None
        if source is None:
            await self._app(conn, receive, send)
            return
        try:
            if source.name == "rest":
                async with keys.admitted(conn) as place:
                    await self._take(source, conn, receive, send, place)
            else:
                if conn["method"] == "POST" and header(conn, source.proof) is None:
                    log.event(SIGNATURE_REJECTED, source=source.name, reason="no signature")
                    raise Problem(403, "the signature is missing or does not match")
                await self._take(source, conn, receive, send, nullcontext())
        except BrokenOff:
            bodies.rejected(source.name, 400, "broken off")
        except HTTPException as error:
            headers = {**(error.headers or {}), "Connection": "close"}
            await problem_response(error.status_code, error.detail, headers=headers)(conn, receive, send)
        except DatabaseUnavailable as error:
            log.event(DB_UNAVAILABLE, error=str(error))
            headers = {"Retry-After": RETRY_AFTER_S}
            await problem_response(503, "the database is away", headers=headers)(conn, receive, send)

    async def _take(
        self, source: Source, conn: Scope, receive: Receive, send: Send, place: AbstractAsyncContextManager[None]
    ) -> None:
        """Read it, and run it in its place until it has been answered or has failed for good.

        Whoever is slow to take the answer has the place no longer, and is waited for: nothing is piled up for them.
        """
        now = asyncio.get_running_loop().time()
        until = now + TOLD_ONCE_S - waited_s(conn) if source.told_once else None
        body = await self._read(source, conn, receive)
        async with AsyncExitStack() as held:
            with self._keeping(body):
                await held.enter_async_context(place)

            async def answer(message: Message) -> None:
                await held.aclose()
                for part in _parts(message):
                    try:
                        async with asyncio.timeout(TAKEN_S):
                            await send(part)
                    except TimeoutError:
                        log.debug("whoever asked does not take the answer: no more of it")
                        conn[ABORT]()
                        await receive()
                        return

            await self._run(conn, body, receive, answer, until)

    @contextmanager
    def _keeping(self, body: bytes) -> Iterator[None]:
        if self._kept + len(body) > MAX_KEPT:
            raise Problem(503, "too busy, try again", headers={"Retry-After": RETRY_AFTER_S})
        self._kept += len(body)
        try:
            yield
        finally:
            self._kept -= len(body)

    async def _run(self, conn: Scope, body: bytes, receive: Receive, send: Send, until: float | None) -> None:
        """Run it until it is answered, fails for good, or its sender is gone, or has waited long enough.

        Raises DatabaseUnavailable; then nothing was answered, and the last attempt was committed whole or not at all.
        """
        now = asyncio.get_running_loop().time
        started, again, lost = False, False, 0

        async def attempt() -> None:
            patience = asyncio.timeout_at(until)

            async def answer(message: Message) -> None:
                nonlocal started
                # Whoever answers is let finish, also where the cut went astray on its way there.
                if not (started or patience.expired()):
                    patience.reschedule(None)
                started = True
                await send(message)

            try:
                async with patience:
                    await self._app(conn, _given(body, receive), answer)
            except TimeoutError as error:
                if not patience.expired():
                    raise
                raise DatabaseUnavailable("no answer in time") from error

        try:
            while True:
                try:
                    await attempt()
                    return
                except DatabaseUnavailable as error:
                    if started:
                        raise RuntimeError("the database went away after the answer had begun") from error
                    pause_s = PAUSE_S * random.uniform(0.5, 1.5)
                    if until is None or now() + pause_s >= until:
                        raise
                    if not again:
                        if self._again >= MAX_AGAIN:
                            raise
                        self._again += 1
                        again = True
                    log.debug("the database is away: once more", error=str(error))
                    if await _hangs_up(receive, pause_s):
                        log.debug("whoever sent it is gone: no more of it")
                        return
                except Exception as error:
                    if started or not is_race(error):
                        raise
                    lost += 1
                    if lost == ATTEMPTS:
                        raise Problem(503, "too busy, try again", headers={"Retry-After": RETRY_AFTER_S}) from error
                    log.debug("a race in the database: once more", lost=lost)
        finally:
            self._again -= again

    async def _read(self, source: Source, conn: Scope, receive: Receive) -> bytes:
        """The whole body; 413 before more than its limit is held, 408 when it does not come to an end."""
        declared = header(conn, b"content-length") or "0"
        if declared.isdigit() and (len(declared) > 12 or int(declared) > source.limit):
            raise bodies.rejected(source.name, 413, f"more than {source.limit} bytes")
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S) as patience:
                try:
                    self._reading[patience] = 0
                    if len(self._reading) > MAX_READERS:
                        self._dismiss()
                    while True:
                        message = await receive()
                        if message["type"] == "http.disconnect":
                            raise BrokenOff
                        chunk = message.get("body", b"")
                        body += chunk
                        if len(body) > source.limit:
                            raise bodies.rejected(source.name, 413, f"more than {source.limit} bytes")
                        if not message.get("more_body", False):
                            return bytes(body)
                        self._reading[patience] = len(body)
                        self._held += len(chunk)
                        if self._held > MAX_HELD:
                            self._dismiss()
                finally:
                    self._held -= self._reading.pop(patience, 0)
        except TimeoutError:
            raise bodies.rejected(source.name, 408, "the body did not come to its end") from None

    def _dismiss(self) -> None:
        oldest = next(iter(self._reading))
        self._held -= self._reading.pop(oldest)
        oldest.reschedule(0)


def _source(path: str) -> Source | None:
    for source in SOURCES:
        if path.startswith(source.path):
            return source
    return None


def _parts(message: Message) -> Iterator[Message]:
    body = message.get("body", b"")
    if len(body) <= PART:
        yield message
        return
    for start in range(0, len(body), PART):
        yield {**message, "body": body[start : start + PART], "more_body": True}
    yield {**message, "body": b""}


async def _hangs_up(receive: Receive, within_s: float) -> bool:
    """Wait for so long, or until whoever has sent a whole body is gone: they have nothing else left to say."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await receive()
            return True
    return False


def _given(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
