#!/usr/bin/env -S python3 -IS
"""Ask the service in this container whether it is well: silent when it is, one readable line when not.

`healthcheck` asks whether it lives, `healthcheck ready` whether it serves.

A bare socket, because this runs every second while a stack starts, and importing an HTTP client costs more than asking.
"""

import os
import socket
import sys

PORT = int(os.environ.get("PORT") or "8000")
PATH = "/readyz" if sys.argv[1:] == ["ready"] else "/healthz"
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
ENOUGH = 4096


def problem() -> str | None:
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=2) as connection:
            connection.sendall(REQUEST)
            while len(answer) < ENOUGH and (part := connection.recv(ENOUGH)):
                answer += part
    except OSError as error:
        return f"no answer on port {PORT}: {error}"
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    status = head.split(" ", 2)[1:2]
    return None if status == ["200"] else f"{PATH} answered {' '.join(status) or 'nothing'}: {body[:200]}"


if __name__ == "__main__":
    if message := problem():
        print(message)
        sys.exit(1)
