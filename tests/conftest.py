"""What several rooms share: what runs beside what, a PostgreSQL server, and a migrated, empty database for a test."""

import asyncio
import gc
import os
import re
import signal
import uuid
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ports import free_port
from postgres_world import KEPT, ROLES_KEY, PostgresServer, docker, postgres, setting
from stack_world.fixtures import checkout, stack
from swarm_world.fixtures import swarm

__all__ = ["checkout", "docker", "setting", "stack", "swarm"]

TEMPLATE = "migrated"
# What the operator's commands say is tested in English, and in Hebrew where that is the question.
os.environ.setdefault("OPS_LANG", "en")
# Twice the same commit says twice the same; `--hypothesis-profile=search` draws other examples each time.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("repeatable")
# What runs one after the other in one worker, what takes longest first: what alerts and journals say of a stack; what
# fills, attacks and restores it; what replaces its parts and stops it; what watches it; what runs its images without
# it; what looks through one browser.
LINES = {
    "watched": r"tests/stack/test_(alerts|crashes)\.py",
    "drills": r"tests/stack/test_(attacks|backup|complaints|levels|many_calls|privacy|secrets|start)\.py",
    "deploys": r"tests/stack/test_(deploys|go_live|stop)\.py",
    "watching": r"tests/stack/test_(calls|containers|images|last_words|operator_\w+|console)\.py"
    r"|tests/docs/test_going_live\.py",
    "images": r"tests/deploy/test_(cloudwatch|collectors|platforms)\.py",
    "browser": r"tests/browser/test_\w+\.py",
    "own": r"tests/stack/test_own_stack\.py",
}


@pytest.fixture
def unused_tcp_port() -> int:
    """Instead of pytest-asyncio's, which the kernel may give to another worker before the test's process listens."""
    return free_port()


@pytest.fixture(scope="session")
def no_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `docker` does nothing but fail, as a machine without one does."""
    client = tmp_path_factory.mktemp("no-engine") / "docker"
    client.write_text("#!/bin/sh\necho 'docker: not for a test without the mark docker' >&2\nexit 127\n")
    client.chmod(0o755)
    return client.parent


@pytest.fixture(autouse=True)
def engine_only_where_marked(request: pytest.FixtureRequest, no_engine: Path) -> Iterator[None]:
    """Who has no mark for it meets no engine, so that nothing passes here alone because there is one."""
    if any(request.node.get_closest_marker(mark) for mark in ("docker", "postgres")):
        yield
        return
    with pytest.MonkeyPatch.context() as without:
        without.setenv("PATH", str(no_engine), prepend=os.pathsep)
        without.setenv("DOCKER_HOST", f"unix://{no_engine}/nothing.sock")
        yield


@pytest.fixture(autouse=True)
def same_umask_afterwards() -> Iterator[None]:
    """An operator's command sets it for its process, which here is that of all tests."""
    former = os.umask(0)
    os.umask(former)
    yield
    os.umask(former)


def pytest_configure() -> None:
    """Whoever ends a run, as `timeout` does, ends it as Ctrl-C would: stacks and servers are taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Ten thousand tests are made and all of them stay: looking among them for garbage was a third of the work."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where those alone are asked for that have the machine to themselves, nothing is read that has none of them."""
    if not config.option.markexpr.startswith("alone and ") or not re.fullmatch(r"test_\w+\.py", collection_path.name):
        return None
    return not says_alone(collection_path) or None


@cache
def says_alone(file: Path) -> bool:
    return "mark.alone" in file.read_text("utf-8")


def line_of(nodeid: str) -> str | None:
    return next((line for line, files in LINES.items() if re.match(files, nodeid)), None)


def turn_of(item: pytest.Item) -> int:
    """What takes long begins first, so that no worker is left with it at the end: lines, then what has an engine."""
    if line := line_of(item.nodeid):
        return list(LINES).index(line)
    return len(LINES) + (not item.get_closest_marker("docker"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the tests: one after the other, a room's tests run as they stand."""
    if hasattr(config, "workerinput"):
        items.sort(key=turn_of)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whoever asks for a database or a stack needs the marker too: the fixture says it once for everybody."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if "postgres_server" in fixtures:
        item.add_marker(pytest.mark.postgres)
    if "browser" in fixtures:
        item.add_marker(pytest.mark.browser)
    if fixtures & {"stack", "checkout", "swarm"} or item.nodeid.startswith(("tests/stack/", "tests/swarm/")):
        item.add_marker(pytest.mark.docker)
    if item.get_closest_marker("alone") and not says_alone(item.path):
        raise pytest.UsageError(f"{item.nodeid} runs in no part of `make test`: its file has to say pytest.mark.alone")
    if "stack" in fixtures and not line_of(item.nodeid):
        raise pytest.UsageError(f"{item.nodeid} needs a stack: give its file a place in LINES of tests/conftest.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What failed goes into a file, a line each, for scripts/test.sh to end with: the second part's output follows.

    Where an order was drawn, which one it was, for whoever reads a failure: pytest's own header is not shown by -q.
    """
    kept = os.environ.get("FAILED_FILE")
    if kept and not hasattr(config, "workerinput"):
        failed = [report for kind in ("failed", "error") for report in terminalreporter.getreports(kind)]
        with Path(kept).open("a", encoding="utf-8") as file:
            file.writelines(map(in_a_line, failed))
    seed = str(config.option.random_order_seed).removeprefix("default:")
    shuffled = not str(config.option.random_order_bucket).startswith("default:")
    if shuffled and terminalreporter.stats.keys() & {"failed", "error"}:
        terminalreporter.write_line(f"the same order again: --random-order-seed={seed}")


def in_a_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    why = " ".join(str(crash.message if crash else report.longrepr).split())
    return f"{report.nodeid}: {why[:300]}\n"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests go to the workers one by one, those of a line all to one worker, in the order of `turn_of`."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return line_of(nodeid) or nodeid

    return Scheduler(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a worker, with the database that each test's own is a copy of."""
    with postgres() as server:
        _make_template(server)
        yield server


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, at the newest schema, with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _make_template(server: PostgresServer) -> None:
    """Migrate once; each test's database is a copy. A key for the model keeps the demo business out."""
    from prosaas_core.migrate import migrate
    from prosaas_core.settings import load_settings

    if server.base == os.environ.get(KEPT):
        server.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    settings = {"DATABASE_URL": server.url(TEMPLATE), "OPENAI_API_KEY": "none", "DATABASE_ROLES_KEY": ROLES_KEY}
    asyncio.run(migrate(load_settings(settings)))
