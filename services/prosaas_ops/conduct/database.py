"""The database in its container, as the tools ask it: statements, a dump beside it, and what is in one."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prosaas_core.postgres import roles
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.texts import conduct as conducted
from prosaas_ops.texts import kept as words
from prosaas_ops.texts.refused import EXIT_CODE

# The tables that matter, each with the column that says when a row came.
_TABLES = {
    "businesses": "created_at",
    "calls": "started_at",
    "messages": "created_at",
    "appointments": "created_at",
    "customers": "created_at",
    "api_keys": "created_at",
}
_IN_POSTGRES = ("docker", "compose", "exec", "-T", "--env", "PGOPTIONS=--client_min_messages=warning", "postgres")
_WHOSE = {"business_id": "businesses", "customer_id": "customers"}
# What a row has of its own in each database; and of a job, whoever was at it.
_ITS_OWN = {"calls": ("call_sid", *_WHOSE), "charges": ("id",), "pgqueuer": ("id", "status", "queue_manager_id")}
# Of which call a job is, by its payload.
_CALL_OF = "convert_from(payload, 'UTF8')::jsonb ->> 'call_sid'"
# What is filled beside the database and taken away again: after a kill who is forgotten since would be in it still.
COPIES = ("prosaas_restored", "prosaas_proof", "prosaas_drill")
# Of the migration's own, where it failed.
LAST_LINES = 20


def sql(world: World, database: str, statement: str, **values: str) -> str:
    """Ask the database in its container, as its owner. Values travel on standard input, which nobody else reads."""
    quoted = "".join(
        "\\set {} '{}'\n".format(name, value.replace("\\", "\\\\").replace("'", "''")) for name, value in values.items()
    )
    psql = (
        "psql",
        "--username=prosaas",
        f"--dbname={database}",
        "--no-psqlrc",
        "--no-align",
        "--tuples-only",
        "--quiet",
    )
    return world.compose("exec", "-T", "postgres", *psql, "--set=ON_ERROR_STOP=1", feed=quoted + statement).out.strip()


def tables(world: World, database: str) -> set[str]:
    """The names of its tables."""
    return set(sql(world, database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").split())


def databases(world: World) -> dict[str, bool]:
    """Each database by its name, and whether it lets anybody in."""
    rows = sql(world, "postgres", "SELECT datname, datallowconn FROM pg_database").splitlines()
    return {name: open_ == "t" for name, _, open_ in (row.partition("|") for row in rows)}


def copies(world: World) -> list[str]:
    """The copies that are there. One that was in service for a moment, and is closed since, is none: it may have what
    came in that moment."""
    there = databases(world)
    return [name for name in COPIES if there.get(name)]


def drop(world: World, database: str) -> None:
    """Take it away, whoever looks into it."""
    sql(world, "postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE);")


def counted(world: World, database: str) -> str:
    """How many rows the tables that matter have."""
    there = tables(world, database)
    return ", ".join(
        f"{sql(world, database, f'SELECT count(*) FROM {table}')} {table}" for table in _TABLES if table in there
    )


def came_after(world: World, database: str, moment: str) -> str:
    """How many rows of each of those tables came after the moment; nothing where none did."""
    there = tables(world, database)
    counts = {
        table: sql(world, database, f"SELECT count(*) FROM {table} WHERE {came} > :'moment'", moment=moment)
        for table, came in _TABLES.items()
        if table in there
    }
    return ", ".join(f"{count} {table}" for table, count in counts.items() if count != "0")


def made_at(world: World, path: Path) -> str:
    """When the dump was made, as it says itself."""
    with path.open("rb") as file:
        listed = piped(world, ["pg_restore", "--list"], feed=file, out=subprocess.PIPE)
    found = re.search(rb"^; Archive created at (\d{4}-\d\d-\d\d [^\n]{1,40}?)$", listed.stdout, re.MULTILINE)
    if found is None:
        raise problem(words.NOT_WHOLE(name=path.name), str(words.ANOTHER))
    return found[1].decode("ascii", "replace")


def aside(world: World, path: Path, database: str) -> None:
    """The backup as a database of its own."""
    # A dump names roles and cannot make them.
    sql(world, "postgres", ";".join(roles.made()) + ";")
    drop(world, database)
    sql(world, "postgres", f"CREATE DATABASE {database} TEMPLATE template0;")
    command = [
        "pg_restore",
        "--username=prosaas",
        f"--dbname={database}",
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
    ]
    with path.open("rb") as file:
        done = piped(world, command, feed=file)
    if done.returncode:
        raise Problem(words.NOT_RESTORED(why=said(done)))


def require_container(world: World) -> None:
    """A database of a provider's is the provider's to back up."""
    if not world.containers():
        raise problem(str(conducted.STACK_NOT_RUNNING), "make up-prod")
    if not any(found.state == "running" for found in world.containers("postgres")):
        raise problem(str(words.NO_POSTGRES), str(words.ITS_PROVIDER), "docs/operations.md")


def readable(world: World, path: Path) -> None:
    """Refuse what cannot be read to its end: a dump that was cut keeps its contents."""
    with path.open("rb") as file:
        if piped(world, ["pg_restore", "--file=/dev/null"], feed=file).returncode:
            raise problem(words.NOT_WHOLE(name=path.name), str(words.ANOTHER))


def piped(
    world: World, command: Sequence[str], *, feed: Any = None, out: Any = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command beside the server, with a file as its input or its output."""
    return subprocess.run(
        [*_IN_POSTGRES, *command],
        cwd=world.root,
        env={**os.environ, **world.overrides},
        stdin=feed or subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )


