"""Secrets stay in: by name, by known value and by look."""

import sys
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.masks import MASK, Masker, hidden, is_secret_name, known_secrets
from prosaas_ops.options import Problem

PLANTED = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "TWILIO_AUTH_TOKEN", "POSTGRES_PASSWORD", "call_token_secret", "x-twilio-signature"]
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["LOG_LEVEL", "OPENAI_API_KEY_FILE", "PUBLIC_URL", "MAX_CALLS"])
def test_a_setting_is_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_a_url_loses_its_password_and_keeps_the_rest() -> None:
    assert hidden("DATABASE_URL", "postgresql://me:pw12@host/db") == f"postgresql://me:{MASK}@host/db"


def test_known_values_come_from_secret_files_from_env_and_from_urls(tmp_path: Path) -> None:
    folder, env_file = tmp_path / "secrets", tmp_path / ".env"
    folder.mkdir()
    (folder / "database_url").write_text("postgresql://me:url%2Fpassword@host/db")
    (folder / "openai_api_key").write_text("file-secret-value\n")
    env_file.write_text("LOG_LEVEL=DEBUGGING\n# A_KEY=commented-out\nADMIN_API_KEY='env-secret-value'\nSHORT_KEY=abc\n")
    found = known_secrets(folder, env_file, {"MY_TOKEN": "shell-secret-value"})
    assert found == {"url%2Fpassword", "url/password", "file-secret-value", "env-secret-value", "shell-secret-value"}


def test_the_headers_of_a_collector_and_the_addresses_of_alerts_are_secrets(tmp_path: Path) -> None:
    """A capture has the settings of every container in it."""
    headers, hook = "x-honeycomb-team=hcaik_01abcdefgh", "https://hooks.slack.com/services/T0/B0/planted"
    assert Masker([]).assignment(f"OTEL_EXPORTER_OTLP_HEADERS={headers}") == f"OTEL_EXPORTER_OTLP_HEADERS={MASK}"
    assert hidden("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers) == MASK
    (tmp_path / ".env").write_text(f"ALERT_SLACK_URL={hook}\nOPENAI_BASE_URL=https://api.openai.com/v1\n")
    assert known_secrets(tmp_path / "none", tmp_path / ".env", {"OTEL_EXPORTER_OTLP_HEADERS": headers}) == {
        headers,
        hook,
    }


def test_an_address_to_which_whoever_has_it_may_post_is_a_secret() -> None:
    for name in ("ALERT_SLACK_URL", "ALERT_WEBHOOK_URL", "BUSINESS_WEBHOOK_URL"):
        assert hidden(name, "https://hooks.zapier.com/hooks/catch/1/planted") == MASK


def test_a_known_value_is_masked_wherever_it_stands() -> None:
    masker = Masker({PLANTED, "postgres-short"})
    masked = masker.tree({"env": [f"A={PLANTED}", "PATH=/bin"], "text": f"got {PLANTED}!", "n": 1, "deep": {"x": None}})
    assert masked == {"env": [f"A={MASK}", "PATH=/bin"], "text": f"got {MASK}!", "n": 1, "deep": {"x": None}}


def test_a_value_under_a_secret_name_is_masked_whatever_it_is() -> None:
    masker = Masker([])
    assert masker.tree({"twilio_auth_token": "x1"}) == {"twilio_auth_token": MASK}
    assert masker.assignment("ADMIN_API_KEY=x1") == f"ADMIN_API_KEY={MASK}"


def test_a_sentence_with_half_an_address_in_it_is_no_url(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("GREETING=http://[x\nDATABASE_URL=postgresql://u:secret-word@h/d\n")
    assert known_secrets(tmp_path / "none", env, {}) == {"secret-word"}


def test_a_list_under_a_secret_name_is_masked_too() -> None:
    told = {"api_keys": ["x1", ["x2"]], "environment": ["A=b", "ADMIN_API_KEY=x3"]}
    assert Masker([]).tree(told) == {"api_keys": [MASK, [MASK]], "environment": ["A=b", f"ADMIN_API_KEY={MASK}"]}


def test_what_is_nested_deeper_than_anybody_reads_is_masked_and_ends_nothing() -> None:
    deep: Any = {"a": "word"}
    for _ in range(sys.getrecursionlimit()):
        deep = {"a": deep}
    told = Masker([]).tree(deep)
    while isinstance(told, dict):
        told = told["a"]
    assert told == MASK


def test_what_looks_like_a_secret_is_masked_too() -> None:
    text = Masker([]).text("Authorization: Bearer abcdef123456 +972501234567 sk-abcdefghij1234567890")
    assert "abcdef123456" not in text
    assert "501234567" not in text
    assert "sk-abcdefghij" not in text


def test_a_file_that_cannot_be_read_hides_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    assert known_secrets(tmp_path / "none", tmp_path / "none.env", {}) == set()


@pytest.mark.parametrize(("value", "known"), [("1234567", set()), ("12345678", {"12345678"})])
def test_a_value_of_eight_characters_is_long_enough_to_be_a_secret(value: str, known: set[str], tmp_path: Path) -> None:
    assert known_secrets(tmp_path, tmp_path / "none.env", {"MY_TOKEN": value}) == known


@pytest.mark.parametrize("turn", [1, -1])
def test_of_a_secret_that_begins_with_another_nothing_is_left(turn: int) -> None:
    masker = Masker(["opensesame-1", "opensesame-1-and-more"][::turn])
    assert masker.text("x opensesame-1-and-more y") == f"x {MASK} y"


@pytest.mark.parametrize("name", ["AUTHOR", "MONKEY", "TOKENIZER", "DSN", "pwd"])
def test_names_are_judged_by_the_logs_own_list(name: str) -> None:
    assert is_secret_name(name) is (name in ("DSN", "pwd"))


def test_a_long_text_is_masked_row_by_row_and_stays_whole() -> None:
    text = "\n".join(f"row {number} +972501234567" for number in range(10_000))
    masked = Masker([]).text(text)
    assert masked.count("\n") == text.count("\n")
    assert "501234567" not in masked
    assert all(f"row {number} " in masked for number in (0, 5000, 9999))


def test_the_env_file_is_read_as_compose_reads_it(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text('export A_TOKEN="first$PART" # why\nPART=ignored\nB_TOKEN=second-secret # why\n')
    assert known_secrets(tmp_path / "none", env_file, {"PART": "-secret"}) == {"first-secret", "second-secret"}


def test_an_env_file_that_nobody_can_read_ends_what_would_have_shown_its_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('A_TOKEN="never-closed\n')
    with pytest.raises(Problem, match=r"\.env, line 1: Compose cannot read it") as refused:
        known_secrets(tmp_path / "none", tmp_path / ".env", {})
    assert "never-closed" not in str(refused.value)
