"""What the pages promise, held against the product: log lines, commands, addresses, settings, numbers, words."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs_world.reference import events
from prosaas_api import voice, whatsapp
from prosaas_api.app import create_app
from prosaas_core.settings import Settings
from prosaas_logging.events import AnyEvent

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *SERVICES.glob("simulator/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
_BLOCK = re.compile(r"^ *```text\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINE = re.compile(r"\[(?:[A-Z]+)\] (?:\S+ )?\[([A-Z_]+)\] (.*)")
# What a page says of the past, or shows from outside, is not the product's word of today.
_HISTORY = ("CHANGELOG.md",)
# Of OpenAI, which the simulator answers for.
_PROVIDERS = {"/v1/realtime", "/v1/responses"}


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def shown(event: AnyEvent, text: str) -> bool:
    """Whether the catalogue's event writes such a line, in either language; samples may be cut with `…`."""
    for template in (event.he, event.en):
        parts = "".join(".*?" if number % 2 else re.escape(part) for number, part in enumerate(template))
        found = re.match(parts, text) if template else re.match("", text)
        if found is None:
            continue
        rest = re.sub(r" · [a-z_]+=\S+|\s+\(record\)| · CA…\w+", "", text[found.end() :])
        names = set(re.findall(r"(?:^|, )([a-z_]+)=", rest))
        if names <= {*event.fields} or any(part == "text" for part in template[1::2]):
            return True
    return False


def log_lines() -> list[tuple[str, str, str]]:
    return [
        (name, found[1], found[2])
        for name, page in zip(NAMES, PAGES, strict=True)
        if name not in _HISTORY
        for block in _BLOCK.findall(read(page))
        for line in block.splitlines()
        if (found := _LINE.search(line))
    ]


@pytest.mark.parametrize(("page", "tag", "text"), log_lines())
def test_a_sample_line_is_one_that_the_catalogue_writes(page: str, tag: str, text: str) -> None:
    known = [event for event in events().values() if event.tag == tag]
    assert known, f"{page}: no event is tagged {tag}"
    assert any(shown(event, text) for event in known), f"{page}: {text}"


def test_this_test_sees_a_line_that_is_no_longer_written() -> None:
    assert not shown(events()["BARGE_IN"], "הלקוח קטע את התשובה אחרי 3400ms · call_sid=CA1")
    assert shown(events()["BARGE_IN"], "הלקוח קטע את התגובה, heard_ms=3400 · call_sid=CA1")
    assert not shown(events()["JOB_DONE"], "המשימה הסתיימה, job=x, took=5")


def test_every_warning_and_error_in_plain_text_is_explained() -> None:
    """Whoever searches for a line at three in the morning finds it: as an event, or in the table of plain lines."""
    table = read(ROOT / "docs/events.md").partition("## Free text")[2]
    said = re.compile(r"""\blog\.(?:warning|error|exception|critical)\(\s*f?"([^"{]{4,})""")
    rooms = ("prosaas_api", "prosaas_calls", "prosaas_core", "prosaas_worker")
    found = {
        text.strip(" :;")
        for room in rooms
        for path in (SERVICES / room).rglob("*.py")
        for text in said.findall(read(path))
    }
    assert len(found) > 8
    assert sorted(text for text in found if text not in table) == []


