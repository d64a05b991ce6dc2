"""The engine's framing, and its interface as it answers on a socket."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops_world.engine import Docker, frame
from prosaas_ops.options import Problem
from prosaas_ops.stack.buried import KEPT
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.frames import Demultiplexer

WORKER = Container("worker", "worker", "prosaas-worker-1", "running", "i", "Up")


def test_lines_come_whole_however_the_bytes_arrive() -> None:
    whole = frame("2024-01-25T14:00:00Z שלום\n") + frame("2024-01-25T14:00:01Z two\n", kind=2)
    for size in (1, 3, 7, len(whole)):
        lines = Demultiplexer("worker")
        chunks = [whole[start : start + size] for start in range(0, len(whole), size)]
        got = [(line.stamp, line.text) for chunk in chunks for line in lines.feed(chunk)]
        assert got == [("2024-01-25T14:00:00Z", "שלום"), ("2024-01-25T14:00:01Z", "two")]


def test_a_line_above_sixteen_kib_is_joined_without_the_stamps_inside_it() -> None:
    lines = Demultiplexer("worker")
    pieces = [frame("T1 " + "a" * 10), frame("T2 " + "b" * 10, kind=2), frame("T3 " + "c\n"), frame("T4 d\n", kind=2)]
    got = [(line.stamp, line.text) for piece in pieces for line in lines.feed(piece)]
    assert got == [("T1", "a" * 10 + "c"), ("T2", "b" * 10 + "d")]


def test_a_line_that_does_not_end_is_shown_in_parts_and_never_held_whole() -> None:
    """A progress bar: time and memory grow with what is shown, not with what came before."""
    lines, piece = Demultiplexer("worker"), "x" * 16_384
    got = []
    for number in range(1_000):
        got += list(lines.feed(frame(f"T{number:04} {piece}")))
        assert sum(map(len, lines._partial.get(1, ()))) < 80_000
    assert [line.stamp for line in got] == [f"T{number:04}" for number in range(0, 1_000, 4)]
    assert {line.text for line in got} == {piece * 4}
    (last,) = lines.feed(frame("T1000 end\n"))
    assert last.text == "end"


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    server = Docker(tmp_path / "docker.sock")
    server.start()
    yield server
    server.close()


@pytest.fixture
def engine(docker: Docker, tmp_path: Path) -> Engine:
    return Engine("prosaas", str(tmp_path / "docker.sock"))


def test_it_says_of_when_its_oldest_event_is_and_nothing_where_it_has_none(engine: Engine, docker: Docker) -> None:
    docker.answers["/events"] = 200, b'{"timeNano": 1500000000}\n{"timeNano": 2500000000}\n'
    assert engine.remembers_since() == 1.5
    (asked,) = docker.asked
    # Of any kind: with what happened to containers alone the oldest would be far too young.
    assert "health_status" not in asked
    assert "com.docker.compose.project%3Dprosaas" in asked
    docker.answers["/events"] = 200, b""
    assert engine.remembers_since() is None


def listed(service: str, state: str = "running", **labels: str) -> dict[str, Any]:
    return {
        "Id": service,
        "Names": [f"/prosaas-{service}-1"],
        "State": state,
        "Image": "i",
        "Status": "Up",
        "Labels": {"com.docker.compose.service": service, **labels},
    }


def test_containers_come_in_the_order_asked_for_without_one_off_runs(docker: Docker, engine: Engine) -> None:
    rows = [listed("worker"), listed("prosaas-api"), listed("worker", **{"com.docker.compose.oneoff": "True"})]
    docker.answers["/containers/json"] = (200, json.dumps(rows).encode())
    assert [found.service for found in engine.containers("prosaas-api", "worker")] == ["prosaas-api", "worker"]
    assert "com.docker.compose.project%3Dprosaas" in docker.asked[0]
    # What merely runs from an image of the stack carries the image's project label too.
    assert "com.docker.compose.container-number" in docker.asked[0]


@pytest.mark.parametrize(
    ("image", "said", "version"),
    [
        ("prosaas/calls:prosaas", "v1.4-2-g1a2b3c4", "v1.4-2-g1a2b3c4"),
        ("sha256:0123456789abcdef", "v1.3", "v1.3"),
        ("prosaas/gateway:prosaas", None, ""),
        ("sha256:0123456789abcdef", None, ""),
        ("postgres:17-trixie", None, "17-trixie"),
        ("registry.example:5000/postgres:17-trixie@sha256:0123456789abcdef", None, "17-trixie"),
        ("registry.example:5000/postgres", None, ""),
    ],
)
def test_a_container_is_of_the_version_that_its_image_names(
    docker: Docker, engine: Engine, image: str, said: str | None, version: str
) -> None:
    """Neither the project's name, which is the tag of our images, nor a digest is a version."""
    labels = {} if said is None else {"org.opencontainers.image.version": said}
    docker.answers["/containers/json"] = (200, json.dumps([{**listed("x", **labels), "Image": image}]).encode())
    assert [found.version for found in engine.containers()] == [version]


def test_a_service_that_does_not_run_is_a_problem_with_its_remedy(docker: Docker, engine: Engine) -> None:
    docker.answers["/containers/json"] = (200, json.dumps([listed("worker", "exited")]).encode())
    with pytest.raises(Problem, match="make up-prod"):
        engine.running("worker")


def test_a_stack_that_is_not_there_is_a_problem_with_its_remedy(docker: Docker, engine: Engine) -> None:
    docker.answers["/containers/json"] = (200, b"[]")
    with pytest.raises(Problem, match="make up-prod"):
        engine.require("worker")


