"""What a stranger, a used link, a foreign page and an ended session may not do, and what is said to the browser."""

import html
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from prosaas_core.facts.call import CallFacts
from prosaas_ops import audited
from prosaas_ops.console import routes
from prosaas_ops.console.live import Batch
from prosaas_ops.console.routes import Console
from prosaas_ops.console.session import IDLE_SECONDS, Doorkeeper
from prosaas_ops.console.world import Numbers, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.day import Day, HeldJob
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.search import Hit
from prosaas_ops.stories.call import Story
from prosaas_ops.stories.moment import Entry

CALL = "CA0123456789abcdef0123456789abcdef"
BAD = "<script>alert(1)</script>\u202e\x1b[2J\"'"
HOST = "http://127.0.0.1:8090"


class PlayedWorld:
    """What the pages ask; each answer is as hostile as it can be."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.left = 0.0
        entries = [Entry(100.0, "prosaas-calls", "error", "ERROR", "TOOL_FAILED", BAD, stack=[BAD])]
        self.story_told: Story | None = Story(CALL, entries, None, 100.0, live=True)

    def story(self, call_sid: str) -> Story | None:
        return self.story_told if call_sid == CALL else None

    def live(self) -> list[LiveCall]:
        return [LiveCall(CALL, BAD, BAD)]

    def numbers(self, call_sid: str) -> Numbers | None:
        return Numbers("+972501234567", BAD)

    def debug_left(self, call_sid: str) -> float:
        return self.left

    def raise_debug(self, call_sid: str) -> None:
        self.done.append(("debug", call_sid))
        self.left = 900.0

    def lower_debug(self, call_sid: str) -> None:
        self.done.append(("quiet", call_sid))
        self.left = 0.0

    def recordings(self, call_sid: str) -> list[Any]:
        raise Problem(f"the engine is away {BAD}")

    def day(self) -> Day:
        now = datetime.now(UTC)
        told = Day(now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23))
        told.endings[told.hours[3]][BAD] = 7
        told.messages, told.held = [(BAD, BAD, 1)], self.held()
        return told

    def alerts(self) -> list[str]:
        return [BAD]

    def at_work(self) -> str:
        return BAD

    def held(self) -> list[HeldJob]:
        return [HeldJob(7, BAD, datetime.now(UTC))]

    def retry(self, job: int) -> str:
        self.done.append(("retry", str(job)))
        return BAD

    def capture(self, call_sid: str) -> tuple[str, bytes]:
        return "capture.tar.gz", b"bytes"


@pytest.fixture
def world() -> PlayedWorld:
    return PlayedWorld()


@pytest.fixture
def door() -> Doorkeeper:
    return Doorkeeper()


@pytest.fixture
def stranger(world: PlayedWorld, door: Doorkeeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TestClient:
    monkeypatch.chdir(tmp_path)
    hit = Hit(CallFacts(CALL, end_reason=BAD), datetime.now(UTC), 9.0, "+972501234567", BAD, 1)
    monkeypatch.setattr(routes, "search", lambda typed: [hit])
    app = Console(world, door).app()  # type: ignore[arg-type]
    return TestClient(app, base_url=HOST, follow_redirects=False)


@pytest.fixture
def viewer(stranger: TestClient, door: Doorkeeper) -> TestClient:
    assert stranger.get(f"/enter/{door.link()}").status_code == 200
    return stranger


def token(viewer: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', viewer.get("/").text)
    assert found
    return found[1]


def addresses(method: str) -> list[str]:
    app = Console(PlayedWorld(), Doorkeeper()).app()  # type: ignore[arg-type]
    found = [route for route in app._inner.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    paths = [route.path for route in found if method in (route.methods or ())]
    return [path.replace("{call_sid:call}", CALL).replace("{number:int}", "7") for path in paths]


LOOKS = [path for path in addresses("GET") if not path.startswith(("/enter", "/static"))]
ACTS = addresses("POST")


def test_every_address_is_tried_here() -> None:
    assert "/call/" + CALL in LOOKS
    assert "/call/" + CALL + "/debug" in ACTS


@pytest.mark.parametrize("path", LOOKS)
def test_a_stranger_sees_no_page(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert CALL not in answer.text
    assert "make console" in answer.text


@pytest.mark.parametrize("path", ACTS)
def test_a_stranger_does_nothing(stranger: TestClient, world: PlayedWorld, path: str) -> None:
    assert stranger.post(path, data={"token": "x"}).status_code == 401
    assert world.done == []


def test_a_used_link_and_a_guess_let_nobody_in(stranger: TestClient, door: Doorkeeper) -> None:
    key = door.link()
    cookie = stranger.get(f"/enter/{key}").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    stranger.cookies.clear()
    for used in (key, "guess"):
        answer = stranger.get(f"/enter/{used}")
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("other", ['prefs={"a":1}', "theme=dark mode, x", "long=" + "x" * 5000])
def test_what_other_programs_of_this_machine_left_in_the_browser_locks_nobody_out(
    viewer: TestClient, other: str
) -> None:
    """A cookie is sent to every port of its host."""
    ours = f"{routes.COOKIE}={viewer.cookies[routes.COOKIE]}"
    viewer.cookies.clear()
    assert viewer.get("/", headers={"Cookie": f"{other}; {ours}"}).status_code == 200


def test_an_ended_session_is_a_strangers(viewer: TestClient, door: Doorkeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    assert viewer.get("/").status_code == 200
    later = time.monotonic() + IDLE_SECONDS + 1
    monkeypatch.setattr(door, "_now", lambda: later)
    assert viewer.get("/").status_code == 401
    assert viewer.get("/calls", headers={"HX-Request": "true"}).headers["hx-refresh"] == "true"


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": "somebody else's"}])
def test_a_form_without_its_sessions_token_does_nothing(
    viewer: TestClient, world: PlayedWorld, path: str, form: dict[str, str]
) -> None:
    assert viewer.post(path, data=form).status_code == 403
    assert world.done == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_of_another_site_does_nothing(viewer: TestClient, world: PlayedWorld, site: str) -> None:
    headers = {"Sec-Fetch-Site": site}
    answer = viewer.post(f"/call/{CALL}/debug", data={"token": token(viewer)}, headers=headers)
    assert (answer.status_code, world.done) == (403, [])


@pytest.mark.parametrize("body", [b"token=" + b"x" * 5000, b"\xff\xfe", b"&".join([b"a=1"] * 30)])
def test_a_form_is_small_and_plain(viewer: TestClient, body: bytes) -> None:
    assert viewer.post("/link", content=body).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8090", ""])
def test_another_name_for_this_machine_is_refused(viewer: TestClient, host: str) -> None:
    assert viewer.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost:9999"])
def test_an_ssh_tunnel_may_have_another_port(viewer: TestClient, host: str) -> None:
    assert viewer.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", f"/call/{CALL}", "/nowhere", "/static/page.css", "/enter/x", "/live"])
def test_every_answer_tells_the_browser_to_trust_nothing_else(viewer: TestClient, path: str) -> None:
    headers = viewer.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", f"/call/{CALL}", "/live", "/live/calls", "/today", f"/call/{CALL}/story"])
@pytest.mark.parametrize("language", ["en", "he"])
def test_what_comes_from_outside_is_escaped(viewer: TestClient, path: str, language: str) -> None:
    viewer.get("/", params={"language": language})
    text = viewer.get(path).text
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "+972501234567" not in text


def test_a_title_is_plain_words(viewer: TestClient) -> None:
    assert f"<title>story of call {CALL} · ProSaaS</title>" in viewer.get(f"/call/{CALL}").text


@pytest.mark.parametrize("name", ["x", "%2e%2e%2fserver.py", "server.py"])
def test_only_the_consoles_own_files_are_served(stranger: TestClient, name: str) -> None:
    assert stranger.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("call", ["x", "CA", "CA1'--", "CA" + "1" * 50, "CA%00"])
def test_what_is_no_call_is_no_page(viewer: TestClient, call: str) -> None:
    assert viewer.get(f"/call/{call}").status_code == 404


def test_whole_numbers_are_shown_when_asked_for_and_it_is_noted(viewer: TestClient) -> None:
    answer = viewer.post(f"/call/{CALL}/numbers", data={"token": token(viewer)})
    assert "+972501234567" in answer.text
    assert f"viewer 1 saw whole numbers {CALL}" in [entry.target for entry in audited.on_this_machine()]


def test_who_came_in_and_what_was_read_is_noted(viewer: TestClient) -> None:
    for path in (f"/call/{CALL}", f"/live?call={CALL}", "/calls?q=dana"):
        viewer.get(path)
    assert [entry.target for entry in reversed(audited.on_this_machine())] == [
        "a browser came in by a link", f"viewer 1 read the story of {CALL}", f"viewer 1 followed lines {CALL}",
        "viewer 1 saw calls by a name",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "by"), [("", "their time"), ("+972501234567", "a number"), ("CA01", "an id"), ("Dana", "a name")]
)
def test_how_calls_were_sought_is_noted_and_not_who(viewer: TestClient, typed: str, by: str) -> None:
    """Nobody can be taken out of the audit again."""
    viewer.get("/", params={"q": typed})
    assert audited.on_this_machine()[0].target == f"viewer 1 saw calls by {by}"


def test_a_search_that_shows_nobody_is_no_row(viewer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "search", lambda typed: [])
    viewer.get("/calls?q=dan")
    assert len(audited.on_this_machine()) == 1


def test_what_pages_ask_for_by_themselves_is_noted_where_nobody_opened_the_page(viewer: TestClient) -> None:
    for path in (f"/call/{CALL}/story", f"/call/{CALL}/story", f"/call/{CALL}", f"/call/{CALL}/story"):
        viewer.get(path)
    assert [entry.target for entry in audited.on_this_machine()].count(f"viewer 1 read the story of {CALL}") == 2


def test_debug_goes_on_for_a_live_call_and_off_again(viewer: TestClient, world: PlayedWorld) -> None:
    form = {"token": token(viewer)}
    on = viewer.post(f"/call/{CALL}/debug", data=form).text
    assert 'data-left="900"' in on
    assert f"/call/{CALL}/quiet" in on
    assert f"/call/{CALL}/debug" in viewer.post(f"/call/{CALL}/quiet", data=form).text
    assert world.done == [("debug", CALL), ("quiet", CALL)]


def test_a_held_job_is_put_back(viewer: TestClient, world: PlayedWorld) -> None:
    text = viewer.post("/job/7/retry", data={"token": token(viewer)}).text
    assert "/job/7/retry" in text
    assert "<script>alert" not in text
    assert world.done == [("retry", "7")]


def test_a_call_that_has_ended_is_not_switched(viewer: TestClient, world: PlayedWorld) -> None:
    other = "CAffff"
    assert "has ended" in viewer.post(f"/call/{other}/debug", data={"token": token(viewer)}).text
    assert world.done == []


def test_the_story_of_a_call_that_has_ended_is_asked_for_as_a_whole(viewer: TestClient, world: PlayedWorld) -> None:
    assert world.story_told
    assert viewer.get(f"/call/{CALL}/story").status_code == 200
    world.story_told.live = False
    assert viewer.get(f"/call/{CALL}/story").headers["hx-refresh"] == "true"


def test_a_world_that_does_not_answer_is_said_so(viewer: TestClient) -> None:
    answer = viewer.get(f"/call/{CALL}/recorder")
    assert answer.status_code == 502
    assert "the engine is away" in answer.text
    assert "<script>alert" not in answer.text


def test_the_recorder_is_one_of_the_real_worlds() -> None:
    """The played world has the real one's names."""
    assert {name for name in vars(PlayedWorld) if not name.startswith("_")} <= set(dir(World))


