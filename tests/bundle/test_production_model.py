"""Every container of the production model is hardened, bounded, checked, and writes into rotated logs."""

from pathlib import Path

import pytest

from bundle_world.model import LONG_RUNNING, OURS, UPSTREAM, Service, render, services

EVERY = (*LONG_RUNNING, "migrate", "console", "console-reader")
pytestmark = pytest.mark.docker


@pytest.fixture(params=EVERY)
def service(request: pytest.FixtureRequest) -> Service:
    return services("prod")[request.param]


def test_every_service_of_the_model_is_covered_here() -> None:
    """A service that is added must be added to these tests."""
    assert set(services("prod")) == set(EVERY)


def test_runs_without_root(service: Service) -> None:
    """Our images run as 10001, upstream's as the numbers that these give them; never 0."""
    assert service["user"] in {"10001:10001", "999:999", "65534:65534", "472:472"}


def test_root_filesystem_is_read_only(service: Service) -> None:
    """A process that is taken over finds nothing to write to but its tmpfs and its own volume."""
    assert service["read_only"] is True
    assert "/tmp" in {volume["target"] for volume in service["volumes"] if volume["type"] == "tmpfs"}


def test_holds_no_capability_and_can_gain_none(service: Service) -> None:
    """No capability to begin with, none through a setuid program."""
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_has_an_init_process(service: Service) -> None:
    """Signals reach the service and orphans are reaped."""
    assert service["init"] is True


def test_is_bounded_in_memory_processor_and_processes(service: Service) -> None:
    """One service that runs wild cannot take the machine with it."""
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"] > 0
    assert int(limits["memory"]) >= 256 * 1024**2
    assert 50 <= limits["pids"] <= 200


def test_logs_are_rotated(service: Service) -> None:
    """At most 50 MB a container."""
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}


def test_a_slow_statement_is_told_without_what_people_said() -> None:
    """Its values are numbers, transcripts and messages, and the log goes where collectors take it."""
    command = services("prod")["postgres"]["command"]
    assert any("log_min_duration_statement" in word for word in command)
    assert "-clog_parameter_max_length=0" in command


def test_name_is_left_to_compose(service: Service) -> None:
    """A fixed container name would forbid a second stack on the machine, and scaling."""
    assert "container_name" not in service


def test_sees_neither_the_engine_nor_the_host(service: Service) -> None:
    """The engine's socket is root on the host: the console's reader alone has it, and no network and no secret."""
    reads = service.get("command") == ["console-reader"]
    assert ("docker.sock" in str(service)) is reads
    assert service.get("network_mode") == ("none" if reads else None)
    assert not (reads and service.get("secrets"))
    assert service.get("pid") is None


