"""The pages that commands write, as Chromium shows them: wide and narrow, light and dark."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from browser_world.looks import SCREENS, barriers, nu_complaints, places, too_wide
from browser_world.pages import PAGES

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {name: folder / f"{name.replace(' ', '-')}.html" for name in PAGES}
    for name, path in found.items():
        path.write_text(PAGES[name](), encoding="utf-8")
    return found


@pytest_asyncio.fixture(loop_scope="session", params=SCREENS, ids=lambda screen: f"{screen[0]}-{screen[1]}")
async def page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    width, scheme = request.param
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield await context.new_page()
    await context.close()


@pytest.mark.browser
async def test_the_nu_checker_finds_nothing(files: dict[str, Path]) -> None:
    assert nu_complaints(files.values()) == []


@pytest.mark.parametrize("name", PAGES)
async def test_nobody_meets_a_barrier(files: dict[str, Path], name: str, page: Page) -> None:
    """Names of charts, contrast, reach of the keyboard, and what else axe-core knows."""
    await page.goto(files[name].as_uri())
    assert await barriers(page) == []


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_as_wide_as_its_screen_and_its_charts_are_legible(
    files: dict[str, Path], name: str, page: Page
) -> None:
    await page.goto(files[name].as_uri())
    assert await too_wide(page) == []
    heights = "all => all.map(one => one.getBoundingClientRect().height)"
    assert min(await page.locator("svg text").evaluate_all(heights)) > 8


@pytest.mark.parametrize("name", ["trace", "capture"])
async def test_a_line_of_two_alphabets_reads_in_its_order(files: dict[str, Path], name: str, page: Page) -> None:
    """From right to left: who connected, to whom, in how many milliseconds, and the unit right of its number."""
    await page.goto(files[name].as_uri())
    verb, whom, when, unit = await places(page, "td.t", "התחבר", "OpenAI", "3ms", "ms")
    assert verb > whom > when
    assert unit > when


async def test_kinds_of_lines_are_hidden_and_shown_by_keyboard(files: dict[str, Path], page: Page) -> None:
    await page.goto(files["trace"].as_uri())
    frames, calls = page.locator("tr.k-detail"), page.locator("tr.k-call").first
    assert not await frames.is_visible()
    assert await calls.is_visible()
    for box in ("#k-detail", "#k-call"):
        while not await page.locator(box).evaluate("one => one === document.activeElement"):
            await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.locator("body").evaluate("() => document.activeElement.blur()")
    assert await frames.is_visible()
    assert not await calls.is_visible()


async def test_a_page_asks_the_network_for_nothing(files: dict[str, Path], page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(files["trace"].as_uri())
    assert asked == [files["trace"].as_uri()]
