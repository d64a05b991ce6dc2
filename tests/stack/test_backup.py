"""`make backup` and `make restore`: what was in one stack is in a fresh one, and a live database is not overwritten."""

from pathlib import Path

import pytest

from bundle_world.checkout import Checkout
from stack_world.stack import Stack

CALLS = "SELECT string_agg(call_sid || '=' || coalesce(summary, ''), ',' ORDER BY call_sid) FROM calls"

pytestmark = pytest.mark.docker


def sql(checkout: Checkout, statement: str) -> str:
    psql = ("psql", "--username=prosaas", "-v", "ON_ERROR_STOP=1", "--no-align", "--tuples-only", "-c", statement)
    return checkout.compose("exec", "-T", "postgres", *psql).out.strip()


@pytest.fixture
def fresh(stack: Stack, checkout: Checkout) -> Checkout:
    """A stack that has never run, of the same images."""
    checkout.configure(PROSAAS_TAG=stack.project)
    return checkout


def test_a_backup_of_one_stack_is_the_database_of_another(stack: Stack, fresh: Checkout, tmp_path: Path) -> None:
    """The second restore is refused, because the database is live by then; FORCE=1 saves what it replaces."""
    sql(stack.checkout, "INSERT INTO calls (call_sid, business_id, summary) VALUES ('CAbackup', 456, 'שלום')")
    dump = stack.checkout.path / "backups/one.dump"
    said = stack.checkout.run("scripts/run", "backup", f"FILE={dump}", "VERIFY=1").out
    assert "restored aside to prove it" in said
    assert dump.stat().st_mode & 0o077 == 0
    saved = sql(stack.checkout, CALLS)
    sql(stack.checkout, "DELETE FROM calls WHERE call_sid = 'CAbackup'")

    fresh.run("scripts/run", "restore", f"FILE={dump}")
    assert sql(fresh, CALLS) == saved

    sql(fresh, "DELETE FROM calls WHERE call_sid = 'CAbackup'")
    sql(fresh, "INSERT INTO calls (call_sid) VALUES ('CAlater')")
    refused = fresh.run("scripts/run", "restore", f"FILE={dump}", check=False)
    assert refused.code == 1
    assert "FORCE=1" in refused.err
    assert "CAlater" in sql(fresh, CALLS)

    fresh.run("scripts/run", "restore", f"FILE={dump}", "FORCE=1")
    assert sql(fresh, CALLS) == saved
    assert len(list((fresh.path / "backups").glob("before-restore-*.dump"))) == 1


def test_a_certificate_that_is_lost_comes_back_and_a_newer_one_stays(stack: Stack) -> None:
    def front(*command: str) -> str:
        return stack.checkout.compose("exec", "-T", "gateway", "sh", "-c", " ".join(command)).out.strip()

    front("echo old >/data/lost; echo old >/data/renewed")
    dump = stack.checkout.path / "backups/files.dump"
    stack.checkout.run("scripts/run", "backup", f"FILE={dump}")
    front("rm /data/lost; echo new >/data/renewed")
    said = stack.checkout.run("scripts/run", "restore", f"FILE={dump}", "FORCE=1").text
    assert "files are back from files.files.tar.gz" in said
    assert front("cat /data/lost /data/renewed").split() == ["old", "new"]
    owners = front("stat -c %u /data/lost /data/renewed").split()
    assert owners[0] == owners[1]


def test_what_is_no_backup_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    """A file that pg_restore cannot read is refused before anything is touched; none at all is wrong usage."""
    before = sql(stack.checkout, CALLS)
    broken = stack.checkout.path / "broken.dump"
    broken.write_bytes(b"PGDMP and then nonsense")
    refused = stack.checkout.run("scripts/run", "restore", f"FILE={broken}", "FORCE=1", check=False)
    assert refused.code == 1
    assert "not a backup" in refused.err
    assert stack.checkout.run("scripts/run", "restore", "FILE=absent.dump", check=False).code == 2
    assert stack.checkout.run("scripts/run", "restore", check=False).code == 2
    assert sql(stack.checkout, CALLS) == before


def test_without_a_database_there_is_nothing_to_back_up(checkout: Checkout, tmp_path: Path) -> None:
    """The error says how to have one, and leaves no file behind."""
    refused = checkout.run("scripts/run", "backup", "FILE=backups/none.dump", check=False)
    assert refused.code == 1
    assert "make up-prod" in refused.err
    assert not (checkout.path / "backups").exists()


def running(stack: Stack) -> dict[str, list[str]]:
    return {name: stack.generations(name) for name in ("prosaas-api", "prosaas-calls", "worker")}


def test_a_backup_of_a_newer_schema_is_refused_before_anything_stops(stack: Stack) -> None:
    dump = stack.checkout.path / "backups/newer.dump"
    before, containers = sql(stack.checkout, "SELECT version_num FROM alembic_version"), running(stack)
    sql(stack.checkout, "UPDATE alembic_version SET version_num = '9999'")
    try:
        stack.checkout.run("scripts/run", "backup", f"FILE={dump}")
    finally:
        sql(stack.checkout, f"UPDATE alembic_version SET version_num = '{before}'")
    refused = stack.checkout.run("scripts/run", "restore", f"FILE={dump}", "FORCE=1", check=False)
    assert refused.code == 1
    assert "has the schema 9999, which this version does not know; nothing was changed" in refused.text
    assert running(stack) == containers


def test_a_restore_that_fails_after_the_swap_brings_back_what_was(stack: Stack) -> None:
    """The backup cannot be migrated: the database is the old one again, with what was written last, and serves."""
    dump = stack.checkout.path / "backups/broken.dump"
    newest = sql(stack.checkout, "SELECT version_num FROM alembic_version")
    sql(stack.checkout, "UPDATE alembic_version SET version_num = '0012'")
    try:
        # It says that it is older than it is: its migration meets what is there already.
        stack.checkout.run("scripts/run", "backup", f"FILE={dump}")
    finally:
        sql(stack.checkout, f"UPDATE alembic_version SET version_num = '{newest}'")
    sql(stack.checkout, "INSERT INTO calls (call_sid) VALUES ('CAlast')")
    failed = stack.checkout.run("scripts/run", "restore", f"FILE={dump}", "FORCE=1", check=False, timeout=280)
    assert failed.code == 1
    assert "the database is what it was, and the services that ran run again" in failed.text
    assert "CAlast" in sql(stack.checkout, CALLS)
    assert all(len(found) == 1 for found in running(stack).values())
    assert stack.call()["ok"]
    sql(stack.checkout, "DELETE FROM calls WHERE call_sid = 'CAlast'")
