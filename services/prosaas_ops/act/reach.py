"""Checks that this machine can be reached by its public name: ports before a change, the certificate after it."""

import re
import socket
import ssl
import time
import uuid

from prosaas_ops.act.providers import ask, trusting
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.screen.piece import piece
from prosaas_ops.texts import live as words

_READ = "docs/going-live.md"
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}+(?<!-)")
_LONGEST_NAME = 253
_PROBED_S = 10.0
_CERTIFICATE_S = 120.0
_LONGEST = 1 << 16


def leads_here(world: World, host: str) -> None:
    """Problem unless the name leads to this machine on both ports, as a word tells that only it can know."""
    if not _names_a_host(host):
        raise problem(words.NO_HOST(host=piece(host, 60)), str(words.HOST_IS), _READ)
    try:
        address = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)[0][4][0]
    except OSError:
        raise problem(words.NOT_THERE(host=host), str(words.A_RECORD), _READ) from None
    if any(443 in found.ports for found in world.containers("gateway")):
        # The front door stands there already; its certificate tells.
        return
    word = uuid.uuid4().hex
    image = f"prosaas/gateway:{world.tag}"
    probe = ("caddy", "respond", "--listen", ":8080-8081", "--body", word)
    started = world.docker(
        "run", "--detach", "--rm", "--publish=80:8080", "--publish=443:8081", image, *probe, check=False
    )
    if started.code:
        # The container is made even where its ports are taken.
        world.docker("rm", "--force", *started.out.split(), check=False)
        told = (started.err.strip() or str(words.NO_REASON)).splitlines()[0][-200:]
        raise problem(words.PORTS_TAKEN(told=told), str(words.STOP_THEM), _READ)
    try:
        for port in (80, 443):
            _find(host, str(address), port, word)
    finally:
        world.docker("kill", started.out.strip(), check=False)


def _names_a_host(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= _LONGEST_NAME and len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


def _find(host: str, address: str, port: int, word: str) -> None:
    deadline, heard = time.monotonic() + _PROBED_S, ""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=5) as connection:
                connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                heard = connection.makefile("rb").read(_LONGEST).decode("utf-8", "replace")
        except OSError:
            time.sleep(0.5)
            continue
        if heard.endswith(word):
            return
        break
    if heard:
        raise problem(words.ELSEWHERE(host=host, address=address), str(words.LEAD_HERE), _READ)
    raise problem(words.CLOSED(port=port, host=host, address=address), words.OPEN_IT(host=host), _READ)


def wait_for_certificate(world: World, public: str) -> None:
    """Until a webhook that nobody signed is refused by our api, over HTTPS, with a certificate that is believed."""
    context = trusting(world.setting("CA_BUNDLE"))
    if world.setting("ACME_CA"):
        # An authority of one's own is believed by those who chose it, and not by this image.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline, said = time.monotonic() + _CERTIFICATE_S, ""
    world.say(words.WAITING(public=public))
    while time.monotonic() < deadline:
        try:
            answer = ask("POST", f"{public}/twilio/voice", form={}, context=context, direct=True)
            if answer.status == 403:
                return
            said = words.ANSWERS(said=answer.said)
        except OSError as error:
            said = str(getattr(error, "reason", error))
        time.sleep(1)
    door = world.containers("gateway")[-1]
    errors = re.findall(r'"error":"((?:[^"\\]|\\.)*)"', world.docker("logs", "--tail", "50", door.id, check=False).out)
    why = words.DOOR_SAYS(why=piece(errors[-1], 300)) if errors else ""
    raise problem(words.NOT_SERVED(public=public, said=piece(said, 200), why=why), str(words.DOOR_LOGS), _READ)
