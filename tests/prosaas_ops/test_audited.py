"""Who did what is noted before it is done, comes into the database whole and once, and stays there."""

import asyncio
import base64
import json
import subprocess
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from full_disk import room_for
from prosaas_core.postgres import address
from prosaas_logging.redact import redact
from prosaas_ops import __main__, audited
from prosaas_ops.ask import audit
from prosaas_ops.options import FINE, NOTHING, Options, Problem, Refused, Untouched


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(audited, "FOLDER", Path(".state/audit"))
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setenv("OPS_OPERATOR", "dana@host")
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    return tmp_path


@pytest.fixture
def execute(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(statement: str) -> list[Any]:
        async def ask() -> list[Any]:
            connection = await asyncpg.connect(**address.arguments(database_url))
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(ask())

    return run


def test_a_command_is_noted_before_it_acts_with_its_reason_and_no_whole_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    monkeypatch.setattr("prosaas_ops.ask.trace.run", lambda options: seen.append(audited.on_this_machine()) or FINE)
    assert __main__.main(["trace", "PHONE=+972501112233", "WHY=complaint 7"]) == FINE
    ((entry,),) = seen
    assert (entry.operator, entry.act, entry.why) == ("dana@host", "trace", "complaint 7")
    assert entry.target == "PHONE=+972..."


@pytest.mark.parametrize(
    "typed", ["+972501112233", "0501112233", "972501112233", "00972501112233", "050-111 2233", "٠٥٠١١١٢٢٣٣"]
)
def test_a_number_has_one_form_in_the_audit_however_it_was_typed(typed: str) -> None:
    audited.note_command(Options("trace", ("PHONE",), {"PHONE": typed}))
    assert [entry.target for entry in audited.on_this_machine()] == ["PHONE=+972..."]


@pytest.mark.parametrize("typed", ["4567", "…4567", "45678", "…45678901"])
def test_the_end_of_a_number_is_no_more_in_the_audit_than_a_whole_one_is(typed: str) -> None:
    audited.note_command(Options("trace", ("PHONE",), {"PHONE": typed}))
    (entry,) = audited.on_this_machine()
    assert "4567" not in entry.target


@pytest.mark.parametrize(
    "number",
    [
        "03-5550199",
        "035550199",
        "972 3 5550199",
        "+44 20 7946 0958",
        "(03) 555.0199",
        "\u0660\u0663\u0665\u0665\u0665\u0660\u0661\u0669\u0669",
        "\u0660\u0665\u0660-2026-11-28",
        "01.23.45.67.89",
        "050-2026-11-28",
        "052 2010-10-10",
        "+50.111.22.33",
        "54.123.45.67",
        "050_123_4567",
        "+972_50_123_4567",
        "050 - - 123 - - 4567",
        "050\n123\n4567",
        "CA0501234567",
        "MM0501234567",
        "a0b5c0d1234567",
        "05012345670521234567053123456712",
        "12:34:56.501234567",
        r"050\s123\s4567",
        "050[- ]?123[- ]?4567",
        "(?:050)?1234567",
        "backups/0501234567.dump",
        "tel4917012345678",
        "tel050-111-22-33",
        "cafe0501234567",
        "item_0501234567x",
        "1.2.3.4:5551234",
    ],
)
@pytest.mark.parametrize(
    ("around", "kept"),
    [
        ("{}", "[redacted]"),
        ("הטלפון:{}", "[redacted]"),
        ("of {}, twice", "of [redacted] twice"),
        ("2026-11-28 10:00 {}", "[redacted]"),
        ("{} 2026-11-28 10:00", "[redacted]"),
        ("from 10:00 to 12:30, of {}", "from 10:00 to 12:30, of [redacted]"),
    ],
)
def test_no_number_that_was_looked_for_or_given_as_a_reason_stays_for_ever(number: str, around: str, kept: str) -> None:
    """Of any country and any kind of line, and however it is written: nobody can be taken out of the audit."""
    text = around.format(number)
    audited.note_command(Options("logs", ("GREP", "WHY"), {"GREP": text, "WHY": text}))
    (entry,) = audited.on_this_machine()
    assert (entry.target, entry.why) == ("GREP=[redacted]", kept)


def test_a_pattern_with_words_between_the_digits_of_a_number_does_not_stay() -> None:
    audited.note_command(Options("logs", ("GREP",), {"GREP": r"050 \s* 123 or 4567"}))
    assert audited.on_this_machine()[0].target == "GREP=[redacted]"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("backups/0501234567.dump", "backups/[redacted]"),
        ("backups/prosaas-20261128T101500Z.dump.age", "backups/prosaas-20261128T101500Z.dump.age"),
        ("/srv/disk2/20261128-101500.dump", "/srv/disk2/20261128-101500.dump"),
    ],
)
def test_a_file_named_by_somebodys_number_is_noted_without_it(path: str, kept: str) -> None:
    audited.note_command(Options("restore", ("FILE",), {"FILE": path}))
    assert audited.on_this_machine()[0].target == f"FILE={kept}"


