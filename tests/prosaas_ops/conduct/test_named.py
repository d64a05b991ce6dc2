"""Which names and values in .env and env/*.env nobody reads or understands."""

import shutil
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT
from prosaas_ops.conduct.finding import Check
from prosaas_ops.conduct.machine import DOCTOR, MANAGER, PREFLIGHT
from prosaas_ops.conduct.named import names, values
from prosaas_ops.conduct.world import World


def told(check: Check, root: Path, dotenv: str, log: str) -> list[str]:
    for folder in ("env", "docs", "deploy/overlays"):
        shutil.copytree(ROOT / folder, root / folder, dirs_exist_ok=True)
    for path in ROOT.glob("docker-compose*.yml"):
        shutil.copy(path, root)
    (root / ".env").write_text(dotenv)
    if log:
        (root / "env/prod.env").write_text((root / "env/prod.env").read_text() + log)
    found = list(check(World(root), "prod"))
    assert all(finding.later and not finding.bad for finding in found), "no start is refused for it"
    assert all(check in checks for checks in (DOCTOR, PREFLIGHT, MANAGER))
    return [f"{finding.text}; {finding.fix}" for finding in found]


@pytest.mark.parametrize(
    ("dotenv", "log", "said"),
    [
        ("MAX_CALLS=5\nAPI_LOG_LEVEL=DEBUG\nPROSAAS_TAG=x\nHTTPS_PROXY=x\nCOMPOSE_BAKE=1\n", "OPS_LANG=en\n", ""),
        ("DOMAIN=a.b\nPUBLIC_URL=https://${DOMAIN}\n", "WORKER_LOG_LEVEL=DEBUG\nLOG_SCHEMA=ecs\n", ""),
        ("LOG_LEVEL=DEBUG\n", "", "LOG_LEVEL does not belong in .env; move it to env/prod.env"),
        ("OPS_TZ=UTC\n", "", "OPS_TZ does not belong in .env; move it to env/prod.env"),
        (
            "OPENAI_VIOCE=x\n",
            "",
            "nobody reads OPENAI_VIOCE in .env. Did you mean OPENAI_VOICE?; correct the name, or remove",
        ),
        ("QQ=x\n", "", "nobody reads QQ in .env; correct the name, or remove the line"),
        ("", "MAX_CALLS=5\n", "MAX_CALLS does not belong in env/prod.env; move it to .env"),
        ("", "LOG_LVEL=DEBUG\n", "nobody reads LOG_LVEL in env/prod.env. Did you mean LOG_LEVEL?"),
    ],
)
@pytest.mark.docker
def test_a_name_that_nobody_reads_where_it_stands_is_told(dotenv: str, log: str, said: str, tmp_path: Path) -> None:
    found = told(names, tmp_path, dotenv, log)
    assert len(found) == bool(said)
    assert all(row.startswith(said) for row in found)


@pytest.mark.docker
def test_the_settings_that_are_shipped_have_no_such_name(tmp_path: Path) -> None:
    example = (ROOT / "env/example.env").read_text("utf-8").replace("\n# ", "\n#")
    every = [row.removeprefix("#") for row in example.splitlines() if row.removeprefix("#").partition("=")[0].isupper()]
    assert len(every) > 50
    assert told(names, tmp_path, "\n".join(f"{row.partition('=')[0]}=" for row in every), "") == []


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("LOG_LANG=en\nLOG_TRANSCRIPTS=off\nOPS_LANG=HE\nOPS_TZ=Europe/London\n", ""),
        ("LOG_LANG=xx\n", "LOG_LANG=xx in env/prod.env is not one of: he, en; correct it there; until then he holds"),
        ("LOG_JSON=sure\n", "LOG_JSON=sure in env/prod.env is not one of: 1, 0; correct it there; until then 0 holds"),
        ("LOG_TRANSCRIPTS=maybe\n", "LOG_TRANSCRIPTS=maybe in env/prod.env is not one of: 1, 0"),
        ("OPS_LANG=xx\n", "OPS_LANG=xx in env/prod.env is not one of: he, en; correct it there"),
        ("OPS_TZ=Mars/Base\n", "OPS_TZ=Mars/Base is not a time zone"),
        ("OPS_TZ=../x\n", "OPS_TZ=../x is not a time zone"),
    ],
)
@pytest.mark.docker
def test_a_value_that_nobody_understands_is_told_with_what_holds_meanwhile(log: str, said: str, tmp_path: Path) -> None:
    found = told(values, tmp_path, "", log)
    assert len(found) == bool(said)
    assert all(row.startswith(said) for row in found)


@pytest.mark.docker
def test_a_file_that_cannot_be_read_and_that_no_start_needs_refuses_none(tmp_path: Path) -> None:
    ours = {"env/old.env": "שם=ערך\n", "docker-compose.old.yml": "# ישן\n"}
    (tmp_path / "env").mkdir()
    (tmp_path / "env/my.env").mkdir()
    for name, text in ours.items():
        (tmp_path / name).write_bytes(text.encode("cp1255"))
    for check in (names, values):
        assert told(check, tmp_path, "", "") == []


@pytest.mark.docker
def test_a_folder_without_the_pages_that_know_the_names_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("QQ=x\n")
    assert list(names(World(tmp_path), "prod")) == []
