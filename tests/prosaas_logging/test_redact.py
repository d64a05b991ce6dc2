"""Nothing secret is shown, by the name of a field or by its looks."""

import pytest

from prosaas_logging.redact import clean, hide, mask_phone, redact

KEY = "sk-proj-AbCdEfGh12345678"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} was refused", KEY),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgresql://prosaas:hunter2@db/prosaas", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=", "RSOYDt4T1cUTdK1PDd93"),
        ("X-Hub-Signature-256: sha256=0123456789abcdef", "0123456789abcdef"),
        ("Cookie: session=abcdef; theme=dark", "abcdef"),
        ("Set-Cookie: id=a3fWa; Expires=Thu", "a3fWa"),
        ("GET /x?token=abcdef123&y=1", "abcdef123"),
        ("password='hunter22'", "hunter22"),
        ("{'api_key': 'abcd1234'}", "abcd1234"),
        ('{"client_secret": "abcd1234"}', "abcd1234"),
        ("token EAAGm0PX4ZCpsBAKZCxyz1234567890", "EAAGm0PX4ZCpsBAKZCxyz1234567890"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-part", "eyJhbGciOiJIUzI1NiJ9"),
        ("OPENAI_API_KEY=abcdef1234", "abcdef1234"),
        ("line\\nsk-abcdefgh12345", "sk-abcdefgh12345"),
        ("call +972501234567 now", "501234567"),
        ("from +972-50-123-4567", "123-4567"),
        ("From=%2B972501234567&To=x", "501234567"),
        ("whatsapp:+14155238886", "4155238886"),
        ("dial 0501234567 please", "0501234567"),
        ("dial 050-1234567 please", "1234567"),
        ("wa id 972501234567 wrote", "501234567"),
    ],
)
def test_a_text_that_looks_secret_is_hidden(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert secret not in str(clean("note", text))


@pytest.mark.parametrize(
    "text",
    [
        "call_sid=CA0123456789abcdef0123456789abcdef",
        "2026-11-23T01:45:33.545327Z",
        "tokens used: 12",
        "https://example.com/a@b",
        "response_id=resp_0501234567",
        "3+4=7 and 1+2345",
        "task-1234567890",
        "in 1700000000000 ms",
    ],
)
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert redact(text) == text
    assert redact(text) == text, "the second time it is remembered"


def test_what_is_redacted_once_stays_as_it_is() -> None:
    once = redact(f"Bearer abcdefgh postgresql://a:secret1@h password=hunter22 {KEY} +972501234567")
    assert redact(once) == once


@pytest.mark.parametrize(
    "name",
    ["password", "OPENAI_API_KEY", "X-Twilio-Signature", "access_token", "Authorization", "set-cookie", "appSecret"],
)
def test_a_field_with_a_secret_s_name_is_hidden_whole(name: str) -> None:
    assert hide(name, "anything") == "[redacted]"


@pytest.mark.parametrize("name", ["tokens", "token_count", "name", "cookies_accepted", "from_cache", "total"])
def test_a_field_that_only_sounds_like_one_is_shown(name: str) -> None:
    assert hide(name, "anything") == "anything"


def test_an_absent_secret_is_shown_as_absent() -> None:
    assert hide("password", None) is None
    assert hide("password", "") == ""


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+972501234567", "+972..."),
        ("whatsapp:+972501234567", "whatsapp:+972..."),
        ("+14155238886", "+1..."),
        ("+447911123456", "+44..."),
        ("00972501234567", "+972..."),
        ("972501234567", "972..."),
        ("0501234567", "0..."),
        ("+972...", "+972..."),
        ("anonymous", "anonymous"),
    ],
)
def test_a_number_shows_its_country_alone(number: str, shown: str) -> None:
    assert mask_phone(number) == shown
    assert hide("phone", number) == shown


def test_what_is_remembered_as_harmless_stays_bounded() -> None:
    from prosaas_logging import redact as module

    for number in range(10_000):
        assert redact(f"harmless text {number}") == f"harmless text {number}"
    assert len(module.harmless) <= 4096
    assert "secret-id" in redact("sk-abcdefgh1234 of secret-id")
    assert not [text for text in module.harmless if "sk-" in text]
