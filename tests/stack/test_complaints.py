"""Eight complaints, each from the complaint's own words to its cause: by the commands that pages and screens offer.

The first command is the troubleshooting page's for those words, the second one stands on the first one's screen. An
engineer on duty reads from the top until the cause is there.
"""

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bundle_world.checkout import ROOT
from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import typed

MOST_COMMANDS, MOST_SECONDS, MOST_WORDS = 2, 10.0, 200
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
SLOW_BUSINESS, GREETING = "+97235550177", "שלום, הגעתם אלינו. במה אפשר לעזור?"


@dataclass
class Duty:
    """The engineer on duty: types commands, and reads what comes until what they look for is there."""

    stack: Stack
    commands: int = 0
    seconds: float = 0.0
    words: int = 0

    def complains(self, symptom: str, phone: str = "") -> str:
        """What the page's first command for these words shows, for this number."""
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| {symptom}"))
        command = row.split("|")[2].split("`")[1]
        return self.types(command.replace("+972501234567", phone))

    def types(self, command: str) -> str:
        """What the command shows."""
        assert command.startswith("make ")
        self.commands += 1
        began = time.monotonic()
        done = self.stack.checkout.run("make", *command.split()[1:], check=False)
        self.seconds += time.monotonic() - began
        return done.out

    def offered(self, screen: str, beginning: str) -> str:
        """What the command that this screen offers, and that begins so, shows."""
        last = next(line for line in screen.splitlines() if line.startswith("next: "))
        offers = last.removeprefix("next: ").split(" · ")
        return self.types(next(command for command in offers if command.startswith(beginning)))

    def reads(self, screen: str, cause: str) -> str:
        """The line that says the cause; what stands above it has been read as well."""
        for line in screen.splitlines():
            self.words += len(line.split())
            if re.search(cause, line):
                return line
        raise AssertionError(f"nothing says {cause!r}:\n{screen}")

    def is_done(self) -> None:
        """As much as one can ask of anybody at night; of a machine that is busy, as much longer as it is busy."""
        print(f"{self.commands} commands, {self.seconds:.1f} s, {self.words} words")
        assert self.commands <= MOST_COMMANDS
        assert self.seconds < MOST_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        assert self.words <= MOST_WORDS


@pytest.fixture
def duty(stack: Stack) -> Iterator[Duty]:
    """Somebody who has just been woken up."""
    engineer = Duty(stack)
    yield engineer
    engineer.is_done()


@pytest.fixture(scope="module")
def ask(stack: Stack) -> Callable[..., Any]:
    """Asks the simulator for something under /_/."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    address = docker("inspect", "-f", form, stack.container("simulator")).split()[0]

    def post(path: str, method: str = "POST", **body: Any) -> Any:
        url = f"http://{address}:9000/_/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    return post


@pytest.fixture(scope="module")
def finished(stack: Stack, ask: Callable[..., Any]) -> Callable[..., str]:
    """Places a call, good or bad, and returns its id once it is over and recorded."""

    def place(number: str, scenario: str, *, speed: float = 8.0, **order: Any) -> str:
        told = ask("calls", **{"from": f"+97250{number}", "scenario": scenario, "speed": speed, **order})
        call_sid: str = json.loads(told.splitlines()[-1])["call_sid"]
        if "calls_url" not in order:
            stack.wait_for_line("worker", call_sid, "JOB_DONE")
        return call_sid

    return place


def test_an_hour_ago_nobody_answered(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    """The stream never came: the caller heard a sentence of Twilio's, and nothing of ours ever saw the call."""
    finished("1230001", "demo", calls_url="ws://127.0.0.1:9")
    story = duty.complains("a customer complains", "050-1230001")
    duty.reads(story, "no audio stream ever came|the call never reached the agent")


