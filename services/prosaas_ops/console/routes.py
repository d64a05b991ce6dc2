"""The console's addresses, each led to the function that answers it."""

import asyncio
import re
from collections.abc import AsyncIterator
from importlib.resources import files

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from prosaas_ops import audited
from prosaas_ops.console.guard import COOKIE, Form, Guard, checked, session_of
from prosaas_ops.console.live import Batch
from prosaas_ops.console.pages import Face, wanted_of
from prosaas_ops.console.session import Doorkeeper
from prosaas_ops.console.world import World
from prosaas_ops.options import Problem
from prosaas_ops.screen.page import style
from prosaas_ops.screen.piece import piece
from prosaas_ops.stack.search import Hit, by, search
from prosaas_ops.texts import LANGUAGES
from prosaas_ops.texts import console as texts

PORT = 8090
# The whole of what is the same for everybody, and so is shown to strangers too.
_STATIC = {
    "page.css": "text/css",
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "htmx.LICENSE.txt": "text/plain",
}
_LANGUAGE = "prosaas_language"
# A stream ends and is asked for again by the browser that still shows it: asking is how we know that somebody looks.
_STREAM_SECONDS = 600.0


class _CallSid(Convertor[str]):
    """What may stand for a call in an address; anything else is no page."""

    regex = "CA[0-9A-Za-z]{1,40}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("call", _CallSid())


