"""The console in a browser: the path of a complaint by keyboard, a live call to its end, DEBUG and its end."""

import asyncio
import json
import socket
import tarfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from browser_world.console import ENDED, HOSTILE, LIVE, PlayedEngine, console
from browser_world.looks import barriers, nu_complaints, too_wide
from clocks import Clock
from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.endings import ENDINGS, EndReason
from prosaas_core.facts.troubles import opening
from prosaas_ops.console.session import Doorkeeper

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOOKS = [(1400, "light", "en"), (390, "dark", "he")]
EVERY_LOOK = pytest.mark.parametrize(
    "desk",
    [*LOOKS, (390, "light", "en"), (1400, "dark", "he")],
    indirect=True,
    ids=lambda look: "-".join(map(str, look)),
)
WORDS = {
    "model": ENDINGS[EndReason.MODEL_UNREACHABLE],
    "ended": ENDINGS[EndReason.CUSTOMER_HANGUP],
}


@dataclass
class Desk:
    """Somebody at the console, and the stack behind it."""

    page: Page
    engine: PlayedEngine
    url: str
    door: Doorkeeper
    language: str
    errors: list[str]

    def says(self, what: str) -> str:
        if what == "live":
            return opening(CallFacts(LIVE, live=True), self.language)
        return str(getattr(WORDS[what], self.language))

    async def press_to(self, selector: str) -> None:
        """Tab on until the element has the focus, as somebody without a mouse does."""
        for _ in range(60):
            if await self.page.locator(selector).first.evaluate("one => one === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")


async def newcomer(browser: Browser, width: int, scheme: str, language: str) -> BrowserContext:
    locale = {"en": "en-US", "he": "he-IL"}[language]
    return await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale=locale,
    )


@pytest_asyncio.fixture(loop_scope="session", params=LOOKS, ids=lambda look: "-".join(map(str, look)))
async def desk(
    browser: Browser, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: Any
) -> AsyncIterator[Desk]:
    width, scheme, language = request.param
    async with console(database_url, monkeypatch, tmp_path) as (engine, url, door):
        context = await newcomer(browser, width, scheme, language)
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        await page.goto(f"{url}/enter/{door.link()}")
        await page.wait_for_url(f"{url}/")
        yield Desk(page, engine, url, door, language, errors)
        await context.close()
        assert errors == []


@EVERY_LOOK
async def test_a_complaint_from_the_number_to_the_whole_story_by_keyboard(desk: Desk) -> None:
    """Type the number, see the call and what went wrong, open it, read it, ask for the whole number."""
    await desk.page.keyboard.type("050-123 45 67")
    rows = desk.page.locator("#found tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("…4567")
    await expect(rows).to_contain_text("2.4 s")
    await expect(rows).to_contain_text(desk.says("model"))
    await desk.press_to("#found tbody a")
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_url(f"{desk.url}/call/{ENDED}")
    story = desk.page.locator("#main")
    await expect(story).to_contain_text(desk.says("model"))
    await expect(story).to_contain_text("התחבר ל-OpenAI")
    await expect(story).to_contain_text("במה אפשר לעזור?")
    await expect(story).not_to_contain_text("4580 4580")
    await expect(story).not_to_contain_text("972501234567")
    await desk.press_to(f'form[action="/call/{ENDED}/numbers"] button')
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator("#numbers")).to_contain_text("+972501234567")


