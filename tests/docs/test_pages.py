"""What every page of the documentation owes its reader: links that lead somewhere, names that exist, no one machine."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs_world.reference import events
from prosaas_calls.ending import ABNORMAL, EndReason
from prosaas_core.settings import Settings
from prosaas_ops.conduct.images import _PRODUCTION

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
# What a clone has: the files, and the folders that they make.
CLONED = {file for file in FILES if not file.is_symlink()}
CLONED |= {folder for file in CLONED for folder in file.parents if ROOT in (folder, *folder.parents)}
# Kept as it was handed in, whatever our own pages owe.
SPECIFICATION = ROOT / "docs/spec/production-logging-guide.he.md"
PAGES = sorted(file for file in CLONED if file.suffix == ".md" and file != SPECIFICATION)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

# In a line, by reference, and in HTML.
_LINKS = (
    re.compile(r"\[[^\]]*\]\(<?([^)>\s]+)"),
    re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^>\s]+)", re.MULTILINE),
    re.compile(r"<[a-z]+\b[^>]*?\b(?:href|src)=[\"']?([^\"'\s>]+)", re.IGNORECASE),
)
_REFERENCE = re.compile(r"\[[^\]\n]+\]\[([^\]\n]+)\]")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Everything that turns the reading direction without being seen: a Hebrew page is right-to-left by its markup alone.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users|tmp|opt)/(?!venv)[\w.]")
_HOSTS = {
    "github.com", "keepachangelog.com", "semver.org", "api.twilio.com", "graph.facebook.com", "api.openai.com",
    "example.com", "api.example.com", "calls.example.com", "voice.example.com", "localhost", "127.0.0.1",
    "prosaas-calls", "prosaas-api", "simulator", "host", "host.docker.internal", "otel-collector",
}  # fmt: skip


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The fragments that GitHub makes of a page's headings."""
    headings = (heading.replace("`", "").lower() for heading in _HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert dead_links(page, _CODE.sub("", prose(page))) == []


@pytest.mark.parametrize(
    "link",
    [
        "[a](nowhere.md)",
        "[a](<nowhere.md>)",
        "[a](#no-such-heading)",
        "[a][b]\n\n[b]: nowhere.md",
        "[a][undefined]",
        '<a class="x" href="nowhere.md">a</a>',
        "<img src='nowhere.png'>",
        "[a](.venv)",
        "[a](../outside.md)",
    ],
)
def test_a_link_of_any_kind_to_nothing_is_found(link: str) -> None:
    """Nor does it help that git ignores a file which this machine happens to have."""
    assert len(dead_links(ROOT / "README.md", link)) == 1


def dead_links(page: Path, text: str) -> list[str]:
    """The links of a text, as it would stand in *page*, that lead to nothing that a clone has."""
    defined = {name.lower() for name in re.findall(r"^ {0,3}\[([^\]]+)\]:", text, re.MULTILINE)}
    dead = [link for link in _REFERENCE.findall(text) if link.lower() not in defined]
    for link in (link for pattern in _LINKS for link in pattern.findall(text)):
        if urlsplit(link).scheme:
            continue
        path, _, fragment = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if target not in CLONED or (fragment and fragment not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_turns_the_reading_direction_unseen(page: Path) -> None:
    found = _BIDI.search(page.read_text(encoding="utf-8"))
    assert found is None, f"{found[0]!r} at {found.start()}" if found else ""


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_knows_one_machine(page: Path) -> None:
    """Neither a path of somebody's disk, nor a host that is not the reader's, a well-known one or an example."""
    text = page.read_text(encoding="utf-8")
    assert not _MACHINE.findall(text)
    hosts = {urlsplit(url).hostname for url in re.findall(r"(?:https?|wss?)://[A-Za-z0-9][\w.-]*", text)}
    assert hosts <= _HOSTS, hosts - _HOSTS


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_block_of_code_says_what_it_is(page: Path) -> None:
    fences = re.findall(r"^ *```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert all(fences[::2]), "a block without a language"
    assert not any(fences[1::2])


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    spans = _CODE.findall(prose(page)) + re.findall(r"^ *make .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    named = {word for span in spans for word in re.findall(r"\bmake ([a-z][a-z-]*)", span)}
    assert named <= targets()


def test_every_make_target_has_its_place_in_operations() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert {name for name in targets() if f"`make {name}`" not in text} == {"help"}


def test_every_setting_is_explained() -> None:
    """In env/example.env or in docs/settings.md, those of the log in the guide; each where somebody looks for it."""
    known = (ROOT / "env/example.env").read_text() + (ROOT / "docs/settings.md").read_text("utf-8")
    fields = {name.upper() for name in Settings.model_fields}
    interpolated = {
        name
        for path in (*ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/collectors/*.yml"))
        for name in re.findall(r"\$\{([A-Z_]+)", path.read_text("utf-8"))
    }
    assert not {name for name in fields | interpolated if not re.search(rf"\b{name}\b", known)}
    guides = [(ROOT / f"docs/{name}").read_text("utf-8") for name in ("guide.md", "guide.he.md")]
    source = (ROOT / "services/prosaas_logging/settings.py").read_text("utf-8")
    for name in set(re.findall(r'"(LOG_[A-Z_]+)"', source)) - {"LOG_PLACE", "LOG_SWITCH_FILE", "LOG_"}:
        assert all(f"`{name}" in guide for guide in guides), name


def test_a_default_that_is_shown_is_the_default() -> None:
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.+)$", (ROOT / "env/example.env").read_text(), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        # Addresses change together with the key.
        if name.upper() in shown and not name.endswith("_url"):
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            assert shown[name.upper()] == default


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_queries_ask_for_events_and_endings_that_there_are() -> None:
    text = (ROOT / "docs/collectors.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"@event:([A-Z_]+)", text)) | set(re.findall(r'event = "([A-Z_]+)"', text))
    asked |= set(re.findall(r'"([A-Z_]+)"', text.partition("event in [")[2].partition("]")[0]))
    assert asked
    assert asked <= set(events())
    reasons = text.partition("@reason:(")[2].partition(")")[0].split(" OR ")
    assert set(reasons) == set(ABNORMAL)


def test_every_ending_of_a_call_is_in_troubleshooting() -> None:
    text = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    table = text.partition("| `CALL_END` reason |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(EndReason)


def test_a_release_tells_each_kind_of_change_under_one_heading() -> None:
    """Nine branches that each add a heading of their own leave a reader with two lists of the same thing."""
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for release in (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1:]:
        headings = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert headings == [kind for kind in kinds if kind in headings], release.partition("\n")[0]
        told = re.findall(r"^- (.{40})", release, re.MULTILINE)
        assert len(told) == len(set(told))


@pytest.mark.parametrize(("page", "said"), [("README.md", "lines are left out"), ("README.he.md", "השיחה הושמטו")])
def test_a_sample_of_a_call_that_is_not_all_of_its_lines_says_so(page: str, said: str) -> None:
    """Its end counts more turns than there are."""
    text = (ROOT / page).read_text(encoding="utf-8")
    sample, _, below = text[text.index("[CALL_START]") :].partition("```\n")
    turns = re.search(r"turns=(\d+)", sample)
    assert turns is not None
    assert (sample.count("[TRANSCRIPT] לקוח") < int(turns[1])) == (said in below[:200])


@pytest.mark.parametrize("page", ["README.md", "README.he.md"])
def test_the_call_that_a_reader_sees_first_is_as_long_as_the_one_in_operations(page: str) -> None:
    """It is one call of the demo in both."""
    ends = re.compile(r"\[CALL_END\] משך=([\d.]+s), סיבה=customer_hangup, turns=3, barge_ins=1")
    assert ends.findall((ROOT / page).read_text("utf-8")) == ends.findall(
        (ROOT / "docs/operations.md").read_text("utf-8")
    )


def test_every_image_of_a_production_stack_has_its_size_in_the_readme() -> None:
    rows = re.findall(r"^\| prosaas/(\w+) \| \d+ MB \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted([*_PRODUCTION, "ops"])
