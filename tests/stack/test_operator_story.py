"""From a complaint to the story, on the running stack: call, logs, trace, blackbox, capture."""

import json
import re
import subprocess
import tarfile

import pytest

from bundle_world.checkout import Checkout
from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import finish, ops, typed

CALL_SID = re.compile(r"CALL=(CA[0-9a-f]{32})")


@pytest.fixture(scope="module")
def placed(stack: Stack) -> str:
    """The id of one call that `make call` placed."""
    done = stack.checkout.run("make", "call", "SPEED=4")
    found = CALL_SID.search(done.out)
    assert found
    return found[1]


def test_a_call_shows_its_lines_and_ends_with_the_verdict(stack: Stack) -> None:
    with typed(stack, "make call SPEED=4") as terminal:
        screen = finish(terminal)
        terminal.close()
    assert terminal.exitstatus == 0
    assert screen.index("[CALL_START]") < screen.index("[CALL_END]") < screen.index("✅ lines: calls ")
    assert re.search(r"✅ record: calls/CA[0-9a-f]{32}, customer_hangup", screen)
    assert "❌" not in screen


def test_a_call_at_debug_leaves_the_service_at_info(stack: Stack) -> None:
    done = ops(stack, "call", "SPEED=4", "LEVEL=DEBUG")
    assert int(re.search(r"✅ lines: calls (\d+) at DEBUG", done.out)[1]) >= 500  # type: ignore[index]
    assert json.loads(stack.execute("prosaas-calls", "logctl", "status", "--json"))["switches"] == []


def test_lines_that_nobody_reads_any_more_end_with_their_reader(stack: Stack) -> None:
    """Its container would hold the stack's networks for ever, through a `down`."""

    def following() -> list[str]:
        labels = ("--filter=label=prosaas.ops.command=logs", f"--filter=label=prosaas.ops.project={stack.project}")
        return docker("ps", "--quiet", *labels).split()

    with subprocess.Popen(
        ["sh", "-c", "make logs | head -n 1"], cwd=stack.checkout.path, stdin=subprocess.DEVNULL
    ) as reader:
        eventually(lambda: "there" if following() else None, "make logs at work", 20)
        # Two lines at least: the first ends the reader, the next finds that out.
        stack.call()
        assert reader.wait(20) is not None
        eventually(lambda: None if following() else "gone", "the end of make logs", 20)


def test_an_unknown_scenario_is_a_problem_in_words(stack: Stack) -> None:
    done = ops(stack, "call", "SCENARIO=opera")
    assert done.code == 2
    assert "opera" in done.err
    assert "Traceback" not in done.text


def test_what_is_piped_has_neither_colour_nor_cursor_codes(stack: Stack, placed: str) -> None:
    for command in (("trace", f"CALL={placed}"), ("logs", "SINCE=1h"), ("diff",)):
        assert "\x1b" not in stack.checkout.run("make", *command).out


def test_a_terminal_gets_colour(stack: Stack, placed: str) -> None:
    with typed(stack, f"make trace CALL={placed}") as terminal:
        terminal.expect("\x1b\\[1m" + placed)


def test_the_trace_of_a_call_spans_all_services(stack: Stack, placed: str) -> None:
    story = stack.checkout.run("make", "trace", f"CALL={placed}").out
    for expected in ("[VOICE_WEBHOOK]", "[CALL_START]", "[TOOL_CALL]", "[CALL_END]", "[JOB_DONE]"):
        assert expected in story
    assert "business 456" in story
    assert "from the caller's last word to its first sound" in story
    assert story.index("✓ simulated: the caller hung up") < story.index("[CALL_START]") < story.index("[CALL_END]")


def test_a_number_leads_to_its_calls_and_each_of_them_to_its_story(stack: Stack, placed: str) -> None:
    stack.call()
    listed = stack.checkout.run("make", "trace", "PHONE=050-1234567").out
    assert "calls from or to +972501234567, newest first" in listed
    assert "[CALL_START]" in stack.checkout.run("make", "trace", "PHONE=050-1234567", "N=2").out


def test_the_beginning_of_an_id_means_the_call(stack: Stack, placed: str) -> None:
    assert placed in stack.checkout.run("make", "trace", f"CALL={placed[:10].lower()}").out


def test_the_simulated_calls_of_a_demo_are_listed_as_such_and_are_its_figures(stack: Stack, placed: str) -> None:
    counted, *rows = stack.checkout.run("make", "calls", "SINCE=1h").out.splitlines()
    assert "calls 0" not in counted
    assert "simulated" not in counted
    assert [row for row in rows if placed[:8] in row and "simulated: " in row]
    assert re.search(r"^456 .+ [1-9]\d* ", stack.checkout.run("make", "costs", "BY=business").out, re.MULTILINE)