async def test_a_live_call_is_watched_to_its_end(desk: Desk) -> None:
    """The story grows by itself, what was chosen and focused stays, and the end is shown as an end."""
    await desk.page.goto(f"{desk.url}/call/{LIVE}")
    await expect(desk.page.locator("#story")).to_contain_text(desk.says("live"))
    await desk.press_to("#k-model")
    await desk.page.keyboard.press("Space")
    await expect(desk.page.locator("tr.k-model")).to_be_hidden()
    desk.engine.say("prosaas-calls", f'[INFO] 💬 [TRANSCRIPT] לקוח: "אני שומע אותך?" · call_sid={LIVE}')
    await expect(desk.page.locator("#story")).to_contain_text("אני שומע אותך?")
    await expect(desk.page.locator("#k-model")).not_to_be_checked()
    await expect(desk.page.locator("#k-model")).to_be_focused()
    desk.engine.live.clear()
    desk.engine.say("prosaas-calls", f"[INFO] 🔚 [CALL_END] משך=9s, סיבה=customer_hangup · call_sid={LIVE}")
    await expect(desk.page.locator("#main")).to_contain_text(desk.says("ended"))
    await expect(desk.page.locator("#story")).not_to_have_attribute("data-hx-get", f"/call/{LIVE}/story")


async def test_debug_goes_on_for_one_call_and_is_taken_back(desk: Desk) -> None:
    await desk.page.goto(f"{desk.url}/call/{LIVE}")
    await desk.press_to("#switch button")
    await desk.page.keyboard.press("Enter")
    clock = desk.page.locator("#switch [data-left]")
    await expect(clock).to_have_text("14:58", timeout=5000)
    assert list(desk.engine.debug) == [LIVE]
    assert ("prosaas-calls", "logctl", "level", "DEBUG", "--call", LIVE, "--for", "900s") in desk.engine.executed
    await desk.press_to("#switch button")
    await desk.page.keyboard.press("Enter")
    await expect(clock).to_have_count(0)
    assert desk.engine.debug == {}


async def test_lines_come_as_they_are_written_are_filtered_and_wait_for_who_pauses(desk: Desk) -> None:
    await desk.page.goto(f"{desk.url}/live")
    rows = desk.page.locator("#rows tr")
    await until(lambda: bool(desk.engine.sinks["worker"]))
    desk.engine.say("worker", "[INFO] ✅ [JOB_DONE] first")
    await expect(rows).to_have_count(1)
    await desk.press_to("#pause")
    await desk.page.keyboard.press("Space")
    await expect(desk.page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    for number in range(5):
        desk.engine.say("worker", f"[INFO] ✅ [JOB_DONE] while paused {number}")
    await asyncio.sleep(0.5)
    assert await rows.count() == 1
    await desk.page.keyboard.press("Space")
    await expect(rows).to_have_count(6)
    await desk.page.locator("[name=text]").fill("PAUSED 3")
    await expect(rows).to_have_count(1)
    desk.engine.say("worker", f"[WARNING] ⚠️ [JOB_RETRY] paused 3 {HOSTILE}")
    await expect(rows).to_have_count(2)
    await expect(rows.last).to_contain_text(HOSTILE)
    await desk.page.locator("[name=level]").select_option("WARNING")
    await expect(rows).to_have_count(1)
    assert await desk.page.title() != "pwned"


async def test_a_line_is_on_the_page_soon_after_it_was_written(desk: Desk) -> None:
    await desk.page.goto(f"{desk.url}/live")
    await until(lambda: bool(desk.engine.sinks["worker"]))
    took = []
    for number in range(5):
        began = time.monotonic()
        desk.engine.say("worker", f"[INFO] ✅ [JOB_DONE] number {number}!")
        await desk.page.get_by_text(f"number {number}!").wait_for(state="attached")
        took.append(time.monotonic() - began)
    assert min(took) < 0.3, took


async def test_a_flood_is_cut_and_what_is_hidden_is_told(desk: Desk) -> None:
    await desk.page.goto(f"{desk.url}/live")
    await until(lambda: bool(desk.engine.sinks["worker"]))
    # A viewer who comes in the middle of a flood begins with its last lines; this one was there before.
    desk.engine.say("worker", "[DEBUG] [RMS] rms=before")
    await desk.page.get_by_text("rms=before").wait_for(state="attached")
    for number in range(399):
        desk.engine.say("worker", f"[DEBUG] [RMS] rms={number}")
    notes, rows = desk.page.locator("#rows td[colspan]"), desk.page.locator("#rows tr:has(td.n)")
    shown = told = 0
    async with asyncio.timeout(10):
        while shown + told < 400:
            texts = await notes.all_text_contents()
            shown, told = await rows.count(), sum(int("".join(filter(str.isdigit, text))) for text in texts)
    assert shown + told == 400
    assert 50 <= shown < 250


async def test_the_recorder_and_a_capture_of_the_call(desk: Desk, tmp_path: Path) -> None:
    frame = {"timestamp": "2026-01-25T14:00:00Z", "severity": "DEBUG", "event": "RMS", "message": f"rms=3 {HOSTILE}"}
    head = {"blackbox": LIVE, "kind": "call", "records": 1, "reason": "asked for"}
    desk.engine.box = f"{json.dumps(head)}\n{json.dumps(frame)}"
    await desk.page.goto(f"{desk.url}/call/{LIVE}/recorder")
    await expect(desk.page.locator("#main")).to_contain_text("rms=3")
    await desk.page.goto(f"{desk.url}/call/{ENDED}")
    async with desk.page.expect_download() as download:
        await desk.page.locator('form[action="/capture"] button').click()
    await (await download.value).save_as(tmp_path / "capture.tar.gz")
    with tarfile.open(tmp_path / "capture.tar.gz") as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}
    assert names == {"README.txt", "containers.jsonl", "events.jsonl", "timeline.html"}


