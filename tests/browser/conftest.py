"""One Chromium for the tests of this room, as Debian packages it."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Without its sandbox, which a container lets nobody make: it sees our own pages alone."""
    async with async_playwright() as playwright:
        found = shutil.which("chromium")
        assert found, "chromium is in the tests image; on Debian: apt-get install chromium"
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        await browser.close()
