"""Base images made anew: the newest of each tag, meant by its digest, or nothing changed and the reason."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT
from ports import free_port
from postgres_world import docker
from stack_world.stack import eventually

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


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on this machine, where Debian's docker-registry is installed."""
    server = shutil.which("docker-registry")
    if server is None:
        pytest.skip("Debian's package docker-registry is not installed")
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/images}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    with (
        (tmp_path / "registry.log").open("wb") as log,
        subprocess.Popen([server, "serve", str(tmp_path / "registry.yml")], stdout=log, stderr=log) as process,
    ):
        try:
            yield address
        finally:
            process.kill()


@pytest.mark.docker
def test_what_a_registry_has_by_now_is_what_the_next_build_starts_from(registry: str, tmp_path: Path) -> None:
    """With the real engine: also from a digest that is meant already, to the newer one of its tag."""
    tag, meant, seen = f"{registry}/base:1", f"{registry}/base:1", set[str]()
    names = ("PYTHON_IMAGE", "POSTGRES_IMAGE", "CADDY_IMAGE")
    for release in ("first", "second"):
        with tarfile.open(tmp_path / "root.tar", "w") as root:
            root.addfile(tarfile.TarInfo(release))
        docker("import", str(tmp_path / "root.tar"), tag)
        eventually(lambda: _pushed(tag), "the registry", 30)
        environment = {**os.environ, **dict.fromkeys(names, meant)}
        command = ["sh", str(ROOT / "scripts/base-image.sh"), "renew"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        (meant,) = {line.partition("=")[2] for line in done.stdout.splitlines() if line.startswith(names)}
        seen.add(meant)
        assert meant.startswith(f"{tag}@sha256:")
        (tmp_path / "Dockerfile").write_text(f"FROM {meant}\nLABEL built=1\n")
        docker("image", "rm", "--force", docker("build", "--quiet", str(tmp_path)))
    assert len(seen) == 2
    docker("image", "rm", "--force", tag, *seen)


def _pushed(tag: str) -> str | None:
    done = subprocess.run(["docker", "push", "--quiet", tag], capture_output=True, text=True, check=False)
    return done.stdout or None
