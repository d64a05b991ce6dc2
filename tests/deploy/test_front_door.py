"""The front door as Caddy itself reads it: which requests its log tells of, and with which words."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from bundle_world.checkout import ROOT
from postgres_world import docker
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import DOOR, DOOR_GAVE_UP, Line, parse
from stack_world.stack import eventually

pytestmark = pytest.mark.docker

CALLER, SIGNATURE = "972501234567", "c2lnbmF0dXJl"
SITES = ["http://:8000", "http://:8000, https://voice.example.com"]
GATEWAYS = {502, 504}
# Neither its own seat nor any other is in the DNS.
UNSEATED = {502, 503, 504}
Post = Callable[..., int]


@pytest.fixture(params=SITES)
def door(watchers: dict[str, str], request: pytest.FixtureRequest) -> Iterator[tuple[Post, Callable[[], list[str]]]]:
    """A front door whose api is away and that gives up after a second: what it answers, and its log."""
    settings = {
        "GATEWAY_SITES": request.param,
        "ACME_CA": "https://127.0.0.1:1/",
        "ACME_CA_ROOT": "/etc/ssl/certs/ca-certificates.crt",
    }
    reads = ("--config=/etc/caddy/Caddyfile", "--adapter=caddyfile")
    # The engine mounts what lies on its own machine, as this checkout does.
    with TemporaryDirectory(dir=ROOT / "logs") as folder:
        Path(folder).chmod(0o755)
        text = (ROOT / "deploy/gateway/Caddyfile").read_text("utf-8")
        (Path(folder) / "Caddyfile").write_text(re.sub(r"import api \d+s \d+s", "import api 1s 1s", text), "utf-8")
        container = docker(
            "run", "--detach", "--publish=127.0.0.1::8000", "--add-host=prosaas-api:192.0.2.1", "--tmpfs=/run/prosaas",
            f"--volume={folder}:/etc/caddy:ro", *(f"--env={name}={value}" for name, value in settings.items()),
            "--entrypoint=caddy", watchers["CADDY_IMAGE"], "run", *reads,
        ).strip()  # fmt: skip
        try:
            address = docker("port", container, "8000").split()[0]

            def post(path: str, signed_by: str = "X-Twilio-Signature") -> int:
                headers = {signed_by: SIGNATURE}
                asked = Request(f"http://{address}{path}", f"From=%2B{CALLER}".encode(), headers)
                try:
                    with urlopen(asked, timeout=20) as answer:
                        return int(answer.status)
                except HTTPError as error:
                    return error.code
                except (URLError, ConnectionError):
                    return 0

            def log() -> list[str]:
                return docker("logs", container).splitlines()

            eventually(lambda: "open" if post("/") == 404 else None, "the front door", 30)
            yield post, log
        finally:
            docker("rm", "--force", container)


def read(rows: list[str]) -> list[Line]:
    """Those that it gave up; of all others it has no word of ours."""
    lines = [parse(RawLine("2026-01-01T00:00:00Z", DOOR, row)) for row in rows]
    return [line for line in lines if line.event]


def test_a_webhook_that_no_api_answers_stands_in_its_log_and_nothing_of_the_request_does(
    door: tuple[Post, Callable[[], list[str]]],
) -> None:
    """Nor what it gave up of others, for that has words of theirs, as has one of ours that is asked for by a detour."""
    post, log = door
    asked = (
        f"/twilio/voice?attempt=1&x={CALLER}",
        f"/{CALLER}/../twilio/voice",
        f"/twilio/{CALLER}",
        f"/v1/customers?phone={CALLER}",
    )
    assert {post(path) for path in asked} <= GATEWAYS
    rows = log()
    lines = read(rows)
    assert [(line.event, line.fields["path"]) for line in lines] == [(DOOR_GAVE_UP, "/twilio/voice")] * 2
    assert {line.fields["status"] for line in lines} <= GATEWAYS
    assert all("the front door gave up a request after" in line.text for line in lines)
    assert not [row for row in rows if CALLER in row or SIGNATURE in row]


def test_who_shows_no_signature_is_no_provider_whose_webhook_was_lost(
    door: tuple[Post, Callable[[], list[str]]],
) -> None:
    """Whoever breaks off a request would otherwise make a line of it, also while an api answers."""
    post, log = door
    assert {post("/twilio/voice", "X-Other"), post("/whatsapp/meta", "X-Hub-Signature-256")} <= GATEWAYS
    assert [line.fields["path"] for line in read(log())] == ["/whatsapp/meta"]


def test_of_a_stream_that_no_seat_took_the_log_has_nothing_of_the_request(
    door: tuple[Post, Callable[[], list[str]]],
) -> None:
    """Another seat is tried then, and where that fails too Caddy itself would tell all of it."""
    post, log = door
    assert post(f"/media-stream/{'0a' * 6}?x={CALLER}") in UNSEATED
    rows = log()
    assert any("error handling handler error" in row for row in rows)
    assert not [row for row in rows if CALLER in row or SIGNATURE in row]


def test_strangers_make_no_more_than_a_few_lines_a_second_of_it(
    door: tuple[Post, Callable[[], list[str]]],
) -> None:
    post, log = door
    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(post, ["/twilio/status"] * 40)) <= GATEWAYS
    assert 0 < sum(line.event == DOOR_GAVE_UP for line in read(log())) <= 20