@pytest.mark.parametrize("piece", ["1", "a", "-", " ", "0 ", "1-", "-a", "12:3", "255.", "2026-11-28 ", "a1", "0\n"])
def test_a_long_reason_is_noted_at_once_whatever_is_in_it(piece: str) -> None:
    """Where a pattern went back and forth over these, they would take hours."""
    for text in (piece * (100_000 // len(piece)), f"{piece * (100_000 // len(piece))}1", f"1{piece * 50_000}x"):
        audited.note_command(Options("logs", ("GREP", "WHY"), {"GREP": text, "WHY": text}))


@pytest.mark.parametrize(
    "text",
    [
        "CA00a7391a82de429ebed364c493509aca",
        "SM12345678901234567890123456789012",
        "4bf92f3577b34da6a3ce929d01234567",
        "123e4567-e89b-12d3-a456-426614174000",
        "call_sid=CA00a7391a82de429ebed364c493509aca",
        "request of 2026-05-03",
        "on 28.11.2026, at 10:15",
        "12:30",
        "12:30 13:45",
        "at 10:15:30.250",
        "(2026-11-28 10:00)",
        "2026-11-28T10:00:01.250Z and 2026-11-28 10:00+02:00",
        "10.0.0.12:8080",
        "from (192.168.1.10), 2026-11-28 10:00",
        "20261128-101500.dump",
        "prosaas-20261128T101500Z.dump",
        "backups/prosaas-20261128T101500Z.dump",
        "DB_UNAVAILABLE 503",
    ],
)
def test_what_is_no_number_of_anybodys_stays_readable_in_the_audit(text: str) -> None:
    audited.note_command(Options("logs", ("GREP", "WHY"), {"GREP": text, "WHY": text}))
    (entry,) = audited.on_this_machine()
    assert (entry.target, entry.why) == (f"GREP={text}", text)


def test_whose_messages_were_read_is_noted_by_the_end_of_an_id_whose_beginning_is_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prosaas_ops.ask.trace.run", lambda options: FINE)
    number = base64.b64encode(b"972501112233").decode()
    assert __main__.main(["trace", f"MESSAGE=wamid.HBgM{number}FQIAEhggABCDEF012345"]) == FINE
    (entry,) = audited.on_this_machine()
    assert entry.target == "MESSAGE=wamid.…ABCDEF012345"


@pytest.mark.parametrize(
    ("command", "module"), [("calls", "ask.calls"), ("errors", "ask.errors"), ("jobs", "act.jobs")]
)
def test_a_list_with_people_in_it_is_noted_too(command: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"prosaas_ops.{module}.run", lambda options: FINE)
    assert __main__.main([command, "WHY=complaint 7"]) == FINE
    (entry,) = audited.on_this_machine()
    assert (entry.act, entry.why) == (command, "complaint 7")


def test_a_restart_at_another_level_is_noted_as_a_live_switch_to_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prosaas_ops.act.up.run", lambda options: FINE)
    assert __main__.main(["restart-calls", "LOG_LEVEL=DEBUG", "WHY=complaint 7"]) == FINE
    ended, entry = audited.on_this_machine()
    assert (entry.operator, entry.act, entry.target) == ("dana@host", "restart-calls", "LOG_LEVEL=DEBUG")
    assert (entry.why, ended.act, ended.why) == ("complaint 7", "restart-calls ended", "done")


def test_what_looks_at_nobody_takes_no_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["diff", "WHY=x"]) == 2
    assert audited.on_this_machine() == []


def test_a_reason_cannot_forge_a_row() -> None:
    audited.note("trace", "CALL=CA1", 'x"}\n{"id": "1"}\u001b[31m')
    (entry,) = audited.on_this_machine()
    assert "\n" not in entry.why
    assert "\u001b" not in entry.why
    assert len(Path(".state/audit/log.jsonl").read_text().splitlines()) == 1


def test_a_folder_that_cannot_be_written_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".state").mkdir()
    Path(".state/audit").write_text("")
    audited.note("trace", "CALL=CA1")
    assert "not in the audit" in capsys.readouterr().err


