"""Every command of the deployment guide, run in the guide's order on a stack of its own, and what it promises there."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from time import monotonic, sleep

import pytest

from bundle_world.checkout import ROOT, Checkout, clean_environment

GUIDES = ("docs/guide.md", "docs/guide.he.md")
ENDED_BY_HAND = "Ctrl-C ends it"
# Simulated calls play their audio faster; nothing else of a command changes.
FASTER = "4"
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Every line of the guide's `sh` blocks, in order."""
    return [line.strip() for _, block in _BLOCK.findall(page(name)) for line in block.splitlines() if line.strip()]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)


def test_both_guides_give_the_same_commands() -> None:
    """Each with its remarks in its own language."""
    english, hebrew = ([re.sub(r" +#.*", "", command) for command in commands(name)] for name in GUIDES)
    assert english == hebrew


def test_both_guides_show_the_same_settings_and_lines() -> None:
    assert blocks(GUIDES[0], "env") == blocks(GUIDES[1], "env")
    english, hebrew = (
        [line for block in blocks(name, "text") for line in block.splitlines() if line.startswith("[")]
        for name in GUIDES
    )
    assert english == hebrew


@pytest.mark.parametrize("name", GUIDES)
def test_the_blocks_to_copy_are_the_files_that_production_and_development_use(name: str) -> None:
    assert blocks(name, "env") == [
        (ROOT / file).read_text(encoding="utf-8") for file in ("env/prod.env", "env/dev.env")
    ]


def test_make_env_prod_prints_the_guide_s_block_to_the_letter() -> None:
    done = subprocess.run(["make", "-s", "env-prod"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == blocks(GUIDES[0], "env")[0]


def test_the_hebrew_guide_reads_from_the_right_and_its_code_from_the_left() -> None:
    """Every block of code stands in a `dir="ltr"` of its own, inside the page's `dir="rtl"`; every `div` is closed."""
    text = page(GUIDES[1])
    assert text.startswith('<div dir="rtl">\n\n')
    assert text.endswith("\n\n</div>\n")
    assert text.count("<div ") == text.count("</div>")
    for block in re.finditer(r"^```(\w+)\n.*?^```$", text, re.MULTILINE | re.DOTALL):
        assert text[: block.start()].endswith('<div dir="ltr">\n\n')
        assert text[block.end() :].startswith("\n\n</div>\n")


@pytest.mark.docker
@pytest.mark.timeout(900)
def test_every_command_of_the_guide_does_what_the_guide_says(checkout: Checkout) -> None:
    said: dict[str, str] = {}
    for command in commands(GUIDES[0]):
        if ENDED_BY_HAND in command:
            said[command] = started_and_ended(checkout, command)
        else:
            said[command] = checkout.run("sh", "-ec", command, timeout=600, SPEED=FASTER).text
        if command.startswith("docker compose restart"):
            level = "DEBUG" if "LOG_LEVEL=DEBUG" in (checkout.path / "env/prod.env").read_text() else "INFO"
            assert level in status_once_up(checkout), "a restart after the edit takes the file's level"

    rendered = said["docker compose config | grep -E 'LOG_LEVEL|PYTHONUNBUFFERED'"]
    assert rendered.count("LOG_LEVEL: INFO") == rendered.count('PYTHONUNBUFFERED: "1"') == 4
    assert "✅ lines: calls" in said["make call"]
    assert "[DEBUG]" in (checkout.path / "debug.log").read_text()
    assert "7 of 7 hold" in said["make checklist"]
    switched = takewhile(lambda line: "logctl reset" not in line, said)
    assert any("logctl level DEBUG" in line for line in switched)


def status_once_up(checkout: Checkout) -> str:
    """What `logctl status` says of the restarted service, once it is healthy again."""
    deadline = monotonic() + 60
    while checkout.compose("ps", "--format", "{{.Health}}", "prosaas-calls").out.strip() != "healthy":
        assert monotonic() < deadline, checkout.compose("logs", "prosaas-calls").text
        sleep(0.2)
    return checkout.compose("exec", "-T", "prosaas-calls", "logctl", "status").out


def started_and_ended(checkout: Checkout, command: str) -> str:
    """Starts what runs until Ctrl-C, lets it write something, and presses it."""
    target = re.search(r"> (\S+)", command)
    output = checkout.path / (target[1] if target else "output-of-the-test.log")
    with running(checkout, command, output) as process:
        deadline = monotonic() + 60
        while not output.exists() or "DEBUG" not in output.read_text():
            assert process.poll() is None or "FOR=" in command, output.read_text()
            assert monotonic() < deadline, f"{command}: no DEBUG line in a minute"
            sleep(0.2)
    return output.read_text()


@contextmanager
def running(checkout: Checkout, command: str, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("ab") as file:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=checkout.path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