def test_calls_errors_and_levels_answer(stack: Stack, placed: str) -> None:
    assert placed[:8] in stack.checkout.run("make", "calls", "SINCE=1h").out
    assert "UTC" in stack.checkout.run("make", "errors").out
    levels = stack.checkout.run("make", "levels").out
    assert re.search(r"^worker +INFO", levels, re.MULTILINE)
    assert "frees it" in levels


def test_the_page_is_one_file(stack: Stack, placed: str) -> None:
    stack.checkout.run("make", "trace", f"CALL={placed}", "OUT=html")
    page = (stack.checkout.path / "logs" / f"trace-{placed}.html").read_text()
    assert page.count("<rect") >= 5
    assert not re.search(r"<script|src=|href=", page)


def test_unknown_calls_and_numbers_match_nothing(stack: Stack) -> None:
    for word in ("CALL=CAffffffff", "PHONE=+15550000000"):
        done = ops(stack, "trace", word)
        assert done.code == 3
        assert len(done.err.splitlines()) == 1


def test_logs_of_the_past_are_filtered_and_end(stack: Stack, placed: str) -> None:
    lines = stack.checkout.run(
        "make", "logs", "S=calls", "SINCE=1h", f"CALL={placed}", "GREP=TRANSCRIPT"
    ).out.splitlines()
    assert lines
    assert all("[TRANSCRIPT]" in line for line in lines)
    assert ops(stack, "logs", "SINCE=1h", "GREP=no such words at all").code == 3


def test_logs_follow_until_ctrl_c(stack: Stack) -> None:
    with typed(stack, "make logs S=calls") as terminal:
        result = stack.call()
        terminal.expect(f"CALL_START.*{result['call_sid'][-4:]}")
        terminal.sendintr()
        assert "Traceback" not in finish(terminal)


def test_the_flight_recorder_of_a_failed_call_is_shown(stack: Stack) -> None:
    done = stack.checkout.run("make", "call", "SCENARIO=model_error", "SPEED=8", check=False)
    call_sid = CALL_SID.search(done.out)[1]  # type: ignore[index]
    stack.wait_for_line("prosaas-calls", "BLACKBOX_WRITTEN", call_sid)
    shown = stack.checkout.run("make", "blackbox", f"CALL={call_sid}").out
    assert f"call {call_sid}: " in shown
    assert "MEDIA_IN ×" in shown
    assert "[DEBUG] [MEDIA_IN]" in stack.checkout.run("make", "blackbox", f"CALL={call_sid}", "LEVEL=DEBUG").out
    assert call_sid in stack.checkout.run("make", "blackbox").out


def test_a_capture_holds_the_story_and_none_of_the_stacks_secrets(stack: Stack, placed: str) -> None:
    done = stack.checkout.run("make", "capture", "SINCE=1h")
    name = done.out.partition("wrote ")[2].partition(":")[0]
    secrets = [file.read_text() for file in (stack.checkout.path / "secrets").iterdir()]
    passwords = [secret for secret in secrets if len(secret) >= 8]
    assert len(passwords) >= 5
    with tarfile.open(stack.checkout.path / name) as tar:
        texts = {item.name: file.read().decode() for item in tar.getmembers() if (file := tar.extractfile(item))}
    assert {path.rpartition("/")[2] for path in texts} >= {
        "events.jsonl",
        "timeline.html",
        "config.json",
        "inspect.json",
    }
    for path, text in texts.items():
        assert not [secret for secret in passwords if secret in text], path
        assert "+972501234567" not in text, path
    assert placed in next(text for path, text in texts.items() if path.endswith("events.jsonl"))


def test_a_capture_of_the_future_ends_with_ctrl_c_and_keeps_what_came(stack: Stack) -> None:
    with typed(stack, "make capture FOR=10m") as terminal:
        terminal.expect("capturing for 10m")
        stack.call()
        terminal.sendintr()
        terminal.expect("ended early")
        terminal.expect(r"wrote logs/capture-stack-\S+\.tar\.gz: \d+ lines")


def test_yesterdays_call_is_told_from_its_record(stack: Stack, placed: str) -> None:
    """Fresh containers have empty logs."""
    stack.checkout.compose(
        "up", "--detach", "--wait", "--no-deps", "--force-recreate", "prosaas-api", "prosaas-calls", "worker"
    )
    story = stack.checkout.run("make", "trace", f"CALL={placed}").out
    assert "prosaas-calls 0" in story
    assert re.search(r"\[CALL_END\].*\(record\)", story)
    assert "[TRANSCRIPT]" in story


def test_without_a_stack_every_tool_says_how_to_start_one(checkout: Checkout) -> None:
    for command in ("call", "trace", "logs", "debug-calls", "checklist", "diff", "capture"):
        done = checkout.run("scripts/run", command, check=False)
        assert done.code == 1
        assert "is not running" in done.err
        assert "make up-prod" in done.err
