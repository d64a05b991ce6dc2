"""The Hebrew pages against the English ones, and their sentences as a browser orders them (UAX #9)."""

import html
import re
from pathlib import Path

import pytest
from bidi import get_display

ROOT = Path(__file__).parents[2]
PAIRS = {"docs/guide.he.md": "docs/guide.md", "README.he.md": "README.md"}
HEBREW = re.compile(r"[\u05d0-\u05ea]")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r'<code dir="ltr">(.*?)</code>|`([^`\n]+)`', re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]+)\)")
# A part of a page whose direction the browser works out by itself: a paragraph, a point of a list, a cell.
_CUT = re.compile(r"\n\n|\n(?=[-#|] )|\|")
_ISOLATED, _END = "\u2066", "\u2069"


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    return _FENCE.sub("", page(name))


def sentences(name: str) -> list[str]:
    """The parts of a page in which Hebrew and code meet, as a browser gets them: isolated where the markup says so."""
    text = _LINK.sub(r"\1", prose(name)).replace(r"\|", "\u00a6")
    parts = (" ".join(part.split()) for part in _CUT.split(text))
    return [part for part in parts if HEBREW.search(part) and _CODE.search(part)]


def shown(sentence: str) -> tuple[str, list[str]]:
    """The sentence in the order of the screen, from the left, and its pieces of code in the order of the page."""
    code = [html.unescape(isolated or plain) for isolated, plain in _CODE.findall(sentence)]
    # A piece that has Hebrew itself is turned around as well.
    code = [piece for piece in code if not HEBREW.search(piece)]
    marked = _CODE.sub(lambda found: f"{_ISOLATED}{html.unescape(found[1])}{_END}" if found[1] else found[2], sentence)
    return re.sub(f"[{_ISOLATED}{_END}]", "", get_display(marked, base_dir="R")), code


def out_of_order(sentence: str) -> list[str]:
    """The pieces of code that fall apart, or that stand on the wrong side of the one before them."""
    screen, code = shown(sentence)
    wrong, end = [], len(screen)
    for piece in code:
        # In a line that is read from the right, what comes later stands further to the left.
        at = screen.rfind(piece, 0, end)
        if at < 0:
            wrong.append(piece)
        else:
            end = at
    return wrong


@pytest.mark.parametrize("name", PAIRS)
def test_code_in_a_hebrew_sentence_stays_whole_and_in_its_place(name: str) -> None:
    assert [(sentence, wrong) for sentence in sentences(name) if (wrong := out_of_order(sentence))] == []


@pytest.mark.parametrize(
    ("sentence", "torn"),
    [
        ("לשיחה: `CALL=1`, `BUSINESS=2` או", ["BUSINESS=2"]),
        ('לשיחה: <code dir="ltr">CALL=1</code>, <code dir="ltr">BUSINESS=2</code> או', []),
        ("בקובץ `.env` יש", [".env"]),
        ('בקובץ <code dir="ltr">.env</code> יש', []),
        ("הפקודה `make call` מבצעת שיחה", []),
    ],
)
def test_this_test_sees_what_a_browser_tears_apart(sentence: str, torn: list[str]) -> None:
    assert out_of_order(sentence) == torn


@pytest.mark.parametrize("name", PAIRS)
def test_a_bare_number_does_not_stand_between_latin_words(name: str) -> None:
    """`INFO; 0` in a Hebrew sentence turns around as one piece: the 0 would belong to what is before it."""
    text = _CODE.sub("", _LINK.sub(r"\1", prose(name)))
    assert re.findall(r"[A-Za-z`]+[;:] ?`?\d", text) == []


def test_the_hebrew_guide_has_the_parts_of_the_english_one_in_the_same_order() -> None:
    def outline(text: str) -> list[tuple[int, bool]]:
        return [(len(marks), "`" in title) for marks, title in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]

    assert outline(prose("docs/guide.he.md")) == outline(prose("docs/guide.md"))


def named(text: str) -> set[str]:
    """The settings and commands in a page's pieces of code."""
    code = " ; ".join(html.unescape(isolated or plain) for isolated, plain in _CODE.findall(text))
    return set(re.findall(r"\b[A-Z]{2,}_[A-Z_]+\b|make [a-z-]+|logctl [a-z]+|docker compose \w+", code))


def links(name: str) -> set[Path]:
    """The files that a page leads to, the other language's counted as its own."""
    found = {(ROOT / name).parent / link.partition("#")[0] for _, link in _LINK.findall(prose(name)) if link[0] != "#"}
    return {Path(str(file).replace(".he.md", ".md")).resolve() for file in found}


def test_the_guides_name_the_same_settings_and_commands_and_lead_to_the_same_pages() -> None:
    hebrew, english = "docs/guide.he.md", "docs/guide.md"
    assert named(prose(hebrew)) == named(prose(english))
    assert links(hebrew) == links(english)


def test_the_hebrew_readme_names_nothing_that_the_english_one_has_not() -> None:
    """It is the first page alone, with the same commands to copy and the same lines to see."""
    assert named(prose("README.he.md")) - {"OPS_LANG", "LOG_LANG", "docker compose logs", "docker compose restart"} <= (
        named(prose("README.md"))
    )
    assert links("README.he.md") <= links("README.md")
    hebrew, english = (
        [re.sub(r" +#.*", "", line) for block in _FENCE.findall(page(name)) for line in block.splitlines()]
        for name in ("README.he.md", "README.md")
    )
    assert set(hebrew) <= set(english)


@pytest.mark.parametrize("name", PAIRS)
def test_each_page_leads_to_the_other_and_says_which_pages_are_english_only(name: str) -> None:
    text = prose(name)
    assert f"]({Path(PAIRS[name]).name})" in text
    assert f"]({Path(name).name})" in prose(PAIRS[name])
    for label, link in _LINK.findall(text):
        target = (ROOT / name).parent / link.partition("#")[0]
        if (
            target.suffix != ".md"
            or target.name == "glossary.md"
            or target == ROOT / PAIRS[name]
            or target.name.endswith(".he.md")
        ):
            continue
        after = text.partition(f"[{label}]({link})")[2].lstrip(" \n,(.")
        assert after.startswith("באנגלית"), link


def test_no_hebrew_page_addresses_one_man() -> None:
    """The pages speak of what is done, or to many; a command that is named takes a feminine verb (הפקודה)."""
    for name in PAIRS:
        assert not re.search(r"\b(?:שלך|אתה|תוכל|עליך)\b", prose(name)), name
