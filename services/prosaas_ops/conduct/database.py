"""The database in its container, as the tools ask it: statements, a dump beside it, and what is in one."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prosaas_core.postgres import roles
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.texts import kept as words

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
# What the record of a call has, in every schema that a backup may be of; and what was made of it since.
_RECORD = (
    "from_number", "to_number", "status", "ended_at", "duration_s", "end_reason", "metrics", "transcript", "events",
    "recorded_at", "summary", "summarised_at",
)  # fmt: skip
_WHOSE = {"business_id": "businesses", "customer_id": "customers"}
_CHARGE = (
    "business_id", "call_sid", "at", "kind", "name", "tokens_in", "tokens_cached", "tokens_out", "seconds", "cost",
    "currency", "estimated", "usage",
)  # fmt: skip
AMONG = "call_sid = ANY (string_to_array(:'these', ' '))"
# What is filled beside the database and taken away again: after a kill who is forgotten since would be in it still.
COPIES = ("prosaas_restored", "prosaas_proof", "prosaas_drill")


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


def bring_ended(world: World, is_forgotten: Callable[[str], bool]) -> int:
    """Bring what is restored the records of calls that have ended since its backup; how many calls that were.

    Each in the place of its open row, with what was paid for it. All of it at once: this asks no more
    for a call that has its record.
    """
    unended = sql(world, "prosaas_restored", "SELECT call_sid FROM calls WHERE recorded_at IS NULL").split()
    known = " ".join(call_sid for call_sid in unended if not is_forgotten(call_sid))
    its = f"SELECT call_sid, {', '.join((*_RECORD, *_WHOSE))} FROM calls WHERE recorded_at IS NOT NULL AND {AMONG}"
    given = {"records": _rows(world, its, known)}
    # A row that names whom the backup does not have would be refused.
    whose = [
        f"{name} = coalesce((SELECT id FROM {table} WHERE id = one.{name}), calls.{name})"
        for name, table in _WHOSE.items()
    ]
    parts = [
        f"brought AS (UPDATE calls SET {', '.join([f'{name} = one.{name}' for name in _RECORD] + whose)} "
        "FROM jsonb_populate_recordset(NULL::calls, :'records'::jsonb) AS one "
        "WHERE calls.call_sid = one.call_sid RETURNING calls.call_sid)"
    ]
    if "charges" in tables(world, "prosaas") & tables(world, "prosaas_restored"):
        given["charges"] = _rows(world, f"SELECT * FROM charges WHERE {AMONG}", known)
        parts.append(
            f"paid AS (INSERT INTO charges ({', '.join(_CHARGE)}) SELECT {', '.join(_CHARGE)} "
            "FROM jsonb_populate_recordset(NULL::charges, :'charges'::jsonb) AS one "
            "WHERE call_sid IN (SELECT call_sid FROM brought) "
            "AND NOT EXISTS (SELECT FROM charges WHERE id = one.id AND call_sid = one.call_sid) "
            "AND (business_id IS NULL OR EXISTS (SELECT FROM businesses WHERE id = one.business_id)))"
        )
    return int(sql(world, "prosaas_restored", f"WITH {', '.join(parts)} SELECT count(*) FROM brought", **given))


def _rows(world: World, question: str, calls: str) -> str:
    """What the live database answers about these calls, as JSON."""
    return sql(
        world, "prosaas", f"SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM ({question}) AS one", these=calls
    )
