"""The operator's side in two languages: the same things said, and nothing English left on a Hebrew screen or page."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from string import Formatter
from typing import Any

import pytest
from bidi import get_display

from prosaas_core.facts.measures import MEASURES
from prosaas_ops import texts
from prosaas_ops.act import call as placing
from prosaas_ops.act import checklist, log_budget
from prosaas_ops.act.simulate import Placed
from prosaas_ops.ask import errors, status, trace
from prosaas_ops.conduct.finding import Finding, told
from prosaas_ops.screen import budget_page, capture_page, trace_page
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.alerts import Alert
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, parse
from prosaas_ops.stories.call import tell
from prosaas_ops.stories.errors import group_errors
from prosaas_ops.stories.measured import Measured
from prosaas_ops.stories.status import Ended, Facts, Running, Status, Switched
from prosaas_ops.texts import Text, language
from prosaas_ops.texts import machine as machine_words
from prosaas_ops.texts import told as call_words

ROOM = Path(texts.__file__).parents[1]
HEBREW = re.compile(r"[\u05d0-\u05ea]")
# Nothing to translate in them: names of things that the engine has, and what the guide calls so in both languages.
_SAME = {"CACHE", "CACHED", "VOLUME", "EACH", "ENDED"}
# Identifiers: events and settings, services, commands with their options, files, codes of endings and jobs.
_IDENTIFIERS = re.compile(
    r"CA\w*…?|make [a-z-]+|docker compose [a-z]+|[A-Z][A-Z0-9_]*(?:=\S*)?|[\w./-]*[._/()-][\w./()-]*"
    r"|\b(?:api|calls|worker|prosaas|docker|images?|logs|webhook|scenario|speed|stacktrace|frame|ms|[a-z_0-9]+=\S+)\b"
)


def rows() -> Iterator[tuple[str, Text]]:
    for module in iter_modules(texts.__path__, f"{texts.__name__}."):
        for name, value in vars(import_module(module.name)).items():
            # The way to the other language is said in that one.
            if isinstance(value, Text) and name != "OTHER_LANGUAGE":
                yield name, value
            elif isinstance(value, dict):
                yield from ((f"{name}[{key}]", text) for key, text in value.items() if isinstance(text, Text))


@pytest.mark.parametrize(("name", "text"), [*rows()], ids=lambda value: value if isinstance(value, str) else "")
def test_both_languages_say_the_same_with_the_same_values(name: str, text: Text) -> None:
    def placeholders(words: str) -> set[str]:
        return {field for _, field, _, _ in Formatter().parse(words) if field}

    assert placeholders(text.he) == placeholders(text.en)
    assert not HEBREW.search(text.en)
    assert name in _SAME or HEBREW.search(text.he)


_UNIT = re.compile(r"\{(\w+)[^}]*\}( ?)(ms|s|KiB|MB|GB|h|d|%)(?![A-Za-z])|(\w+=)\{(\w+)\}")


@pytest.mark.parametrize("base", ["L", "R"])
def test_no_unit_leaves_its_number_where_a_terminal_turns_hebrew_around(base: str) -> None:
    """By the Unicode algorithm (UAX #9): a Latin unit behind a number in a Hebrew sentence would."""
    torn = []
    for name, text in rows():
        for number, space, unit, field, value in _UNIT.findall(text.he):
            values = {
                one: "234" if one in (number, value) else "x1" for _, one, _, _ in Formatter().parse(text.he) if one
            }
            whole = f"{field}234" if field else f"234{space}{unit}"
            if whole not in get_display(text.he.format(**values), base_dir=base):
                torn.append((name, text.he))
    assert torn == []


def test_the_terminal_of_this_test_does_turn_a_unit_around() -> None:
    assert "234 s" not in get_display("שתיקה: 234 s", base_dir="L")


# The ways in which a command says something.
_SAYING = {
    "say", "warn", "complain", "problem", "Problem", "Usage", "Nothing", "print", "Finding", "input", "getpass",
    "agrees", "asked",
}  # fmt: skip
# Not words: what is typed, what a program is called with, and SQL.
_TYPED = re.compile(
    r"make [a-z-]+|docker [a-z]+(?: [a-z]+)?|rm logs|[A-Z]+=\S*|[\w/-]+\.\w+(?:, A fresh machine|, Sizes)?"
)


def said_outright(tree: ast.Module) -> list[str]:
    """English sentences that are handed to one of those ways as they are, where a row of a table should stand."""
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if getattr(call.func, "attr", getattr(call.func, "id", "")) not in _SAYING:
            continue
        inner = {id(part) for node in ast.walk(call) if isinstance(node, ast.Call) and node is not call
                 for part in ast.walk(node)}  # fmt: skip
        words = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and id(node) not in inner]
        found += [
            word for word in words if isinstance(word, str) and re.search(r"[a-z]{2,} [a-z]{2,}", _TYPED.sub("", word))
        ]
    return found


