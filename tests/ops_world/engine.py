"""A Docker engine that answers on a socket with what a test has laid ready."""

import socket
import threading
from pathlib import Path


def frame(text: str, kind: int = 1) -> bytes:
    """One piece of what a container wrote, as the engine frames it."""
    body = text.encode()
    return bytes([kind, 0, 0, 0]) + len(body).to_bytes(4, "big") + body


class Docker(threading.Thread):
    """Answers each request on a Unix socket with what the test has laid ready for its path."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536).decode()
                path = request.split()[1]
                self.asked.append(path)
                status, body = self.answers.get(path.partition("?")[0], (404, b'{"message": "no such thing"}'))
                connection.sendall(f"HTTP/1.0 {status} X\r\nServer: d\r\n\r\n".encode() + body)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