@pytest.mark.parametrize("name", ["console", "console-reader"])
def test_the_console_is_there_only_while_somebody_asks_for_it(name: str) -> None:
    service = services("prod")[name]
    assert (service["profiles"], service["restart"]) == (["console"], "no")


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_comes_back_after_a_failure(name: str) -> None:
    """What runs for long restarts; the one-shot migration does not."""
    model = services("prod")
    assert model[name]["restart"] == "unless-stopped"
    assert model["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_health_is_checked_often_at_the_start(name: str) -> None:
    """A check a second until healthy makes a start quick; afterwards a quiet pace."""
    check = services("prod")[name]["healthcheck"]
    assert check["start_interval"] == "1s"
    assert check["interval"] == "15s"
    assert check["retries"] == 3


@pytest.mark.parametrize("name", OURS)
def test_starts_after_the_migration(name: str) -> None:
    """No service meets a database older than its code."""
    model = services("prod")
    assert model[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert model["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_restart_of_a_dependency_never_restarts_calls() -> None:
    """`depends_on` with `restart: true` would end calls in progress."""
    dependencies = services("prod")["prosaas-calls"]["depends_on"].values()
    assert [dependency.get("restart", False) for dependency in dependencies] == [False]


def test_only_the_front_door_is_published_and_on_loopback() -> None:
    """Docker's own rules would open a port past the firewall; who wants the world in says so with PUBLIC_HOST."""
    model = services("prod")
    ports = {"gateway": 8000, "console": 8090, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
    assert {name for name, service in model.items() if service.get("ports")} == set(ports)
    for name, port in ports.items():
        (published,) = model[name]["ports"]
        assert (published["host_ip"], published["published"], published["target"]) == ("127.0.0.1", str(port), port)


def test_public_host_opens_the_front_door_and_names_it() -> None:
    """Ports 80 and 443 beside the local one, and the address that Twilio signs follows from the name."""
    model = render("prod", "deploy/overlays/public-host.yml", PUBLIC_HOST="voice.example.com")["services"]
    assert {port["published"] for port in model["gateway"]["ports"]} == {"8000", "80", "443"}
    assert "voice.example.com" in model["gateway"]["environment"]["GATEWAY_SITES"]
    assert model["prosaas-api"]["environment"]["PUBLIC_URL"] == "https://voice.example.com"


def test_host_port_is_a_setting() -> None:
    """Two stacks fit on one machine."""
    assert render("prod", API_PORT="18000")["services"]["gateway"]["ports"][0]["published"] == "18000"


def test_only_who_needs_the_database_reaches_it() -> None:
    """The front door and the simulator are not in its network, and nobody goes out from there."""
    model = services("prod")
    inside = {name for name, service in model.items() if "database" in (service.get("networks") or {})}
    assert inside == {"postgres", "migrate", "console", *OURS}
    assert render("prod")["networks"]["database"]["internal"] is True
    assert list(model["postgres"]["networks"]) == list(model["migrate"]["networks"]) == ["database"]


def test_images_belong_to_the_project() -> None:
    """A build in one folder is never what another folder's stack runs."""
    model = render("prod", COMPOSE_PROJECT_NAME="mine")["services"]
    ours = {service["image"] for name, service in model.items() if name not in UPSTREAM}
    assert {image.rpartition(":")[2] for image in ours} == {"mine"}


def test_api_may_end_the_requests_that_it_has() -> None:
    """The engine kills only after the service's own 20 s for them."""
    assert services("prod")["prosaas-api"]["stop_grace_period"] == "30s"


@pytest.mark.parametrize(("seconds", "grace"), [(None, "10m30s"), ("45", "1m15s"), ("3600", "1h0m30s")])
def test_grace_of_calls_follows_drain_seconds(seconds: str | None, grace: str) -> None:
    """The engine kills only after the service's own deadline for its calls, and half a minute more."""
    settings = {} if seconds is None else {"DRAIN_SECONDS": seconds}
    calls = render("prod", **settings)["services"]["prosaas-calls"]
    assert calls["stop_grace_period"] == grace
    assert calls["environment"]["DRAIN_SECONDS"] == (seconds or "600")


def test_secrets_come_as_files_only() -> None:
    """Every secret of a service is a file that a *_FILE variable names; no variable carries one."""
    for name, service in services("prod").items():
        named = {value for key, value in (service.get("environment") or {}).items() if key.endswith("_FILE")}
        targets = {str(Path("/run/secrets") / secret["target"]) for secret in service.get("secrets", [])}
        files = targets - {"/run/secrets/alertmanager_config"}
        assert files == {path for path in named if path and path.startswith("/run/secrets/")}, name
        carried = [
            key
            for key in service.get("environment") or {}
            if key.endswith(("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "DATABASE_URL"))
        ]
        assert carried == [], name


def test_each_service_gets_only_the_secrets_it_uses() -> None:
    """The simulator, which plays the outside world, never holds the database or the model's key."""
    held = {name: {s["source"] for s in service.get("secrets", [])} for name, service in services("prod").items()}
    assert held["simulator"] == {"twilio_auth_token", "whatsapp_app_secret"}
    assert held["postgres"] == {"postgres_password"}
    assert held["migrate"] == {"database_url", "database_roles_key", "openai_api_key"}
    for role in ("api", "calls", "worker"):
        own = {name for name in held[role if role == "worker" else f"prosaas-{role}"] if name.startswith("database")}
        assert own == {f"database_url_prosaas_{role}"}
    assert "whatsapp_access_token" not in held["prosaas-api"] | held["prosaas-calls"]


def test_live_switch_state_is_in_memory() -> None:
    """A restart always returns to the environment's level."""
    for name in OURS:
        mounts = {volume["target"]: volume["type"] for volume in services("prod")[name]["volumes"]}
        assert mounts["/run/prosaas"] == "tmpfs"
        assert mounts["/var/log/prosaas/blackbox"] == "volume"


def test_managed_database_replaces_the_container() -> None:
    """With the overlay that `make` adds for DATABASE_URL, nothing waits for a local database."""
    model = render("prod", "deploy/overlays/external-database.yml")["services"]
    assert model["postgres"]["profiles"] == ["local-database"]
    assert not model["migrate"].get("depends_on")
