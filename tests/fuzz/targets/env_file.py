"""The operator's tools read `.env`, which people edit."""

import tempfile
from pathlib import Path

from prosaas_ops.masks import read_env

SEEDS = (b"A=1\nexport B='x'\n# C=2\n", b"=\n==\nA", b"\xff=1")


def check(data: bytes) -> None:
    """Names and values in one line each, or nothing at all."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        settings = read_env(Path(file.name))
    assert all("\n" not in name + value for name, value in settings.items())
