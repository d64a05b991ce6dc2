#!/usr/bin/env -S python3 -IS
"""Ask the service in this container whether it is well: silent when it is, one readable line when not."""

import http.client
import os
import sys

PORT = int(os.environ.get("PORT", "8000"))


def problem() -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
    except OSError as error:
        return f"no answer on port {PORT}: {error}"
    body = response.read(200).decode("utf-8", "replace")
    return None if response.status == 200 else f"/healthz answered {response.status}: {body}"


if __name__ == "__main__":
    if message := problem():
        print(message)
        sys.exit(1)
