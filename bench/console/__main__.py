"""`make bench B=console`: a database of many calls, a log of many lines, Chromium, and a clock in the page.

The console, the database and the browser are real; the engine is played, so that its reading of the log's files is
not in it. Then a stack of its own, with live calls and ten viewers, where nothing is played.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from secrets import token_hex
from statistics import median

import asyncpg
import pytest
from playwright.async_api import Page, async_playwright

from bench.console import viewers
from bench.database import database
from bench.goals import Goal, goals_table, table
from bench.machine import machine
from browser_world.console import ENDED, PlayedEngine, console
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings

FILL = """
ALTER TABLE customers ALTER COLUMN id RESTART WITH 1000;
INSERT INTO customers (business_id, channel, external_id, name)
    SELECT 456, 'phone', 'x' || n, (ARRAY['דוד', 'רות', 'Dana', 'נועה', 'Amir'])[n % 5 + 1] || ' ' || md5(n::text)
    FROM generate_series(1, {calls} / 3) AS n;
INSERT INTO calls (call_sid, business_id, customer_id, from_number, to_number, started_at, ended_at, recorded_at,
                   duration_s, end_reason, metrics, transcript, events)
    SELECT 'CA' || md5(n::text), 456, 1000 + n % ({calls} / 3),
        '+97250' || (1000000 + n % ({calls} / 3)), '+97235550100', at, at, at, 60, 'customer_hangup',
        '{{"turns": 3, "first_audio_ms": 400, "barge_ins": 1}}', '[{{"who": "ai", "text": "שלום", "at_ms": 0}}]',
        (SELECT jsonb_agg(jsonb_build_object('t_ms', i, 'event', 'MARK', 'text', md5(i::text)))
         FROM generate_series(1, 25) AS i)
    FROM generate_series(1, {calls}) AS n, LATERAL (SELECT now() - n * interval '30 s' AS at) AS moment;
ANALYZE;
"""
# From the last letter to the changed list, as the page itself sees it.
WATCH = """() => {
    window.took = new Promise(done => {
        let last = 0
        document.getElementById('q').addEventListener('input', () => { last = performance.now() })
        let quiet = 0
        new MutationObserver(() => {
            const now = performance.now() - last
            clearTimeout(quiet)
            quiet = setTimeout(() => done(now), 400)
        }).observe(document.getElementById('found'), {childList: true, subtree: true})
    })
}"""

# When the words are on the page, by the machine's clock; who asks again and again would find them late.
SEEN = """words => new Promise(done => {
    const seen = () => document.body.textContent.includes(words) && (done(Date.now()), true)
    const watcher = new MutationObserver(() => { if (seen()) watcher.disconnect() })
    if (!seen()) watcher.observe(document.body, {childList: true, subtree: true})
})"""


async def search(page: Page, url: str, typed: str) -> float:
    await page.goto(url)
    await page.evaluate(WATCH)
    await page.locator("#q").press_sequentially(typed, delay=60)
    return float(await page.evaluate("() => window.took")) / 1000


async def story(page: Page, url: str) -> float:
    began = time.perf_counter()
    await page.goto(f"{url}/call/{ENDED}", wait_until="domcontentloaded")
    return time.perf_counter() - began


async def line(engine: PlayedEngine, pages: list[Page]) -> float:
    """From the line's writing to the last of these pages that has it."""
    # No long number: it may be that of a card, which no page shows.
    words = f"line of {token_hex(4)}"
    waiting = [asyncio.create_task(page.evaluate(SEEN, words)) for page in pages]
    await asyncio.sleep(0.3)
    began = time.time()
    engine.say("worker", f"[INFO] ✅ [JOB_DONE] {words}")
    return float(max(await asyncio.gather(*waiting))) / 1000 - began


async def measure(url: str, calls: int, lines: int, times: int) -> list[tuple[str, float, list[float]]]:
    connection = await asyncpg.connect(url)
    found: list[tuple[str, float, list[float]]] = []
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("the console is looked at in Chromium, which is not on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        async with console(url, patched, Path(folder)) as (engine, address, door), async_playwright() as playwright:
            await connection.execute(FILL.format(calls=calls))
            await connection.close()
            for number in range(lines):
                engine.say("prosaas-calls", f'[INFO] 💬 [TRANSCRIPT] AI: "שלום" · call_sid=CA{number:032}', time.time())
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            # A browser of its own for each: one keeps six connections to a server, and a page of lines holds one.
            pages = [await (await browser.new_context()).new_page() for _ in range(viewers.VIEWERS)]
            for one in pages:
                await one.goto(f"{address}/enter/{door.link()}")
                await one.wait_for_url(f"{address}/")
            page = pages[0]

            async def clocked(what: str, most: float, act: Callable[[], Awaitable[float]]) -> None:
                await act()
                found.append((what, most, [await act() for _ in range(times)]))

            for typed in ("050-1000123", "CA4e732c", "דוד c8", "nobody"):
                what = f"from the last letter of `{typed}` to the list, {calls:,} calls"
                await clocked(what, 0.2, lambda typed=typed: search(page, address, typed))  # type: ignore[misc]
            await clocked(f"a story, {lines:,} lines in the log", 1, lambda: story(page, address))
            for one in pages:
                await one.goto(f"{address}/live")
            await clocked("a line on one page", 0.3, lambda: line(engine, pages[:1]))
            await clocked(f"a line on the last of {viewers.VIEWERS} pages", 0.3, lambda: line(engine, pages))
            await browser.close()
    return found


def main() -> None:
    """Fill the database, look, and print."""
    parser = argparse.ArgumentParser(prog="bench.console", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=20_000, help="in the log")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--live", type=int, default=10, help="calls on a stack of its own; 0: skip")
    parser.add_argument("--seconds", type=float, default=10, help="of each round of live calls")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    before = machine()
    with database() as url:
        asyncio.run(migrate(load_settings({"DATABASE_URL": url, "OPENAI_API_KEY": "none"})))
        found = asyncio.run(measure(url, options.calls, options.lines, options.times))
    print(f"Machine: {before}; at the end load {os.getloadavg()[0]:.1f}.\n")
    rows = ((what, f"{median(took):.3f} s", f"{max(took):.3f} s") for what, _, took in found)
    print(*table(("somebody at the console waits", "median", "worst"), rows), sep="\n")
    print()
    goals = [Goal(f"{what}: median of {len(took)}", median(took), most, " s") for what, most, took in found]
    if options.live:
        alone, watched = viewers.measure(options.live, options.seconds, options.rounds)
        header = (
            f"{options.live} live calls",
            "frames",
            "over 20 ms late",
            "p99 late",
            "a line, median and worst",
            "load",
        )
        looks = (viewers.row("nobody looks", alone), viewers.row(f"{viewers.VIEWERS} viewers", watched))
        print(*table(header, looks), sep="\n", end="\n\n")
        what = f"late frames that {viewers.VIEWERS} viewers add, of {watched.frames}"
        goals.append(Goal(what, watched.late - alone.late, 0))
        what = f"a line on the last of {viewers.VIEWERS} viewers' pages, on a stack: median"
        goals.append(Goal(what, median(watched.lines_s), 0.3, " s"))
    print(*goals_table(goals), sep="\n")


if __name__ == "__main__":
    main()
