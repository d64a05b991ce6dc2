"""What every script here asks of `.env`, by way of Compose."""

import os
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("env", "code", "said"),
    [
        (None, 0, "none"),
        ("", 0, "none"),
        ("PUBLIC_HOST=duty\n", 0, "duty"),
        ("PUBLIC_HOST=duty\nGARBAGE LINE\n", 1, "error: Compose cannot read .env"),
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
        ["sh", "-euc", '. scripts/lib.sh; project=$(image PUBLIC_HOST none); echo "$project"', "scripts/x"],
        cwd=tmp_path,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"OPS_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (done.stdout or done.stderr).splitlines()[0]) == (code, said)
