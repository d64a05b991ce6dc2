"""What a generation that goes leaves behind."""

import gzip
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prosaas_core.privacy import ledger
from prosaas_logging.redact import redact
from prosaas_ops.conduct import kept_lines
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.stack import buried
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.lines import seconds

AT = "2026-11-27T10:00:0{}.000000000Z"
ENDED = Container("0123456789ab", "prosaas-calls", "prosaas-calls-1", "exited", "", "")


class Writing(World):
    """A stack whose containers have each written one line, at the second that is their number, of some length."""

    length = 10

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        if words[0] != "logs":
            return Done(0, "", "")
        noise = os.urandom(self.length // 2).hex()
        return Done(0, f"{AT.format(words[-1][0])} [INFO] {words[-1]} {noise}\n", "")

    def bury(self, *numbers: int) -> list[str]:
        """The texts that are still to be read after these went, in this order."""
        for number in numbers:
            Generations(self).bury(Container(f"{number}" * 12, "prosaas-api", "", "exited", "", ""))
        engine = Engine("x")
        kept = engine.kept("prosaas-api", folder=self.state / "lines")
        return sorted(raw.text.split()[1] for one in kept for raw in engine.logs(one))


@pytest.fixture
def world(tmp_path: Path) -> Writing:
    (tmp_path / ".state").mkdir()
    return Writing(tmp_path)


def test_lines_outlive_any_number_of_short_generations(world: Writing) -> None:
    """Restarted nine times in a row, a service still tells what its first container saw."""
    assert len(world.bury(*range(1, 10))) == 9


def test_the_oldest_go_when_the_disk_is_used_up(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_lines, "KEPT_BYTES", 10_000)
    world.length = 8_000
    assert world.bury(1, 2, 3, 4, 5) == ["4" * 12, "5" * 12]


def test_the_newest_stays_however_long_it_is(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_lines, "KEPT_BYTES", 100)
    world.length = 8_000
    assert world.bury(1, 2) == ["2" * 12]


def test_which_is_the_oldest_its_last_line_says(world: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generation that drained for an hour goes after one that came later."""
    monkeypatch.setattr(kept_lines, "KEPT_LINES", 2)
    assert world.bury(3, 1, 2) == ["2" * 12, "3" * 12]


def test_who_was_forgotten_while_a_container_ran_is_in_none_of_its_lines_that_are_kept(
    world: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their call, the stack below its line, and a message of theirs, of whose id a line shows the end."""
    theirs, others, message = "CA" + "a" * 32, "CA" + "b" * 32, "wamid.HBgMOTcyNTIwMDAwMDAxFQIAEhggN0E5QkM0RDVFNg=="
    said = [
        f"[INFO] a · call_sid={others}",
        f'{{"message":"b","call_sid":"{theirs}"}}',
        "    at their line",
        f"[INFO] c · message_id={redact(message)}",
        f"[INFO] d · call_sid={theirs}",
        "[INFO] e",
        "    at another's line",
    ]
    rows = "".join(f"{AT.format(second)} {text}\n" for second, text in enumerate(said))
    monkeypatch.setattr(world, "docker", lambda *words, **_: Done(0, rows if words[0] == "logs" else "", ""))
    (world.root / "backups").mkdir()
    known = {"calls": [theirs], "messages": [message], ledger.SHOWN: [redact(message)]}
    ledger.note(world.root / "backups", ledger.Forgotten.of("r1", datetime.now(UTC), known))
    Generations(world).bury(ENDED)
    with gzip.open(world.state / "lines" / f"{ENDED.service}.{ENDED.id}.gz", "rt") as file:
        kept = [line.rstrip("\n").partition(" ")[2] for line in file]
    assert kept == [said[0], said[5], said[6]]


def test_by_a_ledger_that_cannot_be_read_no_line_of_anybody_is_kept_and_the_container_stays(
    world: Writing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    did: list[str] = []

    def docker(*words: str, **_: object) -> Done:
        did.append(words[0])
        return Done(0, f"{AT.format(1)} [INFO] a\n", "")

    monkeypatch.setattr(world, "docker", docker)
    (world.root / "backups").mkdir()
    (world.root / "backups" / ledger.FILE).write_text("half a li")
    Generations(world).bury(ENDED)
    assert did == ["logs"]
    assert list((world.state / "lines").iterdir()) == []
    assert "line 1 of forgotten.jsonl cannot be read" in capsys.readouterr().err


def test_a_watcher_and_a_command_may_keep_one_containers_lines_at_once(
    world: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes first: neither misses what the other put in place, nor mixes it with its own."""
    inside, most = 0, 0
    compress = gzip.compress

    def slowly(data: bytes) -> bytes:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        inside -= 1
        return compress(data)

    monkeypatch.setattr(gzip, "compress", slowly)
    world.length = 200_000
    with ThreadPoolExecutor(8) as both:
        shown = list(both.map(lambda _: world.bury(1), range(8)))
    assert (shown, most) == ([["1" * 12]] * 8, 1)
    assert [path.name for path in (world.state / "lines").iterdir()] == [f"prosaas-api.{'1' * 12}.gz"]


def test_a_line_ends_where_the_service_ended_it(world: Writing) -> None:
    """In JSON a line separator of Unicode stands as it is: half a line has no time, and is no older than all others."""
    said = f"{AT.format(1)} {{'message': 'one\u2028two\u0085three'}}"
    world.docker = lambda *_, **__: Done(0, f"{said}\n", "WARNING: the client's own word")  # type: ignore[method-assign]
    kept_lines.keep(world, Container("1" * 12, "prosaas-api", "", "exited", "", ""))
    (path,) = (world.state / "lines").iterdir()
    assert gzip.decompress(path.read_bytes()).decode() == f"{said}\n"
    assert path.stat().st_mtime == seconds(AT.format(1))


def test_a_carriage_return_ends_no_line_of_what_is_kept_nor_of_what_is_read_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came behind it had no stamp of its own and was lost; read as a line, it would be one without a time."""
    (tmp_path / ".state").mkdir()
    client = tmp_path / "docker"
    client.write_text(f"#!/bin/sh\nprintf '{AT.format(1)} half\\r~ of it\\r\\n{AT.format(2)} next\\n'\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    kept_lines.keep(World(tmp_path), Container("1" * 12, "worker", "", "exited", "", ""))
    (path,) = (tmp_path / ".state/lines").iterdir()
    found = buried.lines(path, "worker", None, seconds(AT.format(2)) + 1)
    assert [(raw.stamp, raw.text) for raw in found] == [(AT.format(1), "half\r~ of it\r"), (AT.format(2), "next")]


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock", True),
        ("error from daemon in stream: Error grabbing logs: invalid character", True),
        ("Error response from daemon: configured logging driver does not support reading", False),
        ("Error response from daemon: No such container: 111111111111", False),
        ("Error response from daemon: can not get logs from container which is dead or marked for removal", False),
    ],
)
def test_whose_lines_the_engine_does_not_give_stays_unless_it_never_will(
    world: Writing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: str, stays: bool
) -> None:
    asked: list[str] = []

    def docker(*words: str, **_: object) -> Done:
        asked.append(words[0])
        return Done(1, "", f"{error}\n")

    monkeypatch.setattr(world, "docker", docker)
    assert world.bury(1) == []
    assert asked == (["logs"] if stays else ["logs", "rm"])
    assert (f"({error}), so its container stays" in capsys.readouterr().err) is stays


def test_whose_lines_are_kept_already_goes_though_the_engine_gives_none_a_second_time(
    world: Writing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bury(1)
    monkeypatch.setattr(world, "docker", lambda *_, **__: Done(1, "", "damaged"))
    assert world.bury(1) == ["1" * 12]
    assert capsys.readouterr().err == ""


def test_of_a_damaged_log_what_can_be_read_is_kept_and_takes_no_whole_ones_place(world: Writing) -> None:
    container = Container("1" * 12, "prosaas-api", "", "exited", "", "")
    path = world.state / f"lines/prosaas-api.{container.id}.gz"
    for code, lines, kept in ((1, 1, 1), (0, 3, 3), (1, 2, 3)):
        out = "".join(f"{AT.format(number)} a line\n" for number in range(lines))
        done = Done(code, out, "error from daemon in stream: invalid character")
        world.docker = lambda *_, _done=done, **__: _done  # type: ignore[method-assign]
        kept_lines.keep(world, container)
        assert gzip.decompress(path.read_bytes()).count(b"\n") == kept


def test_whose_lines_cannot_be_kept_stays_and_undoes_nothing(
    world: Writing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk: the lines are with the engine, for as long as the container is."""
    asked: list[str] = []
    done = world.docker
    monkeypatch.setattr(world, "docker", lambda *words, **others: (asked.append(words[0]), done(*words, **others))[1])
    with monkeypatch.context() as full:
        full.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert world.bury(1) == []
    assert asked == ["logs"]
    assert "could not be kept ([Errno 28] No space left on device), so its container stays" in capsys.readouterr().err
    assert world.bury(1) == ["1" * 12]
    assert asked == ["logs", "logs", "rm"]


def test_what_somebody_else_removes_meanwhile_is_no_trouble(world: Writing) -> None:
    world.bury(1)
    (world.state / "lines/prosaas-api.gone.gz").symlink_to("nothing")
    assert world.bury(2) == ["1" * 12, "2" * 12]
