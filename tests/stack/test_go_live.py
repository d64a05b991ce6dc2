"""`make go-live` as an operator types it, against the stand-ins of OpenAI and Twilio and a real ACME server."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from bundle_world.checkout import Checkout
from ports import free_port
from stack_world.authority import MACHINE, Authority, authority
from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import finish, typed

pytestmark = pytest.mark.docker

HOST, NUMBER = "voice.prosaas.test", "+97235550142"
ACCOUNT, TOKEN, KEY = "AC" + "ab" * 16, "cd" * 16, "sk-good"
# Long enough for a call to begin and end around a renewal, which comes after two thirds of it.
VALID_S = 45


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Authority]:
    for port in (80, 443):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                pytest.skip(f"port {port} of this machine is taken: nobody can prove to have a name here")
    with authority(tmp_path, valid_s=VALID_S) as running:
        yield running


@contextmanager
def providers(stack: Stack, acme: Authority) -> Iterator[tuple[str, str]]:
    """A simulator outside of the stack, for a stack that is real has none: its container, and where it is."""
    port = free_port()
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": f"https://{HOST}",
        "API_URL": f"https://{HOST}", "CALLS_URL": f"https://{HOST}", "SSL_CERT_FILE": "/issuing.pem",
    }  # fmt: skip
    # The engine mounts what lies on its own machine, as the checkout does.
    believed = stack.checkout.path / "issuing.pem"
    believed.write_text(acme.issuing_root.read_text())
    believed.chmod(0o644)
    options = [f"--env={name}={value}" for name, value in environment.items()]
    options += [f"--volume={believed}:/issuing.pem:ro", f"--publish={MACHINE}:{port}:9000"]
    name = f"{stack.project}-providers"
    docker(
        "run", "--detach", "--rm", f"--name={name}", f"--add-host={HOST}:{MACHINE}", *options, stack.image("simulator")
    )
    try:
        yield name, f"http://{MACHINE}:{port}"
    finally:
        docker("rm", "--force", name)


@pytest.fixture
def demo(checkout: Checkout, acme: Authority) -> Iterator[tuple[Stack, str]]:
    """The demo, with everybody outside where this test has them; a stack of its own, for nothing leads back from it."""
    checkout.run("make", "up-prod", timeout=300)
    stack = Stack(checkout, checkout.path.name)
    with providers(stack, acme) as (name, url):
        trusted = checkout.path / "deploy/gateway/authority.pem"
        trusted.write_text(acme.server_root.read_text())
        door = checkout.path / "deploy/gateway/Caddyfile"
        door.write_text(door.read_text().replace("persist_config off", "persist_config off\n\trenew_interval 2s", 1))
        checkout.configure(
            TWILIO_BASE_URL=url, OPENAI_BASE_URL=f"{url}/v1",
            OPENAI_REALTIME_URL=f"{url.replace('http', 'ws')}/v1/realtime",
            ACME_CA=acme.directory, ACME_CA_ROOT="/etc/caddy/authority.pem",
        )  # fmt: skip
        yield stack, name


def answer(child: pexpect.spawn, question: str, words: str) -> None:
    child.expect(question)
    child.sendline(words)


def certificate() -> bytes:
    """The one that the front door shows now."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((MACHINE, 443), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def call(name: str, *options: str) -> dict[str, Any]:
    """A call by way of the public name, over https and wss, the certificate believed by the authority's root alone."""
    command = ["docker", "exec", name, "python", "-m", "simulator", "call", "--json", "--to", NUMBER, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def asked(name: str, method: str, what: str) -> str:
    """What the control interface of the simulator answers."""
    request = f"r.Request('http://127.0.0.1:9000/_/{what}', method='{method}')"
    script = f"import urllib.request as r; print(r.urlopen({request}).read().decode())"
    return docker("exec", name, "python", "-c", script)


def requests(name: str, method: str) -> list[Any]:
    """What the stand-in of Twilio was told to change."""
    found = json.loads(asked(name, "GET", "requests"))
    return [each for each in found if method in each["path"]]


def changes(name: str) -> list[Any]:
    return [each["body"] for each in requests(name, "IncomingPhoneNumbers/") + requests(name, "Senders/")]


def refused(checkout: Checkout, **typed_words: str) -> str:
    words = [f"{name}={value}" for name, value in typed_words.items()]
    done = checkout.run("scripts/run", "go-live", *words, check=False, PUBLIC_HOST_AT=f"{HOST}:{MACHINE}")
    assert done.code == 1
    return done.text


@pytest.mark.timeout(580)
def test_from_the_demo_to_a_real_call(demo: tuple[Stack, str]) -> None:
    """A wrong key and a wrong token are asked for again; the second time there is nothing left to do."""
    stack, name = demo
    env = stack.checkout.env
    before = env.read_text()

    told = refused(stack.checkout, PUBLIC_HOST="no.such.host.test")
    assert "no.such.host.test does not exist" in told
    assert "\n  fix:  an A record" in told
    assert "OPENAI_API_KEY is missing" in refused(stack.checkout, PUBLIC_HOST=HOST)
    assert env.read_text() == before

    command = f"PUBLIC_HOST_AT={HOST}:{MACHINE} make go-live"
    with typed(stack, command, seconds=200) as child:
        answer(child, "the name by which providers reach this machine", HOST)
        answer(child, "the OpenAI key", "bad")
        child.expect("OpenAI refuses this key: 401, Incorrect API key provided")
        answer(child, "the OpenAI key", KEY)
        answer(child, "Account SID", "AC12")
        answer(child, "Account SID", ACCOUNT)
        answer(child, "Auth Token", "ef" * 16)
        child.expect("Twilio refuses this token: 401")
        answer(child, "Auth Token", TOKEN)
        child.expect("waiting for https://")
        child.expect("where their calls lead now")
        answer(child, "let calls to .* lead to", "y")
        answer(child, "messages to whatsapp:.* let them lead", "y")
        answer(child, "the business's name", "מספרת נועה")
        rest = finish(child)
    assert f"now call {NUMBER}" in rest
    assert KEY not in rest
    values = [f"{wanted}\n" for wanted in (f"OPENAI_API_KEY={KEY}", f"TWILIO_AUTH_TOKEN={TOKEN}", "DEMO=0")]
    assert all(value in env.read_text() for value in values)
    assert env.stat().st_mode & 0o077 == 0
    public = f"https://{HOST}"
    number, sender = changes(name)
    assert (number["VoiceUrl"], number["StatusCallback"]) == (f"{public}/twilio/voice", f"{public}/twilio/status")
    assert sender["webhook"]["callback_url"] == f"{public}/whatsapp/twilio"

    # The certificate is renewed while somebody speaks.
    shown = certificate()
    results: list[dict[str, Any]] = []
    speaking = threading.Thread(target=lambda: results.append(call(name, "--scenario", "long", "--speed", "3")))
    speaking.start()
    eventually(lambda: "renewed" if certificate() != shown else None, "another certificate", VALID_S + 15)
    assert speaking.is_alive(), [result["problems"] for result in results]
    asked(name, "DELETE", "calls")
    speaking.join(180)
    assert [result["problems"] for result in results] == [[]]

    again = stack.checkout.run("scripts/run", "go-live", "YES=1", PUBLIC_HOST_AT=f"{HOST}:{MACHINE}", timeout=200)
    assert f"now call {NUMBER}" in again.out
    assert len(changes(name)) == 2
