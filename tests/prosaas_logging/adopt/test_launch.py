"""Services started from outside: no line of theirs is changed, and all that they start logs as ours do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ports import free_port
from prosaas_logging.adopt import launch
from prosaas_logging.adopt.asgi import ScopeMiddleware as AsgiScope
from prosaas_logging.adopt.wsgi import ScopeMiddleware as WsgiScope
from prosaas_logging.scope import current

from ..test_adoption import get

Line = dict[str, Any]
RUN = (sys.executable, "-m", "prosaas_logging", "run", "shop", "--")

APP = """
import logging, threading

log = logging.getLogger("shop")

def work(order):
    log.info("order shown", extra={"order": order})
    print("printed")

def in_a_thread():
    thread = threading.Thread(target=work, args=(7,))
    thread.start()
    thread.join()

def wsgi(environ, start_response):
    in_a_thread()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    in_a_thread()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""


class Started:
    """A command below ``run``, and what it writes."""

    def __init__(self, command: tuple[str, ...], folder: Path, environ: dict[str, str]) -> None:
        self.out = folder / "out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environ, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self.out.read_text(encoding="utf-8").splitlines()]

    def end(self) -> list[Line]:
        """End it as an orchestrator would; each line that it wrote is JSON."""
        self.process.terminate()
        self.process.wait(60)
        return self.lines()


Start = Callable[..., Started]


@pytest.fixture
def start(program_environ: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    started: list[Started] = []

    def begin(*command: str, app: str = APP, **environ: str) -> Started:
        folder = tmp_path / f"service{len(started)}"
        folder.mkdir()
        (folder / "shop.py").write_text(app)
        (folder / "flasked.py").write_text(FLASKED)
        environ = {**program_environ, "LOG_JSON": "1", "PYTHONDONTWRITEBYTECODE": "1", **environ}
        started.append(Started((*RUN, *command), folder, environ))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()


SERVERS = {
    "uvicorn": ("uvicorn", "shop:asgi", "--port"),
    "uvicorn with workers": ("uvicorn", "shop:asgi", "--workers", "2", "--port"),
    "uvicorn with reload": ("uvicorn", "shop:asgi", "--reload", "--port"),
    "uvicorn of a wsgi application": ("uvicorn", "shop:wsgi", "--interface", "wsgi", "--port"),
    "gunicorn": ("gunicorn", "shop:wsgi", "--bind"),
    "gunicorn with preload": ("gunicorn", "shop:wsgi", "--preload", "--workers", "2", "--bind"),
    "gunicorn with threads": ("gunicorn", "shop:wsgi", "--threads", "2", "--bind"),
    "flask": ("flask", "--app", "flasked:app", "run", "--port"),
    "hypercorn": ("hypercorn", "shop:asgi", "--bind"),
    "python -m": (sys.executable, "-m", "uvicorn", "shop:asgi", "--port"),
}
FLASKED = "import flask, shop\napp = flask.Flask('shop')\napp.get('/')(lambda: shop.in_a_thread() or 'ok')\n"


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_s_requests_are_scopes_with_no_line_changed(start: Start, server: str) -> None:
    command = SERVERS[server]
    if command[0] != sys.executable:
        command = (str(Path(sys.executable).with_name(command[0])), *command[1:])
    port = free_port()
    place = f"127.0.0.1:{port}" if command[-1] == "--bind" else str(port)
    service = start(*command, place, PYTHONPATH=os.pathsep.join((*_paths(), ".")))
    assert get(port, "/") == 200
    lines = service.end()
    (own,) = [line for line in lines if line["message"] == "order shown"]
    (printed,) = [line for line in lines if line["message"] == "printed"]
    assert (own["service"], len(own["request_id"]), own["order"]) == ("shop", 32, 7)
    assert (printed["event"], printed["request_id"]) == ("STDOUT", own["request_id"])
    assert [line["message"] for line in lines if line.get("request_id")] == ["order shown", "printed"]


def _paths() -> list[str]:
    return [str(Path(__file__).parents[3] / "services")]


def run(environ: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*RUN, *command), env={**environ, "LOG_JSON": "1"}, capture_output=True, text=True, timeout=60, check=False
    )


def test_exit_codes_and_arguments_pass_through(program_environ: dict[str, str]) -> None:
    done = run(program_environ, sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "--", "a b", "-x")
    assert done.returncode == 7
    assert json.loads(done.stdout)["message"] == "['--', 'a b', '-x']"


@pytest.mark.parametrize(("command", "code"), [(("no-such-command",), 127), (("/",), 126), ((), 2)])
def test_what_cannot_be_run_is_said_in_a_line(
    program_environ: dict[str, str], command: tuple[str, ...], code: int
) -> None:
    done = run(program_environ, *command)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_signal_reaches_the_service_itself(start: Start) -> None:
    script = "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(5)); print('ready', flush=True)"
    script += "; [time.sleep(0.05) for _ in range(1200)]"
    service = start(sys.executable, "-c", script)
    deadline = time.monotonic() + 30
    while not service.out.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(30) == 5


