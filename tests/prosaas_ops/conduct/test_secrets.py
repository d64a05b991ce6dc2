"""Secret files follow .env, never the shell, and nothing empty takes the place of one."""

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from prosaas_core.postgres.roles import ROLES
from prosaas_ops.conduct.secrets import database_url, holds_secrets, tell_overridden, unwritten, write_secrets
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container


def world(folder: Path, text: str) -> World:
    (folder / ".env").write_text(text)
    return World(folder)


@pytest.mark.parametrize("emptied", ["POSTGRES_PASSWORD", "TWILIO_AUTH_TOKEN"])
@pytest.mark.docker
def test_an_emptied_secret_replaces_nothing_neither_its_own_file_nor_another(tmp_path: Path, emptied: str) -> None:
    """A service that starts again after the refusal reads what the others read."""
    first = {"POSTGRES_PASSWORD": "first", "CALL_TOKEN_SECRET": "first", "TWILIO_AUTH_TOKEN": "first"}
    write_secrets(world(tmp_path, "".join(f"{name}={value}\n" for name, value in first.items())))
    then = first | {"CALL_TOKEN_SECRET": "second", emptied: ""}
    with pytest.raises(Problem, match=f"{emptied} is empty"):
        write_secrets(world(tmp_path, "".join(f"{name}={value}\n" for name, value in then.items())))
    assert {(tmp_path / "secrets" / name.lower()).read_text() for name in first} == {"first"}


@pytest.mark.docker
def test_an_emptied_model_key_is_how_one_returns_to_the_demo(tmp_path: Path) -> None:
    write_secrets(world(tmp_path, "OPENAI_API_KEY=sk\n"))
    write_secrets(world(tmp_path, "OPENAI_API_KEY=\n"))
    assert (tmp_path / "secrets/openai_api_key").read_text() == ""


@pytest.mark.parametrize(
    ("then", "behind"),
    [
        ("OPENAI_API_KEY=\nADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\n", []),
        ("OPENAI_API_KEY=sk\nADMIN_API_KEY=b\nPOSTGRES_PASSWORD=p\n", ["ADMIN_API_KEY", "OPENAI_API_KEY"]),
        ("OPENAI_API_KEY=\nADMIN_API_KEY=a\nPOSTGRES_PASSWORD=q\n", ["POSTGRES_PASSWORD"]),
        ("OPENAI_API_KEY=\nADMIN_API_KEY=\nPOSTGRES_PASSWORD=p\n", []),
        ("ADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\nDATABASE_URL=postgresql://me:p@db/name\n", ["DATABASE_URL"]),
        ("ADMIN_API_KEY=a\nPOSTGRES_PASSWORD=q\nDATABASE_URL=postgresql://me:p@db/name\n", ["DATABASE_URL"]),
        ("ADMIN_API_KEY=b\nDATABASE_ROLES=1\nDATABASE_URL=postgresql://db/name?user=me\n", []),
    ],
)
@pytest.mark.docker
def test_the_secrets_that_env_has_and_their_files_have_not_are_known_by_name(
    tmp_path: Path, then: str, behind: list[str]
) -> None:
    """What was emptied by mistake is no news to bring; nor is anything where no file was ever written."""
    first = "OPENAI_API_KEY=\nADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\n"
    assert unwritten(world(tmp_path, then)) == []
    write_secrets(world(tmp_path, first))
    assert sorted(unwritten(world(tmp_path, then))) == behind


_OURS = "ADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\n"
_THEIRS = f"{_OURS}DATABASE_URL=postgresql://me:s@db.example.com/name\n"


