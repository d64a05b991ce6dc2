"""What a start does before anything is built."""

import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from prosaas_ops.act import unfinished, up
from prosaas_ops.conduct import database, finding, plan, restore
from prosaas_ops.conduct.finding import Finding, told
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.machine import PREFLIGHT, RESTART, SETTLED
from prosaas_ops.conduct.run import Plan, Step
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import FINE, Options, Problem, Untouched
from prosaas_ops.stack.engine import Container


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder from which production runs, and a machine with base images of its own."""
    (tmp_path / ".env").write_text(
        "COMPOSE_PROJECT_NAME=salon\nCOMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n"
    )
    for name in ("env", "deploy/gateway", "deploy/monitoring", "services", ".state"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PROSAAS_BASES", "PYTHON_IMAGE=prosaas-standin/python:3.13")
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    return World(tmp_path)


@pytest.mark.docker
def test_a_refused_start_has_changed_nothing_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither which stack plain `docker compose` acts on, nor a base image, nor a secret."""
    seen: list[str] = []

    def taken(_checks: object, there: World, _environment: str) -> list[Finding]:
        seen.append(there.project)
        return [Finding("port", "API_PORT=8000 is taken by something else", "set another API_PORT in .env")]

    monkeypatch.setattr(up, "examine", taken)
    before = files(world.root)
    with pytest.raises(Problem, match="nothing was changed"):
        up.prepare(world, "dev")
    assert files(world.root) == before
    assert seen == ["salon-dev"], "what was examined is what would have started"


@pytest.mark.docker
def test_a_refused_start_that_made_env_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads that nothing was changed looks for no .env, and the lines above may be about that one."""
    missing = Finding("port", "API_PORT=8000 is taken by something else", "set another API_PORT in .env")
    monkeypatch.setattr(up, "examine", lambda *_: [missing])
    world.env.path.unlink()
    (world.root / "env/example.env").write_text("DEMO=1\n")
    for said in (
        r"1 problem\(s\) before the start; \.env was made, and nothing else was changed",
        "; nothing was changed",
    ):
        with pytest.raises(Problem, match=said):
            up.prepare(world, "prod")
    assert set(files(world.root)) == {".env", "env/example.env"}


@pytest.mark.docker
def test_a_start_that_is_not_refused_records_what_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "examine", lambda *_: [])
    up.prepare(world, "dev")
    assert world.recorded("COMPOSE_PROJECT_NAME") == "salon-dev"
    assert world.recorded("PYTHON_IMAGE") == "prosaas-standin/python:3.13"
    assert (world.root / "secrets/database_url").exists()


@pytest.mark.docker
def test_a_refused_start_tells_what_would_stop_none_too(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped name is why another one is missing."""
    missing = Finding("env", "not set in .env: TWILIO_AUTH_TOKEN", "add each")
    mistyped = Finding("names", "nobody reads TWILIO_AUTH_TOKN in .env", "correct the name", later=True)
    monkeypatch.setattr(up, "examine", lambda *_: [Finding("engine", "fine"), missing, mistyped])
    with pytest.raises(Problem, match="1 problem"):
        up.prepare(world, "prod")
    # On one stream with the verdict, so that it stands above it in a pipe as well.
    said = capsys.readouterr().err
    assert "problem  env        not set in .env: TWILIO_AUTH_TOKEN" in said
    assert "warning  names      nobody reads TWILIO_AUTH_TOKN in .env" in said
    assert "engine" not in said


@pytest.mark.parametrize(("project", "environment"), [("salon", "prod"), ("salon-dev", "dev")])
@pytest.mark.docker
def test_a_restart_is_refused_before_it_renews_anything_where_a_start_would_be(
    quiet: World, monkeypatch: pytest.MonkeyPatch, project: str, environment: str
) -> None:
    """By what .env and the files beside it say, and not by a port or a disk, which a restart takes no more of."""
    looked: list[object] = []

    def examined(checks: object, there: World, wanted: str) -> list[Finding]:
        looked.extend((checks, there.setting("CALLS_LOG_LEVEL"), wanted))
        return [Finding("settings", "MAX_CALLS=0 is too small", "for example MAX_CALLS=100")]

    monkeypatch.setenv("COMPOSE_PROJECT_NAME", project)
    monkeypatch.setattr(up, "examine", examined)
    monkeypatch.setattr(up, "would_start", lambda there, wanted, service: False)
    monkeypatch.setattr(up.plan, "restart", lambda *_: pytest.fail("it began"))
    with pytest.raises(Problem, match="nothing was changed"):
        up._restart(quiet, Options("restart-calls", ("LOG_LEVEL",), {"LOG_LEVEL": "DEBUG"}))
    assert looked == [RESTART, "DEBUG", environment]
    assert [*RESTART][: len(SETTLED)] == [*SETTLED]


