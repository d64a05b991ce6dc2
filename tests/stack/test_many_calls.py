"""Fifty calls at once through the running stack, and a call while parts of the stack go away."""

import json
import socket
import threading
from contextlib import suppress
from typing import Any

import pytest

from stack_world.stack import Stack, eventually

CALLS = 50
_LIVE = ("python", "-c", "import urllib.request as u;print(u.urlopen('http://127.0.0.1:9000/_/calls').read().decode())")


def results(stack: Stack, *options: str) -> list[dict[str, Any]]:
    """What each caller experienced, also where it was not all well."""
    command = " ".join(("python -m simulator call --json", *options, "|| true"))
    printed = stack.execute("simulator", "sh", "-c", command)
    notes = [json.loads(line) for line in printed.splitlines()]
    return [note for note in notes if note["what"] == "result"]


def rows(stack: Stack, query: str) -> list[Any]:
    """The rows of a query, each as JSON."""
    wrapped = f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"
    found: list[Any] = json.loads(stack.execute("postgres", "psql", "-U", "prosaas", "-At", "-c", wrapped))
    return found


@pytest.mark.alone
def test_fifty_calls_at_once_leave_fifty_right_records(stack: Stack) -> None:
    """Each caller hears everything and books, each call has one end, one record, one summary; no hour is sold twice."""
    placed = results(stack, "--count", str(CALLS))
    call_sids = {result["call_sid"] for result in placed}

    assert len(call_sids) == CALLS
    assert [result["problems"] for result in placed if not result["ok"]] == []
    for call_sid in call_sids:
        lines = stack.lines_of_call("prosaas-calls", call_sid)
        assert sum("[CALL_END]" in line for line in lines) == 1
        assert len(lines) <= 30

    ours = ", ".join(f"'{call_sid}'" for call_sid in call_sids)

    def summarised() -> str | None:
        query = f"SELECT call_sid FROM calls WHERE summary IS NOT NULL AND call_sid IN ({ours})"
        return "all" if len(rows(stack, query)) == CALLS else None

    eventually(summarised, "summaries", 60)
    records = rows(stack, f"SELECT call_sid, end_reason, transcript, metrics FROM calls WHERE call_sid IN ({ours})")
    for record in records:
        assert record["end_reason"] == "customer_hangup"
        assert record["metrics"]["turns"] == 3
        said = [line["text"] for line in record["transcript"] if line["who"] == "customer"]
        assert len(said) == 3, record
    overlapping = (
        "SELECT a.id FROM appointments a JOIN appointments b ON a.business_id = b.business_id AND a.id < b.id"
        " AND a.status = 'booked' AND b.status = 'booked'"
        " AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"
    )
    assert rows(stack, overlapping) == []
    booked = rows(stack, f"SELECT call_sid FROM appointments WHERE call_sid IN ({ours})")
    assert len({row["call_sid"] for row in booked}) == len(booked) > 0


def test_a_call_without_a_database_is_recorded_once_when_it_is_back(stack: Stack) -> None:
    """The caller is served with the generic greeting; the record waits on the volume and is stored by the worker."""
    stack.checkout.compose("stop", "--timeout", "5", "postgres")
    try:
        (result,) = results(stack, "--speed", "4")
    finally:
        stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", "postgres")

    # The api cannot take Twilio's status callback without its database; everything that the caller hears must be well.
    assert [problem for problem in result["problems"] if not problem.startswith("status callback")] == []
    assert len(result["heard"]) >= 4
    stack.wait_for_line("prosaas-calls", result["call_sid"], "CALL_RECORD_SPOOLED")

    def stored() -> str | None:
        found = rows(stack, f"SELECT end_reason FROM calls WHERE call_sid = '{result['call_sid']}'")
        return str(found[0]["end_reason"]) if found and found[0]["end_reason"] else None

    assert eventually(stored, "the spooled record", 90) == "customer_hangup"
    assert stack.execute("worker", "ls", "/var/spool/prosaas").split() == []


def test_a_flood_of_large_bodies_from_strangers_costs_nobody_a_call(stack: Stack) -> None:
    """700 connections, each with a body of almost 1 MB that is never finished: nothing dies of it, nobody is cut."""
    services = ("gateway", "prosaas-api", "prosaas-calls")
    before = {name: stack.inspect(name)["State"]["StartedAt"] for name in services}
    speaking: list[dict[str, Any]] = []
    call = threading.Thread(target=lambda: speaking.extend(results(stack, "--speed", "2")))
    call.start()
    eventually(lambda: "live" if stack.execute("simulator", *_LIVE).strip() != "[]" else None, "a live call", 20)
    address, port = stack.door.split(":")
    head = f"POST /twilio/voice HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
    strangers = []
    for _ in range(700):
        with suppress(OSError):
            stranger = socket.create_connection((address, int(port)), timeout=10)
            strangers.append(stranger)
            stranger.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + b"x" * 100_000)
            stranger.setblocking(False)
    for stranger in strangers:
        with suppress(OSError):
            stranger.send(b"x" * 850_000)
    call.join(120)
    for stranger in strangers:
        stranger.close()
    assert [result["problems"] for result in speaking] == [[]]
    assert {name: stack.inspect(name)["State"]["StartedAt"] for name in services} == before
    assert stack.call()["ok"]
