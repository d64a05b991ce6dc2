"""What `make up-swarm` hands to Swarm: all that production has, in words that Swarm takes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bundle_world.checkout import ROOT
from bundle_world.model import OURS, render
from prosaas_ops.options import Problem
from prosaas_ops.swarm.rendered import Rendered, differences, part, rendered

OVERLAY = "docker-compose.swarm.yml"


def model(secrets: Path, **settings: str) -> dict[str, Any]:
    """The merged files, each secret in a file that says its name."""
    made: dict[str, Any] = json.loads(json.dumps(render("prod", OVERLAY, COMPOSE_PROJECT_NAME="shop", **settings)))
    for profile in ("console", "console-reader"):
        made["services"].pop(profile)
    for name, secret in made["secrets"].items():
        path = secrets / name
        path.write_text("" if name == "openai_api_key" else f"value of {name}")
        secret["file"] = str(path)
    return made


@pytest.fixture
def made(tmp_path: Path) -> Rendered:
    return rendered(model(tmp_path), {"prosaas/calls:shop": "registry.example.com/prosaas-calls@sha256:1"})


@pytest.mark.docker
def test_swarm_takes_it_whole(made: Rendered) -> None:
    """Docker's own client refuses a key that it does not know."""
    done = subprocess.run(
        ["docker", "stack", "config", "--compose-file=-"], input=json.dumps(made.stack), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.docker
def test_hardening_and_bounds_are_those_of_production(made: Rendered) -> None:
    for name in OURS:
        service = made.stack["services"][name]
        assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "10001:10001")
        assert service["logging"]["options"]["max-size"] == "10m"
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
        assert service["stop_grace_period"] == {"prosaas-calls": "10m30s", "worker": "1m0s"}.get(name, "30s")


@pytest.mark.docker
def test_mounts_stand_as_a_restart_would_put_them(made: Rendered) -> None:
    """`docker service update` sorts them: in another order, the deploy after it would renew every replica."""
    for service in made.stack["services"].values():
        mounts = [(mount.get("source", ""), mount["target"]) for mount in service.get("volumes", ())]
        assert mounts == sorted(mounts)


@pytest.mark.docker
def test_replicas_come_beside_the_old_ones_and_go_back_by_themselves(tmp_path: Path) -> None:
    services = rendered(model(tmp_path, CALLS_REPLICAS="5"), {}).stack["services"]
    for name in OURS:
        update = services[name]["deploy"]["update_config"]
        assert (update["order"], update["failure_action"]) == ("start-first", "rollback")
    assert [services[name]["deploy"]["replicas"] for name in OURS] == [2, 5, 2]
    # A port and a volume are held by one at a time.
    assert all(services[name]["deploy"]["update_config"]["order"] == "stop-first" for name in ("gateway", "postgres"))


@pytest.mark.docker
def test_no_service_is_forgotten_in_what_swarm_is_told(made: Rendered) -> None:
    """By itself it would put a virtual address before a service, and leave a failed rollout as it is."""
    told = {name: service["deploy"] for name, service in made.stack["services"].items()}
    assert {name for name, deploy in told.items() if deploy.get("endpoint_mode") != "dnsrr"} == set()
    rolled = {
        name for name, deploy in told.items() if deploy.get("update_config", {}).get("failure_action") != "rollback"
    }
    assert rolled == {"migrate"}


@pytest.mark.docker
def test_nothing_of_one_machine_is_mounted_and_nothing_for_itself_alone_is_published(made: Rendered) -> None:
    """A folder of the manager is on no other node, and Swarm would publish 127.0.0.1's ports to everybody."""
    services = made.stack["services"]
    assert {volume["type"] for service in services.values() for volume in service.get("volumes", ())} == {
        "tmpfs",
        "volume",
    }
    assert {name for name, service in services.items() if service.get("ports")} == {"gateway"}
    assert services["gateway"]["ports"] == [{"target": 8000, "published": 8000, "mode": "host"}]
    assert "/etc/caddy/Caddyfile" in {one["target"] for one in services["gateway"]["configs"]}
    assert {one["target"] for one in services["worker"]["configs"]} == {"/etc/prosaas/env/prod.env"}


@pytest.mark.docker
def test_the_door_gives_up_on_a_machine_that_says_nothing(made: Rendered) -> None:
    """The engine's own patience is a quarter of an hour, in which a caller hears silence."""
    assert made.stack["services"]["gateway"]["sysctls"] == {"net.ipv4.tcp_retries2": "5"}