def test_the_log_of_a_window_is_read_in_one_go(docker: Docker, engine: Engine) -> None:
    docker.answers["/containers/json"] = (200, json.dumps([listed("worker")]).encode())
    docker.answers["/containers/worker/logs"] = (200, frame("T1 one\n") + frame("T2 two\n"))
    lines = list(engine.logs(engine.running("worker"), since=1.5, until=2.5))
    assert [(line.stamp, line.service, line.text) for line in lines] == [
        ("T1", "worker", "one"),
        ("T2", "worker", "two"),
    ]
    assert "since=1.500000000&until=2.500000000" in docker.asked[-1]


@contextmanager
def answering(folder: Path, answer: Callable[[socket.socket], None] | None = None) -> Iterator[Engine]:
    """An engine's client; whoever asks is answered once, or, without an answer, never."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "docker.sock"))
        server.listen()

        def serve(answer: Callable[[socket.socket], None]) -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                answer(connection)

        if answer is not None:
            threading.Thread(target=serve, args=[answer], daemon=True).start()
        yield Engine("prosaas", str(folder / "docker.sock"))


def test_a_log_is_read_a_piece_at_a_time_and_never_held_whole(tmp_path: Path) -> None:
    """An engine that keeps them without a bound has more lines than this machine has memory."""
    sent = threading.Event()

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + frame(f"T1 {'x' * 1000}\n") * 20_000)
        sent.set()

    with answering(tmp_path, pour) as engine:
        lines = engine.logs(WORKER)
        assert next(lines).stamp == "T1"
        # What nobody has asked for yet fits into no buffer on the way.
        assert not sent.is_set()
        assert sum(1 for _ in lines) == 19_999


def test_a_log_that_does_not_come_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_ops.stack.engine._PATIENCE", struct.pack("ll", 0, 50_000))
    with answering(tmp_path) as engine, pytest.raises(Problem, match="did not answer /containers/worker/logs in time"):
        list(engine.logs(WORKER))


def test_a_command_gives_its_exit_code_and_both_its_outputs(docker: Docker, engine: Engine) -> None:
    docker.answers["/containers/json"] = (200, json.dumps([listed("worker")]).encode())
    docker.answers["/containers/worker/exec"] = (201, b'{"Id": "e1"}')
    docker.answers["/exec/e1/start"] = (200, frame("out\n") + frame("err\n", kind=2))
    docker.answers["/exec/e1/json"] = (200, b'{"ExitCode": 2}')
    assert engine.run(engine.running("worker"), "logctl", "status") == (2, "out\n", "err\n")


def test_a_command_that_has_not_ended_is_a_problem(docker: Docker, engine: Engine) -> None:
    docker.answers["/containers/json"] = (200, json.dumps([listed("worker")]).encode())
    docker.answers["/containers/worker/exec"] = (201, b'{"Id": "e1"}')
    docker.answers["/exec/e1/start"] = (200, frame("out\n"))
    docker.answers["/exec/e1/json"] = (200, b'{"ExitCode": null}')
    with pytest.raises(Problem, match="logctl in worker did not end"):
        engine.run(engine.running("worker"), "logctl", "status")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.0 200 OK"])
def test_an_engine_that_hangs_up_is_a_problem(said: bytes, tmp_path: Path) -> None:
    with (
        answering(tmp_path, lambda connection: connection.sendall(said)) as engine,
        pytest.raises(Problem, match="closed the connection"),
    ):
        engine.get("/version")


def test_an_engine_that_is_silent_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_ops.stack.engine._PATIENCE", struct.pack("ll", 0, 50_000))
    with answering(tmp_path) as engine, pytest.raises(Problem, match="did not answer /version in time"):
        engine.get("/version")


def test_what_the_engine_refuses_is_a_problem_in_its_own_words(engine: Engine) -> None:
    with pytest.raises(Problem, match="no such thing"):
        engine.inspect("x")


def test_lines_of_a_container_that_went_are_read_from_what_was_kept(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = Container("ab" * 32, "prosaas-calls", "prosaas-calls-1", "exited", "i", "Exited (0)")
    assert list(engine.logs(gone)) == [], "it wrote nothing"
    KEPT.mkdir(parents=True)
    with gzip.open(KEPT / "prosaas-calls.abababababab.gz", "wt", encoding="utf-8") as file:
        file.write("2024-01-25T14:00:00.000000000Z [INFO] said before\n")
    assert [line.text for line in engine.logs(gone)] == ["[INFO] said before"]


def test_a_container_that_is_buried_while_it_is_listed_is_read_once(
    docker: Docker, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed still, and what it wrote is kept already; or it is gone from the second list, whichever comes."""
    monkeypatch.chdir(tmp_path)
    KEPT.mkdir(parents=True)
    rows = [{**listed("worker"), "Id": number * 64} for number in "ab"]
    docker.answers["/containers/json"] = (200, json.dumps(rows).encode())
    found = engine.containers("worker")
    (KEPT / "worker.aaaaaaaaaaaa.gz").write_bytes(b"")
    assert [one.id for one in engine.with_kept(found, "worker")] == [str(KEPT / "worker.aaaaaaaaaaaa.gz"), "b" * 64]


def test_an_engine_that_is_down_is_a_problem_that_names_its_socket(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"nowhere\.sock"):
        Engine("prosaas", str(tmp_path / "nowhere.sock")).get("/version")
