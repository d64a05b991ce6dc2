"""What a job of a Swarm is asked and what it answers: a command line and a log are read by others on the way.

The question is a secret of the Swarm, kept encrypted by its managers and gone with the job, and in it is a key that is
used this once. An answer has no way but the log of the job's node: it is encrypted with that key, AES-256 in counter
mode by the `openssl` that images have. Whoever may write into that log can spoil it: they own the node.
"""

import base64
import json
import os
import secrets
import subprocess
import zlib
from typing import Any

# The secret's file, under /run/secrets.
TARGET = "asked"
_CIPHER = ("openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-pass", "env:KEY")
# Around what the job does: `asked` is the question, `told` the answer.
_JOB = """
import base64, json, os, subprocess, zlib
asked = json.load(open("/run/secrets/{target}"))
{does}
plain = zlib.compress(json.dumps(told).encode())
key = os.environ | {{"KEY": asked["key"]}}
sealed = subprocess.run({cipher}, input=plain, capture_output=True, check=True, env=key)
print(json.dumps({{"sealed": base64.b64encode(sealed.stdout).decode()}}))
"""
# With its node's socket: one command inside a container there and what came of that, or what the container is.
_BESIDE = """
import http.client, socket
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")
def ask(method, path, body=None):
    connection = Engine("docker")
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
    return connection.getresponse().read()
container, wanted = asked["container"], asked["exec"]
if wanted is None:
    told = json.loads(ask("GET", f"/containers/{container}/json"))
elif "Id" in (made := json.loads(ask("POST", f"/containers/{container}/exec", wanted))):
    frames = ask("POST", f"/exec/{made['Id']}/start", {"Detach": False, "Tty": False})
    told = {"code": json.loads(ask("GET", f"/exec/{made['Id']}/json"))["ExitCode"]}
    told["frames"] = base64.b64encode(zlib.compress(frames)).decode()
else:
    told = made
"""
# In the place of a service's own process: a command, and what came of that.
_INSTEAD = """
done = subprocess.run(asked["command"], env=os.environ | asked["environment"], capture_output=True)
told = {"code": done.returncode, "out": done.stdout.decode("utf-8", "replace")}
told["err"] = done.stderr.decode("utf-8", "replace")
"""


def _job(does: str) -> list[str]:
    return ["python3", "-IS", "-c", _JOB.format(target=TARGET, does=does.strip(), cipher=list(_CIPHER))]


BESIDE, INSTEAD = _job(_BESIDE), _job(_INSTEAD)


def question(**asked: Any) -> tuple[str, str]:
    """The secret's content, in base64 as an engine takes it, and the key of the answer."""
    key = secrets.token_hex(32)
    return base64.b64encode(json.dumps({**asked, "key": key}).encode()).decode(), key


def opened(sealed: object, key: str) -> dict[str, Any]:
    """The answer. ValueError for what is none: somebody spoiled it on its way."""
    try:
        done = subprocess.run(
            [*_CIPHER, "-d"],
            input=base64.b64decode(str(sealed)),
            capture_output=True,
            check=True,
            env={**os.environ, "KEY": key},
        )
        answer = json.loads(zlib.decompress(done.stdout))
    except (ValueError, zlib.error, subprocess.CalledProcessError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(answer, dict):
        raise ValueError("not an answer")
    return answer