def said(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The end of what it complained of."""
    return (done.stderr or b"").decode("utf-8", "replace").strip()[-500:]


def bring_ended(world: World) -> int:
    """Bring what is restored the records of calls that have ended since its backup; how many calls that were.

    Each in the place of its open row, with what was paid for it and its jobs that wait. All of it at once: this asks
    no more for a call that has its record.
    """
    open_ = sql(world, "prosaas_restored", "SELECT call_sid FROM calls WHERE recorded_at IS NULL").split()
    its = {
        "calls": f"recorded_at IS NOT NULL AND {among('call_sid')}",
        "charges": among("call_sid"),
        "pgqueuer": among(_CALL_OF),
    }
    shared = {table: _shared(world, table) for table in its}
    known = {
        table: _rows(world, f"SELECT * FROM {table} WHERE {its[table]}", " ".join(open_))
        for table, names in shared.items()
        if names
    }
    # A row that names whom the backup does not have would be refused.
    whose = [
        f"{name} = coalesce((SELECT id FROM {table} WHERE id = one.{name}), calls.{name})"
        for name, table in _WHOSE.items()
    ]
    parts = [
        f"brought AS (UPDATE calls SET {', '.join([f'{name} = one.{name}' for name in shared['calls']] + whose)} "
        f"FROM {_given('calls')} WHERE calls.call_sid = one.call_sid RETURNING calls.call_sid)"
    ]
    if columns := ", ".join(shared["charges"]):
        parts.append(
            f"paid AS (INSERT INTO charges ({columns}) SELECT {columns} FROM {_given('charges')} "
            "WHERE call_sid IN (SELECT call_sid FROM brought) "
            "AND NOT EXISTS (SELECT FROM charges WHERE id = one.id AND call_sid = one.call_sid) "
            "AND (business_id IS NULL OR EXISTS (SELECT FROM businesses WHERE id = one.business_id)))"
        )
    if columns := ", ".join(shared["pgqueuer"]):
        # Who was at one is stopped by now.
        status = "CASE status WHEN 'picked' THEN 'queued' ELSE status END"
        parts.append(
            f"wait AS (INSERT INTO pgqueuer ({columns}, status) SELECT {columns}, {status} FROM {_given('pgqueuer')} "
            f"WHERE {_CALL_OF} IN (SELECT call_sid FROM brought) ON CONFLICT DO NOTHING)"
        )
    return int(sql(world, "prosaas_restored", f"WITH {', '.join(parts)} SELECT count(*) FROM brought", **known))


def _shared(world: World, table: str) -> list[str]:
    """The columns that both databases have of it, without its own: a backup may be of an older schema."""
    asked = (
        f"SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{table}') AND attnum > 0 AND NOT attisdropped"
    )
    there = {*sql(world, "prosaas", asked).split()} & {*sql(world, "prosaas_restored", asked).split()}
    return sorted(there - {*_ITS_OWN[table]})


def _given(table: str) -> str:
    return f"jsonb_populate_recordset(NULL::{table}, :'{table}'::jsonb) AS one"


def among(column: str) -> str:
    """That it is one of `these`."""
    return f"{column} = ANY (string_to_array(:'these', ' '))"


def _rows(world: World, question: str, calls: str) -> str:
    """What the live database answers about these calls, as JSON."""
    return sql(
        world, "prosaas", f"SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM ({question}) AS one", these=calls
    )


def start_database(world: World) -> None:
    if "postgres" in world.model()["services"]:
        world.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "180", "postgres")


def migrate(world: World) -> None:
    """The one-shot container, made anew if its image is new; its own words if it fails."""
    world.compose("up", "--detach", "--no-build", "migrate")
    (container,) = world.containers("migrate")
    code = world.docker("wait", container.id).out.strip()
    if code != "0":
        lines = world.docker("logs", "--tail", str(LAST_LINES), container.id, check=False)
        raise not_migrated(lines.out + lines.err, EXIT_CODE(code=code))


def not_migrated(lines: str, why: object) -> Problem:
    """Prints what it said last, wherever it ran, and is what to raise then."""
    print(lines.rstrip(), flush=True)
    return Problem(conducted.NOT_MIGRATED(why=why))
