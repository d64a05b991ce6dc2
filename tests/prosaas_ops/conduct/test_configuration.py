"""What doctor tells and a start refuses, from what .env says."""

import shutil
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT
from prosaas_ops.conduct.configuration import (
    database,
    host,
    loaded,
    numbers,
    prices,
    reached,
    refuse_unwritten,
    schedule,
    settings,
    unreached,
    would_start,
)
from prosaas_ops.conduct.finding import Check, refuse, warn_of
from prosaas_ops.conduct.machine import DOCTOR, MANAGER, PREFLIGHT
from prosaas_ops.conduct.secrets import DEMO_ACCOUNT, write_secrets
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("", None),
        ("postgresql://u:p@ep-x.neon.tech/d?sslmode=require&channel_binding=require", ""),
        ("postgresql://u:hunter2/s3cr3t@host/d", "correct it in .env"),
        ("mysql://u:hunter2@host/d", "correct it in .env"),
    ],
)
@pytest.mark.docker
def test_an_address_that_cannot_work_is_told_before_anything_starts(url: str, fix: str | None, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL='{url}'\n")
    found = list(database(World(tmp_path), "prod"))
    assert [finding.fix for finding in found if finding.topic == "database"] == ([] if fix is None else [fix])
    assert not [finding for finding in found if "hunter2" in finding.text]


@pytest.mark.parametrize(("asked", "told"), [("", "go in as that user"), ("DATABASE_ROLES=1\n", "a role for each")])
@pytest.mark.docker
def test_whether_services_have_rights_of_their_own_at_a_managed_database_is_told(
    asked: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL=postgresql://me:p@db.example.com/name\n{asked}")
    (row,) = [finding for finding in database(World(tmp_path), "prod") if finding.topic == "roles"]
    assert told in row.text


@pytest.mark.parametrize(
    ("file", "dotenv", "said"),
    [
        (None, "", []),
        ("[twilio]\nsms = 0.01\n", "MAX_COST_PER_CALL=2.50\n", [("env/prices.toml before the shipped ones", "")]),
        ("[twilio]\nsmss = 0.01\n", "", [("line 2: smss is not one of", "put it right as in")]),
        ("[twilio\n", "", [("at line 1", "put it right as in")]),
        (None, "MAX_COST_PER_DAY=much\n", [("MAX_COST_PER_DAY=much is no amount", "one like 2.50")]),
    ],
)
@pytest.mark.docker
def test_a_file_of_prices_with_a_typo_is_refused_with_its_line(
    file: str | None, dotenv: str, said: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(dotenv)
    (tmp_path / "env").mkdir()
    if file is not None:
        (tmp_path / "env/prices.toml").write_text(file)
    found = list(prices(World(tmp_path), "prod"))
    assert len(found) == len(said)
    for finding, (text, fix) in zip(found, said, strict=True):
        assert text in finding.text
        assert finding.fix.startswith(fix)
        assert bool(finding.fix) == bool(fix)
    assert prices in PREFLIGHT


def found_in(check: Check, dotenv: str, folder: Path, environment: str = "prod") -> list[tuple[str, bool]]:
    (folder / "env").mkdir(exist_ok=True)
    (folder / "env/example.env").write_text((ROOT / "env/example.env").read_text("utf-8"))
    (folder / ".env").write_text(dotenv)
    return [(finding.text, finding.bad) for finding in check(World(folder), environment)]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("JOB_CONCURRENCY=abc", "JOB_CONCURRENCY=abc is not a whole number"),
        ("KEEP_CALLERS_DAYS=1.5", "KEEP_CALLERS_DAYS=1.5 is not a whole number"),
        ("IDLE_SECONDS=1,5", "IDLE_SECONDS=1,5 is not a number"),
        ("CONSOLE_PORT=٨٠٩٠", "CONSOLE_PORT=٨٠٩٠ is not a port"),
        ("PROMETHEUS_PORT=-5", "PROMETHEUS_PORT=-5 is not a port"),
        ("API_PORT=65536", "API_PORT=65536 is not a port"),
        ("API_PORT=" + "9" * 5000, f"API_PORT={'9' * 5000} is not a port"),
        ("MAX_CALLS=-5", None),
        ("KEEP_LINES_DAYS=40000", "KEEP_LINES_DAYS=40000 is too large: 36500 at the most"),
        ("KEEP_CAPTURES_DAYS=" + "9" * 5000, f"KEEP_CAPTURES_DAYS={'9' * 5000} is too large: 36500 at the most"),
        ("KEEP_CAPTURES_DAYS=0", None),
        ("API_REPLICAS=0", "API_REPLICAS=0 is too small: more than 0"),
        ("LOG_MAX_FILES=0", "LOG_MAX_FILES=0 is too small: more than 0"),
        ("API_MEMORY=0", "API_MEMORY=0 is too small: more than 0"),
        ("CALLS_MEMORY=0.0 GB", "CALLS_MEMORY=0.0 GB is too small: more than 0"),
        ("WORKER_CPUS=0.0", "WORKER_CPUS=0.0 is too small: more than 0"),
        ("CALLS_REPLICAS=10", None),
        ("KEEP_LINES_DAYS=-5", "KEEP_LINES_DAYS=-5 is too small: 0 at the least"),
        ("DEMO=maybe", "DEMO=maybe is not one of: 0 1"),
        ("MONITORING=2", "MONITORING=2 is not one of: 0 1"),
        ("API_CPUS=two", "API_CPUS=two is not a number"),
        ("API_MEMORY=lots", "API_MEMORY=lots is not a size"),
        ("API_MEMORY=1.5gb", None),
        ("IDLE_SECONDS=1.5", None),
        ("API_CPUS=0.5", None),
    ],
)
@pytest.mark.docker
def test_a_number_that_is_none_is_told_before_anything_starts(setting: str, said: str | None, tmp_path: Path) -> None:
    assert found_in(numbers, f"{setting}\n", tmp_path) == ([(said, True)] if said else [])
    assert numbers in PREFLIGHT


BASE = f"DEMO=1\nTWILIO_ACCOUNT_SID={DEMO_ACCOUNT}\nTWILIO_AUTH_TOKEN=demo-1\nPOSTGRES_PASSWORD=p\nADMIN_API_KEY=a\n"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("MAX_CALLS=100", []),
        ("MAX_CALLS=0", ["MAX_CALLS=0 is too small: 1 at the least"]),
        ("MAX_CALLS=-5", ["MAX_CALLS=-5 is too small: 1 at the least"]),
        # Whatever else is wrong beside it, and keeps Compose or us from reading the rest.
        ("MAX_CALLS=0\nDEMO=maybe", ["MAX_CALLS=0 is too small: 1 at the least"]),
        ("MAX_CALLS=0\nAPI_MEMORY=lots", ["MAX_CALLS=0 is too small: 1 at the least"]),
        (
            "MAX_CALLS=0\nDATABASE_ROLES=1\nDATABASE_URL=mysql://u:p@host/d",
            ["MAX_CALLS=0 is too small: 1 at the least"],
        ),
        ("JOB_CONCURRENCY=1", ["JOB_CONCURRENCY=1 is too small: 2 at the least"]),
        ("IDLE_SECONDS=0", ["IDLE_SECONDS=0 is too small: more than 0"]),
        ("REPLY_PAUSE_SECONDS=61", ["REPLY_PAUSE_SECONDS=61 is too large: 60 at the most"]),
        (
            "CALLS_PUBLIC_URL=http//x",
            ["CALLS_PUBLIC_URL='http//x' is not usable (expected http://host or https://host without a query)"],
        ),
        ("OPENAI_API_KEY=sk-real", ["OPENAI_API_KEY is a real one beside DEMO=1"]),
        ("MAX_CALLS=abc", []),
        ("DATABASE_URL=mysql://u:p@host/d", []),
    ],
)
@pytest.mark.docker
def test_what_a_service_would_refuse_as_it_starts_is_told_before_anything_is_changed(
    setting: str, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, in its own words, with secrets that Compose hands over in files; unless a check has closer ones."""
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    (tmp_path / "env").mkdir()
    for name in ("docker-compose.yml", "docker-compose.prod.yml", "env/prod.env"):
        shutil.copy(ROOT / name, tmp_path / name)
    assert found_in(loaded, f"{BASE}{setting}\n", tmp_path) == [(text, True) for text in said]
    assert loaded in PREFLIGHT


@pytest.mark.parametrize(
    ("setting", "language", "said", "fix"),
    [
        ("MAX_CALLS=0", "en", "MAX_CALLS=0 is too small: 1 at the least", "for example MAX_CALLS=100 in .env"),
        ("MAX_CALLS=0", "he", "MAX_CALLS=0 קטן מדי: לפחות 1", "למשל MAX_CALLS=100 בקובץ .env"),
        ("MAX_CALLS=abc", "en", "MAX_CALLS=abc is not a whole number", "for example MAX_CALLS=100 in .env"),
        ("MAX_CALLS=abc", "he", "MAX_CALLS=abc אינו מספר שלם", "למשל MAX_CALLS=100 בקובץ .env"),
    ],
)
@pytest.mark.docker
def test_a_number_that_is_refused_says_why_and_which_would_do_in_the_operators_language(
    setting: str, language: str, said: str, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    monkeypatch.setenv("OPS_LANG", language)
    (tmp_path / "env").mkdir()
    for name in ("docker-compose.yml", "docker-compose.prod.yml", "env/prod.env", "env/example.env"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_text(f"{BASE}{setting}\n")
    world = World(tmp_path)
    (found,) = [one for check in (numbers, loaded) for one in check(world, "prod") if one.bad]
    assert found.text == said
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(("demo", "missing"), [("maybe", False), ("0", True), ("", True), ("1", False)])
@pytest.mark.docker
def test_what_real_calls_need_is_missing_only_where_real_calls_are_meant(
    demo: str, missing: bool, tmp_path: Path
) -> None:
    """Who wrote neither 0 nor 1 is told so, and not of keys that they may not need."""
    example = (ROOT / "env/example.env").read_text("utf-8")
    told = found_in(settings, example.replace("\nDEMO=0\n", f"\nDEMO={demo}\n"), tmp_path)
    assert [("OPENAI_API_KEY" in text) for text, bad in told if bad] == [missing]


@pytest.mark.docker
def test_a_secret_that_was_emptied_is_told_with_all_else(tmp_path: Path) -> None:
    """And not by the start that would have lost it, once everything else is put right."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/call_token_secret").write_text("first")
    said = "CALL_TOKEN_SECRET is empty in .env, and was not"
    assert (said, True) in found_in(settings, f"{BASE}CALL_TOKEN_SECRET=\n", tmp_path)
    assert (said, True) not in found_in(settings, f"{BASE}CALL_TOKEN_SECRET=second\n", tmp_path)


