"""The table of what comes from outside: each row names tests that are there, and its figures are the code's."""

import re
from pathlib import Path

import pytest

from prosaas_api import __main__ as api
from prosaas_api import bodies, intake, patience, problems, rates
from prosaas_calls import server, sockets
from prosaas_calls.caller import audio, keypad
from prosaas_calls.model import realtime
from prosaas_core import patience as pauses
from prosaas_core.kept import journal
from prosaas_core.messages import incoming
from prosaas_core.outward import http
from prosaas_core.postgres import address
from prosaas_logging import render, values
from prosaas_logging.adopt import prints
from prosaas_ops.console import guard, reader

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.partition("## What comes from outside")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| door")
]
KIB, MIB = 1024, 1024**2
LIMITS = {source.path: source.limit for source in intake.SOURCES}
FIGURES = {
    "any HTTP request": (
        f"head within {patience.HEAD_S:.0f} s", f"body within {intake.BODY_S:.0f} s",
        f"{intake.MAX_HELD // MIB} MiB", f"{api.MAX_CONNECTIONS:,} connections",
    ),
    "Twilio's webhooks": (f"{LIMITS['/twilio/'] // KIB} KiB", f"{bodies.MAX_FIELDS} fields"),
    "WhatsApp's webhooks": (
        f"{LIMITS['/whatsapp/meta'] // MIB} MiB", f"{incoming.MAX_ID} characters", f"texts of {incoming.MAX_TEXT:,}"
    ),
    "REST": (
        f"{LIMITS['/v1/'] // KIB} KiB", f"{rates.PER_S:.0f} requests a second", f"bursts of {rates.BURST}",
        f"{rates.LONGEST_LINE} in line", f"at most {problems.MAX_ERRORS} faults",
    ),
    "a media stream before it is a call": (
        f"{sockets._GUEST_BYTES // KIB} KiB", f"{sockets._PINGS_A_SECOND} pings a second"
    ),
    "a media stream in a call": (
        f"{server._MAX_MESSAGE // KIB} KiB a message", f"{audio.MAX_PADDING_MS // 1000} s of silence",
        f"keys by {keypad._MAX_KEYS}",
    ),
    "OpenAI's events": (f"{realtime._MAX_MESSAGE // MIB} MiB a message",),
    "answers of OpenAI, Twilio, Meta, `BUSINESS_WEBHOOK_URL`": (f"{http._LONGEST_ANSWER // MIB} MiB unpacked",),
    "`DATABASE_URL`": (f"{address.LONGEST:,} characters", f"{address.MOST_HOSTS} hosts"),
    "a journal that a dead process left": (f"{journal.MOST_BYTES // MIB} MiB",),
    "values that code logs": (f"{render.LONGEST_LINE // KIB} KiB a line", f"{values._MOST_ITEMS} items"),
    "what libraries and children print": (
        f"by {prints._LONGEST_UNENDED // KIB} KiB", f"by {prints._LONGEST_TRACEBACK} lines"
    ),
    "the console": (f"forms of {guard._LONGEST_FORM // KIB} KiB", f"{reader._LONGEST_HEAD // KIB} KiB of head"),
}  # fmt: skip


@pytest.mark.parametrize(("door", "tried"), [(row[0], row[-1]) for row in ROWS])
def test_each_door_names_tests_that_are_there(door: str, tried: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", tried)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("door", FIGURES)
def test_the_figures_of_a_door_are_those_of_the_code(door: str) -> None:
    ((_, bounds, _),) = [row for row in ROWS if row[0] == door]
    assert [figure for figure in FIGURES[door] if figure not in bounds] == []


def test_retry_after_is_followed_for_as_long_as_the_table_says() -> None:
    assert pauses.LONGEST_ASKED_S == 3600
    assert any("`Retry-After` within an hour" in row[1] for row in ROWS)
