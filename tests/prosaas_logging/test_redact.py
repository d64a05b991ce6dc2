"""Nothing secret is shown, by the name of a field or by its looks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_logging.redact import hide, mask_phone, redact, redact_line

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
def test_a_text_that_looks_secret_is_hidden_in_text_and_in_encoded_lines(text: str, secret: str) -> None:
    assert secret not in redact(text)
    line = redact_line(json.dumps({"message": text}).encode())
    assert secret.encode() not in line
    json.loads(line)


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
    assert redact_line(text.encode()) == text.encode()


def test_what_is_redacted_once_stays_as_it_is() -> None:
    once = redact(f"Bearer abcdefgh postgresql://a:secret1@h password=hunter22 {KEY} +972501234567")
    assert redact(once) == once


@pytest.mark.parametrize("value", ["12345678", "null", "true", '{"a": 1}', "[1234567, 2]", "-1.5e10"])
def test_json_stays_json_whatever_follows_a_secret_s_name(value: str) -> None:
    for name in ("token", "apikey", "cookie", "Signature", "password"):
        json.loads(redact_line(f'{{"{name}":{value},"b":"x"}}'.encode()))


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


FRAGMENTS = [
    "token", "Signature", "cookie", "password", "api_key", "Bearer ", "://", "@", ":", "=", ",", "'", '"', "\\",
    " ", "}", "]", "sk-abcdefgh123", "+972501234567", "0501234567", "b'", "abcd", "\n", "%3D", "null", "1234567",
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


@given(content=st.dictionaries(texts, st.one_of(texts, st.integers(), st.none(), st.dictionaries(texts, texts))))
def test_a_line_of_json_stays_valid_whatever_is_hidden_in_it(content: dict[str, object]) -> None:
    line = redact_line(json.dumps(content, separators=(",", ":")).encode())
    json.loads(line)