@pytest.mark.parametrize(
    ("setting", "starts"),
    [
        ("GRAFANA=yes", True), ("KEEP_LINES_DAYS=30d", True), ("API_REPLICAS=two", True), ("LOG_LEVEL=LOUD", True),
        ("MAX_CALLS=0", False), ("GRAFANA_PORT=3000,", False), ("DEMO=0", False),
    ],
)  # fmt: skip
@pytest.mark.docker
def test_what_a_service_does_not_read_does_not_keep_it_from_starting(
    setting: str, starts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless Compose cannot take it, which makes no container then."""
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    (tmp_path / "env").mkdir()
    for name in ("docker-compose.yml", "docker-compose.prod.yml", "env/prod.env", "env/example.env"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_text(f"{BASE}{setting}\n")
    assert would_start(World(tmp_path), "prod", "prosaas-calls") is starts


@pytest.mark.docker
def test_a_service_whose_secret_file_lacks_what_it_needs_is_not_restarted_and_what_writes_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is set in .env, and "set it in .env" is what the service would say."""
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    (tmp_path / "env").mkdir()
    for name in ("docker-compose.yml", "docker-compose.prod.yml", "env/prod.env", "env/example.env"):
        shutil.copy(ROOT / name, tmp_path / name)
    demo, dotenv = f"{BASE}OPENAI_API_KEY=\n", tmp_path / ".env"
    dotenv.write_text(demo)
    write_secrets(World(tmp_path))
    # Another key than the file has is told of elsewhere: the service starts.
    dotenv.write_text(demo.replace("ADMIN_API_KEY=a", "ADMIN_API_KEY=b"))
    refuse_unwritten(World(tmp_path), "prod", "prosaas-api")
    live = demo.replace("DEMO=1", "DEMO=0").replace("OPENAI_API_KEY=", "OPENAI_API_KEY=sk-real")
    dotenv.write_text(live)
    refused = r"(?s)prosaas-api would not start: .* yet of OPENAI_API_KEY; nothing was changed\n.*fix: +make up-prod\n"
    with pytest.raises(Problem, match=refused):
        refuse_unwritten(World(tmp_path), "prod", "prosaas-api")
    write_secrets(World(tmp_path))
    refuse_unwritten(World(tmp_path), "prod", "prosaas-api")


@pytest.mark.docker
def test_a_time_that_is_none_of_crons_is_found_before_anything_is_renewed(tmp_path: Path) -> None:
    (text, bad), *others = found_in(schedule, f"{BASE}BACKUP_SCHEDULE='15 3 * *'\n", tmp_path)
    assert (text, bad, others) == ("BACKUP_SCHEDULE=15 3 * * is not a cron time", True, [])
    assert found_in(schedule, f"{BASE}BACKUP_SCHEDULE='15 3 * * *'\n", tmp_path) == []
    assert schedule in PREFLIGHT


@pytest.mark.docker
def test_of_a_folder_without_settings_no_service_is_asked(tmp_path: Path) -> None:
    assert list(loaded(World(tmp_path), "prod")) == []


@pytest.mark.parametrize("name", ["http://x.y", "x.y/", "x.y:443", "x y", ".y", "x..y"])
@pytest.mark.docker
def test_a_public_host_that_is_no_name_alone_is_refused(name: str, tmp_path: Path) -> None:
    assert found_in(host, f"DEMO=1\nPUBLIC_HOST='{name}'\n", tmp_path) == [
        (f"PUBLIC_HOST={name} is not a name alone", True)
    ]
    assert host in PREFLIGHT


@pytest.mark.parametrize("name", ["", "voice.salon.co.il", "xn--4dbrk0ce", "קול.example.com"])
@pytest.mark.docker
def test_a_public_host_that_is_a_name_passes(name: str, tmp_path: Path) -> None:
    assert found_in(host, f"PUBLIC_HOST={name}\n", tmp_path) == []


@pytest.mark.parametrize(
    ("dotenv", "bad"),
    [
        ("DEMO=1\nPUBLIC_URL=http://localhost:8000\nWHATSAPP_APP_SECRET=demo-1\n", []),
        ("PUBLIC_URL=https://voice.salon.co.il\n", []),
        ("PUBLIC_URL=http://localhost:8000\nPUBLIC_HOST=voice.salon.co.il\n", []),
        ("PUBLIC_URL=https://93.184.215.14\n", []),
        ("PUBLIC_URL=http://localhost:8000\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=http://localhost\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=http://voice.salon.co.il\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://192.168.1.20\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://10.0.0.7:8443\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://127.1\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://[::1]\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL='https://[voice'\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://server.local\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://api.internal\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=http://localhost\nPUBLIC_HOST=192.168.1.20\n", ["PUBLIC_HOST"]),
        ("PUBLIC_URL=https://localhost\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://127.0.0.1\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://voice.example.com\n", ["PUBLIC_URL"]),
        ("PUBLIC_URL=https://v.salon.co.il\nCALLS_PUBLIC_URL=wss://v.salon.co.il\n", ["CALLS_PUBLIC_URL"]),
        ("PUBLIC_URL=https://v.salon.co.il\nWHATSAPP_ACCESS_TOKEN=demo-1\n", ["WHATSAPP_ACCESS_TOKEN"]),
    ],
)
@pytest.mark.docker
def test_the_doctor_and_a_start_say_what_would_keep_real_calls_and_messages_away(
    dotenv: str, bad: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PUBLIC_URL", "PUBLIC_HOST", "CALLS_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    told = [text for text, is_bad in found_in(reached, dotenv, tmp_path) if is_bad]
    assert len(told) == len(bad)
    assert all(name in text for name, text in zip(bad, told, strict=True))
    assert reached in DOCTOR
    assert reached not in PREFLIGHT, "what can be put right later stops no start"
    world, warned = World(tmp_path), [finding for finding in unreached(World(tmp_path), "prod") if finding.fix]
    assert len(warned) == len(bad), "and a start is not silent of it"
    refuse(warned)
    warn_of(world, warned)
    said = capsys.readouterr().err
    assert all(
        f"warning: {name}=" in said and "\n  read: docs/going-live.md\n" in said for name in bad if "URL" in name
    )
    assert unreached in PREFLIGHT
    assert unreached in MANAGER
