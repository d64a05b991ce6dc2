"""Secret files follow .env, never the shell, and nothing empty takes the place of one."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from prosaas_ops.conduct.secrets import database_url, tell_overridden, write_secrets
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem


def world(folder: Path, text: str) -> World:
    (folder / ".env").write_text(text)
    return World(folder)


def test_an_emptied_password_replaces_nothing(tmp_path: Path) -> None:
    write_secrets(world(tmp_path, "POSTGRES_PASSWORD=first\nTWILIO_AUTH_TOKEN=t\n"))
    with pytest.raises(Problem, match="POSTGRES_PASSWORD is empty"):
        write_secrets(world(tmp_path, ""))
    assert (tmp_path / "secrets/postgres_password").read_text() == "first"


def test_an_emptied_model_key_is_how_one_returns_to_the_demo(tmp_path: Path) -> None:
    write_secrets(world(tmp_path, "OPENAI_API_KEY=sk\n"))
    write_secrets(world(tmp_path, "OPENAI_API_KEY=\n"))
    assert (tmp_path / "secrets/openai_api_key").read_text() == ""


def test_a_secret_of_the_shell_is_not_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(tmp_path, "DATABASE_URL=postgresql://mine@db/mine\nMAX_CALLS=5\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://other@db/other")
    monkeypatch.setenv("MAX_CALLS", "7")
    tell_overridden(here)
    write_secrets(here)
    assert (tmp_path / "secrets/database_url").read_text() == "postgresql://mine@db/mine"
    printed = capsys.readouterr()
    assert "DATABASE_URL of this shell is not used" in printed.err
    assert "MAX_CALLS=7 from this shell, for this command only" in printed.out
    assert "db/other" not in printed.out + printed.err


@pytest.mark.parametrize("password", ["p@ss/w#rd:1%", "a b", "ü?&=", "'\"$"])
def test_any_password_works_in_the_address(password: str) -> None:
    parts = urlsplit(database_url({"POSTGRES_PASSWORD": password}))
    assert (parts.hostname, unquote(parts.password or "")) == ("postgres", password)