@pytest.mark.parametrize(
    "path",
    sorted(ROOM.rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOM)),
)
def test_what_a_command_says_is_a_row_of_a_table_in_both_languages(path: Path) -> None:
    assert said_outright(ast.parse(path.read_text("utf-8"))) == []


def test_this_test_sees_a_sentence_in_one_language() -> None:
    tree = ast.parse(
        'world.say(f"waiting for {calls} live calls")\nraise problem(words.X(a="as it is"), "make up-prod")'
    )
    assert said_outright(tree) == ["waiting for ", " live calls"]


@pytest.mark.parametrize(
    ("environment", "file", "spoken"),
    [
        (None, None, "he"),
        (None, "LOG_LANG=en\n", "en"),
        (None, "LOG_LANG=en\nOPS_LANG=he\n", "he"),
        ("EN", "LOG_LANG=he\n", "en"),
        ("klingon", "LOG_LANG=en\n", "en"),
        (None, "OPS_LANG=en # it's\nX='\n", "he"),
    ],
)
def test_the_operator_reads_what_the_log_is_written_in_unless_told_otherwise(
    environment: str | None, file: str | None, spoken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OPS_LANG")
    if environment is not None:
        monkeypatch.setenv("OPS_LANG", environment)
    if file is not None:
        (tmp_path / "prod.env").write_text(file)
    monkeypatch.setattr(texts, "_SETTINGS", tmp_path / "prod.env")
    assert language() == spoken


@pytest.fixture
def in_hebrew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_LANG", "he")


def english_in(text: str) -> list[str]:
    """Words that a Hebrew reader would have to translate."""
    return re.findall(r"[A-Za-z]{2,}", _IDENTIFIERS.sub(" ", text))


def words_of(page: str) -> str:
    """What a page says on its own account: without its style, its drawings' titles, and what it only shows."""
    page = re.sub(r"<style>.*?</style>|<pre>.*?</pre>|<title>.*?</title>|<h1>CA.*?</h1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<bdi[^>]*>(?:(?!<bdi).)*?</bdi>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<bdi[^>]*>.*?</bdi>", " ", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", page))


def logged(*written: str) -> list[Line]:
    return [parse(RawLine(f"2024-01-25T14:00:{at:02}Z", "prosaas-calls", text)) for at, text in enumerate(written)]


@pytest.mark.usefixtures("in_hebrew")
def test_the_story_of_a_call_is_hebrew_on_the_screen_and_in_its_page(engine: Any, call: str, screen: Screen) -> None:
    story = tell(engine, call)
    assert story is not None
    told = [
        row
        for row in trace.describe(story, screen)
        if "[" not in row and "DATABASE_URL" not in row and row[:22].strip()
    ]
    assert len(told) == 4
    assert [row for row in told if english_in(row)] == []
    page = trace_page.render(story)
    assert '<html lang="he" dir="rtl">' in page
    assert [word for word in english_in(words_of(page)) if word != "AI"] == []


@pytest.mark.usefixtures("in_hebrew")
def test_the_pages_of_a_capture_and_of_the_budget_are_hebrew(engine: Any, call: str) -> None:
    lines = logged("[INFO] 🎤 [GREETING] מנגן ברכה · call_sid=CA1", "[ERROR] שגיאה", "[INFO] x=1")
    measured = Measured("DEBUG", lines, [3], 0)
    for page in (capture_page.render(lines, []), budget_page.render(measured, measured)):
        assert '<html lang="he" dir="rtl">' in page
        assert english_in(words_of(page)) == []


@pytest.mark.usefixtures("in_hebrew")
def test_what_is_checked_and_counted_is_told_in_hebrew(screen: Screen, paper: Any) -> None:
    detail = {"Config": {"Env": ["LOG_LEVEL=DEBUG"], "Labels": {}}}
    checks = [
        checklist.level_is_info({"worker": detail}, {"worker": {"level": "INFO"}}),
        checklist.unbuffered({"worker": detail}),
        checklist.production_file({}, {"worker": detail}),
        checklist.budget(40, "CA1"),
        *checklist.noise(logged("[INFO] [WHATSAPP_SESSION] Found 0"), "1h"),
        checklist.stack_traces({"worker": ""}),
    ]
    assert len(checks) == 7
    for check in checks:
        screen.say(check.point, check.evidence.partition(": worker")[0], check.remedy)
    measured = Measured("DEBUG", logged("[INFO] x"), [3], 0)
    screen.say(*log_budget.comparison(measured, measured))
    log_budget.verdict(measured, measured, screen)
    placing.verdict(Placed("CA1"), str(call_words.NOT_STORED), False, screen)
    placing.verdict(Placed("CA1", logged("[DEBUG] x")), call_words.NOT_ASKED(why=""), False, screen, ["calls"])
    (group,) = group_errors(logged("[ERROR] שגיאה"))
    screen.say(*errors._rows(group, datetime(2026, 1, 25, tzinfo=UTC), screen))
    assert [row for row in paper.text.splitlines() if english_in(row.replace('"Found 0"', ""))] == []


@pytest.mark.usefixtures("in_hebrew")
def test_what_the_doctor_finds_is_told_in_hebrew(capsys: pytest.CaptureFixture[str]) -> None:
    bad = Finding("disk", machine_words.FREE_MB(free=1, needed=2), str(machine_words.MORE_DISK), "README.md, Sizes")
    assert told([Finding("env", str(machine_words.ENV_WHOLE)), bad]) == 1
    said = re.sub("README.md, Sizes|engine|MB|image prune", "", capsys.readouterr().out)
    assert english_in(said) == ["env", "disk"]


@pytest.mark.usefixtures("in_hebrew")
def test_how_it_stands_is_told_in_hebrew(screen: Screen) -> None:
    at = datetime(2026, 1, 25, 14, tzinfo=UTC)
    facts = Facts([Ended("crashed", 3, 0)], (600.0, 900.0), (700.0, 3400.0), 17.2, 4, 1)
    running = [Running("worker", "worker-1", "1.2", "Up", "DEBUG")]
    switched = [Switched("calls", "call CA1", "DEBUG", 60.0, "dana@ops-1")]
    for alerts in (None, [], [Alert("CRASHES", "page", at, "-", "make calls BAD=1", "docs/alerts.md", False)]):
        told = list(status.rows(Status(at, running, None, facts, alerts, switched, []), screen))
        names = ("Up", "crashed", "call", "dana", "ops")
        assert [row for row in told if set(english_in(row)) - set(names)] == []


@pytest.mark.parametrize("spoken", ["he", "en"])
def test_what_is_found_does_not_depend_on_the_language(
    spoken: str, screen: Screen, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", spoken)
    measured = Measured("INFO", logged("[INFO] x"), [3], 0)
    assert log_budget.verdict(measured, measured, screen) is False
    assert placing.verdict(Placed("CA1"), str(call_words.NOT_STORED), False, screen) == 4
    assert paper.text.count("❌") == 2 + 4
    assert "make trace CALL=CA1" in checklist.budget(40, "CA1").remedy


@pytest.mark.usefixtures("in_hebrew")
def test_every_number_of_a_call_has_a_hebrew_name() -> None:
    assert [measure.name for measure in MEASURES if english_in(measure.he)] == []


def test_a_turn_of_speech_and_an_appointment_are_two_words_in_hebrew() -> None:
    """Operators of a diary read "תורים" as appointments."""
    assert [measure.name for measure in MEASURES if "תור" in measure.he] == []
