"""What the tools leave to this machine: its cron makes the backups, and a command of its own takes each elsewhere."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT

OTHERS = "0 1 * * *  somebody's own\n"


class Machine:
    """A folder with the scripts and a .state, and a crontab that is a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.table = folder, folder / "bin/crontab.is"
        (folder / "scripts").mkdir()
        (folder / "scripts/lib.sh").write_text((ROOT / "scripts/lib.sh").read_text())
        (folder / ".state").mkdir()
        (folder / "bin").mkdir()
        crontab = folder / "bin/crontab"
        script = 'if [ "$1" = -l ]; then cat "$0.is"; else cat >"$0.new"; mv "$0.new" "$0.is"; fi'
        crontab.write_text(f"#!/bin/sh\n{script}\n")
        crontab.chmod(0o755)
        self.table.write_text(OTHERS)

    def leave(self, **left: str) -> "subprocess.CompletedProcess[str]":
        for name, text in left.items():
            (self.folder / ".state" / name).write_text(text)
        return subprocess.run(
            ["sh", "-ec", ". scripts/lib.sh; left_to_this_machine", "scripts/run"],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_schedule_is_one_line_of_cron_beside_those_of_others(machine: Machine) -> None:
    for when in ("15 3 * * *", "15 3 * * *", "30 4 * * sun"):
        assert machine.leave(schedule=when).returncode == 0
    own = f"30 4 * * sun cd '{machine.folder}' && mkdir -p logs && make backup >>logs/backup.log 2>&1\n"
    assert machine.table.read_text() == OTHERS + own
    machine.leave(schedule="")
    assert machine.table.read_text() == OTHERS


def test_without_a_schedule_nobody_touches_the_table(machine: Machine) -> None:
    before = machine.table.stat().st_ino
    assert machine.leave(schedule="").returncode == 0
    assert machine.leave().returncode == 0
    assert machine.table.stat().st_ino == before


def test_a_backup_is_handed_to_the_command_of_this_machine_once(machine: Machine) -> None:
    (machine.folder / "a b.dump").write_text("dump")
    command = 'cp "$1" second.dump'
    assert machine.leave(copy=f"{command}\n{machine.folder}/a b.dump\n").returncode == 0
    assert (machine.folder / "second.dump").read_text() == "dump"
    (machine.folder / "second.dump").unlink()
    machine.leave()
    assert not (machine.folder / "second.dump").exists()


def test_a_copy_that_fails_says_so_and_what_to_do(machine: Machine) -> None:
    done = machine.leave(copy="false\n/backups/x.dump\n")
    assert done.returncode == 1
    assert "written, and the copy failed: /backups/x.dump" in done.stderr
    assert "fix:  run this by hand, with the file as $1: false" in done.stderr


def test_a_copy_that_failed_is_said_by_the_backup_and_by_no_command_after_it(machine: Machine) -> None:
    """What it was to take may be gone by then, as BACKUP_KEEP says."""
    assert machine.leave(copy="false\n/backups/x.dump\n").returncode == 1
    done = machine.leave()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_that_reads_its_input_or_fails_at_one_file_keeps_none_of_the_others(machine: Machine) -> None:
    """ssh and many more read all that there is to read."""
    names = ("a.dump", "a.files.tar.gz", "forgotten.jsonl")
    for name in names:
        (machine.folder / name).write_text(name)
    (machine.folder / "far").mkdir()
    command = 'cat >/dev/null; [ "$1" != a.dump ] && cp "$1" far/'
    done = machine.leave(copy="\n".join([command, *names]) + "\n")
    assert sorted(path.name for path in (machine.folder / "far").iterdir()) == ["a.files.tar.gz", "forgotten.jsonl"]
    assert "the copy failed: a.dump\n" in done.stderr


def test_every_file_of_a_backup_is_handed_over(machine: Machine) -> None:
    files = [f"{machine.folder}/{name}" for name in ("a.dump", "a.files.tar.gz", "forgotten.jsonl")]
    assert machine.leave(copy="\n".join(['echo "$1" >>handed', *files]) + "\n").returncode == 0
    assert (machine.folder / "handed").read_text().splitlines() == files


def test_the_line_of_cron_backs_up_in_a_folder_that_has_no_logs_yet(machine: Machine) -> None:
    (machine.folder / "Makefile").write_text("backup:\n\t@echo a backup\n")
    machine.leave(schedule="15 3 * * *")
    line = machine.table.read_text().removeprefix(OTHERS)
    subprocess.run(["sh", "-c", line.split(maxsplit=5)[5]], check=True, cwd="/")
    assert (machine.folder / "logs/backup.log").read_text() == "a backup\n"


def test_the_line_of_cron_leads_into_a_folder_with_a_quote_and_a_percent_sign_in_its_name(tmp_path: Path) -> None:
    """cron takes what follows a bare percent sign for the command's input."""
    (tmp_path / "it's 100%").mkdir()
    machine = Machine(tmp_path / "it's 100%")
    for when in ("15 3 * * *", "30 4 * * *"):
        machine.leave(schedule=when)
    (line,) = machine.table.read_text().removeprefix(OTHERS).splitlines()
    (machine.folder / "Makefile").write_text("backup:\n\t@echo a backup\n")
    command = line.split(maxsplit=5)[5]
    assert not re.search(r"(?<!\\)%", command)
    subprocess.run(["sh", "-c", command.replace("\\%", "%")], check=True, cwd="/")
    assert (machine.folder / "logs/backup.log").read_text() == "a backup\n"
