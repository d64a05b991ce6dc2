"""From a service to CloudWatch Logs and back: Docker's awslogs driver into a stand-in for AWS on this machine.

The engine itself signs in to AWS, so it needs keys in its environment; the machine's engine must not be restarted for
that. A second engine runs in a container and goes with it. It has a network of its own: on the machine's network,
--bridge=none would delete the bridge of the machine's engine.
"""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from bundle_world.model import render

pytestmark = pytest.mark.docker

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "not-a-key", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
HOST = "--add-host=host.docker.internal:host-gateway"
SOCKET = "unix:///run/second.sock"
READY = "API listen on"

# What a service writes in the course of a call, and an error with its stack.
SPEAK = """
from prosaas_logging import bootstrap, flush, get_logger, scope
from prosaas_logging.catalogue import CALL_END, CALL_START
bootstrap("prosaas-calls")
log = get_logger("cloudwatch")
with scope(call_sid="CA123", business_id="456"):
    log.event(CALL_START, direction="inbound", mode="ai")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("the division failed")
    log.event(CALL_END, duration_s=45, reason="customer_hangup")
flush()
"""


class Engine:
    """A Docker engine of the test's own, inside a container."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.name = f"prosaas-second-engine-{uuid.uuid4().hex[:8]}"

    def start(self) -> None:
        keys = [f"--env={name}={value}" for name, value in KEYS.items()]
        options = ["--privileged", HOST, "--volume=/var/lib/docker", f"--name={self.name}", *keys]
        daemon = ["dockerd", f"--host={SOCKET}", "--bridge=none", "--iptables=false", "--ip6tables=false"]
        run("docker", "run", "--detach", *options, "prosaas/tests:local", *daemon)
        with subprocess.Popen(["docker", "logs", "--follow", self.name], stderr=subprocess.PIPE, text=True) as follow:
            assert follow.stderr is not None
            said = []
            for line in follow.stderr:
                said.append(line)
                if READY in line:
                    break
            follow.terminate()
        assert READY in said[-1], "".join(said)
        image = subprocess.Popen(["docker", "save", self.image], stdout=subprocess.PIPE)
        subprocess.run(
            ["docker", "exec", "--interactive", self.name, "docker", f"--host={SOCKET}", "load", "--quiet"],
            stdin=image.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        assert image.wait() == 0

    def docker(self, *arguments: str) -> str:
        return run("docker", "exec", self.name, "docker", f"--host={SOCKET}", *arguments)

    def remove(self) -> None:
        run("docker", "rm", "--force", "--volumes", self.name)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadedMotoServer("0.0.0.0", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture(scope="module")
def engine(image: Callable[[str], str]) -> Iterator[Engine]:
    engine = Engine(image("worker"))
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="module")
def arrived(engine: Engine, port: int) -> list[dict[str, Any]]:
    """What CloudWatch holds after a service has spoken, through the overlay's own options."""
    settings = {"LOG_DRIVER": "awslogs", "AWS_REGION": REGION, "AWSLOGS_GROUP": "prosaas-test"}
    service = render("prod", "deploy/collectors/awslogs.yml", **settings)["services"]["prosaas-calls"]
    logging, environment = service["logging"], service["environment"]
    options = [f"--log-opt={name}={value}" for name, value in logging["options"].items()]
    options += [
        f"--log-opt=awslogs-endpoint=http://host.docker.internal:{port}",
        f"--env=LOG_JSON={environment['LOG_JSON']}",
    ]
    engine.docker(
        *("run", "--name=prosaas-prosaas-calls-1", "--network=none", f"--log-driver={logging['driver']}"),
        *(*options, engine.image, "python", "-c", SPEAK),
    )
    client = boto3.client(
        "logs",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    [stream] = client.describe_log_streams(logGroupName="prosaas-test")["logStreams"]
    assert stream["logStreamName"] == "prosaas-prosaas-calls-1"
    events = client.get_log_events(logGroupName="prosaas-test", logStreamName=stream["logStreamName"])["events"]
    return [json.loads(event["message"]) for event in events]


def test_every_line_arrives_as_one_object_in_its_order(arrived: list[dict[str, Any]]) -> None:
    assert [line.get("event", line["severity"]) for line in arrived if line["severity"] != "WARNING"] == [
        "CALL_START",
        "ERROR",
        "CALL_END",
    ]


def test_the_fields_that_queries_ask_for_are_there(arrived: list[dict[str, Any]]) -> None:
    for line in arrived:
        assert line["service"] == "prosaas-calls"
        assert line["call_sid"] == "CA123"
        assert {"timestamp", "message", "severity"} <= line.keys()


def test_an_error_arrives_with_its_whole_stack_in_one_event(arrived: list[dict[str, Any]]) -> None:
    [error] = [line["error"] for line in arrived if "error" in line]
    assert error["kind"] == "ZeroDivisionError"
    assert error["stack"].startswith("Traceback (most recent call last):")


def test_the_engine_still_shows_the_lines_itself(engine: Engine, arrived: list[dict[str, Any]]) -> None:
    """The operator's tools read `docker logs`, which a remote driver must not take from them."""
    assert len(engine.docker("logs", "prosaas-prosaas-calls-1").splitlines()) == len(arrived)