@pytest.mark.postgres
def test_rows_come_into_the_database_once(execute: Any) -> None:
    for number in range(3):
        audited.note("trace", f"CALL=CA{number}")
        assert audited.carry()
        assert audited.carry()
    assert [row[0] for row in execute("SELECT target FROM audit ORDER BY at")] == ["CALL=CA0", "CALL=CA1", "CALL=CA2"]


@pytest.mark.postgres
def test_after_a_restore_what_was_done_since_comes_in_again(execute: Any, folder: Path) -> None:
    audited.note("restore", "FILE=x")
    assert audited.carry()
    execute("ALTER TABLE audit DISABLE TRIGGER USER")
    execute("DELETE FROM audit")
    audited.forget_what_was_carried(folder)
    assert audited.carry()
    assert len(execute("SELECT FROM audit")) == 1


@pytest.mark.postgres
def test_while_the_database_is_away_the_note_waits(execute: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
        audited.note("trace", "CALL=CA1")
        assert not audited.carry()
    assert audited.carry()
    assert len(execute("SELECT FROM audit")) == 1


def test_an_act_after_a_full_disk_is_in_the_audit(capsys: pytest.CaptureFixture[str]) -> None:
    audited.note("trace", "CALL=CA1")
    with room_for(Path(".state/audit/log.jsonl"), 60):
        assert audited.note("backup", "") is None
    assert "not in the audit" in capsys.readouterr().err
    audited.note("forget", "PHONE=+97250…67")
    assert [entry.act for entry in audited.on_this_machine()] == ["forget", "trace"]


def test_what_was_typed_wrongly_is_taken_back_whatever_others_noted_since() -> None:
    wrong = audited.note("trace", "CALL=CAwrong")
    audited.note("forget", "PHONE=+972...")
    audited.take_back(wrong)
    assert [entry.act for entry in audited.on_this_machine()] == ["forget"]


def test_where_an_entry_stands_is_known_whoever_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command writes between the opening of the file and the row."""
    audited.note("export", "CUSTOMER=1")
    log, plain = Path(".state/audit/log.jsonl"), Path.open

    def open_late(path: Path, *how: Any, **more: Any) -> Any:
        file = plain(path, *how, **more)
        if how == ("a+b",):
            with plain(log, "ab") as other:
                other.write(b'{"another": "row"}\n')
        return file

    monkeypatch.setattr(Path, "open", open_late)
    noted = audited.note("trace", "CALL=CAwrong")
    assert noted is not None
    assert json.loads(log.read_bytes()[noted.start : noted.end])["act"] == "trace"
    audited.take_back(noted)
    assert [entry.act for entry in audited.on_this_machine()] == ["export"]


@pytest.mark.postgres
def test_nothing_is_lost_behind_what_was_carried_before_it_was_taken_back(execute: Any) -> None:
    """The console carries while somebody types: the row is in the database then, and so is each that follows."""
    wrong = audited.note("trace", "CALL=CA1 GREP=something long that was typed wrongly")
    assert audited.carry()
    audited.take_back(wrong)
    for act in ("export", "forget"):
        audited.note(act, "PHONE=+972...")
        assert audited.carry()
    assert {row[0] for row in execute("SELECT act FROM audit")} == {"trace", "export", "forget"}


@pytest.mark.postgres
@pytest.mark.parametrize("told", ["99999", "40", "0", "-3", "x"])
def test_a_mark_that_is_at_the_end_of_no_row_has_everything_carried_again(execute: Any, told: str) -> None:
    """As an older release left it, which cut rows off the file."""
    audited.note("export", "PHONE=+972...")
    Path(".state/audit/told").write_text(told)
    assert audited.carry()
    assert [row[0] for row in execute("SELECT act FROM audit")] == ["export"]


@pytest.mark.postgres
def test_a_line_cut_short_loses_no_other(execute: Any) -> None:
    audited.note("trace", "CALL=CA1")
    log = Path(".state/audit/log.jsonl")
    row = json.loads(log.read_text().splitlines()[0])
    row |= {"id": "00000000-0000-4000-8000-000000000000", "target": "CALL=CA2"}
    log.write_text(log.read_text().splitlines()[0] + '\n{"id": "cut\n' + json.dumps(row) + "\n")
    assert audited.carry()
    assert sorted(row[0] for row in execute("SELECT target FROM audit")) == ["CALL=CA1", "CALL=CA2"]


@pytest.mark.postgres
@pytest.mark.parametrize("statement", ["UPDATE audit SET act = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_a_row_is_there_for_good(execute: Any, statement: str) -> None:
    audited.note("trace", "CALL=CA1")
    audited.carry()
    with pytest.raises(asyncpg.RaiseError, match="only ever added to"):
        execute(statement)


@pytest.mark.postgres
def test_make_audit_tells_what_is_in_the_database(execute: Any, capsys: pytest.CaptureFixture[str]) -> None:
    audited.note("forget", "PHONE=+972...", "request of 3 May")
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    said = capsys.readouterr().out
    for word in ("dana@host", "forget", "PHONE=+972...", "request of 3 May"):
        assert word in said
    assert len(execute("SELECT FROM audit")) == 1


def test_who_looks_again_and_again_has_one_row_and_what_was_done_has_one_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "carry", lambda: False)
    for target in ("", "S=calls", "S=worker", "S=calls GREP=dana"):
        audited.note("logs", target)
    audited.note("trace", "CALL=CA1")
    audited.note("trace", "CALL=CA1", "complaint 7")
    for _ in range(2):
        audited.note("forget", "PHONE=+972...")
    for each, count in (("0", 6), ("1", 8)):
        assert audit.run(Options("audit", audit.OPTIONS, {"EACH": each})) == FINE
        said = capsys.readouterr().out
        assert said.count("dana@host") == count
        assert ("logs ×3" in said) == ("EACH=1 shows each" in said) == (each == "0")
    assert "forget ×" not in said


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("trace", "PHONE=0501112233", "PHONE=0524445566"),
        ("calls", "PHONE=+972501112233", "PHONE=+972524445566"),
        ("logs", "GREP=0501112233", "GREP=0524445566"),
    ],
)
def test_who_looks_at_two_people_has_two_rows_though_no_number_is_noted(
    command: str, first: str, second: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "carry", lambda: False)
    monkeypatch.setattr(f"prosaas_ops.ask.{command}.run", lambda options: FINE)
    for target in (first, second):
        assert __main__.main([command, target]) == FINE
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    said = capsys.readouterr().out
    assert said.count("dana@host") == 2
    assert "×" not in said
    assert not any(target[-6:] in said for target in (first, second))


def test_a_restore_of_the_files_alone_is_told_from_one_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prosaas_ops.act.up.run", lambda options: FINE)
    assert __main__.main(["restore", "FILE=backups/x.dump", "FILES=1"]) == FINE
    assert audited.on_this_machine()[-1].target == "FILE=backups/x.dump FILES=1"


@pytest.mark.parametrize("language", ["he", "en"])
@pytest.mark.parametrize("columns", [0, 80, 100])
def test_a_long_outcome_sets_no_row_apart(
    columns: int, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal's edge as in a pipe, and nothing of it is lost."""
    monkeypatch.setattr(audit, "carry", lambda: False)
    monkeypatch.setenv("OPS_LANG", language)
    monkeypatch.setenv("OPS_TERMINAL", str(int(columns > 0)))
    monkeypatch.setenv("COLUMNS", str(columns))
    audited.note("trace", "PHONE=+972...")
    reason = "the step swap did not come to its end and the database is what it was, " * 2
    audited.came_of(audited.note("restore", "FILE=x.dump"), Problem(reason))
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= (columns or 100)
    assert all(word in said for word in reason.split())


@pytest.mark.parametrize(("entries", "cut"), [(3, True), (2, False)])
def test_entries_that_are_too_many_to_be_read_are_said_to_be_missing(
    entries: int, cut: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Connection:
        async def fetch(self, _question: str, _since: datetime, most: int) -> Sequence[tuple[object, ...]]:
            now = datetime.now(UTC)
            rows = [(str(number), now - timedelta(hours=number), "dana", "trace", "x", "") for number in range(entries)]
            return rows[:most]

    monkeypatch.setattr(audit, "_MOST", 2)
    monkeypatch.setattr(audit, "carry", lambda: True)
    monkeypatch.setattr(audit, "asked", lambda question: asyncio.run(question(Connection())))
    assert audit.run(Options("audit", audit.OPTIONS, {"EACH": "1"})) == FINE
    told = capsys.readouterr()
    assert ("only the newest 2 entries were read, back to" in told.err) is cut
    assert len(told.out.splitlines()) == 4, "two entries below the head"


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (FINE, "done"),
        (NOTHING, "nothing to act on"),
        (2, "failed: exit 2"),
        (Refused("they are on the phone"), "refused, nothing changed"),
        (Problem("the old value is in force\nfix: make doctor"), "failed: the old value is in force"),
        (KeyboardInterrupt(), "stopped halfway"),
        (Untouched(), "stopped, nothing changed"),
        (ZeroDivisionError("+972501112233"), "failed: ZeroDivisionError"),
    ],
)
def test_make_audit_tells_what_came_of_each_act(
    ended: int | BaseException, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_options: Options) -> int:
        if isinstance(ended, int):
            return ended
        raise ended

    monkeypatch.setattr(audit, "carry", lambda: False)
    monkeypatch.setattr("prosaas_ops.act.forget.run", run)
    with suppress(ZeroDivisionError):
        __main__.main(["forget", "PHONE=+972501112233"])
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    head, _, row = capsys.readouterr().out.splitlines()
    assert row[head.index("outcome") :].split("  ")[0] == told


