"""What every script here asks of `.env`, by way of Compose."""

import os
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bundle_world.checkout import ROOT
from prosaas_ops.texts import Text, conduct

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("env", "code", "said"),
    [
        (None, 0, "none"),
        ("", 0, "none"),
        ("PUBLIC_HOST=duty\n", 0, "duty"),
        ("PUBLIC_HOST=duty\nGARBAGE LINE\n", 1, "error: .env, line 2: Compose cannot read it"),
        ("PUBLIC_HOST=duty\nX='open\n", 1, "error: Compose cannot read .env"),
    ],
)
def test_a_word_of_an_env_file_that_cannot_be_read_is_no_default(
    env: str | None, code: int, said: str, tmp_path: Path
) -> None:
    """By the default name another folder's stack would answer, or be said not to run."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/lib.sh").write_text((ROOT / "scripts/lib.sh").read_text("utf-8"), "utf-8")
    if env is not None:
        (tmp_path / ".env").write_text(env)
    done = subprocess.run(
        ["sh", "-euc", '. scripts/lib.sh; project=$(setting PUBLIC_HOST none); echo "$project"', "scripts/x"],
        cwd=tmp_path,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"OPS_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (done.stdout or done.stderr).splitlines()[0]) == (code, said)


def test_an_env_file_of_somebody_else_is_said_to_be_theirs() -> None:
    """No line of it is wrong, and no doctor could read it: an account in Docker's group, a stack of root's."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scripts").mkdir()
        (folder / "scripts/lib.sh").write_text((ROOT / "scripts/lib.sh").read_text("utf-8"), "utf-8")
        (folder / ".env").touch(mode=0o000)
        folder.chmod(0o755)
        done = subprocess.run(
            ["sh", "-euc", ". scripts/lib.sh; setting PUBLIC_HOST none", "scripts/x"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "OPS_LANG": "en"},
            user=65534 if os.getuid() == 0 else None,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "may not read .env\n  fix:  run this as who set the stack up" in done.stderr


@pytest.mark.parametrize(("command", "said"), [("up-prod", conduct.NOT_BEGUN), ("logs", None)])
def test_a_start_that_is_stopped_before_the_tools_can_speak_says_that_nothing_was_changed(
    command: str, said: Text | None, tmp_path: Path
) -> None:
    """Docker is played: whatever it is first asked, somebody presses Ctrl-C."""
    (tmp_path / "docker").write_text("#!/bin/sh\nkill -INT 0\n")
    (tmp_path / "docker").chmod(0o755)
    done = subprocess.run(
        ["sh", "scripts/run", command],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "OPS_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.stderr == (f"==> {said.say('en')}\n" if said else "")
    assert done.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("name", ["MONITORING", "GRAFANA"])
def test_a_base_image_is_not_left_out_because_nobody_could_read_whether_it_is_wanted(name: str, tmp_path: Path) -> None:
    """Docker is played: it has every image, and cannot make out this one word."""
    (tmp_path / "scripts").mkdir()
    for script in ("lib.sh", "base-image.sh"):
        (tmp_path / "scripts" / script).write_text((ROOT / "scripts" / script).read_text("utf-8"), "utf-8")
    (tmp_path / ".env").touch()
    (tmp_path / "docker").write_text(
        f"""#!/bin/sh
case "$*" in *config*) grep -v {name}: | sed -n 's/.*:-\\([^}}]*\\).*/\\1/p' | grep . ;; esac
"""
    )
    (tmp_path / "docker").chmod(0o755)
    done = subprocess.run(
        ["sh", "scripts/base-image.sh"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "OPS_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "POSTGRES_IMAGE=postgres:17-trixie\n" in done.stdout
    assert done.returncode == 1
    assert "error: Compose cannot read .env" in done.stderr
