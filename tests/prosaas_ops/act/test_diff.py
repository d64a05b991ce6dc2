"""What a deploy would change."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.act import diff, up
from prosaas_ops.conduct import configuration
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.live_calls import LiveCall, held


@pytest.fixture
def deployed(engine: Any) -> dict[str, Any]:
    """The model of a stack that runs exactly as the model has it."""
    for service in engine.written:
        engine.details[service] = {
            "Image": "sha256:aaaa",
            "State": {"StartedAt": "2099-01-25T14:00:00.123456789Z"},
            "Config": {"Image": f"{service}:1", "Env": ["LOG_LEVEL=INFO", "PATH=/bin", "ADMIN_API_KEY=old"]},
        }
        engine.answers[f"/images/{service}:1/json"] = {"Id": "sha256:aaaa"}
        engine.answers["/images/sha256:aaaa/json"] = {"Id": "sha256:aaaa", "Config": {"Env": ["PATH=/bin"]}}
    digest = hashlib.sha256(b"sk-1").hexdigest()
    engine.on_run = lambda service, command: (0, f"{digest}  {command[1]}\n", "")
    definition = {
        "restart": "unless-stopped",
        "environment": {"LOG_LEVEL": "INFO", "ADMIN_API_KEY": "old", "DEMO_URL": None},
        "secrets": [{"source": "openai_api_key", "target": "/run/secrets/openai_api_key"}],
    }
    services = {service: {**definition, "image": f"{service}:1"} for service in engine.written}
    return {"services": services, "secrets": {"openai_api_key": {"file": "/host/secrets/openai_api_key"}}}


def compared(
    engine: Any, model: dict[str, Any], dry_run: str = "", key: str = "sk-1", built: dict[str, str] | None = None
) -> list[diff.Change]:
    return diff.compare(engine, model, dry_run, {"openai_api_key": key}, built or {})


def reasons(engine: Any, model: dict[str, Any], *words: Any, **more: Any) -> dict[str, list[str]]:
    return {
        change.service: change.reasons for change in compared(engine, model, *words, **more) if change.action != "keep"
    }


def test_a_stack_as_the_model_has_it_changes_nothing(engine: Any, deployed: dict[str, Any]) -> None:
    assert reasons(engine, deployed) == {}


def test_a_changed_setting_is_shown_from_and_to(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["worker"]["environment"] = {"LOG_LEVEL": "DEBUG", "ADMIN_API_KEY": "old"}
    assert reasons(engine, deployed) == {"worker": ["LOG_LEVEL: INFO → DEBUG"]}


def test_a_changed_secret_is_named_and_never_shown(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["worker"]["environment"] = {"LOG_LEVEL": "INFO", "ADMIN_API_KEY": "new"}
    assert reasons(engine, deployed) == {"worker": ["ADMIN_API_KEY: changed"]}
    del deployed["services"]["worker"]["environment"]["ADMIN_API_KEY"]
    assert reasons(engine, deployed) == {"worker": ["ADMIN_API_KEY: ••• → (unset)"]}


def test_a_secret_that_was_edited_in_env_shows_though_no_file_and_no_model_has_it_yet(
    engine: Any, deployed: dict[str, Any]
) -> None:
    said = reasons(engine, deployed, key="sk-2")
    assert said["worker"] == ["secret openai_api_key: changed since the container was made"]


def test_a_password_that_was_rotated_renews_no_database(engine: Any, deployed: dict[str, Any]) -> None:
    """`make up-prod` does not: its server knows the new one already, and reads the file no more."""
    engine.written["postgres"] = []
    engine.details["postgres"] = engine.details["worker"]
    deployed["services"]["postgres"] = {**deployed["services"]["worker"]}
    assert "postgres" not in reasons(engine, deployed, key="sk-2")
    deployed["services"]["postgres"]["environment"] = {"LOG_LEVEL": "DEBUG", "ADMIN_API_KEY": "old"}
    assert reasons(engine, deployed, key="sk-2")["postgres"] == ["LOG_LEVEL: INFO → DEBUG"]


def test_changed_source_shows_as_the_image_that_was_built_of_it(engine: Any, deployed: dict[str, Any]) -> None:
    """Beside the one that the name stands for until a deploy."""
    engine.answers["/images/sha256:bbbb/json"] = {"Id": "sha256:bbbb", "Created": "2024-01-25T14:00:00.1Z"}
    said = reasons(engine, deployed, built={"worker:1": "sha256:bbbb", "prosaas-api:1": "sha256:aaaa"})
    assert said == {"worker": ["image worker:1: aaaa → bbbb, built 2024-01-25T14:00:00"]}


def test_a_new_image_recreates_its_service(engine: Any, deployed: dict[str, Any]) -> None:
    engine.answers["/images/worker:1/json"] = {"Id": "sha256:bbbb", "Created": "2024-01-25T14:00:00.1Z"}
    assert reasons(engine, deployed) == {"worker": ["image worker:1: aaaa → bbbb, built 2024-01-25T14:00:00"]}


def test_what_compose_alone_sees_is_taken_from_its_dry_run(engine: Any, deployed: dict[str, Any]) -> None:
    said = (("prosaas-worker-1", "Recreate"), ("prosaas-prosaas-api-1", "Running"))
    dry_run = "".join(f" DRY-RUN MODE -  Container {name}  {what}\n" for name, what in said)
    assert list(reasons(engine, deployed, dry_run)) == ["worker"]


def test_a_generation_that_ends_beside_the_one_that_serves_is_no_change(engine: Any, deployed: dict[str, Any]) -> None:
    """Compose would make it anew too, if it were to stay."""
    (worker,) = engine.containers("worker")
    others = [one for one in engine.containers() if one.service != "worker"]
    engine.containers = lambda *_: [replace(worker, name="ending"), replace(worker, name="serving"), *others]
    said = (("serving", "Running"), ("ending", "Recreate"))
    dry_run = "".join(f" DRY-RUN MODE -  Container {name}  {what}\n" for name, what in said)
    assert reasons(engine, deployed, dry_run) == {}


def test_a_service_that_is_new_or_gone_is_said(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["mailer"] = {"restart": "always"}
    del deployed["services"]["worker"]
    actions = {change.service: change.action for change in compared(engine, deployed)}
    assert (actions["mailer"], actions["worker"]) == ("create", "remove")


@pytest.mark.parametrize("service", ["console", "console-reader"])
def test_a_console_that_is_open_is_no_change(service: str, engine: Any, deployed: dict[str, Any]) -> None:
    engine.written[service] = []
    assert reasons(engine, deployed) == {}


def test_a_one_shot_service_runs_with_every_deploy(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["migrate"] = {"restart": "no"}
    actions = {change.service: change.action for change in compared(engine, deployed)}
    assert actions["migrate"] == "runs once"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (set(), "touched: 0 of 2"),
        ({"worker", "prosaas-api"}, "touched: 0 of 2"),
        ({"prosaas-calls"}, "touched: 0 of 2; they stay with the old"),
        ({"prosaas-calls", "gateway"}, "touched: 2; a new gateway cuts them"),
    ],
)
def test_what_a_deploy_does_to_live_calls_is_told(changed: set[str], said: str) -> None:
    """Only a new front door cuts them."""
    calls: dict[str, list[LiveCall] | None] = {f"calls-{number}": [LiveCall(f"CA{number}", "", "")] for number in "12"}
    assert said in diff._touched(calls, changed)
    assert diff._touched({"calls-1": []}, changed) == "live calls touched: 0 of 0"
    unknown = diff._touched({**calls, "calls-3": None}, changed)
    assert "unknown" in unknown
    assert ("a new gateway cuts them: it waits" in unknown) is ("gateway" in changed)


def test_the_calls_of_each_container_are_named_up_to_a_screenful() -> None:
    calls: dict[str, list[LiveCall] | None] = {"calls-1": [LiveCall(f"CA{number}", "", "") for number in range(12)]}
    (row,) = diff._named({**calls, "calls-2": [], "calls-3": None})
    assert row.startswith("    calls-1: CA0 CA1 ")
    assert row.endswith(" CA9 … +2")


def test_each_container_says_for_itself_which_calls_it_has(engine: Any) -> None:
    engine.on_run = lambda service, command: (0, '[{"call_sid": "CA1", "business_id": 456}]', "")
    assert held(engine) == {"prosaas-prosaas-calls-1": [LiveCall("CA1", "456", "")]}
    for answer in ((1, "", "gone"), (0, "not JSON", ""), (0, "{}", ""), (0, "[1]", "")):
        engine.on_run = lambda service, command, answer=answer: answer
        assert held(engine) == {"prosaas-prosaas-calls-1": None}


class Folder(World):
    """A folder of a stack, of which Docker is asked nothing: what it was asked is kept."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[tuple[str, ...]] = []

    def compose(self, *words: str, **_: Any) -> Done:
        self.asked.append(words)
        return Done(0, "", "")

    def docker(self, *words: str, **_: Any) -> Done:
        self.asked.append(words)
        return Done(0, "sha256:cccc\n", "")

    def model(self, **_: str) -> dict[str, Any]:
        return {"services": {}, "asked for": self.overrides}


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("1", "nothing differs: what runs is what this folder and its .env say; nothing to deploy\n"),
        ("0", "nothing to deploy but code"),
    ],
)
def test_nothing_is_said_of_source_that_was_not_looked_at(
    build: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: Any
) -> None:
    (tmp_path / ".env").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(World, "containers", lambda *_: ["one"])
    monkeypatch.setattr(diff, "held", lambda _: {})
    monkeypatch.setattr(diff, "_changes", lambda *_, **__: [diff.Change("worker", "keep")])
    assert diff.run(options("diff", BUILD=build)) == 0
    assert said in capsys.readouterr().out


