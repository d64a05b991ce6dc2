"""Every command that a page tells its reader to type is one that is understood, to its last value."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prosaas_ops.__main__ import COMMANDS, options_of
from prosaas_ops.conduct import secrets
from prosaas_ops.options import LEVELS, Options, Usage, gather

ROOT = Path(__file__).parents[2]
# What a page says of the past is not the product's word of today.
PAGES = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("services/simulator/**/*.md")} - {ROOT / "CHANGELOG.md"}
)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
# In running text, in HTML, and in blocks of commands, where a prompt may stand before it.
_SPAN = re.compile(r"`([^`\n]+)`|<code[^>]*>([^<]+)</code>")
_BLOCK = re.compile(r"^ *```(?:sh|text|env)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"(?:^|[\s$(])make ([a-z][a-z-]*)((?: +[A-Z_]+=(?:\"[^\"]*\"|'[^']*'|[^\s`\"';|,·)]*))*)")
_WORD = re.compile(r" ([A-Z_]+)=(\"[^\"]*\"|'[^']*'|\S*)")
_LEFT_OUT = re.compile(r"…|\$|^$|ID$")
_COMPOSE = {"ps", "logs", "restart", "exec", "config", "port", "up", "down", "build"}


def typed(page: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The targets in a page, each with the words that are given to it."""
    text = page.read_text("utf-8")
    blocks = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    spans = [
        first or second for first, second in _SPAN.findall(re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S))
    ]
    for piece in [*spans, *(line for line in blocks if re.match(r" *(\$ )?make |.*(: |· )make ", line))]:
        for target, words in _TYPED.findall(piece.replace("&quot;", '"')):
            yield target, {name: value.strip("\"'") for name, value in _WORD.findall(words)}


SECRETS = (*secrets.OURS, *secrets.PROVIDERS)
# How the commands themselves read a word; what is any text at all stands nowhere here.
READERS: dict[str, Callable[[Options, str], object]] = {
    **dict.fromkeys(("SINCE", "UNTIL", "AT"), Options.since),
    "FOR": lambda options, name: options.duration(name, "1m"),
    **dict.fromkeys(("N", "MAX", "CALLS"), lambda options, name: options.number(name, 1)),
    **dict.fromkeys(("SPEED", "HOURS", "MINUTES"), lambda options, name: options.decimal(name, 1)),
    **dict.fromkeys(("LEVEL", "LOG_LEVEL"), lambda options, name: options.choice(name, LEVELS)),
    **dict.fromkeys(
        ("BAD", "ALL", "YES", "FORCE", "VERIFY", "WATCH", "JSON", "CSV", "FOLLOW", "BUILD", "WRAP"),
        lambda options, name: options.flag(name, default=False),
    ),
    "S": Options.services,
    "BY": lambda options, name: options.choice(name, ("day", "business", "model", "ending")),
    "SORT": lambda options, name: options.choice(name, ("newest", "worst", "slowest", "longest")),
    "IN": lambda options, name: options.choice(name, ("he", "en")),
    "OUT": lambda options, name: options.choice(name, ("text", "html", "none", "bench/RESULTS.md")),
    "NAME": lambda options, name: options.command != "rotate-secret" or options.choice(name, SECRETS),
}  # fmt: skip


def read(target: str, words: dict[str, str]) -> None:
    """As the target does; Usage where it would refuse."""
    own = re.search(rf"^WORDS\.{target} := (.+)$", MAKEFILE, re.MULTILINE)
    allowed = options_of(target) if target in COMMANDS else tuple(own[1].split()) if own else ()
    options = gather(target, allowed, [f"{name}={value}" for name, value in words.items()], {})
    for name, value in words.items():
        if not _LEFT_OUT.search(value) and name in READERS:
            # Some words are fine on every target and reach none as an option.
            READERS[name](options if name in allowed else Options(target, (name,), {name: value}), name)
    if (call := words.get("CALL", "")) and not _LEFT_OUT.search(call):
        options.call_sid()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_of_a_page_is_one_that_its_target_takes(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    for target, words in typed(page):
        assert target in targets, target
        read(target, words)


def test_the_pages_have_commands_with_words_to_try() -> None:
    given = [(target, words) for page in PAGES for target, words in typed(page) if words]
    assert len(given) > 60
    assert {"trace", "logs", "forget", "debug-calls", "rotate-secret", "go-live"} <= {target for target, _ in given}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("trace", {"CAL": "CA123456"}),
        ("logs", {"SINCE": "soon"}),
        ("logs", {"S": "kitchen"}),
        ("logs", {"LEVEL": "LOUD"}),
        ("debug-calls", {"FOR": "ever"}),
        ("rotate-secret", {"NAME": "DATABASE_URL"}),
        ("costs", {"BY": "hour"}),
        ("calls", {"BAD": "yes"}),
        ("bench", {"CALL": "CA123456"}),
        ("ps", {"SINCE": "1h"}),
        ("trace", {"CALL": "12 34"}),
    ],
)
def test_a_command_that_would_be_refused_is_found(target: str, words: dict[str, str]) -> None:
    with pytest.raises(Usage):
        read(target, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_docker_compose_command_of_a_page_is_about_a_service_that_there_is(page: Path) -> None:
    known = set(re.findall(r"^  ([a-z-]+):$", (ROOT / "docker-compose.yml").read_text("utf-8"), re.MULTILINE))
    known |= {"simulator"} | ({"worker", "web"} if page.name == "adoption.md" else set())
    for command, name in re.findall(r"docker compose ([a-z]+)(?: ([a-z][a-z-]*))?(?=[ `\n<])", page.read_text("utf-8")):
        assert command in _COMPOSE, command
        if command in ("restart", "exec", "logs", "port"):
            assert not name or name in known, f"docker compose {command} {name}"
