"""prosaas-calls dies with calls on the line: what was said is in their records, once, and each has its end."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest

from stack_world.stack import Stack, docker, eventually, prepare, remove

CALLS = 20
SPOOL = "/var/spool/prosaas"
FILL = f"""
with open("{SPOOL}/full", "wb", buffering=0) as file:
    for size in (65536, 512, 1):
        try:
            while file.write(bytes(size)) == size:
                pass
        except OSError:
            pass
"""


@contextmanager
def talking(stack: Stack, count: int, scenario: str = "demo") -> Iterator[list[str]]:
    """Calls in the midst of their conversation: the ids of all, each of which has had an answer."""
    service = stack.container("prosaas-calls")
    before = {sid for line in stack.lines_of(service) for sid in re.findall(r"CALL_START\] call_sid=(CA\w+)", line)}
    command = (
        "python",
        "-m",
        "simulator",
        "call",
        "--json",
        "--speed",
        "2",
        "--count",
        str(count),
        "--scenario",
        scenario,
    )
    simulator = stack.container("simulator")
    with subprocess.Popen(["docker", "exec", simulator, *command], stdout=subprocess.DEVNULL) as callers:

        def answered() -> str | None:
            said = "\n".join(line for line in stack.lines_of(service) if '[TRANSCRIPT] AI: "' in line)
            found = set(re.findall(r"call_sid=(CA\w+)", said)) - before
            return " ".join(found) if len(found) == count else None

        try:
            yield eventually(answered, f"{count} calls with an answer", 60).split()
        finally:
            callers.terminate()


def written(stack: Stack, call_sids: list[str]) -> dict[str, list[str]]:
    """What the container wrote of each call."""
    lines = stack.lines("prosaas-calls")
    return {call_sid: [line for line in lines if call_sid in line] for call_sid in call_sids}


def recorded(stack: Stack, call_sids: list[str]) -> dict[str, Any]:
    """The records of the calls, once all are there with their summaries."""
    wanted = ", ".join(f"'{call_sid}'" for call_sid in call_sids)
    query = (
        "SELECT coalesce(json_object_agg(call_sid, json_build_object('reason', end_reason, 'events', events)), '{}')"
        f" FROM calls WHERE summary IS NOT NULL AND call_sid IN ({wanted})"
    )

    def look() -> str | None:
        found = stack.execute("postgres", "psql", "-U", "prosaas", "-At", "-c", query)
        return found if len(json.loads(found)) == len(call_sids) else None

    found: dict[str, Any] = json.loads(eventually(look, "the records of the calls, and their summaries", 120))
    return found


def assert_found(stack: Stack, said: dict[str, list[str]]) -> None:
    """Each call has one record with all that had been written, and one ending, which is told by whoever found it."""
    records = recorded(stack, list(said))
    services = [line for service in ("prosaas-calls", "worker") for line in stack.lines(service)]
    for call_sid, lines in said.items():
        assert records[call_sid]["reason"] == "crashed"
        kept = [event["text"] for event in records[call_sid]["events"]]
        assert not [line for line in lines if not any(text in line for text in kept)]
        (end,) = [line for line in services if "[CALL_END]" in line and call_sid in line]
        assert "crashed" in end
        assert "memory=" in end
    assert stack.execute("worker", "ls", SPOOL).split() == []


def restarts(container: str) -> int:
    """How often the engine has started it again."""
    return int(docker("inspect", "--format={{.RestartCount}}", container))


def kill(stack: Stack) -> None:
    """Not by the engine, which would take a kill of its own for an end that is wanted. The shell may go with it."""
    command = ["docker", "exec", stack.container("prosaas-calls"), "sh", "-c", "kill -9 -1"]
    subprocess.run(command, capture_output=True, check=False)


def test_calls_of_a_killed_process_are_found_while_postgres_is_away_at_that_moment(stack: Stack) -> None:
    """SIGKILL with twenty calls live; the database goes just before, and comes back after the next start."""
    with talking(stack, CALLS) as call_sids:
        said = written(stack, call_sids)
        sleep(1)
        stack.checkout.compose("stop", "--timeout", "1", "postgres")
        kill(stack)
    try:
        stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", "prosaas-calls")
    finally:
        stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", "postgres")
    assert_found(stack, said)
    story = stack.checkout.run("make", "trace", f"CALL={call_sids[0]}", check=False)
    assert "went down in the middle of the call" in story.text, story.text


def test_calls_of_a_process_that_ran_out_of_memory_are_found(stack: Stack) -> None:
    """The kernel kills it for a limit that something else in the container reached."""
    container = stack.container("prosaas-calls")
    before = restarts(container)
    hog = "import pathlib\nfor p in pathlib.Path('/proc').glob('[0-9]*'):\n"
    hog += "  if b'-m\\0prosaas_calls' in (p / 'cmdline').read_bytes(): (p / 'oom_score_adj').write_text('1000')\n"
    hog += "hogged = [bytearray(16 << 20) for _ in range(100)]\n"
    with talking(stack, 3) as call_sids:
        said = written(stack, call_sids)
        sleep(1)
        docker("update", "--memory=256m", "--memory-swap=256m", container)
        subprocess.run(["docker", "exec", container, "python", "-c", hog], capture_output=True, check=False)

        def restarted() -> str | None:
            return "yes" if restarts(container) > before else None

        eventually(restarted, "the container's restart", 30)
    docker("update", "--memory=1g", "--memory-swap=1g", container)
    stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", "prosaas-calls")
    assert_found(stack, said)


@pytest.fixture
def narrow() -> Iterator[Stack]:
    """A stack whose journals are on a volume of eight megabytes."""
    checkout, project = prepare()
    compose = checkout.path / "docker-compose.yml"
    volume = '  spool: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=8m,mode=1777"}}\n'
    before = compose.read_text(encoding="utf-8")
    compose.write_text(before.replace("\n  spool:\n", f"\n{volume}"), encoding="utf-8")
    assert volume in compose.read_text(encoding="utf-8")
    try:
        checkout.run("make", "up-prod", timeout=600)
        yield Stack(checkout, project)
    finally:
        remove(checkout)


@pytest.mark.timeout(900)
def test_calls_of_a_killed_process_are_found_though_their_volume_was_full_at_that_moment(narrow: Stack) -> None:
    """Full before the calls have ended, and still when they are looked for: what they went on to say is found."""
    with talking(narrow, 5, "long") as call_sids:
        narrow.execute("worker", "python", "-c", FILL)
        heard = written(narrow, call_sids)

        def said_more() -> str | None:
            return "all" if all(len(now) > len(heard[sid]) for sid, now in written(narrow, call_sids).items()) else None

        eventually(said_more, "more from each call", 60)
        said = written(narrow, call_sids)
        sleep(1)
        free = narrow.execute("worker", "python", "-c", f"import os; print(os.statvfs('{SPOOL}').f_bavail)")
        kill(narrow)
    assert int(free) == 0
    recorded(narrow, call_sids)
    narrow.execute("worker", "rm", f"{SPOOL}/full")
    assert_found(narrow, said)