@pytest.mark.parametrize(
    ("first", "then", "behind"),
    [
        (_THEIRS, _OURS, ["DATABASE_URL"]),
        (_THEIRS, f"{_OURS}DATABASE_URL=\n", ["DATABASE_URL"]),
        (_THEIRS, _OURS.replace("=p", "=q"), ["DATABASE_URL", "POSTGRES_PASSWORD"]),
        (_THEIRS, _THEIRS.replace("me:s", "me:t"), ["DATABASE_URL"]),
        (_THEIRS, f"{_THEIRS}DATABASE_ROLES=0\n", []),
        (_THEIRS, f"{_THEIRS}DATABASE_ROLES=1\n", ["DATABASE_ROLES"]),
        (f"{_THEIRS}DATABASE_ROLES=1\n", _THEIRS, ["DATABASE_ROLES"]),
        (f"{_THEIRS}DATABASE_ROLES=1\n", f"{_THEIRS}DATABASE_ROLES=1\n", []),
        (_OURS, f"{_OURS}DATABASE_ROLES=1\n", []),
        (_OURS, f"{_OURS}DATABASE_ROLES=0\n", ["DATABASE_ROLES"]),
        (f"{_OURS}DATABASE_ROLES=0\n", _OURS, ["DATABASE_ROLES"]),
        (_OURS, f"{_OURS.replace('=p', '=q')}DATABASE_ROLES=0\n", ["DATABASE_ROLES", "POSTGRES_PASSWORD"]),
        (_OURS, _OURS.replace("=p", "='p@x:/'"), ["POSTGRES_PASSWORD"]),
    ],
)
@pytest.mark.docker
def test_another_database_and_other_rights_in_it_are_known_by_the_setting_that_says_so(
    tmp_path: Path, first: str, then: str, behind: list[str]
) -> None:
    """Also by one that was taken out: a service that starts anew goes on with the address that its file has."""
    write_secrets(world(tmp_path, first))
    assert sorted(unwritten(world(tmp_path, then))) == behind


@pytest.mark.docker
def test_a_secret_file_that_is_no_text_stops_nobody_who_asks(tmp_path: Path) -> None:
    """A restart may be an emergency's, and of a service that does not even read it."""
    here = world(tmp_path, "ADMIN_API_KEY=a\nPOSTGRES_PASSWORD=p\nOPENAI_API_KEY=sk\n")
    write_secrets(here)
    for name in ("admin_api_key", "openai_api_key"):
        (tmp_path / "secrets" / name).unlink()
    (tmp_path / "secrets/admin_api_key").write_bytes(b"\xff")
    (tmp_path / "secrets/openai_api_key").mkdir()
    assert sorted(unwritten(here)) == ["ADMIN_API_KEY", "OPENAI_API_KEY"]


@pytest.mark.docker
def test_a_secret_of_the_shell_is_not_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(tmp_path, "DATABASE_URL=postgresql://mine@db/mine\nMAX_CALLS=5\nOPS_LANG=he\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://other@db/other")
    monkeypatch.setenv("MAX_CALLS", "7")
    monkeypatch.setenv("OPS_LANG", "en")
    tell_overridden(here)
    write_secrets(here)
    assert (tmp_path / "secrets/database_url").read_text() == "postgresql://mine@db/mine"
    printed = capsys.readouterr()
    assert "DATABASE_URL of this shell is not used" in printed.err
    assert "MAX_CALLS=7 from this shell, for this command only" in printed.out
    assert "db/other" not in printed.out + printed.err
    assert "OPS_LANG" not in printed.out, "in which .env has no say"


@pytest.mark.parametrize("password", ["p@ss/w#rd:1%", "a b", "ü?&=", "'\"$"])
def test_any_password_works_in_the_address(password: str) -> None:
    parts = urlsplit(database_url({"POSTGRES_PASSWORD": password}))
    assert (parts.hostname, unquote(parts.password or "")) == ("postgres", password)