def test_where_no_stack_runs_nothing_is_built_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any
) -> None:
    (tmp_path / ".env").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(World, "containers", lambda *_: [])
    with pytest.raises(Problem, match=r"(?s)the stack is not running.*make up-prod"):
        diff.run(options("diff"))


@pytest.mark.docker
def test_what_a_deploy_would_refuse_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: Any
) -> None:
    example = Path(diff.__file__).parents[3] / "env/example.env"
    (tmp_path / "env").mkdir()
    (tmp_path / "env/example.env").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / ".env").write_text("MAX_CALLS=fifty\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(World, "containers", lambda *_: ["one"])
    monkeypatch.setattr(up, "PREFLIGHT", (configuration.numbers,))
    with pytest.raises(Problem, match=r"1 problem\(s\) before the start; nothing was changed"):
        diff.run(options("diff"))
    assert "MAX_CALLS=fifty" in capsys.readouterr().err


def test_no_sentence_is_cut_at_the_edge_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: Any
) -> None:
    (tmp_path / ".env").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPS_TERMINAL", "1")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(World, "containers", lambda *_: ["one"])
    monkeypatch.setattr(diff, "held", lambda _: {})
    monkeypatch.setattr(diff, "_changes", lambda *_, **__: [diff.Change("worker", "keep")])
    assert diff.run(options("diff")) == 0
    said = capsys.readouterr().out
    assert "…" not in said
    assert " ".join(said.split()).endswith("nothing to deploy\x1b[0m")


