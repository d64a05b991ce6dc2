"""When a backup is made and where it goes, as .env says it."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from postgres_world import PostgresServer, docker
from prosaas_core.privacy import ledger
from prosaas_ops.conduct import backup, database, restore
from prosaas_ops.conduct.backup import schedule
from prosaas_ops.conduct.run import Stopped, run, unfinished
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem, Refused, Untouched, Usage


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / ".state").mkdir()
    return World(tmp_path)


@pytest.mark.parametrize("when", ["15 3 * * *", "*/10 0-6 1,15 * mon-fri", ""])
def test_a_time_of_cron_is_left_to_this_machine(world: World, when: str) -> None:
    schedule(world, when)
    assert (world.state / "schedule").read_text() == when


@pytest.mark.parametrize("when", ["daily", "15 3 * *", "15 3 * * * rm -rf", "* * * * *\n* * * * * x", "$(id) 3 * * *"])
def test_what_is_no_time_never_reaches_cron(world: World, when: str) -> None:
    with pytest.raises(Problem, match="is not a cron time"):
        schedule(world, when)
    assert not (world.state / "schedule").exists()


@pytest.fixture
def backing(postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a backup needs of the world, with a real server behind it; `ask` speaks to its database."""
    port = urlsplit(postgres_server.base).port
    container = docker("ps", "--quiet", "--filter", f"publish={port}", "--filter", "label=prosaas.tests=postgres")
    said: list[str] = []

    def compose(*words: str, feed: str) -> SimpleNamespace:
        done = subprocess.run(
            ["docker", "exec", "--interactive", container, *words[3:]], input=feed, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return SimpleNamespace(out=done.stdout)

    played: Any = SimpleNamespace(
        root=tmp_path, state=tmp_path, project="p", overrides={}, said=said, say=said.append, compose=compose,
        setting=lambda name: "", recorded=lambda name: "",
        containers=lambda *names: [SimpleNamespace(state="running")] * (names in ((), ("postgres",))),
        docker=lambda *_, **__: SimpleNamespace(code=1),
    )  # fmt: skip
    monkeypatch.setattr(database, "_IN_POSTGRES", ("docker", "exec", "--interactive", container))
    postgres_server.execute("CREATE ROLE prosaas SUPERUSER LOGIN")
    postgres_server.execute("CREATE DATABASE prosaas TEMPLATE migrated OWNER prosaas")
    played.ask = lambda name, statement: database.sql(played, name, statement)
    try:
        yield played
    finally:
        postgres_server.execute("DROP DATABASE IF EXISTS prosaas_restored WITH (FORCE)")
        postgres_server.execute("DROP DATABASE prosaas WITH (FORCE)")
        postgres_server.execute("DROP ROLE prosaas")


def test_a_backup_is_proved_by_restoring_it_aside_and_nothing_of_that_is_left(backing: Any) -> None:
    backing.ask("prosaas", "INSERT INTO calls (call_sid) VALUES ('CA1')")
    path = backup.backup(backing, verify=True)
    assert path.stat().st_size > 0
    (proof,) = [row for row in backing.said if "restored aside to prove it" in row]
    assert " 1 calls" in proof
    assert "prosaas_proof" not in backing.ask("postgres", "SELECT datname FROM pg_database")


def test_a_backup_that_cannot_be_restored_is_not_kept(backing: Any) -> None:
    """It can be read whole: only a database that takes it in finds that a check in it speaks of what is not there."""
    backing.ask(
        "prosaas",
        "CREATE FUNCTION known() RETURNS boolean LANGUAGE sql AS 'SELECT count(*) >= 0 FROM calls';"
        "ALTER TABLE businesses ADD CHECK (known()); INSERT INTO businesses (name, phone) VALUES ('x', '+97235550100')",
    )
    with pytest.raises(Problem, match="could not be restored"):
        backup.backup(backing, verify=True)
    assert list((backing.root / "backups").iterdir()) == []
    assert "prosaas_proof" not in backing.ask("postgres", "SELECT datname FROM pg_database")
    assert backup.backup(backing).exists()


def test_a_backup_without_its_archive_is_kept_and_copied_and_no_success(
    backing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the newest that lacks nothing makes no room for those that do, of which no more are kept than wanted."""

    def cut(*_: object) -> str:
        raise Problem("docker cp was cut short")

    monkeypatch.setattr(backup.beside, "write", cut)
    settings = {"BACKUP_COPY": "rclone", "BACKUP_KEEP": "1"}
    backing.setting = backing.recorded = lambda name: settings.get(name, "")
    folder = backing.root / "backups"
    folder.mkdir()
    whole, *lacking = (folder / f"prosaas-2026010{day}T000000Z.dump" for day in (1, 2, 3))
    for path in (whole, backup.beside.files_of(whole), *lacking):
        path.write_text("x")
    with pytest.raises(Problem, match="cut short"):
        backup.backup(backing)
    (new,) = set(folder.iterdir()) - {whole, backup.beside.files_of(whole)}
    assert new not in lacking
    assert (backing.state / "copy").read_text().splitlines() == ["rclone", str(new)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nonexist/x.dump", r"there is no folder .*nonexist\n.*mkdir -p"),
        ("file/x.dump", "there is no folder"),
        ("in/file/x.dump", r"cannot be written, nothing was kept: File exists\n.*FILE=backups/x"),
    ],
)
@pytest.mark.docker
def test_where_a_backup_cannot_be_written_it_is_said_with_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    (root := tmp_path / "in").mkdir()
    for folder in (tmp_path, root):
        (folder / "file").touch()

    class Running(World):
        def containers(self, *_services: str) -> list[Any]:
            return [SimpleNamespace(state="running")]

    with pytest.raises(Problem, match=said):
        backup.backup(Running(root), str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "file", "in"]


def test_of_two_backups_of_one_second_the_later_is_refused_by_name_and_nothing_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup.time, "strftime", lambda *_: "20260125T140000Z")
    first = tmp_path / backup.FOLDER / "prosaas-20260125T140000Z.dump"
    first.parent.mkdir()
    first.write_text("whole")
    world: Any = SimpleNamespace(
        root=tmp_path, setting=lambda _: "", containers=lambda *_: [SimpleNamespace(state="running")]
    )
    with pytest.raises(Problem, match=rf"{first.name} is there already\n.*another FILE="):
        backup.backup(world)
    assert [path.read_text() for path in first.parent.iterdir()] == ["whole"]


@pytest.mark.parametrize("harm", [Problem("damaged"), FileNotFoundError(2, "no age here"), BrokenPipeError(32, "gone")])
@pytest.mark.docker
def test_a_restore_that_is_done_is_not_undone_for_the_files_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], harm: Exception
) -> None:
    done: list[str] = []

    def fails(*_: object) -> None:
        raise harm

    for name in ("_stop", "_last_backup", "_swap", "_start", "_swap_back"):
        monkeypatch.setattr(restore, name, lambda *_, name=name: done.append(name))
    monkeypatch.setattr(restore.beside, "put_back", fails)
    memory = {"file": "b.dump", "key": "", "live": 1, "running": ["worker"]}
    run(restore.restore(world, memory), world)
    assert done == ["_stop", "_last_backup", "_swap", "_start"]
    assert str(harm) in capsys.readouterr().err
    assert unfinished(world) is None


class _Killed(BaseException):
    """As by SIGKILL: nothing of the command runs after it."""


_SWAP = ("pg_dump", "DROP DATABASE", "ALLOW_CONNECTIONS false", "pg_terminate_backend", "RENAME", "ALLOW_CONNECTIONS t")


@pytest.fixture
def swapping(backing: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A restore between its examination and its end, that stops before a statement; a world that remembers."""
    backing.ask("prosaas", "CREATE TABLE it AS SELECT 'live' AS was")
    backing.ask("postgres", "CREATE DATABASE prosaas_restored")
    backing.ask("prosaas_restored", "CREATE TABLE it AS SELECT 'backup' AS was")
    backing.stop = None
    real = database.sql

    def sql(world: Any, name: str, statement: str, **values: str) -> str:
        if backing.stop and backing.stop[0] in statement:
            raise backing.stop[1]
        return real(world, name, statement, **values)

    def last(*_: object, over: bool) -> None:
        sql(backing, "prosaas", "SELECT 'pg_dump'")

    for name in ("_stop", "_files_back", "migrate", "forget_what_was_carried"):
        monkeypatch.setattr(restore, name, lambda *_: None)
    for module in (database, restore):
        monkeypatch.setattr(module, "sql", sql)
    monkeypatch.setattr(restore, "backup", last)
    monkeypatch.setattr(restore.Generations, "let_drain", lambda _: None)
    kept: dict[str, Any] = {}
    backing.remembered, backing.remember, backing.warn = kept.get, kept.__setitem__, backing.say
    backing.setting = lambda name, default="": default
    backing.was = lambda name: real(backing, name, "SELECT was FROM it")
    try:
        yield backing
    finally:
        for name in ("prosaas_restored", "prosaas_replaced"):
            real(backing, "postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        real(backing, "postgres", "ALTER DATABASE prosaas ALLOW_CONNECTIONS true")


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("at", _SWAP)
def test_a_restore_killed_at_any_statement_of_its_swap_is_done_again_to_its_end(
    swapping: Any, at: str, live: bool
) -> None:
    """And whoever looks into what it replaced may."""
    memory = {"file": "b.dump", "key": "", "live": live, "running": []}
    swapping.stop = at, _Killed()
    if live or at != "pg_dump":
        with pytest.raises(_Killed):
            run(restore.restore(swapping, memory), swapping)
    swapping.stop = None
    run(restore.restore(swapping, memory), swapping)
    assert (swapping.was("prosaas"), swapping.was("prosaas_replaced")) == ("backup", "live")
    assert unfinished(swapping) is None


@pytest.mark.parametrize("at", _SWAP[:-1])
def test_a_restore_that_fails_at_any_statement_of_its_swap_leaves_what_was(swapping: Any, at: str) -> None:
    memory = {"file": "b.dump", "key": "", "live": True, "running": []}
    swapping.stop = at, Problem("no")
    plan = restore.restore(swapping, memory)
    going_back = plan.back

    def back(remembered: dict[str, Any]) -> Any:
        swapping.stop = None
        return going_back(remembered)  # type: ignore[misc]

    with pytest.raises(Problem, match="failed at the step"):
        run(replace(plan, back=back), swapping)
    assert swapping.was("prosaas") == "live"


def test_who_is_forgotten_while_a_restore_goes_on_does_not_come_back_with_it(swapping: Any) -> None:
    """Also where it is killed right after the swap: the next command takes it up, before any service starts."""
    swapping.ask("postgres", "DROP DATABASE prosaas_restored")
    swapping.ask("postgres", "CREATE DATABASE prosaas_restored TEMPLATE migrated")
    swapping.ask("prosaas_restored", "INSERT INTO calls (call_sid, from_number) VALUES ('CA1', '+972520000001')")
    ledger.note(swapping.root, ledger.Forgotten.of("r1", datetime.now(UTC), {"calls": ["CA1"]}))
    memory = {"file": "b.dump", "key": "", "live": True, "running": []}
    swapping.stop = "BEGIN;\nUPDATE calls", _Killed()
    with pytest.raises(_Killed):
        run(restore.restore(swapping, memory), swapping)
    swapping.stop = None
    run(restore.restore(swapping, memory), swapping)
    assert swapping.ask("prosaas", "SELECT call_sid, from_number FROM calls") == "CA1|"


def test_what_a_kill_left_beside_the_database_goes_and_nothing_that_a_killed_restore_still_needs(backing: Any) -> None:
    journal: dict[str, Any] | None = {"plan": "restore", "step": "stop"}
    backing.remembered = lambda _: journal
    for name in database.COPIES:
        backing.ask("postgres", f"CREATE DATABASE {name}")
    restore.drop_copies(backing)
    assert database.copies(backing) == list(database.COPIES)
    journal = None
    restore.drop_copies(backing)
    assert database.copies(backing) == []


@pytest.mark.parametrize("live", [1, 0])
def test_a_call_that_ends_while_a_restore_waits_is_in_what_is_restored_or_named_with_the_backup_that_has_it(
    backing: Any, monkeypatch: pytest.MonkeyPatch, live: int
) -> None:
    """One that was live at the backup is open in it, and would be told of as lost; what was forgotten stays so."""
    backing.ask("postgres", "CREATE DATABASE prosaas_restored TEMPLATE migrated")
    told = backing.ask("postgres", "SELECT now()")
    columns = "(call_sid, end_reason, status, duration_s, transcript, recorded_at)"
    ended = ", ".join(
        f"('{sid}', 'customer_hangup', 'completed', 4.5, '[{{\"text\": \"it''s \\\\ me\"}}]', {at})"
        for sid, at in {
            "CAknown": "now()",
            "CAlate": "now()",
            "CAforgotten": "now()",
            "CAbefore": "'2020-01-01'",
        }.items()
    )
    backing.ask("prosaas", f"INSERT INTO calls {columns} VALUES {ended}")
    for sid in ("CAknown", "CAforgotten", "CAlost"):
        backing.ask("prosaas_restored", f"INSERT INTO calls (call_sid, status) VALUES ('{sid}', 'in-progress')")
    ledger.note(backing.root, ledger.Forgotten.of("r1", datetime.now(UTC), {"calls": ["CAforgotten"]}))
    made: list[str] = []
    monkeypatch.setattr(restore, "backup", lambda _world, name, over: made.append(name))
    # A kill after it would have it done again.
    for _ in range(2):
        restore._last_backup(backing, {"file": "b.dump", "key": "", "live": live, "running": [], "told": told})
    rows = backing.ask("prosaas_restored", "SELECT call_sid, end_reason, duration_s FROM calls ORDER BY call_sid")
    assert rows.splitlines() == ["CAforgotten|customer_hangup|4.5", "CAknown|customer_hangup|4.5", "CAlost||"]
    restore._forget_again(backing, "prosaas_restored", backing.root)
    said = "SELECT transcript->0->>'text' FROM calls WHERE jsonb_array_length(transcript) > 0"
    assert backing.ask("prosaas_restored", said) == "it's \\ me"
    name = made[-1]
    assert backing.said[-1].endswith(f"; {name} has them: CAlate")
    assert "2 calls that were live at the backup have ended since" in backing.said[0]


def test_a_call_that_ended_since_the_backup_comes_with_all_that_was_made_of_it(backing: Any) -> None:
    """Nobody completes what has its record: whose it was, what it was about and what it cost is in it, or lost."""
    backing.ask("postgres", "CREATE DATABASE prosaas_restored TEMPLATE migrated")
    backing.ask("prosaas", "DELETE FROM businesses")
    for name, people in {"prosaas": (7, 9), "prosaas_restored": (7,)}.items():
        backing.ask(
            name, "INSERT INTO businesses (id, name, phone) VALUES (5, 'x', '+97235550100') ON CONFLICT DO NOTHING"
        )
        for person in people:
            row = f"({person}, 5, 'phone', '{person}')"
            backing.ask(name, f"INSERT INTO customers (id, business_id, channel, external_id) VALUES {row}")
    columns = "(call_sid, business_id, customer_id, from_number, to_number, summary, summarised_at, recorded_at)"
    for sid, person in {"CAof7": 7, "CAof9": 9, "CAelse": 7}.items():
        row = f"('{sid}', 5, {person}, '+972520000001', '+97235550100', 'a haircut', now(), now())"
        backing.ask("prosaas", f"INSERT INTO calls {columns} VALUES {row}")
    for sid in ("CAof7", "CAof9"):
        backing.ask("prosaas_restored", f"INSERT INTO calls (call_sid) VALUES ('{sid}')")
    paid = (
        "INSERT INTO charges (business_id, call_sid, kind, name, tokens_in, tokens_cached, tokens_out, seconds,"
        " cost, currency, estimated) VALUES (5, '{}', '{}', 'm', 1, 0, 1, 0, 0.25, 'USD', false)"
    )
    backing.ask("prosaas_restored", paid.format("CAof7", "text"))
    for sid, kind in {"CAof7": "text", "CAof9": "model", "CAelse": "model"}.items():
        backing.ask("prosaas", paid.format(sid, kind))
    backing.ask("prosaas", paid.format("CAof7", "phone"))
    # A business that the backup does not have takes what it paid with it.
    backing.ask("prosaas", "INSERT INTO businesses (id, name, phone) VALUES (6, 'y', '+97235550101')")
    backing.ask("prosaas", paid.format("CAof9", "text").replace("(5,", "(6,"))
    backing.ask(
        "prosaas",
        "UPDATE calls SET carrier_status = 'completed', version = '1.2', seat = 'calls-1', started_at = '2026-01-02Z'"
        " WHERE call_sid = 'CAof7'",
    )
    # One that goes on has no record to bring, and its job stays away with it.
    for name in ("prosaas", "prosaas_restored"):
        backing.ask(name, "INSERT INTO calls (call_sid) VALUES ('CAopen')")
    for sid, status in {"CAof7": "picked", "CAof9": "queued", "CAelse": "queued", "CAopen": "queued"}.items():
        job = f"'call.summarise', 0, '{{\"call_sid\": \"{sid}\"}}', '{status}', 'call.summarise:{sid}'"
        backing.ask(
            "prosaas",
            "INSERT INTO pgqueuer (entrypoint, priority, payload, status, dedupe_key, execute_after)"
            f" VALUES ({job}, '2026-01-03Z')",
        )
    backing.ask("prosaas", "INSERT INTO pgqueuer (entrypoint, priority, status) VALUES ('sessions.sweep', 0, 'queued')")
    for _ in range(2):
        restore._last_backup(backing, {"file": "b.dump", "key": "", "live": 0, "running": []})
    known = "SELECT carrier_status, version, seat, started_at AT TIME ZONE 'UTC' FROM calls WHERE call_sid = 'CAof7'"
    assert backing.ask("prosaas_restored", known) == "completed|1.2|calls-1|2026-01-02 00:00:00"
    waits = (
        "SELECT dedupe_key, status, convert_from(payload, 'UTF8')::jsonb ->> 'call_sid', execute_after = '2026-01-03Z'"
        " FROM pgqueuer ORDER BY dedupe_key"
    )
    jobs = [f"call.summarise:{sid}|queued|{sid}|t" for sid in ("CAof7", "CAof9")]
    assert backing.ask("prosaas_restored", waits).splitlines() == jobs
    asked = (
        "SELECT call_sid, customer_id, business_id, from_number, to_number, summary FROM calls"
        " WHERE summarised_at IS NOT NULL ORDER BY call_sid"
    )
    rest = "5|+972520000001|+97235550100|a haircut"
    assert backing.ask("prosaas_restored", asked).splitlines() == [f"CAof7|7|{rest}", f"CAof9||{rest}"]
    asked = "SELECT call_sid, kind, cost FROM charges ORDER BY call_sid, kind"
    rows = ["CAof7|phone|0.25", "CAof7|text|0.25", "CAof9|model|0.25"]
    assert backing.ask("prosaas_restored", asked).splitlines() == rows


def test_a_backup_of_an_older_schema_gets_what_it_has_a_place_for(backing: Any) -> None:
    backing.ask("postgres", "CREATE DATABASE prosaas_restored TEMPLATE migrated")
    older = "DROP TABLE charges; ALTER TABLE calls DROP COLUMN seat, DROP COLUMN carrier_status"
    backing.ask("prosaas_restored", f"{older}; INSERT INTO calls (call_sid) VALUES ('CA1')")
    backing.ask("prosaas", "INSERT INTO calls (call_sid, summary, recorded_at) VALUES ('CA1', 'a haircut', now())")
    restore._last_backup(backing, {"file": "b.dump", "key": "", "live": 0, "running": []})
    assert backing.ask("prosaas_restored", "SELECT summary FROM calls") == "a haircut"


def test_who_gives_up_while_calls_are_let_to_their_end_has_nothing_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has changed by then: the calls go on, and whoever asked has the terminal back at once."""

    def stopped(_: object) -> None:
        raise Stopped

    monkeypatch.setattr(restore.Generations, "let_drain", stopped)
    for name in ("_stop", "_last_backup", "_swap", "_start", "_swap_back"):
        monkeypatch.setattr(restore, name, lambda *_, name=name: pytest.fail(name))
    with pytest.raises(Problem, match=r"drain.*what runs was not changed"):
        run(restore.restore(world, {"file": "b.dump", "key": "", "live": 1, "running": ["worker"]}), world)
    assert unfinished(world) is None


@pytest.mark.parametrize("swapped", [True, False])
def test_a_way_back_lets_calls_end_first_where_the_restored_database_has_served_them(
    world: World, monkeypatch: pytest.MonkeyPatch, swapped: bool
) -> None:
    done: list[str] = []

    def fails(*_: object) -> None:
        done.append("_start")
        if done.count("_start") == 1:
            raise Problem("no")

    monkeypatch.setattr(restore.Generations, "let_drain", lambda _: done.append("drain"))
    for name in ("_stop", "_last_backup", "_swap", "_swap_back"):
        monkeypatch.setattr(restore, name, lambda *_, name=name: done.append(name))
    monkeypatch.setattr(restore, "_start", fails)
    monkeypatch.setattr(restore, "_swapped", lambda _: swapped)
    with pytest.raises(Problem, match="the database is what it was"):
        run(restore.restore(world, {"file": "b.dump", "key": "", "live": 1, "running": ["worker"]}), world)
    there = ["drain", "_stop", "_last_backup", "_swap", "_start"]
    assert done == [*there, *(["drain", "_stop"] if swapped else []), "_swap_back", "_start"]


def test_the_files_beside_a_backup_come_back_alone_and_the_database_is_not_touched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.root / "b.dump").write_text("x")
    with pytest.raises(Usage, match="no files beside"):
        restore.files_only(world, "b.dump")
    restore.beside.files_of(world.root / "b.dump").write_text("x")
    seen: list[Any] = []
    monkeypatch.setattr(restore, "sql", lambda *_: pytest.fail("asked"))
    monkeypatch.setattr(restore.beside, "put_back", lambda *given: seen.append(given[1:]))
    restore.files_only(world, "b.dump")
    assert seen == [(world.root / "b.dump", None, set())]


def test_a_ledger_that_is_damaged_meanwhile_brings_no_file_back(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore.beside, "put_back", lambda *_: pytest.fail("put back"))
    (world.root / ledger.FILE).write_text("half a li")
    restore._files_back(world, {"file": "b.dump", "key": ""})
    assert "line 1 of forgotten.jsonl cannot be read" in capsys.readouterr().err


def test_a_ctrl_c_among_the_files_undoes_no_restore(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The services take calls by then."""

    def stopped(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr(restore.beside, "put_back", stopped)
    restore._files_back(world, {"file": "b.dump", "key": ""})
    assert "not every file beside the backup is" in capsys.readouterr().err


def test_the_files_beside_a_backup_are_held_against_the_ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also who was forgotten between the look at the backup and now."""
    seen: list[Any] = []
    monkeypatch.setattr(restore.beside, "put_back", lambda *given: seen.append(given[-1]))
    rows = {"calls": ["CA1"], "customers": ["7"], ledger.FILES: ["CA9.0a0b0c0d"]}
    ledger.note(world.root, ledger.Forgotten.of("r1", datetime.now(UTC), rows))
    restore._files_back(world, {"file": "b.dump", "key": ""})
    assert seen == [{ledger.hashed("CA1"), ledger.hashed("CA9.0a0b0c0d")}]


def test_a_damaged_archive_is_known_before_anything_is_restored(backing: Any) -> None:
    path = backup.backup(backing)
    aside = restore.beside.files_of(path)
    aside.write_bytes(b"not an archive")
    with pytest.raises(Problem, match="cannot be read to its end"):
        restore.examined(backing, str(path), force=True)
    assert "prosaas_restored" not in backing.ask("postgres", "SELECT datname FROM pg_database")


def test_what_a_restore_by_force_takes_away_is_counted_before_anything_stops(
    backing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "_known_schema", lambda _: None)
    backing.ask("prosaas", "INSERT INTO calls (call_sid, started_at) VALUES ('CA1', now() - interval '1 hour')")
    path = backup.backup(backing)
    later = "SELECT 'CA' || number, now() + interval '1 hour' FROM generate_series(2, 4) AS number"
    backing.ask("prosaas", f"INSERT INTO calls (call_sid, started_at) {later}")
    with pytest.raises(Refused, match=r"replace all that is in it: \d businesses, 4 calls, 0 messages"):
        restore.examined(backing, str(path), force=False)
    restore.examined(backing, str(path), force=True)
    (goes,) = [row for row in backing.said if row.startswith("since the backup")]
    assert re.search(r"\(20\d\d-\d\d-\d\d .{8} UTC\) came (\d businesses, )?3 calls: they", goes)
    assert not any("nobody answers callers" in row for row in backing.said)
    # While calls of the generation before come to their end, new ones are answered.
    monkeypatch.setattr(backing, "containers", lambda *_: [])
    restore._stop(backing)
    assert "nobody answers callers" in backing.said[-1]
    backing.remembered = lambda _: None
    asked = "SELECT count(*) FROM pg_database WHERE datname = 'prosaas_restored'"
    # One that was in service for a moment is closed, and may have what came in it.
    backing.ask("postgres", "ALTER DATABASE prosaas_restored ALLOW_CONNECTIONS false")
    restore.drop_copies(backing)
    assert backing.ask("postgres", asked) == "1"
    backing.ask("postgres", "ALTER DATABASE prosaas_restored ALLOW_CONNECTIONS true")
    restore.drop_copies(backing)
    assert backing.ask("postgres", asked) == "0"


@pytest.mark.docker
def test_only_what_we_named_is_counted_and_the_backup_just_made_stays(world: World) -> None:
    """Somebody's own prosaas-before-upgrade.dump sorts behind every date."""
    folder = world.root / "backups"
    folder.mkdir()
    own = folder / "prosaas-before-upgrade.dump"
    dated = [folder / f"prosaas-2026010{day}T000000Z.dump" for day in (1, 2, 3)]
    for path in (own, *dated):
        path.write_text("dump")
    (world.root / ".env").write_text("BACKUP_KEEP=1\n")
    backup._keep(world, dated[0])
    assert sorted(folder.iterdir()) == sorted([own, dated[0], dated[2]])


@pytest.mark.docker
def test_backups_before_a_restore_are_kept_as_many_and_never_in_the_place_of_others(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = world.root / "backups"
    folder.mkdir()
    nightly = [folder / f"prosaas-2026010{day}T000000Z.dump" for day in (1, 2, 3)]
    before = [folder / f"before-restore-2026020{day}T000000Z.dump" for day in (1, 2, 3)]
    for path in (*nightly, *before):
        path.write_text("dump")
    (world.root / ".env").write_text("BACKUP_KEEP=2\n")
    backup._keep(world, nightly[-1])
    assert sorted(folder.iterdir()) == sorted([*nightly[1:], *before[1:]])
    said = capsys.readouterr().out
    assert all(f"removed {old.name}: BACKUP_KEEP=2" in said for old in (nightly[0], before[0]))


def test_a_backup_that_was_given_its_name_takes_none_away(backing: Any) -> None:
    """As that of a restore is: who tries one after the other has all of them to try."""
    settings = {"BACKUP_KEEP": "1"}
    backing.setting = backing.recorded = lambda name: settings.get(name, "")
    folder = backing.root / "backups"
    folder.mkdir()
    nightly = [folder / f"prosaas-2026010{day}T000000Z.dump" for day in (1, 2, 3)]
    for path in nightly:
        path.write_text("dump")
    backup.backup(backing, "backups/before-restore-20260104T000000Z.dump")
    assert all(path.exists() for path in nightly)
    backup.backup(backing)
    assert not any(path.exists() for path in nightly)


@pytest.mark.docker
@pytest.mark.parametrize("begun", [False, True])
def test_a_restore_says_first_what_it_does_and_whoever_ends_it_then_that_nothing_was_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], begun: bool
) -> None:
    """Nor is anything left beside the database of what was begun; what an earlier one left there stays."""
    (world.root / "b.dump").write_text("x")
    dropped: list[str] = []

    def interrupted(*_: object) -> None:
        assert "examining b.dump; nothing is changed" in capsys.readouterr().out
        raise KeyboardInterrupt

    monkeypatch.setattr(World, "containers", lambda *_: [SimpleNamespace(state="running")])
    monkeypatch.setattr(restore, "readable", (lambda *_: None) if begun else interrupted)
    monkeypatch.setattr(restore.beside, "examine", lambda *_: None)
    monkeypatch.setattr(restore, "_rows", lambda _: 0)
    monkeypatch.setattr(restore, "aside", interrupted)
    monkeypatch.setattr(restore, "drop", lambda _world, database: dropped.append(database))
    with pytest.raises(Untouched):
        restore.examined(world, "b.dump", force=True)
    assert "stopped before anything was changed" in capsys.readouterr().out
    assert dropped == ["prosaas_restored"] * begun


@pytest.mark.parametrize(("name", "said"), [("x.dump", "there is no backup x.dump"), ("", "which backup? FILE=")])
def test_a_restore_of_what_is_not_there_says_so_once(world: World, name: str, said: str) -> None:
    with pytest.raises(Usage) as refused:
        restore.examined(world, name, force=False)
    assert str(refused.value).startswith(said)
    assert "make restore" not in str(refused.value)