@EVERY_LOOK
async def test_every_page_is_valid_without_barriers_and_as_wide_as_its_screen(desk: Desk, tmp_path: Path) -> None:
    files = []
    for number, path in enumerate(
        ("/", f"/call/{ENDED}", f"/call/{LIVE}", "/live", "/today", f"/call/{LIVE}/recorder")
    ):
        answer = await desk.page.goto(desk.url + path)
        assert answer
        files.append(tmp_path / f"{number}.html")
        files[-1].write_text(await answer.text(), encoding="utf-8")
        assert await barriers(desk.page) == [], path
        assert await too_wide(desk.page) == [], path
        assert await desk.page.locator("html").get_attribute("dir") == ("rtl" if desk.language == "he" else "ltr")
    assert nu_complaints(files) == []


@EVERY_LOOK
async def test_the_last_hour_is_on_the_screen_however_narrow_it_is(desk: Desk) -> None:
    """A chart's hours end where its ground line does."""
    await desk.page.goto(f"{desk.url}/today")
    ground, size = await desk.page.locator("svg .grid").last.bounding_box(), desk.page.viewport_size
    assert ground
    assert size
    assert 0 < ground["x"] + ground["width"] <= size["width"]


async def test_an_ended_session_is_told_so_wherever_it_looks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.page.goto(f"{desk.url}/call/{LIVE}")
    desk.door._sessions.clear()
    await expect(desk.page.locator("#main")).to_contain_text("make console")
    desk.errors.clear()


@pytest.mark.browser
async def test_a_stranger_and_a_used_link_see_nothing_and_an_idle_console_ends(
    browser: Browser, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    async with console(database_url, monkeypatch, tmp_path, idle_seconds=0.5, now=clock) as (_, url, door):
        context = await newcomer(browser, 1400, "light", "en")
        page = await context.new_page()
        answer = await page.goto(f"{url}/call/{ENDED}")
        assert answer
        assert answer.status == 401
        key = door.link()
        await page.goto(f"{url}/enter/{key}")
        await page.wait_for_url(f"{url}/")
        other = await (await newcomer(browser, 1400, "light", "en")).new_page()
        answer = await other.goto(f"{url}/enter/{key}")
        assert answer
        assert answer.status == 403
        await context.close()
        await other.context.close()
        port = int(url.rpartition(":")[2])
        assert _listens(port)
        clock.now += 1
        await until(lambda: not _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(true: Any) -> None:
    """Waits for what the other side does in its own time."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
