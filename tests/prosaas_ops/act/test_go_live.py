"""What going live asks of the providers and of the person, and what it does with the answers."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.act import go_live, reach
from prosaas_ops.act.go_live import Person, _business, _number
from prosaas_ops.act.providers import OpenAI, Twilio, ask, leads_here, number_settings, trusting
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Options, Problem
from prosaas_ops.stack.engine import Container

ACCOUNT, PUBLIC = "AC" + "ab" * 16, "https://voice.example.com"


@dataclass
class Provider:
    """An HTTP server that answers each path with what the test says, and remembers what it was told."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    told: list[tuple[str, str, str, str]] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = self.path.partition("?")[0]
            made.told.append((self.command, path, self.headers.get("Authorization", ""), body))
            status, said = made.answers.get(path, (404, {"message": "not found"}))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", said)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_POST = do_GET

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def test_a_folder_without_an_env_goes_live_from_no_other_folders_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That goes by the first name there is: its ended containers were taken away, and every question was in vain."""
    monkeypatch.chdir(tmp_path)
    running = [Container("g", "gateway", "gateway", "running", "", "")]
    monkeypatch.setattr(World, "containers", lambda *_: running)
    monkeypatch.setattr(go_live, "resume", lambda *_: pytest.fail("it was begun"))
    with pytest.raises(Problem, match=r"(?s)there is no \.env, so no stack was started .*make up-prod"):
        go_live.run(Options("go-live", (), {}))
    assert not (tmp_path / ".env").exists()


def twilio(provider: Provider) -> Twilio:
    return Twilio(provider.url, ACCOUNT, "token", trusting(""))


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refuses this key: 401, no"), (404, "may not use gpt-x"), (500, "cannot say"), (200, "")],
)
def test_a_key_is_good_when_openai_lets_it_use_the_model(provider: Provider, status: int, said: str) -> None:
    provider.answers["/v1/models/gpt-x"] = (status, {"error": {"message": "no"}})
    openai = OpenAI(f"{provider.url}/v1", trusting(""))
    if not said:
        openai.check("sk-1", "gpt-x")
    else:
        with pytest.raises(Problem, match=said) as caught:
            openai.check("sk-1", "gpt-x")
        assert "\n  fix:  " in str(caught.value)
        assert "sk-1" not in str(caught.value)
    assert provider.told == [("GET", "/v1/models/gpt-x", "Bearer sk-1", "")]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"message": "Authenticate"}, "refuses this token: 401, Authenticate"),
        (404, {}, "no such Twilio account"),
        (200, {"status": "suspended"}, "account is suspended"),
        (429, {}, "cannot say"),
    ],
)
def test_an_account_that_cannot_be_used_says_why(provider: Provider, status: int, body: Any, said: str) -> None:
    provider.answers[f"/2010-04-01/Accounts/{ACCOUNT}.json"] = (status, body)
    with pytest.raises(Problem, match=said):
        twilio(provider).check()


def test_a_trial_account_is_told_of(provider: Provider) -> None:
    provider.answers[f"/2010-04-01/Accounts/{ACCOUNT}.json"] = (200, {"status": "active", "type": "Trial"})
    assert "trial" in twilio(provider).check()


def test_a_provider_that_does_not_answer_is_a_problem_with_a_fix() -> None:
    with pytest.raises(Problem, match=r"OpenAI does not answer at 127\.0\.0\.1:1.*\n  fix:"):
        OpenAI("http://127.0.0.1:1/v1", trusting("")).check("sk-1", "gpt-x")


def test_a_key_is_not_taken_to_where_an_answer_points(provider: Provider) -> None:
    provider.answers["/first"] = (302, f"{provider.url}/second")
    assert ask("GET", f"{provider.url}/first", headers={"Authorization": "secret"}).status == 302
    assert [path for _, path, _, _ in provider.told] == ["/first"]


def test_a_number_is_led_here_and_known_to_lead_here_then(provider: Provider) -> None:
    """An application of Twilio's would outweigh the address: one that is set is no address of ours."""
    provider.answers[f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/PN1.json"] = (200, {})
    twilio(provider).lead_number({"sid": "PN1"}, PUBLIC)
    assert "VoiceApplicationSid=&VoiceUrl=https%3A%2F%2Fvoice.example.com%2Ftwilio%2Fvoice" in provider.told[0][3]
    settings = {
        "voice_application_sid": None,
        "voice_url": f"{PUBLIC}/twilio/voice",
        "voice_method": "POST",
        "status_callback": f"{PUBLIC}/twilio/status",
        "status_callback_method": "POST",
    }
    assert leads_here(settings, PUBLIC)
    assert len(settings) == len(number_settings(PUBLIC))
    for name in settings:
        assert not leads_here({**settings, name: "other"}, PUBLIC)


def test_an_account_without_whatsapp_has_no_senders(provider: Provider) -> None:
    assert twilio(provider).senders() == []


def test_without_a_terminal_a_bad_value_ends_it_and_a_missing_one_is_named(options: Any) -> None:
    def refuse(_: str) -> None:
        raise Problem("bad key")

    person = Person(options("go-live"))
    person.there = False
    with pytest.raises(Problem, match="bad key"):
        person.settled("OPENAI_API_KEY", "the key", "sk-bad", refuse, secret=True)
    with pytest.raises(Problem, match="OPENAI_API_KEY is missing"):
        person.settled("OPENAI_API_KEY", "the key", "", refuse, secret=True)


def test_a_number_of_another_account_is_refused_with_one_that_would_do(
    provider: Provider, options: Any, tmp_path: Path
) -> None:
    listed = {"incoming_phone_numbers": [{"phone_number": "+97235550100"}]}
    provider.answers[f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json"] = (200, listed)
    person = Person(options("go-live", PHONE="+97235550199"))
    with pytest.raises(Problem, match=r"\+97235550199 is not a number of this account\s.*PHONE=\+97235550100"):
        _number(World(tmp_path), person, twilio(provider), PUBLIC)


def test_nothing_is_led_anywhere_without_a_yes(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(options("go-live"))
    person.there = False
    assert not person.agrees("let calls lead here?")
    person.there = True
    for said, agreed in (("", False), ("n", False), ("y", True), ("כן", True)):
        monkeypatch.setattr("builtins.input", lambda _, said=said: said)
        assert person.agrees("let calls lead here?") is agreed
    assert Person(options("go-live", YES="1")).agrees("let calls lead here?")


class Ports(World):
    """A machine whose ports 80 and 443 are taken."""

    def containers(self, *_services: str) -> list[Any]:
        return []

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        return (
            Done(125, "", "Bind for 0.0.0.0:80 failed: port is already allocated\n")
            if words[0] == "run"
            else Done(0, "", "")
        )


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("https://voice.example.com", "is not a host name"),
        ("voice example", "is not a host name"),
        ("voice.invalid", "does not exist"),
        ("localhost.localdomain", "are in use or blocked: Bind for 0.0.0.0:80 failed"),
    ],
)
def test_an_address_that_cannot_be_served_is_told_before_anything_is_written(
    host: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "localhost.localdomain":
        monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", 443))])
    with pytest.raises(Problem, match=said):
        reach.leads_here(Ports(tmp_path), host)


def test_a_name_that_leads_to_another_machine_is_told_from_a_port_that_is_closed(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "_PROBED_S", 0.2)
    port = int(provider.url.rpartition(":")[2])
    with pytest.raises(Problem, match="leads to another machine"):
        reach._find("127.0.0.1", "127.0.0.1", port, "the word")
    provider.answers["/"] = (200, "the word")
    with pytest.raises(Problem, match="leads to another machine"):
        reach._find("127.0.0.1", "127.0.0.1", port, "another word")
    reach._find("127.0.0.1", "127.0.0.1", port, 'the word"')
    with pytest.raises(Problem, match=r"port 1 of .* is closed"):
        reach._find("127.0.0.1", "127.0.0.1", 1, "the word")


class Door(World):
    """A front door that has told why it has no certificate."""

    def containers(self, *_services: str) -> list[Any]:
        return [Container("door", "gateway", "", "running", "", "")]

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        told = '{"level":"error","logger":"tls.obtain","error":"HTTP 429 urn:ietf:params:acme:error:rateLimited"}\n'
        return Done(0, told, "") if words[0] == "logs" else Done(0, "", "")


def test_a_certificate_that_does_not_come_is_told_with_what_the_authority_said(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What answers there, and is not our api, is not enough."""
    monkeypatch.setattr(reach, "_CERTIFICATE_S", 0.1)
    for public, said in ((provider.url, "it answers 404"), ("https://127.0.0.1:1", "refused")):
        with pytest.raises(Problem, match=rf"does not serve: .*{said}.*; the front door says: HTTP 429 .*rateLimited"):
            reach.wait_for_certificate(Door(tmp_path), public)
    provider.answers["/twilio/voice"] = (403, {})
    reach.wait_for_certificate(Door(tmp_path), provider.url)


@pytest.mark.docker
def test_a_business_that_a_kill_left_without_a_key_gets_one(
    provider: Provider, tmp_path: Path, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no second one when it is run once more."""
    (tmp_path / ".env").write_text(f"API_PORT={provider.url.rpartition(':')[2]}\nADMIN_API_KEY=admin\n")
    business = {"id": 7, "name": "מספרת נועה", "phone": "+97235550142"}
    keys: dict[str, Any] = {"items": [{"name": "old", "revoked_at": "2026-01-01T00:00:00Z"}], "key": "psk_new"}
    provider.answers["/v1/businesses"] = (200, {"items": [business]})
    provider.answers["/v1/businesses/7/keys"] = (200, keys)
    for _ in range(2):
        _business(World(tmp_path), Person(options("go-live")), "+97235550142")
        keys["items"].append({"name": "make go-live", "revoked_at": None})
    assert [path for method, path, _, _ in provider.told if method == "POST"] == ["/v1/businesses/7/keys"]
    assert capsys.readouterr().out.count("psk_new") == 1
