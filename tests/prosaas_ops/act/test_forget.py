"""`make forget` and `make export`, on a database that is real and an engine that is not."""

import asyncio
import fcntl
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from prosaas_core.postgres import address
from prosaas_core.privacy import ledger
from prosaas_logging.redact import redact
from prosaas_ops.act import export, forget
from prosaas_ops.options import FINE, NOTHING, Nothing, Options, Problem, Refused, Usage
from prosaas_ops.stack import buried, left, records

pytestmark = pytest.mark.postgres

NUMBER, DIGITS, CALL = "+972501112233", "972501112233", "CA0123456789abcdef0123456789abcdef"
SAID = "רוצה <b>תור</b>\u001b[31m"


@pytest.fixture
def execute(database_url: str) -> Callable[..., list[Any]]:
    def run(statement: str, *values: object) -> list[Any]:
        async def ask() -> list[Any]:
            connection = await asyncpg.connect(**address.arguments(database_url))
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        return asyncio.run(ask())

    return run


@pytest.fixture
def known(
    engine: Any, execute: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Options]:
    """A stack with one person: a call, a flight recording, a capture, kept lines. It makes a command's options."""
    execute("INSERT INTO businesses (id, name, phone) VALUES (1, 'b', '+97239990000')")
    execute(f"INSERT INTO customers (business_id, channel, external_id, name) VALUES (1, 'phone', '{NUMBER}', 'אנה')")
    execute(
        "INSERT INTO calls (call_sid, business_id, from_number, transcript, summary, ended_at, recorded_at) "
        "VALUES ($1, 1, $2, $3, 'סיכום', now(), now())",
        CALL,
        NUMBER,
        json.dumps([{"who": "customer", "text": SAID}]),
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    for folder in ("logs", "backups", ".state/lines", "volume"):
        Path(folder).mkdir(parents=True)
    Path("volume", f"{CALL}.jsonl").write_text("{}")
    Path("logs/trace-other.html").write_text("+972509998877")
    with tarfile.open("logs/capture.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("events.jsonl")
        entry.size = len(CALL)
        archive.addfile(entry, io.BytesIO(CALL.encode()))
    with gzip.open(".state/lines/prosaas-calls.1.gz", "wt") as file:
        file.write(f"2026 [INFO] a · call_sid={CALL}\n2026   File x\n2026 [INFO] b · call_sid=CAother\n")

    def in_worker(_service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        environment = {
            **os.environ,
            **engine.environments[-1],
            "LOG_BLACKBOX": str(tmp_path / "volume"),
            "SPOOL_DIR": "volume",
        }
        environment["PYTHONPATH"] = str(Path(forget.__file__).parents[2])
        done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    engine.on_run = in_worker
    engine.details = {
        name: {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}}}
        for name in engine.written
    }
    for module in (forget, export):
        monkeypatch.setattr(module, "opened", lambda: engine)
    return lambda command="forget", **values: Options(command, tuple(values), values)


def test_everything_of_theirs_goes_and_the_receipt_does_not_say_who(
    known: Any, engine: Any, execute: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
    said = capsys.readouterr().out
    assert "Receipt" in said
    assert "1 customers" in said
    assert DIGITS not in said
    assert "PostgreSQL's own files" in said
    # Equal logs are one row, however many containers there are.
    assert said.count("5 × 10m") == 1
    assert all(name in " ".join(said.split()) for name in ("prosaas-api", "prosaas-calls", "worker"))
    assert list(Path("volume").iterdir()) == []
    assert [path.name for path in Path("logs").iterdir()] == ["trace-other.html"]
    with gzip.open(".state/lines/prosaas-calls.1.gz", "rt") as file:
        assert file.read() == "2026 [INFO] b · call_sid=CAother\n"
    ((number, transcript),) = execute("SELECT from_number, transcript::text FROM calls")
    assert (number, transcript) == ("", "[]")
    (noted,) = ledger.noted(Path("backups"))
    assert f"Receipt {noted.receipt}" in said
    # Neither the command line nor its events have the number.
    assert DIGITS not in str(engine.executed)
    assert forget.run(known(PHONE=NUMBER, YES="1")) == NOTHING


def test_a_call_that_is_on_disk_alone_is_in_the_ledger_by_its_file(known: Any) -> None:
    """The database was away when it rang: there is no row of it, and a restore has its file."""
    Path("volume/CA9.0a0b0c0d.journal").write_text(json.dumps({"call": {"call_sid": "CA9", "from_number": NUMBER}}))
    assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
    (noted,) = ledger.noted(Path("backups"))
    assert {ledger.hashed(CALL), ledger.hashed("CA9.0a0b0c0d")} <= noted.calls


def test_lines_that_name_their_messages_alone_go_too(known: Any, execute: Any) -> None:
    """WhatsApp's id of a message has the number in it, for whoever can read base64."""
    execute(f"INSERT INTO customers (id, business_id, channel, external_id) VALUES (90, 1, 'whatsapp', '{DIGITS}')")
    execute("INSERT INTO conversations (id, business_id, customer_id, channel) VALUES (91, 1, 90, 'meta')")
    execute("INSERT INTO messages (id, conversation_id, direction) VALUES ('wamid.HBgMOTcy', 91, 'in')")
    with gzip.open(".state/lines/worker.1.gz", "wt") as file:
        file.write("2026 [INFO] a · message_id=wamid.HBgMOTcy\n2026 [INFO] b · message_id=wamid.other\n")
    assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
    with gzip.open(".state/lines/worker.1.gz", "rt") as file:
        assert file.read() == "2026 [INFO] b · message_id=wamid.other\n"


def test_a_message_is_in_the_ledger_also_as_lines_show_its_id(known: Any, execute: Any) -> None:
    """By which a deploy leaves it out of the lines that it keeps of a container that goes."""
    execute(f"INSERT INTO customers (id, business_id, channel, external_id) VALUES (90, 1, 'whatsapp', '{DIGITS}')")
    execute("INSERT INTO conversations (id, business_id, customer_id, channel) VALUES (91, 1, 90, 'meta')")
    message = "wamid.HBgMOTcyNTIwMDAwMDAxFQIAEhggN0E5QkM0RDVFNg=="
    execute("INSERT INTO messages (id, conversation_id, direction) VALUES ($1, 91, 'in')", message)
    assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
    (noted,) = ledger.noted(Path("backups"))
    assert {ledger.hashed(CALL), ledger.hashed(redact(message))} <= noted.named


@pytest.mark.parametrize(
    ("own", "swarm", "fix"),
    [(True, False, "make backup"), (True, True, "DROP DATABASE"), (False, False, "DROP DATABASE")],
)
def test_nobody_is_forgotten_beside_a_copy_of_the_database_that_may_come_into_its_place(
    known: Any,
    execute: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own: bool,
    swarm: bool,
    fix: str,
) -> None:
    """One that a restore put aside on purpose is named, with what removes it. A Swarm has no `make backup`."""
    monkeypatch.setattr(forget, "own_database", lambda: own)
    monkeypatch.setattr(forget, "on_a_swarm", lambda: swarm)
    execute("CREATE DATABASE prosaas_restored")
    try:
        with pytest.raises(Refused, match=rf"a copy of it, prosaas_restored(.|\n)*{fix}"):
            forget.run(known(PHONE=NUMBER, YES="1"))
        assert execute("SELECT from_number FROM calls") == [(NUMBER,)]
        assert not Path("backups/forgotten.jsonl").exists()
        execute("ALTER DATABASE prosaas_restored ALLOW_CONNECTIONS false")
        assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
        assert "dropdb --username=prosaas prosaas_restored" in " ".join(capsys.readouterr().out.split())
    finally:
        execute("DROP DATABASE prosaas_restored")


def test_the_oldest_backup_is_named_whatever_made_it(known: Any, engine: Any) -> None:
    known(PHONE=NUMBER)
    for age, name in enumerate(("before-restore-2.dump", "prosaas-1.dump")):
        Path("backups", name).touch()
        os.utime(Path("backups", name), (1e9 - age,) * 2)
    assert any("2 backups, the oldest prosaas-1.dump" in row for row in forget.out_of_reach(engine))


def test_without_a_yes_nothing_changes(known: Any, execute: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_TERMINAL", "1")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(Refused, match="nothing was changed"):
        forget.run(known(PHONE=NUMBER))
    assert execute("SELECT from_number FROM calls")[0][0] == NUMBER
    assert Path("logs/capture.tar.gz").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert forget.run(known(PHONE=NUMBER)) == FINE


def test_where_nobody_can_say_yes_it_is_asked_for_beforehand(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPS_TERMINAL", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(Problem, match="YES=1"):
        forget.run(known(PHONE=NUMBER))


def test_somebody_on_the_phone_is_not_forgotten_yet(known: Any, execute: Any) -> None:
    execute("INSERT INTO calls (call_sid, status, from_number) VALUES ('CAnow', 'in-progress', $1)", NUMBER)
    with pytest.raises(Problem, match="on the phone"):
        forget.run(known(PHONE=NUMBER, YES="1"))
    assert Path("logs/capture.tar.gz").exists()


def test_after_a_break_in_the_middle_the_rest_is_still_found(
    known: Any, execute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_question: object) -> None:
        raise Problem("the database does not answer")

    real = forget.asked
    monkeypatch.setattr(forget, "asked", broken)
    with pytest.raises(Problem, match="does not answer"):
        forget.run(known(PHONE=NUMBER, YES="1"))
    monkeypatch.setattr(forget, "asked", real)
    assert forget.run(known(PHONE=NUMBER, YES="1")) == FINE
    assert execute("SELECT from_number FROM calls")[0][0] == ""


async def test_rows_that_somebody_else_holds_are_not_waited_for_without_end(
    known: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = known(PHONE=NUMBER, YES="1")
    monkeypatch.setattr(records, "ANSWER_SECONDS", 0.5)
    holder = await asyncpg.connect(**address.arguments(database_url))
    async with asyncio.timeout(20), holder.transaction():
        await holder.execute("SELECT FROM customers FOR UPDATE")
        with pytest.raises(Problem, match=r"did not finish within 0\.5 s"):
            await asyncio.to_thread(forget.run, options)
    await holder.close()
    assert await asyncio.to_thread(forget.run, options) == FINE


@pytest.mark.parametrize(
    "named", [{}, {"PHONE": NUMBER, "CUSTOMER": "1"}, {"PHONE": "0501112233"}, {"CUSTOMER": "x"}, {"CUSTOMER": "-1"}]
)
def test_whom_must_be_said_exactly(known: Any, named: dict[str, str]) -> None:
    with pytest.raises(Usage):
        forget.run(known(**named))


@pytest.mark.parametrize(("language", "title"), [("he", "המידע שנשמר עליכם"), ("en", "What is kept about you")])
def test_an_export_has_all_of_it_for_people_and_for_machines(
    known: Any, language: str, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.run(known("export", PHONE=NUMBER, IN=language)) == FINE
    (archive,) = Path("logs").glob("export-*.tar.gz")
    assert DIGITS not in archive.name
    assert "סיכום" not in capsys.readouterr().out
    with tarfile.open(archive) as opened:
        files = {member.name.partition("/")[2]: opened.extractfile(member).read().decode() for member in opened}  # type: ignore[union-attr]
    tables = json.loads(files["person.json"])["tables"]
    assert tables["calls"][0]["transcript"] == [{"who": "customer", "text": SAID}]
    assert tables["customers"][0]["name"] == "אנה"
    assert f"recordings/{CALL}.jsonl" in files
    page = files["person.html"]
    assert f'lang="{language}"' in page
    for text in (title, "אנה", "סיכום", "&lt;b&gt;"):
        assert text in page
    assert "<b>תור" not in page
    assert "\u001b" not in page


def test_an_export_says_that_a_call_which_goes_on_is_not_in_it(
    known: Any, execute: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.run(known("export", PHONE=NUMBER)) == FINE
    assert "on the phone" not in capsys.readouterr().out
    execute("INSERT INTO calls (call_sid, status, from_number) VALUES ('CAnow', 'in-progress', $1)", NUMBER)
    assert export.run(known("export", PHONE=NUMBER)) == FINE
    assert "they are on the phone, or were just now, and that call is not in it" in capsys.readouterr().out


def test_an_export_that_the_disk_does_not_hold_is_none(known: Any, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="File too large"):
        export.run(known("export", PHONE=NUMBER))
    assert list(Path("logs").glob("export-*")) == []


def test_an_export_of_nobody_is_nothing(known: Any) -> None:
    assert export.run(known("export", PHONE="+972509999999")) == NOTHING


@pytest.mark.parametrize("module", [forget, export])
def test_of_a_customer_who_is_none_there_is_nothing_to_act_on(known: Any, module: Any) -> None:
    """And no trouble: as of a number that nobody has."""
    with pytest.raises(Nothing, match="there is no customer 9999"):
        module.run(known(CUSTOMER="9999", YES="1"))


def test_a_kept_log_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (left.OUTPUT, buried.KEPT):
        folder.mkdir(parents=True)
    (buried.KEPT / "worker.x.gz").write_bytes(b"no gzip")
    (left.OUTPUT / "broken.tar.gz").write_bytes(b"\x1f\x8b no tar")
    (left.OUTPUT / "theirs.log").write_text("anna")
    left.take_away(re.compile(b"anna"))
    assert sorted(path.name for path in left.OUTPUT.iterdir()) == ["broken.tar.gz"]


def test_what_is_swept_while_kept_lines_are_gone_through_is_no_trouble_and_no_half_of_them_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buried.KEPT.mkdir(parents=True)
    rows = gzip.compress(b"2026-01-25T09:00:00Z anna\n2026-01-25T09:00:01Z other\n")
    gone, stays, half = (buried.KEPT / name for name in ("worker.gone.gz", "worker.stays.gz", "worker.half.gz.x.aside"))
    for path in (gone, stays, half):
        path.write_bytes(rows)
    counted = left.kept_lines

    def swept(pattern: Any) -> Any:
        found = counted(pattern)
        gone.unlink()
        return found

    monkeypatch.setattr(left, "kept_lines", swept)
    left.take_away(re.compile(b"anna"))
    assert [*buried.KEPT.iterdir()] == [stays]
    assert gzip.decompress(stays.read_bytes()) == b"2026-01-25T09:00:01Z other\n"


def test_nobody_writes_kept_lines_while_a_person_is_taken_out_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a drain's watcher that had read them before would put the person back after the receipt."""
    monkeypatch.chdir(tmp_path)
    buried.KEPT.mkdir(parents=True)
    (buried.KEPT / "worker.x.gz").write_bytes(gzip.compress(b"2026-01-25T09:00:00Z anna\n"))
    held: list[bool] = []
    compress = gzip.compress

    def another(data: bytes) -> bytes:
        descriptor = os.open(buried.KEPT, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.append(True)
        finally:
            os.close(descriptor)
        return compress(data)

    monkeypatch.setattr(gzip, "compress", another)
    left.take_away(re.compile(b"anna"))
    assert held == [True]


@pytest.mark.parametrize("command", ["forget", "export"])
def test_a_number_without_its_country_is_refused_in_the_operators_language_with_the_whole_one(
    command: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = {"forget": forget, "export": export}[command]
    monkeypatch.setattr(module, "opened", lambda: engine)
    monkeypatch.setenv("OPS_LANG", "he")
    with pytest.raises(Usage, match=r"052-7654321 אינו מספר טלפון מלא.*PHONE=\+972527654321"):
        module.run(Options(command, module.OPTIONS, {"PHONE": "052-7654321"}))
    with pytest.raises(Usage) as nothing_like_it:
        module.run(Options(command, module.OPTIONS, {"PHONE": "12"}))
    assert "PHONE=+" not in str(nothing_like_it.value)