def test_what_is_not_python_is_left_alone(program_environ: dict[str, str]) -> None:
    done = run(program_environ, "sh", "-c", "echo plain; exit 3")
    assert (done.returncode, done.stdout) == (3, "plain\n")


def test_children_log_too_but_not_where_somebody_reads_what_they_write(program_environ: dict[str, str]) -> None:
    source = """
import subprocess, sys
child = [sys.executable, "-c", "print('from a child')"]
print(repr(subprocess.run(child, capture_output=True, text=True).stdout))
subprocess.run(child)
"""
    done = run(program_environ, sys.executable, "-c", source)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in said] == ["'from a child\\n'", "from a child"]
    assert {line["service"] for line in said} == {"shop"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_log_however_they_are_started(start: Start, method: str) -> None:
    app = f"""
import multiprocessing

def work():
    print("from a process")

if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=work)
    process.start()
    process.join()
    print("ended", process.exitcode)
"""
    service = start(sys.executable, "shop.py", app=app)
    service.process.wait(60)
    assert [line["message"] for line in service.lines()] == ["from a process", "ended 0"]


def test_the_machine_s_own_sitecustomize_still_runs(program_environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.customized = 'yes'")
    path = os.pathsep.join((program_environ["PYTHONPATH"], str(tmp_path)))
    done = run({**program_environ, "PYTHONPATH": path}, sys.executable, "-c", "print(customized)")
    assert json.loads(done.stdout)["message"] == "yes"


def test_a_service_finds_the_path_of_its_imports_as_it_is_without_us(program_environ: dict[str, str]) -> None:
    source = "import sys; print(sys.path, sys.version_info >= (3, 11))"
    plain = subprocess.run(
        [sys.executable, "-c", source], env=program_environ, capture_output=True, text=True, check=True
    )
    assert json.loads(run(program_environ, sys.executable, "-c", source).stdout)["message"] == plain.stdout.strip()


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (None, ""),
        ("def begin(environ): import no_such_module", ""),
        ("def begin(environ): raise RuntimeError('odd')", "prosaas_logging has not started: RuntimeError odd\n"),
        ("def begin(environ): print('begun', len(environ) > 0)", ""),
    ],
)
def test_a_service_runs_also_where_our_part_cannot(tmp_path: Path, begin: str | None, said: str) -> None:
    """It may be another interpreter's, which has not what we need; a fault of ours is said in one line."""
    if begin is not None:
        (tmp_path / "prosaas_logging" / "adopt").mkdir(parents=True)
        (tmp_path / "prosaas_logging" / "adopt" / "launch.py").write_text(begin)
    environ = {"PYTHONPATH": str(launch._START), "PROSAAS_RUN_ROOT": str(tmp_path)}
    source = "import sitecustomize, sys; print('served', sys.modules['sitecustomize'].__name__)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", source], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    begun = "begun True\n" if "begun" in (begin or "") else ""
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{begun}served sitecustomize\n", said)


