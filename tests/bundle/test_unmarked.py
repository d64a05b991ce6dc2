"""A test that is not marked for an engine passes without one."""

import os
import socket
import subprocess

import pytest


def test_who_has_no_mark_for_it_meets_no_engine() -> None:
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (127, "")
    with socket.socket(socket.AF_UNIX) as engine, pytest.raises(FileNotFoundError):
        engine.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
