"""Base images made anew: the newest of each tag, meant by its digest, or nothing changed and the reason."""

import os
import subprocess
from pathlib import Path

from bundle_world.checkout import ROOT

DIGEST = "sha256:" + "ab" * 32
DOCKER = f"""#!/bin/sh
case "$1 $2" in
"compose --file") cat >/dev/null; echo "$BASE" ;;
"pull --quiet") echo "$3" >>"$PULLED"; [ "$BASE" != refused ] ;;
"image inspect") echo "python@{DIGEST}" ;;
esac
"""


def renewed(folder: Path, base: str) -> "subprocess.CompletedProcess[str]":
    """`scripts/base-image.sh renew` with an engine that has this base image for everything."""
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "BASE": base,
        "PULLED": str(folder / "pulled"),
    }
    command = ["sh", str(ROOT / "scripts/base-image.sh"), "renew"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_newest_of_a_tag_is_meant_by_its_digest(tmp_path: Path) -> None:
    """Also where an older digest of it is meant now."""
    for base in ("python:3.13", f"python:3.13@sha256:{'cd' * 32}"):
        done = renewed(tmp_path, base)
        assert done.returncode == 0, done.stderr
        names = ("PYTHON_IMAGE", "POSTGRES_IMAGE", "CADDY_IMAGE")
        assert done.stdout.splitlines()[:3] == [f"{name}=python:3.13@{DIGEST}" for name in names]
    assert set((tmp_path / "pulled").read_text().split()) == {"python:3.13"}


def test_an_image_that_cannot_be_pulled_changes_nothing(tmp_path: Path) -> None:
    done = renewed(tmp_path, "refused")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "PYTHON_IMAGE=refused cannot be pulled; nothing was changed" in done.stderr