def test_a_fault_in_the_machine_s_own_sitecustomize_is_told_as_without_us_and_we_start(
    program_environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import no_such_module_of_theirs")
    path = os.pathsep.join((program_environ["PYTHONPATH"], str(tmp_path)))
    done = run({**program_environ, "PYTHONPATH": path}, sys.executable, "-c", "print('served')")
    assert "no_such_module_of_theirs" in done.stdout, "on standard error it is ours, whose start it is, too"
    assert json.loads(done.stdout.splitlines()[-1])["message"] == "served"


RQ = """
import fakeredis, redis
connection = fakeredis.FakeRedis()
from rq import Queue, Worker
from shop import work
queue = Queue("default", connection=connection)
queue.enqueue(work, 7, job_id="j1")
queue.enqueue(divmod, 1, 0, job_id="j2")
Worker([queue], connection=connection).work(burst=True)
"""


def test_rq_s_jobs_are_scopes(start: Start) -> None:
    service = start(sys.executable, "-c", RQ, PYTHONPATH=os.pathsep.join((*_paths(), ".")))
    assert service.process.wait(60) == 0
    lines = service.lines()
    assert [line["job_id"] for line in lines if line["message"] in ("order shown", "printed")] == ["j1", "j1"]
    (failed,) = [line for line in lines if line.get("error", {}).get("kind") == "ZeroDivisionError"]
    assert failed["job_id"] == "j2"


def test_a_container_without_our_folders_gets_one_of_its_own_at_each_start_and_never_another_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder outlives a process in its container, and whoever made it first could switch us."""
    folder = tmp_path / "adopted"
    monkeypatch.setattr(launch, "ADOPTED_DIR", folder)
    monkeypatch.setattr(os, "access", lambda *_: False)
    switch = {"LOG_SWITCH_FILE": str(folder / "log-switch.json")}
    for _ in range(2):
        assert launch._places({}) == {**switch, "LOG_BLACKBOX": str(folder / "blackbox")}
        assert launch._places({"LOG_BLACKBOX": "stdout"}) == switch
    assert folder.stat().st_mode & 0o777 == 0o700
    assert launch._places({"LOG_SWITCH_FILE": "/elsewhere"}) == {}
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert launch._places({}) == {}


def test_the_command_takes_our_place_with_all_that_its_processes_need(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[Any, ...]] = []
    monkeypatch.setattr(os, "execvpe", lambda *given: handed.append(given))
    monkeypatch.setenv("LOG_SWITCH_FILE", "/run/switch.json")
    start, status = str(launch._START), os.fstat(1)
    for path, found in (("", start), ("/theirs", f"{start}:/theirs")):
        monkeypatch.setenv("PYTHONPATH", path)
        launch.become("shop", ("serve", "--all"))
        command, words, environ = handed.pop()
        assert (command, words) == ("serve", ["serve", "--all"])
        assert environ == {
            **os.environ,
            "PYTHONPATH": found,
            "PROSAAS_RUN": "shop",
            "PROSAAS_RUN_ROOT": str(Path(start).parents[2]),
            "PROSAAS_RUN_OUTPUT": f"{status.st_dev}:{status.st_ino}",
        }


Hooks = dict[str, Any]


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    """What waits for which library once a process of the service has begun; what it began with is told as such."""
    waiting: Hooks = {}
    monkeypatch.setattr(launch, "when_imported", waiting.__setitem__)
    monkeypatch.setattr(launch, "bootstrap", lambda *given, **named: waiting.update(begun=(given, named)))
    return waiting


def test_only_a_process_that_writes_to_the_service_s_output_is_one_of_its(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = launch._output()
    tracker = "from multiprocessing.resource_tracker import main;main(5)"
    for name, place, command in (
        ("", output, ["python"]),
        ("shop", "1:1", ["python"]),
        ("shop", output, ["python", "-c", tracker]),
    ):
        monkeypatch.setattr(sys, "orig_argv", command)
        launch.begin({"PROSAAS_RUN": name, "PROSAAS_RUN_OUTPUT": place})
    assert hooks == {}
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "serve()"])
    environ = {"PROSAAS_RUN": "shop", "PROSAAS_RUN_OUTPUT": output, "LOG_DESCRIPTORS": "1"}
    launch.begin(environ)
    assert hooks.pop("begun") == (("shop",), {"environ": {**environ, "LOG_DESCRIPTORS": "0"}})
    assert len(hooks) == 6


class Server:
    """Holds an application under each name that a server has for it, once it has loaded one."""

    def __init__(self, app: Any = None) -> None:
        self.app = self.wsgi = self.loaded_app = app

    load = load_wsgi = lambda self: Server.__init__(self, len)


def named(module: str) -> type[Server]:
    return type("Worker", (Server,), {"__module__": module})


SERVED: list[tuple[str, dict[str, Any], Callable[[Any], Any], type | None]] = [
    ("uvicorn.config", {"Config": named("u")}, lambda module: (one := module.Config(), one.load(), one.loaded_app)[2],
     AsgiScope),
    ("hypercorn.utils", {"wrap_app": lambda app: app}, lambda module: module.wrap_app(len), AsgiScope),
    *(("gunicorn.workers.base", {"Worker": named(kind)},
       lambda module: (one := module.Worker(), one.load_wsgi(), one.wsgi)[2], scope)
      for kind, scope in (("gunicorn.workers.gasgi", AsgiScope), ("gunicorn.workers.sync", WsgiScope),
                          ("uvicorn.workers", None))),
    ("werkzeug.serving", {"BaseWSGIServer": named("w")}, lambda module: module.BaseWSGIServer(len).app, WsgiScope),
]  # fmt: skip


@pytest.mark.parametrize(("library", "module", "served", "kind"), SERVED)
def test_a_server_s_application_is_in_the_middleware_of_its_kind_and_another_s_worker_is_left_to_it(
    hooks: Hooks, library: str, module: dict[str, Any], served: Callable[[Any], Any], kind: type | None
) -> None:
    launch.begin({"PROSAAS_RUN": "shop", "PROSAAS_RUN_OUTPUT": launch._output()})
    loaded = SimpleNamespace(**module)
    hooks[library](loaded)
    app = served(loaded)
    assert app.__name__ == "len"
    assert type(app) is (kind or type(len))


def test_rq_s_and_celery_s_hooks_are_set_too(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    adopted: list[int] = []
    monkeypatch.setattr(launch, "adopt_celery", lambda: adopted.append(1))
    launch.begin({"PROSAAS_RUN": "shop", "PROSAAS_RUN_OUTPUT": launch._output()})
    hooks["celery.signals"](None)
    assert adopted == [1]
    for base in ("BaseWorker", "Worker"):

        class Worker:
            def perform_job(self, _job: object) -> str:
                return current().id

        module = SimpleNamespace(Worker=Worker, worker=SimpleNamespace())
        if base == "BaseWorker":
            module = SimpleNamespace(Worker=None, worker=SimpleNamespace(BaseWorker=Worker))
        hooks["rq"](module)
        assert Worker().perform_job(SimpleNamespace(id="7")) == "7"