class Console:
    """The pages of one stack. What blocks is a plain function, which Starlette runs in a thread."""

    def __init__(self, world: World, doorkeeper: Doorkeeper, port: int = PORT) -> None:
        self._world = world
        self._doorkeeper = doorkeeper
        self._port = port

    def app(self) -> ASGIApp:
        routes: list[BaseRoute] = [
            Route("/enter/{key}", self._enter),
            Route("/static/{name}", self._static),
            Route("/", self._home),
            Route("/calls", self._calls),
            Route("/call/{call_sid:call}", self._call),
            Route("/call/{call_sid:call}/story", self._story),
            Route("/call/{call_sid:call}/recorder", self._recorder),
            Route("/live", self._live),
            Route("/live/calls", self._live_calls),
            Route("/live/lines", self._lines),
            Route("/today", self._today),
            Route("/job/{number:int}/retry", checked(self._retry), methods=["POST"]),
            Route("/call/{call_sid:call}/numbers", checked(self._numbers), methods=["POST"]),
            Route("/call/{call_sid:call}/debug", checked(self._debug), methods=["POST"]),
            Route("/call/{call_sid:call}/quiet", checked(self._quiet), methods=["POST"]),
            Route("/capture", checked(self._capture), methods=["POST"]),
            Route("/link", checked(self._link), methods=["POST"]),
        ]
        app = Starlette(routes=routes, exception_handlers={Problem: self._problem})
        return Guard(app, self._doorkeeper, self._stranger)

    # The door

    def _enter(self, request: Request) -> Response:
        """The page that follows is asked for by this one: a cookie that is same-site stays at home after a redirect."""
        face = Face(_language(request))
        cookie = self._doorkeeper.enter(request.path_params["key"])
        if cookie is None:
            return HTMLResponse(face.page("console", face.note(texts.LINK_USED)), 403)
        audited.note("console", "a browser came in by a link")
        response = HTMLResponse(face.page("console", face.note(texts.SIGNED_IN)), headers={"Refresh": "0; url=/"})
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
        return response

    def _stranger(self, request: Request) -> Response:
        face = Face(_language(request))
        headers = {"HX-Refresh": "true"} if "hx-request" in request.headers else {}
        return HTMLResponse(face.page("console", face.note(texts.STRANGER)), 401, headers)

    def _link(self, request: Request, form: Form) -> Response:
        self._noted(request, "made a link")
        link = link_to(self._port, self._doorkeeper.link())
        return HTMLResponse(f'<p class="key">{_face(request).say(texts.LINK_IS, link=link)}</p>')

    def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return Response("no such file", 404)
        folder = files("prosaas_ops.console").joinpath("static")
        body = style() if name == "page.css" else folder.joinpath(name).read_text(encoding="utf-8")
        return Response(body, media_type=f"{_STATIC[name]}; charset=utf-8")

    def _problem(self, request: Request, problem: Exception) -> Response:
        face = _face(request)
        note = face.note(texts.PROBLEM, what=str(problem))
        return HTMLResponse(note if "hx-request" in request.headers else face.page("console", note), 502)

    def _noted(self, request: Request, what: str, of: str = "") -> None:
        """Carried into the database by the next command, or by `serve` meanwhile."""
        session = session_of(request)
        session.noted.add((what, of))
        audited.note("console", f"{session.name} {what} {of}".strip())

    def _noted_once(self, request: Request, what: str, of: str) -> None:
        """What a page asks for by itself is noted with the page; without one, here."""
        if (what, of) not in session_of(request).noted:
            self._noted(request, what, of)

    # What is looked at

    def _home(self, request: Request) -> Response:
        language = request.query_params.get("language")
        if language in LANGUAGES:
            response: Response = RedirectResponse("/", 303)
            response.set_cookie(_LANGUAGE, language, httponly=True, samesite="strict", path="/")
            return response
        typed = request.query_params.get("q", "")
        return HTMLResponse(_face(request).home(typed, self._sought(request, typed)))

    def _calls(self, request: Request) -> Response:
        return HTMLResponse(_face(request).found(self._sought(request, request.query_params.get("q", ""))))

    def _sought(self, request: Request, typed: str) -> list[Hit]:
        """Whoever is shown to somebody was looked at; what finds nobody, a word half typed, is no row."""
        hits = search(typed)
        if hits:
            self._noted(request, "saw calls by", by(typed))
        return hits

    def _call(self, request: Request) -> Response:
        face, call_sid = _face(request), request.path_params["call_sid"]
        story = self._world.story(call_sid)
        if story is None:
            return HTMLResponse(face.page("console", face.note(texts.NO_SUCH_CALL, call=call_sid)), 404)
        self._noted(request, "read the story of", call_sid)
        left = self._world.debug_left(call_sid) if story.live is not False else None
        return HTMLResponse(face.call(story, left))

    def _story(self, request: Request) -> Response:
        """The part of the page that grows; a call that has ended is shown anew, as what it is now."""
        call_sid = request.path_params["call_sid"]
        story = self._world.story(call_sid)
        if story is None or story.live is False:
            return Response(status_code=204, headers={"HX-Refresh": "true"})
        self._noted_once(request, "read the story of", call_sid)
        return HTMLResponse(_face(request).story(story))

    def _recorder(self, request: Request) -> Response:
        call_sid = request.path_params["call_sid"]
        self._noted(request, "read the recorder of", call_sid)
        return HTMLResponse(_face(request).recorder(call_sid, self._world.recordings(call_sid)))

    def _live(self, request: Request) -> Response:
        wanted = wanted_of(request.query_params)
        self._noted(request, "followed lines", wanted.call_sid)
        return HTMLResponse(_face(request).live(wanted, self._world.live()))

    def _today(self, request: Request) -> Response:
        return HTMLResponse(_face(request).today(self._world.day(), self._world.alerts(), self._world.at_work()))

    def _live_calls(self, request: Request) -> Response:
        return HTMLResponse(_face(request).live_calls(self._world.live()))

    async def _lines(self, request: Request) -> Response:
        """Lines as server-sent events: the id is the viewer's place, by which the browser goes on after a break."""
        wanted = wanted_of(request.query_params)
        self._noted_once(request, "followed lines", wanted.call_sid)
        last = request.headers.get("last-event-id") or request.query_params.get("after", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 16 else None
        face = _face(request)
        self._world.tail.start()

        async def stream() -> AsyncIterator[str]:
            until = asyncio.get_running_loop().time() + _STREAM_SECONDS
            told = ""
            yield "retry: 1000\n\n"
            async for batch in self._world.tail.batches(wanted, after):
                if (trouble := self._world.tail.trouble) != told:
                    told = trouble
                    # The page shows it as text, not as elements.
                    words = texts.PROBLEM.say(face.language, what=piece(trouble)) if trouble else ""
                    yield _event(batch.last, words, "trouble")
                yield self._batch(face, batch)
                if asyncio.get_running_loop().time() > until:
                    return

        return StreamingResponse(stream(), media_type="text/event-stream")

    def _batch(self, face: Face, batch: Batch) -> str:
        masked = Batch(batch.last, [self._world.masked(line) for line in batch.lines], batch.hidden, batch.lost)
        return _event(batch.last, face.rows(masked))

    # What is done

    def _numbers(self, request: Request, form: Form) -> Response:
        call_sid = request.path_params["call_sid"]
        self._noted(request, "saw whole numbers", call_sid)
        numbers = self._world.numbers(call_sid)
        face = _face(request)
        return HTMLResponse(face.numbers(numbers) if numbers else face.say(texts.NO_SUCH_CALL, call=call_sid))

    def _debug(self, request: Request, form: Form) -> Response:
        call_sid = request.path_params["call_sid"]
        if not any(call.call_sid == call_sid for call in self._world.live() or []):
            return HTMLResponse(_face(request).note(texts.NOT_LIVE))
        self._noted(request, "raised to DEBUG", call_sid)
        self._world.raise_debug(call_sid)
        return HTMLResponse(_face(request).switch(call_sid, self._world.debug_left(call_sid)))

    def _quiet(self, request: Request, form: Form) -> Response:
        call_sid = request.path_params["call_sid"]
        self._noted(request, "took DEBUG back", call_sid)
        self._world.lower_debug(call_sid)
        return HTMLResponse(_face(request).switch(call_sid, self._world.debug_left(call_sid)))

    def _retry(self, request: Request, form: Form) -> Response:
        number = request.path_params["number"]
        self._noted(request, "put a job back", f"job {number}")
        said = self._world.retry(number)
        return HTMLResponse(_face(request).held(self._world.held(), said))

    def _capture(self, request: Request, form: Form) -> Response:
        call_sid = form.get("call", "")
        if call_sid and not re.fullmatch(_CallSid.regex, call_sid):
            return Response("no call", 404)
        self._noted(request, "took a capture", call_sid or "the stack")
        name, body = self._world.capture(call_sid)
        return Response(
            body, media_type="application/gzip", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )


def _event(place: int, data: str, name: str = "") -> str:
    """One server-sent event: a line break would end it, and data has none that matters."""
    rows = "".join(f"data: {row}\n" for row in data.splitlines()) or "data:\n"
    return f"id: {place}\n{f'event: {name}' + chr(10) if name else ''}{rows}\n"


def _language(request: Request) -> str:
    chosen = request.cookies.get(_LANGUAGE, "")
    if chosen in LANGUAGES:
        return chosen
    return "he" if request.headers.get("accept-language", "").startswith("he") else "en"


def _face(request: Request) -> Face:
    return Face(_language(request), session_of(request))


def link_to(port: int, key: str) -> str:
    return f"http://127.0.0.1:{port}/enter/{key}"
