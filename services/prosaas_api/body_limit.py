"""No request body grows beyond its limit in memory, whichever handler reads it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prosaas_api.bodies import rejected

MAX_BODY = 1024 * 1024
# Webhooks bring their own limit, with the name of their source.
OWN_LIMIT = ("/twilio/", "/whatsapp/")


class BodyLimit:
    """Counts what comes in, and refuses with 413 once it is too much."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, conn: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a receive that counts."""
        if conn["type"] != "http" or conn["path"].startswith(OWN_LIMIT):
            await self._app(conn, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise rejected("rest", 413, f"more than {MAX_BODY} bytes")
            return message

        await self._app(conn, counted, send)
