"""Ports of this machine for what a test starts by itself."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A port that stays free until its process listens: it is below those that the kernel gives to whoever asks."""
    while True:
        # Not the seeded generator: workers that share a seed would all choose alike.
        port = random.SystemRandom().randrange(20_000, 32_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
