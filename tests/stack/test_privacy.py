"""On a running stack: each service is who it should be, and a forgotten person stays so after a restore."""

import tarfile
from pathlib import Path

import pytest

from bundle_world.checkout import Checkout
from stack_world.stack import Stack

pytestmark = pytest.mark.timeout(900)

CALLER = "+972501234567"
OURS = {"prosaas_api", "prosaas_calls", "prosaas_worker"}


def sql(checkout: Checkout, statement: str) -> str:
    psql = ("psql", "--username=prosaas", "-v", "ON_ERROR_STOP=1", "--no-align", "--tuples-only", "-c", statement)
    return checkout.compose("exec", "-T", "postgres", *psql).out.strip()


def users(stack: Stack) -> set[str]:
    """Who is connected over the network: the query itself comes through the socket."""
    return set(
        sql(stack.checkout, "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_addr IS NOT NULL").split()
    )


def test_an_installation_without_roles_is_moved_over_by_the_next_start(stack: Stack) -> None:
    assert users(stack) == OURS
    stack.checkout.configure(DATABASE_ROLES="0")
    stack.checkout.run("make", "up-prod", timeout=600)
    assert users(stack) == {"prosaas"}
    stack.checkout.configure(DATABASE_ROLES="")
    stack.checkout.run("make", "up-prod", timeout=600)
    assert users(stack) == OURS
    result = stack.call()
    assert result["ok"], result
    stack.wait_for_line("worker", result["call_sid"], "JOB_DONE")


def test_a_person_is_told_forgotten_and_stays_so(stack: Stack) -> None:
    checkout = stack.checkout
    result = stack.call()
    stack.wait_for_line("worker", result["call_sid"], "JOB_DONE")
    checkout.run("make", "trace", f"CALL={result['call_sid']}", "OUT=html", "WHY=complaint 7")
    checkout.run("make", "backup", "FILE=backups/before.dump")
    exported = checkout.run("make", "export", f"PHONE={CALLER}")
    (archive,) = Path(checkout.path / "logs").glob("export-*.tar.gz")
    with tarfile.open(archive) as opened:
        names = [member.name.rpartition("/")[2] for member in opened]
    assert {"person.html", "person.json"} <= set(names), exported.text

    assert checkout.run("scripts/run", "forget", f"PHONE={CALLER}", check=False).code == 1
    done = checkout.run("scripts/run", "forget", f"PHONE={CALLER}", "YES=1", "WHY=request of 3 May")
    assert "Receipt" in done.out
    assert CALLER[1:] not in done.text
    assert list((checkout.path / "logs").glob("*.html")) == []
    assert sql(checkout, f"SELECT count(*) FROM calls WHERE from_number = '{CALLER}'") == "0"
    assert int(sql(checkout, "SELECT count(*) FROM calls WHERE duration_s > 0")) > 0
    assert checkout.run("scripts/run", "forget", f"PHONE={CALLER}", "YES=1", check=False).code == 3
    told = checkout.run("make", "audit").out
    for words in ("complaint 7", "request of 3 May", "forgotten", "exported"):
        assert words in told

    restored = checkout.run("scripts/run", "restore", "FILE=backups/before.dump", "FORCE=1", timeout=600)
    assert "stay forgotten" in restored.out
    assert sql(checkout, f"SELECT count(*) FROM calls WHERE from_number = '{CALLER}'") == "0"
    assert users(stack) == OURS
    assert "request of 3 May" in checkout.run("make", "audit").out
    assert "transcripts" in checkout.run("make", "retention").out
