"""The operator's tools read `.env`, which people edit."""

from contextlib import suppress

from prosaas_logging.env import EnvError, read_env_file

SEEDS = (b"A=1\nexport B='x'\n# C=2\n", b"=\n==\nA", b"\xff=1", b'A="$B ${C:-${D:?no}}"\n', b"A=${B+\n", b"a1=$a0\n")
# Its author waits for it, at a terminal.
CPU_S = 0.25


def check(data: bytes) -> None:
    """Names and values, or one error that names the line."""
    with suppress(EnvError):
        for name, value in read_env_file(data.decode("utf-8", "replace"), {"B": "$A", "C": ""}).items():
            assert name
            assert isinstance(value, str)