def test_somebody_else_gets_a_link_of_their_own(viewer: TestClient) -> None:
    found = re.search(r"/enter/([\w-]+)", viewer.post("/link", data={"token": token(viewer)}).text)
    assert found
    viewer.cookies.clear()
    assert viewer.get(f"/enter/{found[1]}").status_code == 200


@pytest.mark.parametrize("path", ["/", f"/call/{CALL}", "/live", "/today"])
def test_the_other_language_can_be_had_from_every_page(viewer: TestClient, path: str) -> None:
    (link,) = re.findall(r'href="([^"]*language=he)"', viewer.get(path).text)
    viewer.get(urljoin(f"{HOST}{path}", html.unescape(link)), follow_redirects=True)
    assert 'lang="he" dir="rtl"' in viewer.get(path).text


def test_why_no_lines_come_is_told_as_plain_words(viewer: TestClient, world: PlayedWorld) -> None:
    """The page puts it where no element may stand."""

    class Tail:
        trouble = "the engine is away"

        def start(self) -> None:
            pass

        async def batches(self, *_: object) -> AsyncIterator[Batch]:
            yield Batch(1, ())

    world.tail = Tail()  # type: ignore[attr-defined]
    told = viewer.get("/live/lines").text.partition("event: trouble\n")[2].splitlines()[0]
    assert "the engine is away" in told
    assert "<" not in told


def test_a_browser_that_prefers_hebrew_reads_it_from_right_to_left(stranger: TestClient) -> None:
    assert 'lang="he" dir="rtl"' in stranger.get("/", headers={"Accept-Language": "he-IL,he;q=0.9"}).text
