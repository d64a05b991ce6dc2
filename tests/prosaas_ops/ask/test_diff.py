"""What a deploy would change."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.ask import diff
from prosaas_ops.stack.live_calls import LiveCall


@pytest.fixture
def deployed(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The model of a stack that runs exactly as the model has it."""
    secret = tmp_path / "openai_api_key"
    secret.write_text("sk-1")
    monkeypatch.setattr(diff, "SECRETS", tmp_path)
    for service in engine.written:
        engine.details[service] = {
            "Image": "sha256:aaaa",
            "State": {"StartedAt": "2099-01-25T14:00:00.123456789Z"},
            "Config": {"Image": f"{service}:1", "Env": ["LOG_LEVEL=INFO", "PATH=/bin", "ADMIN_API_KEY=old"]},
        }
        engine.answers[f"/images/{service}:1/json"] = {"Id": "sha256:aaaa"}
        engine.answers["/images/sha256:aaaa/json"] = {"Config": {"Env": ["PATH=/bin"]}}
    digest = hashlib.sha256(b"sk-1").hexdigest()
    engine.on_run = lambda service, command: (0, f"{digest}  {command[1]}\n", "")
    definition = {
        "restart": "unless-stopped",
        "environment": {"LOG_LEVEL": "INFO", "ADMIN_API_KEY": "old", "DEMO_URL": None},
        "secrets": [{"source": "openai_api_key", "target": "/run/secrets/openai_api_key"}],
    }
    services = {service: {**definition, "image": f"{service}:1"} for service in engine.written}
    return {"services": services, "secrets": {"openai_api_key": {"file": "/host/secrets/openai_api_key"}}}


def reasons(engine: Any, model: dict[str, Any], dry_run: str = "") -> dict[str, list[str]]:
    return {
        change.service: change.reasons for change in diff.compare(engine, model, dry_run) if change.action != "keep"
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


def test_a_changed_secret_file_shows_though_compose_does_not_see_it(
    engine: Any, deployed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "openai_api_key").write_text("sk-2")
    assert reasons(engine, deployed)["worker"] == ["secret openai_api_key: changed since the container started"]


def test_a_new_image_recreates_its_service(engine: Any, deployed: dict[str, Any]) -> None:
    engine.answers["/images/worker:1/json"] = {"Id": "sha256:bbbb", "Created": "2024-01-25T14:00:00.1Z"}
    assert reasons(engine, deployed) == {"worker": ["image worker:1: aaaa → bbbb, built 2024-01-25T14:00:00"]}


def test_what_compose_alone_sees_is_taken_from_its_dry_run(engine: Any, deployed: dict[str, Any]) -> None:
    said = (("prosaas-worker-1", "Recreate"), ("prosaas-prosaas-api-1", "Running"))
    dry_run = "".join(f" DRY-RUN MODE -  Container {name}  {what}\n" for name, what in said)
    assert list(reasons(engine, deployed, dry_run)) == ["worker"]


def test_a_service_that_is_new_or_gone_is_said(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["mailer"] = {"restart": "always"}
    del deployed["services"]["worker"]
    actions = {change.service: change.action for change in diff.compare(engine, deployed, "")}
    assert (actions["mailer"], actions["worker"]) == ("create", "remove")


def test_a_one_shot_service_runs_with_every_deploy(engine: Any, deployed: dict[str, Any]) -> None:
    deployed["services"]["migrate"] = {"restart": "no"}
    actions = {change.service: change.action for change in diff.compare(engine, deployed, "")}
    assert actions["migrate"] == "runs once"


def test_a_secret_that_was_written_anew_since_the_start_counts_as_changed_whatever_is_in_it(
    engine: Any, deployed: dict[str, Any]
) -> None:
    """Also where the container could not be asked what it holds: the process read the file when it started."""
    engine.details["worker"]["State"]["StartedAt"] = "2020-01-25T14:00:00.1Z"
    assert reasons(engine, deployed) == {"worker": ["secret openai_api_key: changed since the container started"]}


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
    calls = [LiveCall(f"CA{number}", "456", "") for number in range(2)]
    assert said in diff._touched(calls, changed)
    assert diff._touched([], changed) == "live calls touched: 0 of 0"