@pytest.mark.parametrize("drawn", ["21808263-4061-4375-b1eb-fe27eea55af9", "4c1f6b0d-deef-4b60-9254-683816910928"])
def test_an_act_whose_id_looks_like_a_cards_number_has_its_outcome_like_any_other(
    drawn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redact(drawn) != drawn
    monkeypatch.setattr(audit, "carry", lambda: False)
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(drawn))
    audited.came_of(audited.note("restore", "FILE=x.dump"), FINE)
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    assert "done" in capsys.readouterr().out


def test_ctrl_c_while_the_end_of_an_act_is_noted_adds_no_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prosaas_ops.act.forget.run", lambda options: FINE)
    append = audited.append

    def interrupted(path: Path, line: str) -> Any:
        where = append(path, line)
        if audited.ENDED in line:
            raise KeyboardInterrupt
        return where

    monkeypatch.setattr(audited, "append", interrupted)
    assert __main__.main(["forget", "CUSTOMER=7"]) == 130
    assert [entry.why for entry in audited.on_this_machine() if entry.act.endswith(audited.ENDED)] == ["done"]


def test_an_act_that_was_killed_has_no_outcome_and_a_look_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "carry", lambda: False)
    audited.note("forget", "PHONE=+972...")
    monkeypatch.setattr("prosaas_ops.ask.trace.run", lambda options: FINE)
    assert __main__.main(["trace", "CALL=CA1"]) == FINE
    assert len(audited.on_this_machine()) == 2
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    looked, acted = capsys.readouterr().out.splitlines()[2:]
    assert "was killed" in acted
    assert "was killed" not in looked