@pytest.mark.docker
def test_what_would_stop_no_restart_is_told_of_and_it_begins(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where callers hear nothing, a wrong price in a file is no reason to leave them so."""
    found = Finding("number", "GRAFANA_PORT=3000, is not a port", "a number from 1 to 65535")
    monkeypatch.setattr(up, "examine", lambda *_: [found, Finding("mode", "fine")])
    monkeypatch.setattr(up, "would_start", lambda there, wanted, service: service == "prosaas-calls")
    monkeypatch.setattr(Images, "in_use", lambda _: {})
    monkeypatch.setattr(Images, "version", lambda *_: "old")
    begun: list[str] = []
    monkeypatch.setattr(up.plan, "restart", lambda _, service: begun.append(service) or Plan("restart-calls", []))
    up._restart(quiet, Options("restart-calls", ("LOG_LEVEL",), {}))
    assert begun == ["prosaas-calls"]
    assert "warning: GRAFANA_PORT=3000, is not a port; a number from 1 to 65535\n" in capsys.readouterr().err


@pytest.mark.docker
def test_what_starts_with_other_settings_than_it_runs_with_is_told_before_it_begins(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a deploy that failed: .env is still what it would have been. A level is asked for, and no news."""
    there = [Container(name, name, name, state, "", state) for name, state in SERVING.items()]
    monkeypatch.setattr(quiet, "containers", lambda *names: [one for one in there if one.service in names])
    monkeypatch.setattr(finding.Generations, "changed", lambda _, *names: [*names])
    monkeypatch.setattr(up, "would_start", lambda *_: True)
    monkeypatch.setattr(Images, "in_use", lambda _: {})
    monkeypatch.setattr(Images, "version", lambda *_: "old")
    monkeypatch.setattr(up.plan, "restart", lambda *_: Plan("restart-api", []))
    for level, expected in (("DEBUG", ""), ("", "prosaas-api: what .env says now is not what they run with")):
        up._restart(quiet, Options("restart-api", ("LOG_LEVEL",), {"LOG_LEVEL": level}))
        assert expected in (said := capsys.readouterr().err)
        assert bool(said) is bool(expected)
    up.tell_of_news(quiet, "worker", "prosaas-api")
    assert "worker" not in capsys.readouterr().err, "it does not run"

    def silent(*_: object) -> list[str]:
        raise Problem("docker compose --dry-run create failed")

    monkeypatch.setattr(finding.Generations, "changed", silent)
    up._restart(quiet, Options("restart-api", ("LOG_LEVEL",), {}))
    assert "failed" not in capsys.readouterr().err, "it is what an emergency needs"


@pytest.mark.docker
@pytest.mark.parametrize(
    ("runs_at", "also", "said"),
    [
        (
            ["API_LOG_LEVEL=DEBUG"],
            False,
            "prosaas-api runs with API_LOG_LEVEL=DEBUG; it starts at the log level of",
        ),
        (["API_LOG_LEVEL=DEBUG"], True, "what .env says now is not what they run with"),
        ([], True, "what .env says now is not what they run with"),
        (None, True, "what .env says now is not what they run with"),
    ],
)
def test_a_level_of_an_earlier_restart_is_named_as_that_and_not_as_other_settings(
    quiet: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    runs_at: list[str] | None,
    also: bool,
    said: str,
) -> None:
    """`make restart-api LOG_LEVEL=DEBUG`, then `make restart-api`: no more changes than what this one is there for."""
    api = Container("api", "prosaas-api", "api", "running", "", "running")

    def environment(container: Container) -> list[str]:
        if runs_at is None:
            raise Problem("the engine does not say")
        return runs_at

    engine = SimpleNamespace(running=lambda service: api, environment=environment)
    monkeypatch.setattr(type(quiet), "engine", engine)
    monkeypatch.setattr(quiet, "containers", lambda *_: [api])

    def changed(asked: finding.Generations, *names: str) -> list[str]:
        as_it_runs = "API_LOG_LEVEL" in asked._world.overrides
        return [*names] if also or not as_it_runs else []

    monkeypatch.setattr(finding.Generations, "changed", changed)
    up.tell_of_news(quiet, "prosaas-api")
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert ("warning" in told.err) is also
    assert quiet.overrides == {}


@pytest.mark.docker
def test_a_restart_is_refused_before_it_renews_anything_where_its_secret_files_are_behind(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behind(_world: World, environment: str, service: str) -> None:
        raise Problem(f"{service} of {environment} would not start")

    monkeypatch.setattr(up, "would_start", lambda *_: True)
    monkeypatch.setattr(up, "refuse_unwritten", behind)
    monkeypatch.setattr(up.plan, "restart", lambda *_: pytest.fail("it began"))
    with pytest.raises(Problem, match="worker of prod would not start"):
        up._restart(quiet, Options("restart-worker", ("LOG_LEVEL",), {}))


@pytest.mark.docker
def test_what_is_told_as_a_restart_begins_promises_no_secret_of_today(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes none: a secret that .env alone has is a deploy's."""
    there = [Container("api", "prosaas-api", "api", "running", "", "running")]
    monkeypatch.setattr(quiet, "containers", lambda *_: there)
    monkeypatch.setattr(finding.Generations, "changed", lambda _, *names: [*names])
    up.tell_of_news(quiet, "prosaas-api")
    assert capsys.readouterr().err.endswith(
        "they start with the settings that it has now, and the secrets of secrets/\n"
    )


@pytest.mark.docker
def test_a_rotation_is_refused_before_it_changes_a_value_where_a_service_would_not_start(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor would it on the way back."""
    running = [Container("1", "prosaas-api", "1", "running", "", "")]
    monkeypatch.setattr(quiet, "containers", lambda *_: running)
    monkeypatch.setattr(up.plan, "same_definition", lambda _: None)
    monkeypatch.setattr(up, "examine", lambda *_: [Finding("settings", "MAX_CALLS=0 is too small", "MAX_CALLS=100")])
    monkeypatch.setattr(up, "would_start", lambda _world, _environment, service: service != "worker")
    monkeypatch.setattr(up.plan, "rotate", lambda *_: pytest.fail("it began"))
    with pytest.raises(Problem, match="nothing was changed"):
        up._rotate(quiet, Options("rotate-secret", ("NAME",), {"NAME": "ADMIN_API_KEY"}))


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.docker
def test_a_start_that_fails_names_the_secrets_that_wait_for_whoever_starts_anew(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: bool
) -> None:
    before = [Container("1", "prosaas-api", "1", "running", "", "")] * runs
    monkeypatch.setattr(quiet, "containers", lambda *_: before)
    monkeypatch.setattr(up.Generations, "tidy", lambda *_: None)

    def fails() -> None:
        raise Problem("no network")

    monkeypatch.setattr(plan, "up", lambda *_, **__: Plan("up-prod", [Step("build", fails, prepares=True)]))
    up.prepare(quiet, "prod")
    quiet.env.put(CALL_TOKEN_SECRET="other")
    for expected in (["secrets/call_token_secret"] if runs else [], []):
        with pytest.raises(Problem, match="no network"):
            up._up(quiet, Options("up-prod", ("YES",), {}))
        said = capsys.readouterr().err
        assert [name for name in ("secrets/call_token_secret", "secrets/database_url") if name in said] == expected


def test_what_stops_no_start_is_a_warning_to_the_doctor_and_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert told([Finding("names", "nobody reads QQ in .env", "remove it", "docs/settings.md", later=True)]) == FINE
    assert capsys.readouterr().out.startswith("warning  names      nobody reads QQ in .env\n")


ROTATE = {"name": "POSTGRES_PASSWORD", "old": "old", "new": "NEW"}
SERVING = {"prosaas-api": "running", "worker": "exited"}
BEFORE = {"calls": "what ran until now"}
RESTORE = {"file": "b.dump", "key": "", "live": 1, "running": ["worker"]}


class Quiet(World):
    """A stack in which commands to Docker do nothing, and containers are none."""

    def compose(self, *_words: str, check: bool = True, feed: str | None = None, **_settings: str) -> Done:
        return Done(0, "", "")

    docker = compose

    def containers(self, *_services: str) -> list[Container]:
        return []


@pytest.fixture
def quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    for module in (up, unfinished):
        monkeypatch.setattr(module, "examine", lambda *_: [])
    monkeypatch.setattr("prosaas_ops.act.up.deploy.down", lambda _world: Plan("down", []))
    monkeypatch.setattr(plan, "live_calls", lambda _world: {})
    monkeypatch.setattr(plan, "up", lambda _world, environment, **_: Plan(f"up-{environment}", []))
    monkeypatch.setattr(plan, "rollback", lambda *_: Plan("rollback", [], {"images": BEFORE}, goal={"wanted": {}}))
    monkeypatch.setattr("prosaas_ops.act.up.backup.schedule", lambda *_: None)
    monkeypatch.setattr(database, "start_database", lambda _world: None)
    return Quiet(world.root)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": "running", "b": "running", "c": "exited"}, {"a": "running", "c": "exited"}, True),
        ({"a": "running"}, {"a": "running", "new": "running"}, False),
        ({"a": "exited"}, {"a": "running"}, False),
        ({}, {}, False),
    ],
)
@pytest.mark.docker
def test_a_start_that_renews_nothing_says_so(
    before: dict[str, str],
    after: dict[str, str],
    said: bool,
    quiet: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = before

    def containers(*_: object) -> list[Container]:
        return [Container(name, "worker", name, state, "", "") for name, state in there.items()]

    def run(*_: object) -> None:
        nonlocal there
        there = after

    monkeypatch.setattr(Quiet, "containers", containers)
    monkeypatch.setattr(up, "run_plan", run)
    monkeypatch.setattr(up.plan, "up", lambda *_: Plan("up-prod", []))
    up._up(quiet, Options("up-prod", ("YES",), {}))
    assert ("nothing was renewed" in capsys.readouterr().out) is said


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "starting"),
        ({"postgres": "running", "migrate": "exited", "simulator": "running"}, "starting"),
        ({"postgres": "running", "worker": "running", "gateway": "created"}, "starting"),
        ({"postgres": "exited", "gateway": "exited"}, "starting"),
        ({"postgres": "running", "prosaas-api": "running", "gateway": "running"}, "renewing"),
        ({"gateway": "running", "prosaas-api": "exited"}, "renewing"),
    ],
)
@pytest.mark.docker
def test_a_start_renews_where_something_serves_and_else_it_starts(
    there: dict[str, str],
    said: str,
    quiet: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The database of a first start that failed is not yet a stack that is renewed."""
    ones = [Container(name, name, name, state, "", "") for name, state in there.items()]
    monkeypatch.setattr(
        Quiet, "containers", lambda _, *named: [one for one in ones if not named or one.service in named]
    )
    monkeypatch.setattr(up.Generations, "tidy", lambda *_: None)
    up._up(quiet, Options("up-prod", ("YES",), {}))
    assert f"==> {said} salon, and waiting until it serves" in capsys.readouterr().out


@pytest.mark.docker
def test_what_comes_next_is_the_last_that_a_start_says(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below that this is a demo, and on the same stream: of two, either row would come first at times."""
    monkeypatch.setattr(Quiet, "recorded", lambda _, name, default="": "1" if name == "DEMO" else default)
    up._up(quiet, Options("up-prod", ("YES",), {}))
    *_, demo, following = capsys.readouterr().out.splitlines()
    assert demo.startswith("==> this is the demo voice agent: ")
    assert following.startswith("==> next: ")


@pytest.mark.parametrize(("demo", "said"), [("1", True), ("0", False)])
@pytest.mark.docker
def test_a_simulated_call_is_advised_in_a_demo_alone(
    demo: str, said: bool, quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere no simulated caller runs."""
    monkeypatch.setattr(Quiet, "recorded", lambda _, name, default="": demo if name == "DEMO" else default)
    up._up(quiet, Options("up-prod", ("YES",), {}))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("==> next: ")
    assert ("make call" in last) is said


@pytest.mark.parametrize(("environment", "image"), [("", "calls"), ("-dev", "dev")])
@pytest.mark.docker
def test_a_restart_names_the_version_that_runs_and_not_that_of_the_folder(
    environment: str,
    image: str,
    quiet: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They differ after a rollback, and after a commit that nobody deployed; in development one image is all three."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"prosaas{environment}")
    monkeypatch.setattr(up.plan, "restart", lambda *_: Plan("restart-api", []))
    monkeypatch.setattr(Images, "in_use", lambda there: {"calls": "an id"} if image in there._names else {})
    monkeypatch.setattr(Images, "version", lambda _, ids: f"that of {ids['calls']}")
    up._restart(quiet, Options("restart-api", ("LOG_LEVEL",), {}))
    assert "prosaas-api runs anew, version that of an id" in capsys.readouterr().out


@pytest.mark.parametrize("there", [["old", "new", "oldest"], ["old", "oldest", "new"], ["old"]])
@pytest.mark.docker
def test_a_rollback_says_where_a_second_one_would_go(
    there: list[str], quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Back to what ran until now, and not further; where a deploy that was killed left that no release, it would."""
    ids = {"new": BEFORE}
    releases = [{"number": 1, "version": version, "images": ids.get(version, {})} for version in there]
    quiet.remember("releases", releases)
    monkeypatch.setattr(Images, "version", lambda *_: "old")
    up._rollback(quiet, Options("rollback", ("N", "YES"), {}))
    said = capsys.readouterr().out
    assert ("another make rollback goes to new again, and not further back" in said) is (there[1:2] == ["new"])
    assert ("another make rollback" in said) is (there[1:2] == ["new"])


@pytest.mark.docker
def test_a_rollback_says_first_what_it_goes_back_to(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which version, and how old that is: it takes a minute, and may be the wrong one."""
    ids = {"calls": "an id"}
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 7200))
    quiet.remember("releases", [{"number": 1, "version": "v1", "images": ids, "at": at}])
    monkeypatch.setattr(Images, "version", lambda _, found: f"v{len(found)}")
    monkeypatch.setattr(plan, "rollback", lambda *_: Plan("rollback", [], {"images": {}}, goal={"wanted": ids}))

    def run(*_: object) -> None:
        said = capsys.readouterr().out
        assert f"==> going back to version v1, deployed at {at} UTC (2h ago), and waiting until it serves" in said
        raise Problem("as far as here")

    monkeypatch.setattr(up, "run_plan", run)
    with pytest.raises(Problem, match="as far as here"):
        up._rollback(quiet, Options("rollback", ("N", "YES"), {}))


@pytest.mark.docker
def test_development_is_rolled_back_to_nothing_of_productions(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Production's images were given names in its project, and noted there as its release."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "salon-dev")
    monkeypatch.setattr(up, "run_plan", lambda *_: pytest.fail("it was begun"))
    with pytest.raises(Problem, match=r"(?s)no releases to go back to.*git checkout .* then make up-dev"):
        up._rollback(quiet, Options("rollback", ("N", "YES"), {}))


@pytest.mark.docker
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("command", ["down", "rollback", "restart-calls"])
def test_who_ends_a_command_before_its_plan_begins_hears_that_nothing_was_changed_and_nobody_else_does(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, begun: bool
) -> None:
    def interrupted(*_: object) -> None:
        if begun:
            run_plan(Plan(command, []), quiet)
        raise KeyboardInterrupt

    for each in ("down", "rollback", "restart"):
        monkeypatch.setattr(plan, each, interrupted)
    with pytest.raises(KeyboardInterrupt) as ended:
        asked(quiet, monkeypatch, command)
    assert isinstance(ended.value, Untouched) is not begun
    assert ("it was stopped; what runs was not changed" in capsys.readouterr().out) is not begun


def stops_everything(world: World, monkeypatch: pytest.MonkeyPatch, command: str) -> list[str]:
    """The plans that were run, in their order, each to its end; and the journal as `run` leaves it."""
    ran: list[str] = []

    def run(wanted: Plan, there: World) -> None:
        ran.append(wanted.name)
        run_plan(Plan(wanted.name, [], wanted.memory), there)

    for module in (up, unfinished):
        monkeypatch.setattr(module, "run_plan", run)
    deploys = SimpleNamespace(plan=lambda build: Plan("up-swarm", []), rollback=lambda _: Plan("rollback", []))
    monkeypatch.setattr("prosaas_ops.act.up.deploy.Deploy", lambda *_: deploys)
    monkeypatch.setattr("prosaas_ops.act.up.deploy.is_swarm", lambda _: command.startswith("swarm's"))
    asked(world, monkeypatch, command.removeprefix("swarm's "))
    return ran


def asked(world: World, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(up, "World", lambda _: world)
    up.run(Options(command, (), {}))


@pytest.mark.docker
def test_a_time_for_which_nothing_can_be_kept_is_told_behind_what_was_done_and_fails_nothing(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A start refuses it before anything is done; what stops a stack in trouble has no time for it."""
    monkeypatch.setenv("KEEP_LINES_DAYS", "40000")
    asked(quiet, monkeypatch, "down")
    said = capsys.readouterr()
    assert "down; the data stays in its volumes, each call's record and its lines with it. The log's other" in said.out
    assert "warning: KEEP_LINES_DAYS=40000 is not a number of days up to 36500" in said.err


@pytest.mark.parametrize("command", ["up-prod", "up-dev", "rollback", "down", "up-swarm", "swarm's down"])
@pytest.mark.parametrize(("name", "memory"), [("rotate-secret", ROTATE), ("restore", RESTORE)])
@pytest.mark.docker
def test_who_ends_the_stack_brings_to_its_end_first_what_holds_more_than_containers(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str, name: str, memory: dict[str, object]
) -> None:
    """A new password that the database has and .env has not; a database that is between two names."""
    quiet.remember("journal", {"plan": name, "step": "x", "at": "x", "memory": memory})
    assert stops_everything(quiet, monkeypatch, command)[0] == name
    assert quiet.remembered("journal") is None


@pytest.mark.parametrize("command", ["restart-api", "up-prod", "rollback", "down", "backup"])
@pytest.mark.docker
def test_what_is_paused_is_named_with_its_cure_before_anything_is_renewed_and_hinders_nothing_else(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The engine starts and replaces none that is paused: each try left one container more."""
    api = Container("a", "prosaas-api", "salon-prosaas-api-1", "paused", "i", "Up 5 minutes (Paused)")
    monkeypatch.setattr(quiet, "containers", lambda *names: [api] if not names or api.service in names else [])
    unfinished.end_killed(quiet, "restart-worker")
    if command in ("down", "backup"):
        unfinished.end_killed(quiet, command)
        return
    with pytest.raises(Problem, match=r"salon-prosaas-api-1: somebody paused it(.|\n)*docker unpause salon-"):
        unfinished.end_killed(quiet, command)
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_what_was_killed_is_not_gone_on_with_beside_what_is_paused_whatever_was_asked_for(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of every night would go on with a deploy, and leave one container more each time."""
    api = Container("a", "prosaas-api", "salon-prosaas-api-1", "paused", "i", "Up 5 minutes (Paused)")
    monkeypatch.setattr(quiet, "containers", lambda *names: [api] if not names or api.service in names else [])
    journal = {"plan": "restart-api", "step": "renew", "at": "x", "memory": {}}
    quiet.remember("journal", journal)
    with pytest.raises(Problem, match="docker unpause salon-prosaas-api-1"):
        unfinished.end_killed(quiet, "backup")
    assert quiet.remembered("journal") == journal


@pytest.mark.docker
def test_where_that_cannot_be_brought_to_its_end_the_stack_is_not_ended_and_nothing_is_lost(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = {"plan": "rotate-secret", "step": "new value", "at": "x", "memory": ROTATE}
    quiet.remember("journal", journal)

    def fails(*_: object, **__: object) -> Done:
        raise Problem("postgres does not run")

    monkeypatch.setattr(Quiet, "compose", fails)
    with pytest.raises(Problem, match="so did the way back"):
        asked(quiet, monkeypatch, "down")
    assert quiet.remembered("journal")["memory"] == ROTATE


@pytest.mark.docker
def test_what_comes_first_and_fails_is_told_apart_from_what_was_asked_for(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`restart-api: up-prod failed` alone reads as if the restart were a deploy."""
    _failing(quiet, monkeypatch, "up-prod")
    monkeypatch.setattr(up, "_restart", lambda *_: pytest.fail("it began"))
    quiet.remember("journal", {"plan": "up-prod", "step": "x", "at": "x", "memory": {}})
    with pytest.raises(
        Problem, match=r"^it has not begun, for make up-prod, which .* comes first: at the step 'x': no$"
    ):
        asked(quiet, monkeypatch, "restart-api")

    def away(*_: object) -> None:
        raise Problem("no engine")

    quiet.remember("journal", None)
    monkeypatch.setattr(unfinished, "resume", lambda *_, **__: away())
    with pytest.raises(Problem, match=r"^no engine"):
        asked(quiet, monkeypatch, "restart-api")


@pytest.mark.parametrize("name", ["up-prod", "up-dev", "rollback", "restart-calls"])
@pytest.mark.docker
def test_a_start_that_was_killed_is_no_matter_to_who_ends_everything(
    quiet: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    quiet.remember("journal", {"plan": name, "step": "x", "at": "x", "memory": {"images": {}}})
    assert stops_everything(quiet, monkeypatch, "down") == ["down"]
    assert quiet.remembered("journal") is None


@pytest.mark.parametrize("name", ["down", "up-dev", "rollback", "up-prod"])
@pytest.mark.docker
def test_what_is_not_taken_up_is_not_said_to_come_to_its_end_and_keeps_nobody_else_from_it(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A rollback whose way back failed would fail anew, and a start that was on its way to nothing is not wanted."""
    monkeypatch.setattr(unfinished, "run_plan", lambda *_: pytest.fail("it was taken up"))
    memory = {"images": {"calls": "new"}, "wanted": {"calls": "old"}, "old": {"worker": []}}
    quiet.remember("journal", {"plan": name, "step": "stop", "at": "x", "memory": memory, "goes_back": True})
    unfinished.resume(quiet)
    said = capsys.readouterr()
    assert f"make {name} was interrupted at the step 'stop', and the stack stays as that left it" in said.err
    assert "comes to its end" not in said.out
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_a_restart_that_was_killed_is_no_matter_to_a_swarms_rollback(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet.remember("journal", {"plan": "restart-calls", "step": "x", "at": "x", "memory": {}})
    assert stops_everything(quiet, monkeypatch, "swarm's rollback") == ["rollback"]


@pytest.mark.docker
def test_what_was_killed_before_it_changed_anything_is_not_brought_to_its_end(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody who asks for a backup asks for a deploy of what runs already, with the files of today; it is said."""
    monkeypatch.setattr(unfinished, "run_plan", lambda *_: pytest.fail("it was brought to its end"))
    quiet.remember("journal", {"plan": "up-prod", "step": "build", "at": "x", "changed": False, "memory": {}})
    unfinished.resume(quiet)
    assert quiet.remembered("journal") is None
    assert "make up-prod was interrupted at the step 'build', before it changed anything" in capsys.readouterr().err


FIRST: dict[str, object] = {"images": {}, "old": {"worker": [], "prosaas-api": []}}
OTHERS = ["rollback", "restart-api", "rotate-secret", "backup", "restore", "restore-drill"]


@pytest.mark.parametrize("command", OTHERS)
@pytest.mark.docker
def test_a_first_start_that_was_stopped_is_finished_by_no_command_that_was_for_something_else(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """It would open the front door for who asked for a backup, and without the look that a start takes first."""
    monkeypatch.setattr(unfinished, "run_plan", lambda *_: pytest.fail("it was finished"))
    journal = {"plan": "up-prod", "step": "migrate", "at": "x", "changed": True, "memory": FIRST}
    quiet.remember("journal", journal)
    goes_on = (
        r"(?s)first start .* interrupted at the step 'migrate': nothing serves yet\n.*make up-prod goes on with it"
    )
    with pytest.raises(Problem, match=goes_on):
        asked(quiet, monkeypatch, command)
    with pytest.raises(Problem, match=goes_on):
        unfinished.resume(quiet)
    assert quiet.remembered("journal") == journal


@pytest.mark.parametrize("command", ["up-prod", "down"])
@pytest.mark.docker
def test_a_first_start_that_was_stopped_is_gone_on_with_by_a_start_and_given_up_by_make_down(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    quiet.remember("journal", {"plan": "up-prod", "step": "migrate", "at": "x", "changed": True, "memory": FIRST})
    assert stops_everything(quiet, monkeypatch, command) == [command]
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_a_first_start_that_was_stopped_once_the_front_door_led_through_serves_and_is_finished_by_whoever_comes(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Monitoring alone may be what is missing: nobody is told then that nothing serves yet."""
    ran: list[str] = []
    monkeypatch.setattr(unfinished, "run_plan", lambda wanted, _: ran.append(wanted.name))
    journal = {"plan": "up-prod", "step": "settle", "at": "x", "changed": True, "memory": FIRST}
    quiet.remember("journal", journal)
    unfinished.end_killed(quiet, "backup")
    assert ran == ["up-prod"]


@pytest.mark.parametrize(
    "memory",
    [
        {"images": {"api": "ran"}, "old": {"worker": ["w"]}},
        {"images": {"api": "ran"}, "old": {"worker": []}},
        {"images": {}, "old": {"worker": ["w"]}},
        {"images": {}},
    ],
    ids=["of what runs", "after make down", "of what has lost its names", "an older version's"],
)
@pytest.mark.docker
def test_a_later_deploy_that_was_killed_is_finished_first(
    quiet: World, monkeypatch: pytest.MonkeyPatch, memory: dict[str, object]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(unfinished, "run_plan", lambda wanted, _: ran.append(wanted.name))
    quiet.remember("journal", {"plan": "up-prod", "step": "x", "at": "x", "changed": True, "memory": memory})
    unfinished.resume(quiet)
    assert ran == ["up-prod"]


@pytest.mark.parametrize("serves", [False, True])
@pytest.mark.docker
def test_a_start_that_was_killed_is_looked_at_anew_where_nothing_serves_yet(
    quiet: World, monkeypatch: pytest.MonkeyPatch, serves: bool
) -> None:
    """After `make down`, say: who stopped it has changed .env since. What serves needs no look to be kept serving."""
    ran, asked_with = [], []
    memory = {"images": {"api": "ran"}, "old": {"worker": []}}
    quiet.remember("journal", {"plan": "up-prod", "step": "x", "at": "x", "changed": True, "memory": memory})
    door = Container("g", "gateway", "g-1", "running", "", "Up")
    monkeypatch.setattr(Quiet, "containers", lambda *_: [door] if serves else [])
    monkeypatch.setattr(unfinished, "run_plan", lambda wanted, _: ran.append(wanted.name))

    def examine(checks: object, *_: object) -> list[Finding]:
        asked_with.append(checks)
        return [Finding("env", "API_PORT=x is no port", "a port", "env/example.env")]

    monkeypatch.setattr(unfinished, "examine", examine)
    if serves:
        unfinished.resume(quiet)
        assert (ran, asked_with) == (["up-prod"], [])
        return
    with pytest.raises(Problem, match="1 problem"):
        unfinished.resume(quiet)
    assert (ran, asked_with) == ([], [PREFLIGHT])
    assert quiet.remembered("journal")["plan"] == "up-prod"


@pytest.mark.parametrize("command", ["backup", "restore-drill"])
@pytest.mark.docker
def test_where_nothing_was_ever_started_that_is_said_and_no_providers_database_is_spoken_of(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """As after a first start that was stopped as it built."""
    quiet.remember("journal", {"plan": "up-prod", "step": "build", "at": "x", "changed": False, "memory": FIRST})
    with pytest.raises(Problem, match=r"(?s)^the stack is not running\n\s+fix: +make up-prod$"):
        asked(quiet, monkeypatch, command)


@pytest.mark.parametrize("goes_back", [True, False])
@pytest.mark.parametrize(("name", "memory"), [("rotate-secret", ROTATE), ("restore", RESTORE)])
@pytest.mark.docker
def test_what_was_on_its_way_back_is_brought_back_and_not_to_its_end(
    quiet: World, monkeypatch: pytest.MonkeyPatch, name: str, memory: dict[str, object], goes_back: bool
) -> None:
    """Whoever stopped it wants the database, or the password, that was."""
    did: list[str] = []
    wanted = Plan(name, [Step("x", lambda: did.append("on"))], {}, lambda _: [Step("y", lambda: did.append("back"))])
    monkeypatch.setattr(plan, "rotate", lambda *_: wanted)
    monkeypatch.setattr(restore, "restore", lambda *_: wanted)
    # Both ways of a restore ask it, and somebody may have stopped it meanwhile.
    monkeypatch.setattr(database, "start_database", lambda _: did.append("database"))
    journal = {"plan": name, "step": "x", "at": "x", "memory": memory}
    quiet.remember("journal", journal | ({"goes_back": True} if goes_back else {}))
    unfinished.resume(quiet)
    assert did == [*(["database"] if name == "restore" else []), "back" if goes_back else "on"]
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_a_restore_whose_way_back_ends_where_a_service_does_not_start_says_who_goes_on_and_that_one_does(
    quiet: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image that does not start is the one that `make up-prod` makes anew; the database is what it was first."""
    did = _failing(quiet, monkeypatch, "_start")
    goes_on = r"(?s)so did the way back: no\n.*make doctor, then make up-prod, which renews what does not start"
    with pytest.raises(Problem, match=goes_on):
        run_plan(restore.restore(quiet, RESTORE), quiet)
    with pytest.raises(Problem, match=goes_on):
        asked(quiet, monkeypatch, "backup")
    did.clear()
    asked(quiet, monkeypatch, "up-prod")
    assert did == ["_swap_back", "_start", "up-prod"]
    assert "warning: at the step 'start': no" in capsys.readouterr().err
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_a_rotation_whose_way_back_ends_where_a_service_does_not_start_is_no_wall_either(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Problem("no")

    monkeypatch.setattr(plan.secrets, "write_secrets", lambda _: None)
    monkeypatch.setattr(Quiet, "model", lambda _: {"services": {name: {} for name in plan.ORDER}})
    monkeypatch.setattr(plan.Generations, "renew", fails)
    memory = {"name": "ADMIN_API_KEY", "old": "old", "new": "NEW"}
    quiet.remember("journal", {"plan": "rotate-secret", "step": "x", "at": "x", "memory": memory, "goes_back": True})
    with pytest.raises(Problem, match="then make up-prod"):
        asked(quiet, monkeypatch, "backup")
    asked(quiet, monkeypatch, "up-prod")
    assert quiet.recorded("ADMIN_API_KEY") == "old"
    assert quiet.remembered("journal") is None


@pytest.mark.docker
def test_a_start_that_is_refused_forgets_nothing_of_one_that_was_killed(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next deploy would go back, where it must, to what was half done."""
    killed = {"plan": "up-prod", "step": "x", "at": "x", "memory": {"images": {"worker": "old"}}}
    quiet.remember("journal", killed)
    there = [Container("a" * 64, "worker", "worker-1", "running", "", "")]
    monkeypatch.setattr(Quiet, "containers", lambda *_: there)
    with pytest.raises(Problem, match="make down"):
        asked(quiet, monkeypatch, "up-swarm")
    assert quiet.remembered("journal") == killed


@pytest.mark.docker
def test_a_database_that_is_not_brought_back_is_passed_over_by_nobody(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = _failing(quiet, monkeypatch, "_swap_back")
    quiet.remember("journal", {"plan": "restore", "step": "x", "at": "x", "memory": RESTORE, "goes_back": True})
    with pytest.raises(Problem, match=r"(?s)so did the way back: no\n.*make doctor, then run it again"):
        asked(quiet, monkeypatch, "up-prod")
    assert did == ["_swap_back"]
    assert quiet.remembered("journal")["memory"] == RESTORE


@pytest.mark.parametrize(("command", "drops"), [("backup", True), ("restart-api", False)])
@pytest.mark.docker
def test_what_a_kill_left_beside_the_database_goes_with_the_next_command_that_is_about_it(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str, drops: bool
) -> None:
    """A restart, as in an emergency, asks nothing of a database that may hang."""
    did: list[str] = []
    monkeypatch.setattr(restore, "drop_copies", lambda _: did.append("drop"))
    for name in ("_backup", "_restart", "_up"):
        monkeypatch.setattr(up, name, lambda *_: did.append("act"))
    asked(quiet, monkeypatch, command)
    assert did == ["drop"] * drops + ["act"]


@pytest.mark.docker
def test_a_console_that_was_killed_is_taken_away_by_the_next_command_and_an_open_one_stays(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[tuple[str, ...]] = []
    states = {"console": "exited", "console-reader": "running", "prosaas-api": "exited"}
    there = [Container(name, name, name, state, "", "") for name, state in states.items()]
    monkeypatch.setattr(Quiet, "containers", lambda _, *named: [one for one in there if one.service in named])
    monkeypatch.setattr(Quiet, "docker", lambda _, *words, check=True: did.append(words) or Done(0, "", ""))
    monkeypatch.setattr(up, "_up", lambda *_: None)
    asked(quiet, monkeypatch, "up-prod")
    assert did == [("rm", "console")]


@pytest.mark.parametrize(
    ("command", "refused", "drops"), [("up-prod", False, True), ("up-prod", True, False), ("up-dev", False, True)]
)
@pytest.mark.docker
def test_a_start_takes_away_what_a_kill_left_beside_the_database_once_nothing_refuses_it(
    quiet: World, monkeypatch: pytest.MonkeyPatch, command: str, refused: bool, drops: bool
) -> None:
    """In a copy of a folder the project of .env is the other folder's, whose restore may be at work."""
    did: list[str] = []

    def prepare(*_: object) -> list[str]:
        if refused:
            raise Problem("another folder's stack")
        return []

    monkeypatch.setattr(up, "prepare", prepare)
    monkeypatch.setattr(restore, "drop_copies", lambda _: did.append("drop"))
    monkeypatch.setattr(quiet, "containers", lambda *_: [])
    monkeypatch.setattr(up.Generations, "tidy", lambda *_: None)
    with suppress(Problem):
        up._up(quiet, Options(command, ("YES",), {}))
    assert did == ["drop"] * drops


def _failing(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> list[str]:
    """What a restore and `make up-prod` do, of which one step fails each time."""
    did: list[str] = []

    def act(name: str) -> None:
        did.append(name)
        if name == step:
            raise Problem("no")

    for name in ("_stop", "_last_backup", "_swap", "_swap_back", "_start"):
        monkeypatch.setattr(restore, name, lambda *_, name=name: act(name))
    monkeypatch.setattr(restore, "_swapped", lambda _: False)
    monkeypatch.setattr(restore.Generations, "let_drain", lambda _: None)
    up_prod = Plan("up-prod", [Step("x", lambda: act("up-prod"))])
    monkeypatch.setattr(plan, "up", lambda *_, **__: up_prod)
    return did