@pytest.mark.docker
def test_what_follows_from_env_is_reckoned_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Any
) -> None:
    """The collector's file, the front door's, the profiles, and each secret, as the next deploy will have them."""
    settings = ("LOG_COLLECTOR=datadog", "PUBLIC_HOST=voice.example.com", "OPENAI_API_KEY=sk-new", "DEMO=0")
    (tmp_path / ".env").write_text("\n".join(settings))
    world = Folder(tmp_path)
    given: dict[str, Any] = {}
    monkeypatch.setattr(up, "examine", lambda *_: [])
    monkeypatch.setattr(diff, "compare", lambda _engine, model, _dry, wanted, built: given.update(locals()) or [])
    assert diff._changes(world, build=True) == []
    assert "deploy/collectors/datadog.yml" in given["model"]["asked for"]["COMPOSE_FILE"]
    assert "deploy/overlays/public-host.yml" in given["model"]["asked for"]["COMPOSE_FILE"]
    assert given["wanted"]["openai_api_key"] == "sk-new"
    assert given["built"]["prosaas/worker:prosaas"] == "sha256:cccc"
    assert any(words[0] == "build" for words in world.asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env"]
    world.asked.clear()
    diff._changes(world, build=False)
    assert not any("build" in words for words in world.asked)
    assert given["built"] == {}