@pytest.mark.postgres
def test_what_came_of_it_comes_into_the_database_and_back(
    execute: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("prosaas_ops.act.forget.run", lambda options: FINE)
    assert __main__.main(["forget", "CUSTOMER=7"]) == FINE
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    (row,) = capsys.readouterr().out.splitlines()[2:]
    assert "done" in row
    assert [row[0] for row in execute("SELECT act FROM audit ORDER BY at")] == ["forget", "forget ended"]


@pytest.mark.postgres
def test_make_audit_without_the_database_tells_what_this_machine_knows(
    execute: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audited.note("forget", "PHONE=+972...")
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    assert audit.run(Options("audit", audit.OPTIONS, {})) == FINE
    told = capsys.readouterr()
    assert "the database could not be asked" in told.err
    assert "forget" in told.out


def test_every_audited_command_is_one() -> None:
    assert set(__main__.COMMANDS) >= audited.COMMANDS


@pytest.mark.postgres
def test_a_row_is_a_line_in_the_servers_log(execute: Any, postgres_server: Any) -> None:
    audited.note("forget", "PHONE=+972...", "request of 3 May")
    audited.carry()
    port = postgres_server.base.rpartition(":")[2]
    container = subprocess.run(
        ["docker", "ps", "--quiet", "--filter", "label=prosaas.tests=postgres", "--filter", f"publish={port}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    logged = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    assert "[AUDIT] act=forget, target=PHONE=+972..., operator=dana@host, why=request of 3 May" in logged.stderr
