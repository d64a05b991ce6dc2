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
    sql(world, "postgres", f"DROP DATABASE IF EXISTS {database};")
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
