"""The overlays for collectors: what Compose makes of them, and what arrives at the other end of each driver."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bundle_world.checkout import ROOT
from bundle_world.model import LONG_RUNNING, OURS, Service, render

pytestmark = pytest.mark.docker

DRIVERS = {
    "awslogs": {"AWS_REGION": "eu-central-1"},
    "fluentd": {},
    "gelf": {"GELF_ADDRESS": "udp://127.0.0.1:12201"},
    "journald": {},
    "loki": {"LOKI_URL": "http://127.0.0.1:3100/loki/api/v1/push"},
    "syslog": {"SYSLOG_ADDRESS": "tcp://127.0.0.1:601"},
}
# What only Docker's own files understand: any other driver refuses to start with it.
FILE_OPTIONS = {"max-size", "max-file"}
PRINT = 'print("שלום", flush=True)'


def services(collector: str, **settings: str) -> dict[str, Service]:
    overlay = f"deploy/collectors/{collector}.yml"
    rendered: dict[str, Service] = render("prod", overlay, **settings)["services"]
    return rendered


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_takes_the_lines_of_every_container(driver: str) -> None:
    model = services(driver, LOG_DRIVER=driver, **DRIVERS[driver])
    for name in (*LONG_RUNNING, "migrate"):
        assert model[name]["logging"]["driver"] == driver, name
        assert not FILE_OPTIONS & set(model[name]["logging"]["options"]), name


@pytest.mark.parametrize("collector", [*DRIVERS, "datadog"])
def test_our_services_write_json_and_keep_everything_else(collector: str) -> None:
    settings = DRIVERS.get(collector, {})
    model, plain = services(collector, **settings), render("prod")["services"]
    for name in (*OURS, "migrate"):
        assert model[name]["environment"] == plain[name]["environment"] | {"LOG_JSON": "1"}
        assert model[name].get("deploy") == plain[name].get("deploy")


def test_the_datadog_agent_is_told_source_service_environment_and_version() -> None:
    model = services("datadog", PROSAAS_VERSION="1.2.3", DD_ENV="staging")
    for name in OURS:
        assert model[name]["build"]["labels"]["com.datadoghq.tags.version"] == "1.2.3"
    for name in (*OURS, "migrate", "postgres"):
        labels = model[name]["labels"]
        [config] = json.loads(labels["com.datadoghq.ad.logs"])
        assert config["service"] == labels["com.datadoghq.tags.service"] == name
        assert config["source"] == ("postgresql" if name == "postgres" else "python")
        assert labels["com.datadoghq.tags.env"] == "staging"
        assert model[name]["logging"]["driver"] == "json-file"


def test_a_missing_region_is_named() -> None:
    with pytest.raises(AssertionError, match="set AWS_REGION in"):
        services("awslogs")


def test_fluentd_gets_a_line_under_its_containers_tag(image: Callable[[str], str]) -> None:
    worker = image("worker")
    with listening() as (port, received):
        options = services("fluentd", FLUENTD_ADDRESS=f"127.0.0.1:{port}")["worker"]["logging"]
        run_with(options, worker, "prosaas-deploy-fluentd")
        message = received()
    assert b"prosaas.prosaas-deploy-fluentd" in message
    assert "שלום".encode() in message


def test_syslog_gets_a_line_with_its_container_and_the_time_to_the_microsecond(image: Callable[[str], str]) -> None:
    worker = image("worker")
    with listening() as (port, received):
        options = services("syslog", SYSLOG_ADDRESS=f"tcp://127.0.0.1:{port}")["worker"]["logging"]
        run_with(options, worker, "prosaas-deploy-syslog")
        message = received().decode()
    header, _, text = message.rstrip().rpartition(" - ")
    assert header.startswith("<134>1 ")
    assert "prosaas-deploy-syslog" in header
    assert text == "שלום"


SERVERS = {
    "rsyslog": ("rsyslog.conf", ["rsyslogd", "-n", "-f", "/etc/collector.conf", "-i", "NONE"]),
    "syslog-ng-core": ("syslog-ng.conf", ["syslog-ng", "-F", "--no-caps", "-f", "/etc/collector.conf"]),
}
LINE = {"message": "call_sid=CA123", "service": "prosaas-calls", "call_sid": "CA123", "text": "שלום" * 1000}
SAYS = f"import json; print(json.dumps({LINE!r}, ensure_ascii=False), flush=True); print('[INFO] no JSON', flush=True)"


@pytest.mark.parametrize("package", SERVERS)
def test_a_real_syslog_server_keeps_each_services_lines_whole_and_a_call_is_found_in_them(
    package: str, python_image: str, server: Callable[..., tuple[str, int]]
) -> None:
    """Debian's own program with the configuration that we ship; a line of eight thousand bytes is one line."""
    configuration, command = SERVERS[package]
    name, port = server(package, ROOT / "deploy/collectors" / configuration, command)
    options = services("syslog", SYSLOG_ADDRESS=f"tcp://127.0.0.1:{port}")["worker"]["logging"]
    run_with(options, python_image, f"prosaas-deploy-{package}", SAYS)
    kept = read_in(name, "/var/log/prosaas/prosaas-calls.jsonl")
    assert [json.loads(line) for line in kept.splitlines()] == [LINE]
    assert "no JSON" in read_in(name, "/var/log/prosaas/other.log")


def read_in(container: str, path: str) -> str:
    """The file, once the server has written a whole line of it."""
    ends = time.monotonic() + 30
    while True:
        done = subprocess.run(["docker", "exec", container, "cat", path], capture_output=True, text=True, check=False)
        if done.stdout.endswith("\n") or time.monotonic() > ends:
            return done.stdout
        time.sleep(0.2)


@pytest.mark.parametrize("name", ["otel-collector.yaml", "fluent-bit.yaml", "vector.yaml"])
def test_what_could_not_be_run_is_at_least_well_formed_and_says_that_it_was_not(name: str) -> None:
    text = (ROOT / "deploy/collectors" / name).read_text("utf-8")
    assert yaml.safe_load(text)
    assert "Not run here" in text.splitlines()[1]


def run_with(logging: dict[str, Any], image: str, name: str, says: str = PRINT) -> None:
    """One line from one container, through the driver that the overlay chooses."""
    options = [f"--log-opt={key}={value}" for key, value in logging["options"].items()]
    command = ["docker", "run", "--rm", f"--name={name}", f"--log-driver={logging['driver']}", *options]
    done = subprocess.run([*command, image, "python", "-c", says], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def listening() -> Iterator[tuple[int, Any]]:
    """A server for one connection; the second value waits for all that came over it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        chunks: list[bytes] = []

        def receive() -> None:
            connection, _ = server.accept()
            with connection:
                while chunk := connection.recv(65536):
                    chunks.append(chunk)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()

        def all_of_it() -> bytes:
            thread.join(60)
            return b"".join(chunks)

        yield server.getsockname()[1], all_of_it