def test_she_hung_up_on_me(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    """The caller rang before, too: the list says which of the calls it was."""
    finished("1230002", "hangup_close")
    finished("1230002", "model_gone")
    listed = duty.complains("a customer complains", "050-1230002")
    number = duty.reads(listed, "the model could not be reached").split()[0]
    story = duty.types(f"make trace PHONE=050-1230002 N={number}")
    duty.reads(story, "the model could not be reached")


def test_she_booked_the_wrong_day(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    """The tool had refused, and the agent said that it was done."""
    finished("1230003", "wrong_booking")
    story = duty.complains("a customer complains", "050-1230003")
    duty.reads(story, "the agent said it was done, and no tool had done it: .*קבעתי לכם תור")


def test_it_takes_ages_until_she_answers(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    finished("1230004", "slow_answers", speed=1.0)
    listed = duty.complains("slow answers")
    duty.reads(listed, "the slowest answer came after 3[0-9]{3} ms")
    duty.reads(duty.offered(listed, "make trace"), "the slowest answer came after 3[0-9]{3} ms")


def test_it_rings_and_rings_and_then_she_speaks(
    stack: Stack, duty: Duty, ask: Callable[..., Any], finished: Callable[..., str]
) -> None:
    """A business whose greeting nobody has kept yet, while the model's address is slow to connect."""
    insert = f"insert into businesses (name, phone, greeting) values ('x', '{SLOW_BUSINESS}', '{GREETING}')"
    stack.execute("postgres", "psql", "-U", "prosaas", "-qc", insert)
    ask("faults", realtime={"connect_delay_ms": 4000})
    try:
        # Somebody else has the connection that stood ready.
        finished("1230000", "short")
        finished("1230005", "hangup_close", to=SLOW_BUSINESS)
    finally:
        ask("faults", "DELETE")
    story = duty.complains("a customer complains", "050-1230005")
    duty.reads(story, "the greeting came after [2-5][0-9]{3} ms")


def test_since_this_morning_all_is_strange(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    """The same error in three calls is one row, with how often it came and a call that it hit."""
    for _ in range(3):
        finished("1234567", "model_error")
    # The first one is told whole, the others within half a minute as a number.
    stack.wait_for_line("prosaas-calls", "REPEATED", "server_error", seconds=45)
    grouped = duty.complains("since this morning all is strange")
    row = duty.reads(grouped, r"REALTIME.*server_error")
    assert int(row.split()[0]) >= 3
    assert int(row.split()[3]) >= 1


def test_a_message_was_not_answered(
    stack: Stack, duty: Duty, ask: Callable[..., Any], finished: Callable[..., str]
) -> None:
    """Its writer has called as well: the number leads to both."""
    finished("1230006", "hangup_close")
    ask("faults", meta={"status": 403, "count": 100})
    try:
        sent = json.loads(ask("whatsapp", channel="meta", **{"from": "+972501230006"}))
        assert sent["statuses"] == [200]
        stack.wait_for_line("worker", "WHATSAPP_SEND_FAILED", seconds=60)
        listed = duty.complains("a WhatsApp message was not answered", "050-1230006")
        duty.reads(listed, "WhatsApp .*waiting for an answer")
        duty.reads(duty.offered(listed, "make trace MESSAGE="), "403, our credential does not allow it")
    finally:
        ask("faults", "DELETE")


def test_which_of_yesterdays_calls_went_badly(stack: Stack, duty: Duty, finished: Callable[..., str]) -> None:
    """The worst one is on top, and its story one command away."""
    call_sid = finished("1230007", "model_gone")
    listed = duty.complains("which calls went badly?")
    assert call_sid[:8] in duty.reads(listed, "the model could not be reached")
    story = duty.offered(listed, "make trace")
    assert story.startswith(call_sid)
    duty.reads(story, "the model could not be reached")


def test_who_has_debug_on_and_what_eats_the_disk(stack: Stack, duty: Duty) -> None:
    """One screen has both: who, until when and how it ends; and the largest first, each with what frees it."""
    with typed(stack, "make debug-calls FOR=2m") as terminal:
        terminal.expect("DEBUG")
        eventually(
            lambda: json.loads(stack.execute("prosaas-calls", "logctl", "status", "--json"))["switches"] or None,
            "a switch",
            30,
        )
        screen = duty.complains("the disk fills up")
        assert "@" in duty.reads(screen, r"^calls +DEBUG")
        duty.reads(screen, "make quiet-calls")
        duty.reads(screen, r" MB +")
        terminal.sendintr()


def test_what_runs_is_shown_with_the_level_that_each_service_says(stack: Stack) -> None:
    """Not the level that the file has: what is in force now."""
    stack.execute("worker", "logctl", "level", "DEBUG", "--for", "1m")
    try:
        shown = stack.checkout.run("make", "ps").out
    finally:
        stack.execute("worker", "logctl", "reset")
    assert re.search(r"-worker-\d+ +\S+ +DEBUG +Up", shown)
    assert re.search(r"-prosaas-calls-\d+ +\S+ +INFO +Up .*\(healthy\)", shown)