@pytest.mark.docker
def test_a_secret_is_named_by_its_content_and_by_nothing_that_tells_it(tmp_path: Path) -> None:
    """A changed one has another name, so that whoever uses it rolls out; nobody else does."""
    before = model(tmp_path)
    one = rendered(before, {})
    (tmp_path / "twilio_auth_token").write_text("another")
    other = rendered(before, {})
    assert set(differences(one.stack, other.stack)) == {"prosaas-api", "prosaas-calls", "worker", "simulator"}
    assert all(len(name) <= 64 for name in one.secrets)
    assert "another" not in json.dumps(other.stack)
    # Swarm keeps nothing that is empty.
    assert all(one.secrets.values())


@pytest.mark.docker
def test_an_image_is_the_published_one_where_there_is_one(made: Rendered) -> None:
    services = made.stack["services"]
    assert services["prosaas-calls"]["image"] == "registry.example.com/prosaas-calls@sha256:1"
    assert services["worker"]["image"] == "prosaas/worker:shop"


@pytest.mark.docker
def test_differences_name_what_changed(made: Rendered) -> None:
    after = json.loads(json.dumps(made.stack))
    after["services"]["worker"]["environment"]["LOG_LEVEL"] = "DEBUG"
    after["services"]["prosaas-api"]["deploy"]["replicas"] = 7
    del after["services"]["simulator"]
    assert differences(made.stack, after) == {
        "worker": ["environment LOG_LEVEL"],
        "prosaas-api": ["deploy replicas"],
        "simulator": ["removed"],
    }
    assert set(part(made.stack, ["migrate", "unknown"])["services"]) == {"migrate"}


@pytest.mark.docker
def test_what_is_not_there_to_be_carried_is_refused_by_name(tmp_path: Path) -> None:
    made = model(tmp_path)
    gone = {"type": "bind", "source": str(tmp_path / "gone"), "target": "/x"}
    made["services"]["worker"]["volumes"].append(gone)
    with pytest.raises(Problem, match="gone cannot be mounted on every node"):
        rendered(made, {})


@pytest.mark.docker
def test_what_a_service_reads_from_folders_within_its_folder_comes_along(tmp_path: Path) -> None:
    """Grafana's dashboards and data sources are two folders down, and are no reason to renew Prometheus."""
    services = rendered(model(tmp_path), {}).stack["services"]
    for name, target in (("grafana", "/etc/grafana/provisioning"), ("prometheus", "/etc/prometheus")):
        folder = ROOT / "deploy/monitoring" / ("grafana" if name == "grafana" else "")
        files = folder.rglob("*") if name == "grafana" else folder.glob("*")
        wanted = {f"{target}/{path.relative_to(folder)}" for path in files if path.is_file()}
        assert {one["target"] for one in services[name]["configs"]} == wanted
    assert len(services["grafana"]["configs"]) > 2


@pytest.mark.docker
def test_a_folder_of_which_nothing_can_be_carried_is_refused_by_name(tmp_path: Path) -> None:
    made = model(tmp_path)
    (tmp_path / "hollow" / "within").mkdir(parents=True)
    made["services"]["worker"]["volumes"].append({"type": "bind", "source": str(tmp_path / "hollow"), "target": "/x"})
    with pytest.raises(Problem, match="hollow has no file"):
        rendered(made, {})


@pytest.mark.docker
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    made = model(tmp_path)
    (tmp_path / "folder" / "within").mkdir(parents=True)
    (tmp_path / "folder" / "within" / "logo.png").write_bytes(b"\x89PNG")
    made["services"]["worker"]["volumes"].append({"type": "bind", "source": str(tmp_path / "folder"), "target": "/x"})
    with pytest.raises(Problem, match=r"logo\.png is no text"):
        rendered(made, {})


@pytest.mark.docker
def test_each_replica_knows_its_number_and_its_node(made: Rendered) -> None:
    """Swarm fills that in; nothing else of a service's environment differs."""
    for name in OURS:
        told = made.stack["services"][name]["environment"]
        assert told["LOG_PLACE"] == "{{.Task.Slot}}@{{.Node.Hostname}}"
        assert {*told} - {*render("prod")["services"][name]["environment"]} == {"LOG_PLACE"}


def test_the_difference_is_all_that_the_overlay_says() -> None:
    """A key that production has already would be typed twice."""
    text = (ROOT / OVERLAY).read_text()
    assert not [key for key in ("secrets:", "volumes:", "healthcheck:", "limits:") if key in text]