def test_every_logctl_command_that_a_page_gives_is_understood(tmp_path: Path) -> None:
    given = {
        tuple(words.split())
        for page in PAGES
        for words in re.findall(r"\blogctl ([a-z]+(?: [A-Za-z0-9:_.=-]+)*)", read(page))
    }
    assert len(given) > 3
    alone = {words[0] for words in given if len(words) == 1}
    assert alone <= {"status", "level", "reset", "blackbox"}
    for words in given:
        if words == ("level",):
            continue
        done = subprocess.run(
            [sys.executable, "-m", "prosaas_logging.ctl", *words],
            env={"PYTHONPATH": str(SERVICES), "LOG_SWITCH_FILE": str(tmp_path / "switch.json"), "PROSAAS_SERVICE": "x"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode != 2, (words, done.stderr)


def test_every_address_that_a_page_gives_is_one_of_ours() -> None:
    settings = Settings.model_construct(**{name: field.default for name, field in Settings.model_fields.items()})
    webhooks = [str(getattr(route, "path", "")) for module in (voice, whatsapp) for route in module.router.routes]
    paths = [*webhooks, *create_app(settings).openapi()["paths"]]
    routes = {re.sub(r"\{\w+\}", "X", path) for path in paths}
    given = {
        re.sub(r"\$\w+|\{\w+\}|\b\d+\b", "X", path).rstrip("/.")
        for page in PAGES
        if page.name not in _HISTORY
        for path in re.findall(r"(?<![\w.])/(?:v1|twilio|whatsapp)(?:/[\w${}-]+)+", read(page))
    }
    assert given
    assert sorted(path for path in given if path not in routes | _PROVIDERS) == []


def test_a_figure_of_the_measurements_that_a_page_quotes_is_in_them() -> None:
    """A sentence that leads to bench/RESULTS.md has its numbers from there."""
    results = read(ROOT / "bench/RESULTS.md").replace(",", "")
    quoted = 0
    for page in (*PAGES, ROOT / "env/example.env"):
        text = re.sub(r"\n# ", " ", read(page))
        for sentence in re.findall(r"[^.|]*\((?:[^)]*\]\(\.\./)?bench/RESULTS\.md\)[^.|]*", text):
            for number in re.findall(r"\b\d{2,}(?:\.\d+)?\b", sentence.replace(",", "")):
                quoted += 1
                assert re.search(rf"\b{re.escape(number)}\b", results), f"{page.name}: {number}"
    assert quoted


def test_the_glossary_has_one_word_for_one_thing_and_the_pages_keep_to_it() -> None:
    glossary = read(ROOT / "docs/glossary.md")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ", glossary, re.MULTILINE)[2:]
    english = [word for first, _ in rows for word in first.split(", ")]
    assert len(english) == len(set(english))
    assert all(re.search(r"[\u05d0-\u05ea]", hebrew) for _, hebrew in rows)
    other_words = re.compile(r"flight record|\brecordings\b|makes? anew|made anew|הקלטת הדיבוג|מתג חי", re.IGNORECASE)
    told = [page.name for page in PAGES if page.name not in _HISTORY and other_words.search(read(page))]
    assert told == []


def test_what_the_product_says_calls_a_black_box_by_its_one_name() -> None:
    """Modules may tell of the flight recorder that fills it; no command, line or page does."""
    told = [
        f"{path.name}: {node.value}"
        for room in ("prosaas_logging", "prosaas_core", "prosaas_api", "prosaas_calls", "prosaas_worker", "prosaas_ops")
        for path in (SERVICES / room).rglob("*.py")
        for statement in ast.walk(ast.parse(read(path)))
        for node in ast.iter_child_nodes(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not isinstance(statement, ast.Expr)
        if "flight record" in node.value.lower()
    ]
    assert told == []


def explained() -> dict[str, set[str]]:
    """The settings that a page defines, by page: where somebody looks for what a name means."""
    example = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", read(ROOT / "env/example.env"), re.MULTILINE))
    table = read(ROOT / "docs/settings.md").partition("## Settings that are not in env/example.env")[2]
    settings = {
        name
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)
    }
    guide = read(ROOT / "docs/guide.md").partition("## Settings")[2].partition("\n## ")[0]
    names = set(re.findall(r"^(?:### |\| )`([A-Z]+_[A-Z_]+|PYTHONUNBUFFERED)`", guide, re.MULTILINE))
    return {"env/example.env": example, "docs/settings.md": settings, "docs/guide.md": names}


def test_a_setting_is_explained_in_one_place_and_something_reads_it() -> None:
    places = explained()
    every = [name for names in places.values() for name in names]
    assert all(len(names) > 5 for names in places.values())
    assert sorted({name for name in every if every.count(name) > 1}) == []
    readers = [
        *SERVICES.rglob("*.py"), *ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/**/*"), *ROOT.glob("scripts/*"),
        ROOT / "Makefile",
    ]  # fmt: skip
    sources = "\n".join(read(path) for path in readers if path.is_file() and path.suffix != ".ulaw")
    known = set(re.findall(r"\w+", sources.upper())) | {name.upper() for name in Settings.model_fields}
    unread = [name for name in every if name not in known]
    assert sorted(unread) == []