@pytest.mark.docker
def test_each_service_has_an_address_of_its_own_and_the_owners_only_migrates(tmp_path: Path) -> None:
    write_secrets(world(tmp_path, "POSTGRES_PASSWORD=first\n"))
    files = {path.name: path.read_text() for path in (tmp_path / "secrets").glob("database_*")}
    users = {name: urlsplit(text).username for name, text in files.items() if name.startswith("database_url")}
    assert users.pop("database_url") == "prosaas"
    assert users == {f"database_url_{role}": role for role in ROLES}
    assert len({urlsplit(text).password for text in files.values() if "://" in text}) == len(ROLES) + 1
    assert not any("first" in text for name, text in files.items() if name != "database_url")
    write_secrets(world(tmp_path, "POSTGRES_PASSWORD=second\n"))
    assert (tmp_path / "secrets/database_roles_key").read_text() != files["database_roles_key"]


@pytest.mark.parametrize(("asked", "user"), [("", "me"), ("DATABASE_ROLES=1\n", "prosaas_api")])
@pytest.mark.docker
def test_a_managed_database_has_roles_when_asked_for(tmp_path: Path, asked: str, user: str) -> None:
    """Its user may not be allowed to make any."""
    write_secrets(world(tmp_path, f"POSTGRES_PASSWORD=x\nDATABASE_URL=postgresql://me:p@host/name\n{asked}"))
    assert urlsplit((tmp_path / "secrets/database_url_prosaas_api").read_text()).username == user
    assert bool((tmp_path / "secrets/database_roles_key").read_text()) is bool(asked)


@pytest.mark.docker
def test_roles_may_be_given_up_again(tmp_path: Path) -> None:
    write_secrets(world(tmp_path, "POSTGRES_PASSWORD=x\n"))
    write_secrets(world(tmp_path, "POSTGRES_PASSWORD=x\nDATABASE_ROLES=0\n"))
    assert (tmp_path / "secrets/database_roles_key").read_text() == ""
    assert urlsplit((tmp_path / "secrets/database_url_prosaas_worker").read_text()).username == "prosaas"


class Holder(World):
    """A container that holds files of its own, which any command finds where the real ones are."""

    def __init__(self, root: Path, held: dict[str, str]) -> None:
        super().__init__(root)
        self.looks = 0
        self._folder = root / "held"
        self._folder.mkdir()
        for name, value in held.items():
            (self._folder / name).write_text(value)

    @property
    def engine(self) -> Any:
        return self

    def run(self, _container: Container, *command: str) -> tuple[int, str, str]:
        self.looks += 1
        there = [word.replace("/run/secrets", str(self._folder)) for word in command]
        done = subprocess.run(there, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.replace(str(self._folder), "/run/secrets"), done.stderr


TODAY = {"database_url": "postgresql://x", "twilio_auth_token": "", "admin_api_key": "two\nlines\n"}


@pytest.mark.parametrize(
    ("held", "holds"),
    [
        (TODAY, True),
        (TODAY | {"twilio_auth_token": "yesterday's"}, False),
        # Read one behind the other they would be the same.
        (TODAY | {"twilio_auth_token": TODAY["database_url"], "database_url": ""}, False),
        ({name: value for name, value in TODAY.items() if name != "admin_api_key"}, False),
    ],
)
def test_a_container_is_looked_into_once_for_all_the_secrets_that_it_was_started_with(
    held: dict[str, str], holds: bool, tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    for name, value in TODAY.items():
        (tmp_path / "secrets" / name).write_text(value)
    uses = [
        {"source": "of_the_api", "target": "database_url"},
        {"source": "twilio_auth_token"},
        {"source": "admin_api_key"},
    ]
    files = {use["source"]: {"file": f"secrets/{use.get('target') or use['source']}"} for use in uses}
    model = {"services": {"prosaas-api": {"secrets": uses}, "gateway": {}}, "secrets": files}
    world = Holder(tmp_path, held)
    assert holds_secrets(world, Container("a", "prosaas-api", "a", "running", "", ""), model) is holds
    assert world.looks == 1
    assert holds_secrets(world, Container("g", "gateway", "g", "running", "", ""), model)
    assert world.looks == 1
